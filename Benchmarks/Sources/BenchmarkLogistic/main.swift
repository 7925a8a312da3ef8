// Encrypted logistic regression: parameters chosen by the library, keys, encryption, training without any secret, and
// decryption, fold by fold, beside the same training in the clear. One JSON line a fold and one for their mean.
//
//   BenchmarkLogistic plan|idash|breast-cancer|readmission [iterations [folds [degree]]]
//
// `idash` has the size of the task of the 2017 iDASH competition (1,579 rows of 18 binary features), whose data are not
// public: the rows are made from a seed. `readmission` needs TACIT_DATA.

import CKKS
import Datasets
import Foundation
import Parallelism
import PrivateLearning
import Randomness
import Tabular

struct Fold: Encodable {
    var benchmark: String
    var fold: Int
    var rows: Int
    var columns: Int
    var iterations: Int
    var cores: Int
    var parameters: String
    var logQP: Double
    var ciphertexts: Int
    var keySeconds: Double
    var encryptSeconds: Double
    var trainSeconds: Double
    var decryptSeconds: Double
    var uploadBytes: Int
    var keyBytes: Int
    var plannedSeconds: Double
    var plannedMemoryBytes: Int
    var errorBound: Double
    var error: Double
    var auroc: Double?
    var accuracy: Double?
    var logLoss: Double?
    var aurocPlain14: Double?
    var aurocNewton: Double?
}

struct Mean: Encodable {
    var benchmark: String
    var folds: Int
    var iterations: Int
    var auroc: Double
    var accuracy: Double
    var logLoss: Double
    var aurocPlain14: Double
    var aurocNewton: Double
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
    let elapsed = try ContinuousClock().measure(body).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
}

func show(_ line: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    print(String(decoding: try encoder.encode(line), as: UTF8.self))
}

struct Bench {
    let name: String
    let plan: TrainingPlan

    func run(training: LabelledRows, test: LabelledRows?, fold: Int) throws -> Fold {
        let scaling = try FeatureScaling(rows: training.features, names: training.featureNames)
        let table = try training.signed(scaling)
        let width = scaling.columnCount
        let circuit = GradientCircuit(
            plan: plan, rowCount: training.rowCount, columnCount: width, entryBound: scaling.entryBound)
        let chosen = try circuit.plan(errorBound: GradientCircuit.standardErrorBound)
        let context = CKKSContext(chosen.parameters)
        let packing = try circuit.packing(maximumSlots: context.maximumSlots)
        var random = SystemRandom()
        let secret = CKKSSecretKey(context, using: &random)
        var keys: CKKSEvaluationKeys?
        let keyTime = try seconds { keys = try CKKSEvaluationKeys(secret, for: chosen.keys, using: &random) }
        var rows: [CKKSCiphertext] = []
        let encryption = try seconds {
            let encryptor = CKKSEncryptor(secret)
            for group in 0..<packing.groupCount {
                for block in 0..<packing.blockCount {
                    rows.append(
                        try encryptor.encrypt(
                            packing.values(table, block: block, group: group), magnitude: circuit.entryBound,
                            using: &random))
                }
            }
        }
        var result: [CKKSCiphertext] = []
        let evaluator = CKKSEvaluator(context, keys: keys)
        let trainingTime = try seconds { result = try circuit.run(rows, with: evaluator) }
        var weights: [Double] = []
        let decryption = try seconds {
            weights = packing.gathered(try result.map { try secret.decryptForOwner($0).real })
        }
        guard case .logistic(let sigmoid) = plan.loss else { fatalError("want a logistic plan") }
        weights = weights.map { $0 * sigmoid.interval }
        let simulated = try GradientTraining.simulate(plan, rows: table, width: width)
        var line = Fold(
            benchmark: name, fold: fold, rows: training.rowCount, columns: width, iterations: plan.iterations,
            cores: Cores.count, parameters: chosen.parameters.description,
            logQP: chosen.parameters.chain.log2Q(level: chosen.parameters.chain.top) + chosen.parameters.chain.log2P,
            ciphertexts: rows.count, keySeconds: keyTime, encryptSeconds: encryption, trainSeconds: trainingTime,
            decryptSeconds: decryption, uploadBytes: chosen.uploadBytes, keyBytes: chosen.keyBytes,
            plannedSeconds: chosen.seconds, plannedMemoryBytes: chosen.memoryBytes,
            errorBound: result.map(\.errorBound).max()! * sigmoid.interval,
            error: zip(weights, simulated).map { abs($0 - $1) }.max()!)
        if let test {
            let quality = try CrossValidation.score(test, scaling: scaling, weights: weights)
            line.auroc = quality.auroc
            line.accuracy = quality.accuracy
            line.logLoss = quality.logLoss
            let exact = try GradientTraining.accelerated(TrainingPlan(iterations: 14), rows: table, width: width)
            line.aurocPlain14 = try CrossValidation.score(test, scaling: scaling, weights: exact).auroc
            let newton = try LogisticRegression(rows: table, width: width, ridge: 1e-3)
            line.aurocNewton = try CrossValidation.score(test, scaling: scaling, weights: newton.weights).auroc
        }
        try show(line)
        return line
    }
}

func competitionRows() -> LabelledRows {
    var generator = ShuffleGenerator(seed: 2017)
    func uniform() -> Double { Double(generator.next() >> 11) / exp2(53) }
    var (features, targets): ([Double], [Double]) = ([], [])
    for _ in 0..<1579 {
        let row = (0..<18).map { _ in uniform() < 0.4 ? 1.0 : 0 }
        let score = row.enumerated().reduce(-0.5) { $0 + ($1.offset % 3 == 0 ? 0.8 : -0.3) * $1.element }
        features += row
        targets.append(uniform() < Link.logit.mean(score) ? 1 : 0)
    }
    return LabelledRows(featureNames: (0..<18).map { "snp\($0)" }, features: features, targets: targets)
}

let arguments = CommandLine.arguments
let name = arguments.count > 1 ? arguments[1] : "idash"
let iterations = arguments.count > 2 ? Int(arguments[2])! : TrainingPlan.standardIterations
let folds = arguments.count > 3 ? Int(arguments[3])! : 5
let degree = arguments.count > 4 ? Int(arguments[4])! : 5
let bench = Bench(
    name: name,
    plan: try TrainingPlan(loss: .logistic(SigmoidPolynomial(degree: degree, interval: 8)), iterations: iterations))

if name == "plan" {
    for (rows, columns) in [(1579, 19), (455, 31), (12_000, 66)] {
        let circuit = GradientCircuit(plan: bench.plan, rowCount: rows, columnCount: columns, entryBound: 3)
        for logDegree in 14...16 {
            do {
                let plan = try circuit.plan(
                    errorBound: GradientCircuit.standardErrorBound, logDegrees: logDegree...logDegree)
                let packing = try circuit.packing(maximumSlots: plan.parameters.maximumSlots)
                print(
                    "\(rows) × \(columns): \(plan.parameters.literal), block \(packing.blockColumns), "
                        + "blocks \(packing.blockCount), groups \(packing.groupCount), \(plan.keys.count) keys "
                        + "\(plan.keyBytes >> 20) MiB, memory \(plan.memoryBytes >> 20) MiB, upload "
                        + "\(plan.uploadBytes >> 20) MiB, \(plan.seconds) s")
            } catch { print("\(rows) × \(columns): 2^\(logDegree): \(error)") }
        }
    }
} else if name == "idash" {
    _ = try bench.run(training: competitionRows(), test: nil, fold: 0)
} else {
    let set = try Dataset.named(name == "readmission" ? "hospital-readmission" : name)
    let target = name == "readmission" ? "readmitted_any" : "diagnosis"
    let loaded = try set.load(target: target)
    let table = name == "readmission" ? try loaded.table.sample(15_000, seed: 1) : loaded.table
    let encoding = try EncodingPlan(schema: loaded.schema, maximumRows: 1 << 17, minimumCohort: 10)
    let rows = try LabelledRows(table, plan: encoding, target: encoding.target!)
    var lines: [Fold] = []
    for (number, fold) in try table.folds(5, seed: 1, stratifyBy: target).prefix(folds).enumerated() {
        lines.append(
            try bench.run(
                training: rows.selecting(fold.training), test: rows.selecting(fold.test), fold: number + 1))
    }
    func mean(_ value: (Fold) -> Double?) -> Double { lines.compactMap(value).reduce(0, +) / Double(lines.count) }
    try show(
        Mean(
            benchmark: name, folds: lines.count, iterations: iterations, auroc: mean(\.auroc),
            accuracy: mean(\.accuracy), logLoss: mean(\.logLoss), aurocPlain14: mean(\.aurocPlain14),
            aurocNewton: mean(\.aurocNewton)))
}
