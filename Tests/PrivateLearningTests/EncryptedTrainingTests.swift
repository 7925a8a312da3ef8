import CKKS
import Datasets
import Foundation
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Encrypted training against its simulation in the clear.
@Suite struct EncryptedTrainingTests {
    @Test(arguments: [1, 2, 7, 40, 130], [1, 3, 19, 66])
    func packingHoldsEveryNumberOnce(rowCount: Int, columnCount: Int) throws {
        for batches in [1, 3] where batches <= rowCount {
            for slots in [256, 2048] {
                let packing = try RowPacking(
                    rowCount: rowCount, columnCount: columnCount, batches: batches, maximumSlots: slots)
                let table = (0..<rowCount * columnCount).map { Double($0 + 1) }
                var seen: [Double] = []
                for group in 0..<packing.groupCount {
                    for block in 0..<packing.blockCount {
                        let values = packing.values(table, block: block, group: group)
                        #expect(values.count == packing.slots)
                        seen += values.filter { $0 != 0 }
                    }
                }
                #expect(seen.sorted() == table)
                let columns = (0..<columnCount).map { Double($0) }
                #expect(packing.gathered(packing.spread(columns)) == columns)
            }
        }
    }

    private func smallRows(_ count: Int, _ features: Int, seed: UInt64) -> LabelledRows {
        TestTables.labelled(count, features, seed: seed)
    }

    private func parameters(_ circuit: GradientCircuit, logDegree: Int) throws -> CKKSParameters {
        try CKKSParameters(
            .init(
                logDegree: logDegree, scaleBits: 40, depth: circuit.plan.levels,
                specialModuliBits: [Int](repeating: 50, count: 4), security: .insecureForTestsOnly))
    }

    private func train(
        _ circuit: GradientCircuit, _ table: [Double], _ parameters: CKKSParameters
    ) throws -> (weights: [Double], bound: Double) {
        let context = CKKSContext(parameters)
        var random = SeededRandom(seed: 5)
        let secret = CKKSSecretKey(context, using: &random)
        let packing = try circuit.packing(maximumSlots: context.maximumSlots)
        let record = CircuitRecord()
        let planned = try circuit.run(
            circuit.inputs(maximumSlots: context.maximumSlots).map {
                CKKSCiphertext.planned(context, slots: $0.slots, magnitude: $0.magnitude)
            }, with: CKKSEvaluator(context, record: record))
        let keys = try CKKSEvaluationKeys(secret, for: record.keys, using: &random)
        let encryptor = CKKSEncryptor(secret)
        var rows: [CKKSCiphertext] = []
        for group in 0..<packing.groupCount {
            for block in 0..<packing.blockCount {
                rows.append(
                    try encryptor.encrypt(
                        packing.values(table, block: block, group: group), magnitude: circuit.entryBound,
                        using: &random))
            }
        }
        let result = try circuit.run(rows, with: CKKSEvaluator(context, keys: keys))
        #expect(result.map(\.level) == planned.map(\.level))
        #expect(result.map(\.level).min() == 0)
        #expect(abs(result[0].errorBound / planned[0].errorBound - 1) < 1e-6)
        let vectors = try result.map { try secret.decryptForOwner($0).real }
        return (packing.gathered(vectors), result[0].errorBound)
    }

    private func check(_ plan: TrainingPlan, rows: LabelledRows, logDegree: Int) throws {
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames)
        let table: [Double]
        switch plan.loss {
        case .logistic: table = try rows.signed(scaling)
        case .squared:
            let scaled = scaling.rows(rows.features)
            let width = scaling.columnCount
            table = (0..<rows.rowCount).flatMap { scaled[$0 * width..<($0 + 1) * width] + [rows.targets[$0]] }
        }
        let width = table.count / rows.rowCount
        let circuit = GradientCircuit(
            plan: plan, rowCount: rows.rowCount, columnCount: width, entryBound: scaling.entryBound)
        let simulated = try GradientTraining.simulate(plan, rows: table, width: width)
        let (weights, bound) = try train(circuit, table, parameters(circuit, logDegree: logDegree))
        var interval = 1.0
        if case .logistic(let sigmoid) = plan.loss { interval = sigmoid.interval }
        let error = zip(weights, simulated).map { abs($0 - $1 / interval) }.max()!
        print("plan \(plan.iterations) iterations, \(plan.loss): error \(error), bound \(bound)")
        #expect(error <= bound)
        #expect(bound < 0.05)
        #expect(simulated.map(abs).max()! / interval > 10 * error)
    }

    @Test(arguments: [1, 3, 5]) func logisticFollowsItsSimulation(degree: Int) throws {
        let plan = try TrainingPlan(loss: .logistic(SigmoidPolynomial(degree: degree, interval: 8)), iterations: 4)
        try check(plan, rows: smallRows(150, 5, seed: 1), logDegree: 11)
    }

    @Test func severalGroupsBlocksAndBatches() throws {
        let plan = try TrainingPlan(iterations: 3, ridge: 0.05, batches: 2)
        try check(plan, rows: smallRows(700, 11, seed: 2), logDegree: 11)
    }

    @Test(arguments: [0, 0.1]) func leastSquaresFollowsItsSimulation(ridge: Double) throws {
        try check(
            TrainingPlan(loss: .squared, iterations: 6, ridge: ridge), rows: smallRows(150, 4, seed: 3), logDegree: 11)
    }

    @Test func exhaustedDepthIsNamed() throws {
        let plan = try TrainingPlan(iterations: 4)
        let rows = smallRows(20, 3, seed: 4)
        let circuit = GradientCircuit(plan: plan, rowCount: 20, columnCount: 4, entryBound: 3)
        let short = try CKKSParameters(
            .init(
                logDegree: 11, scaleBits: 40, depth: plan.levels - 1, specialModuliBits: [50, 50],
                security: .insecureForTestsOnly))
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames)
        do {
            _ = try train(circuit, rows.signed(scaling), short)
            Issue.record("nothing was thrown")
        } catch let error as CKKSError {
            #expect(error.code == .exhaustedLevels)
            #expect(error.message.hasPrefix("iteration 4: needs level 4, got 3"))
        }
    }
}
