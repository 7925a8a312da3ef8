import Datasets
import DifferentialPrivacy
import Foundation
import PrivateLearning
import Tabular

// What private classical models lose against the same models without privacy, on real tables:
//   BenchmarkClassical [--data FOLDER] [--seeds N] [--epsilons 0.1,1,10] [--only adult]
// One JSON line for each table, model, ε and seed: the metric on held-out rows, and seconds. FOLDER has the registered
// data sets and `adult` in folders of their own; without it the two embedded tables are used.

func argument(_ name: String, _ fallback: String) -> String {
    let arguments = CommandLine.arguments
    guard let index = arguments.firstIndex(of: "--\(name)"), index + 1 < arguments.count else { return fallback }
    return arguments[index + 1]
}

let folder = argument("data", "")
let seeds = Int(argument("seeds", "5"))!
let epsilons = argument("epsilons", "0.1,0.3,1,3,10").split(separator: ",").compactMap { Double($0) }
let only = argument("only", "")
let steps = Int(argument("steps", "300"))!

struct Study {
    var name: String
    var training: Table
    var test: Table
    var plan: EncodingPlan
    var target: String
    var isClassification: Bool
}

func studies(seed: UInt64) throws -> [Study] {
    var result: [Study] = []
    func add(_ name: String, _ table: Table, _ schema: Schema, target: String? = nil, isClassification: Bool) throws {
        guard only.isEmpty || only == name else { return }
        let plan = try EncodingPlan(
            schema: schema, target: target, maximumRows: EncodingPlan.rowLimit, minimumCohort: 1)
        let split = try table.split(testShare: 0.2, seed: seed)
        result.append(
            Study(
                name: name, training: table.rows(split.training), test: table.rows(split.test), plan: plan,
                target: plan.target!, isClassification: isClassification))
    }
    let cancer = try Dataset.breastCancer.load()
    try add("breast-cancer", cancer.table, cancer.schema, isClassification: true)
    let diabetes = try Dataset.diabetes.load()
    try add("diabetes", diabetes.table, diabetes.schema, isClassification: false)
    guard !folder.isEmpty else { return result }
    let store = DatasetStore(dataDirectory: folder)
    let stays = try Dataset.hospitalReadmission.load(from: store)
    try add("readmission-days", stays.table, stays.schema, isClassification: false)
    let again = try Dataset.hospitalReadmission.load(from: store, target: "readmitted_any")
    try add("readmission-again", again.table, again.schema, isClassification: true)
    if only.isEmpty || only == "adult" {
        let adult = try AdultTable.load(folder + "/adult")
        let plan = try EncodingPlan(schema: adult.schema, maximumRows: EncodingPlan.rowLimit, minimumCohort: 1)
        result.append(
            Study(
                name: "adult", training: adult.training, test: adult.test, plan: plan, target: plan.target!,
                isClassification: true))
    }
    return result
}

func show(_ study: Study, _ model: String, _ epsilon: Double?, _ seed: Int, _ seconds: Double, _ fitted: any TableModel)
    throws
{
    let predicted = try fitted.predict(study.test)
    let actual = try fitted.outcomes(in: study.test)
    var line: [String: Any] = [
        "benchmark": "private classical models", "table": study.name, "model": model, "seed": seed, "seconds": seconds,
        "rows": study.training.rowCount,
    ]
    line["epsilon"] = epsilon
    if study.isClassification {
        line["auroc"] = try Metrics.auroc(actual, scores: predicted)
        line["accuracy"] = try Metrics.accuracy(actual, predicted.map { $0 >= 0.5 ? 1 : 0 })
    } else {
        line["r2"] = try Metrics.rSquared(actual, predicted)
    }
    print(String(decoding: try JSONSerialization.data(withJSONObject: line, options: .sortedKeys), as: UTF8.self))
}

func timed(_ body: () throws -> any TableModel) throws -> (any TableModel, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let value = try body()
    let elapsed = (clock.now - start).components
    return (value, Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
}

/// Without privacy, on the rows as they are.
func baseline(_ study: Study) throws -> any TableModel {
    guard study.isClassification else {
        let moments = MomentMatrix(of: try study.plan.encode(study.training))
        let request = try FitRequest(plan: study.plan, target: study.target, features: nil, penalties: [0])
        return try OpenedFit(request: request, plan: study.plan, parts: [moments]).best.model
    }
    let labelled = try LabelledRows(study.training, plan: study.plan, target: study.target)
    let scaling = try FeatureScaling(rows: labelled.features, names: labelled.featureNames, clip: 100)
    let fit = try LogisticRegression(rows: labelled.signed(scaling), width: scaling.columnCount, ridge: 1e-4)
    return scaling.model(weights: fit.weights, study)
}

/// Every private way to fit a study's target.
func methods(_ study: Study, _ terms: PrivacyTerms) throws -> [(
    name: String, fit: (BoundedRows) throws -> any TableModel
)] {
    let shape = try FeatureShape(plan: study.plan, target: study.target)
    var result: [(name: String, fit: (BoundedRows) throws -> any TableModel)] = []
    let scalings: [(String, PrivateScaling)] = [("", .declaredBounds), (", noisy moments", .noisyMoments(share: 0.1))]
    for (label, scaling) in scalings {
        if study.isClassification {
            let perturbed = try ObjectivePerturbation(terms, shape: shape, scaling: scaling)
            result.append(("objective perturbation" + label, { try perturbed.fit($0) }))
            let descent = try NoisyGradientDescent(terms, shape: shape, scaling: scaling, steps: steps)
            result.append(("gradient descent" + label, { try descent.fit($0) }))
        } else {
            let statistics = try AdaptiveSufficientStatistics(terms, shape: shape, scaling: scaling)
            result.append(("AdaSSP" + label, { try statistics.fit($0) }))
        }
    }
    if study.isClassification {
        let bayes = try NoisyNaiveBayes(terms, shape: shape)
        result.append(("naive Bayes", { try bayes.fit($0) }))
    }
    let boosting = try NoisyBoosting(terms, shape: shape, plan: study.plan, isClassification: study.isClassification)
    result.append(("boosted trees", { try boosting.fit($0) }))
    return result
}

func measure(seed: Int) throws {
    for study in try studies(seed: UInt64(seed)) {
        let rows = try BoundedRows(
            study.training, plan: study.plan, target: study.target, unitColumn: nil, rowsPerUnit: 1)
        let (plain, seconds) = try timed { try baseline(study) }
        try show(study, study.isClassification ? "logistic" : "linear", nil, seed, seconds, plain)
        for epsilon in epsilons {
            let terms = try PrivacyTerms(
                epsilon: epsilon, delta: 1e-5, neighbouring: .addOrRemoveOne, unit: PrivacyUnit("row"), rowsPerUnit: 1)
            for method in try methods(study, terms) {
                let (model, seconds) = try timed { try method.fit(rows) }
                try show(study, method.name, epsilon, seed, seconds, model)
            }
        }
    }
}

for seed in 1...max(1, seeds) { try measure(seed: seed) }

extension FeatureScaling {
    /// Weights of scaled columns as a model of the columns themselves.
    fileprivate func model(weights: [Double], _ study: Study) -> LinearModel {
        let root = spectralBound.squareRoot()
        var intercept = weights[0] / root
        let coefficients = features.enumerated().map { index, feature -> Double in
            let coefficient = weights[index + 1] / root / feature.deviation
            intercept -= coefficient * feature.mean
            return coefficient
        }
        return LinearModel(
            kind: "logistic", link: .logit, target: study.target, featureNames: features.map(\.name),
            coefficients: coefficients, intercept: intercept, rowCount: study.training.rowCount,
            rank: features.count, plan: study.plan)
    }
}
