import ArgumentParser
import AtomicFiles
import DifferentialPrivacy
import Foundation
import PrivacyReports
import PrivateLearning
import Tabular

/// Private models of tables other than networks.
struct PrivateTableOptions: ParsableArguments {
    enum Solver: String, ExpressibleByArgument, CaseIterable {
        case objectivePerturbation = "objective-perturbation"
        case gradientDescent = "gradient-descent"
    }

    @Option(help: "When two tables are neighbours, for tables that are no network's: their models know both relations.")
    var neighbouring: NeighbouringOption = .addOrRemoveOne
    @Option(
        name: .customLong("rows-per-unit"),
        help: "Rows that one unit contributes at most; the noise grows with it, and further rows are left out.")
    var rowsPerUnit = 1
    @Option(help: "--model logistic: objective-perturbation or gradient-descent.")
    var solver: Solver = .objectivePerturbation
    @Option(help: "Gradient descent: steps.") var steps: Int?
    @Option(name: .customLong("boosting-rounds"), help: "Boosted trees: rounds over all features.")
    var boostingRounds: Int?
    @Option(help: "k-means: the number of clusters.") var clusters: Int?
    @Option(help: "Principal components: how many.") var components: Int?
    @Option(
        help: ArgumentHelp(
            "How numbers are scaled: moments (means and deviations, released for a tenth of ε) or bounds (of the schema)."
        ))
    var scaling: Scaling = .moments

    enum Scaling: String, ExpressibleByArgument, CaseIterable {
        case moments, bounds
        var value: PrivateScaling { self == .moments ? .noisyMoments(share: 0.1) : .declaredBounds }
    }

    func validate() throws {
        guard (1...1 << 16).contains(rowsPerUnit) else {
            throw ValidationError("--rows-per-unit: got \(rowsPerUnit), want 1 to 65536")
        }
    }
}

/// Linear and logistic regression, naive Bayes, boosted trees, k-means and principal components on tables.
///
/// What is released follows from the schema alone, so that a ledger is asked before any row is read.
struct PrivateTableMethod: PrivateMethod {
    let releases: PlannedReleases
    private let request: PrivateTrainingRequest
    private let plan: EncodingPlan
    private let target: String?
    private let features: [String]
    private let unitColumn: String?
    private let terms: PrivacyTerms
    private let estimator: any TableEstimator
    private let title: String

    init(_ request: PrivateTrainingRequest) throws {
        self.request = request
        guard let unit = request.privacy.unit else {
            throw CommandFailure(.usage, "--unit: want row, or the column that says to whom a row belongs")
        }
        for (name, isGiven) in [
            ("--resume", request.privacy.resume), ("--clip", request.privacy.clip != nil),
            ("--adaptive-clipping", request.privacy.adaptiveClipping),
        ] where isGiven { throw CommandFailure(.usage, "\(name): belongs to networks") }
        let schema = try request.format.schema(of: request.data, target: request.target)
        try NetworkData.check(schema, unit: unit)
        unitColumn = unit == NetworkData.row ? nil : unit
        plan = try EncodingPlan(schema: schema, maximumRows: EncodingPlan.rowLimit, minimumCohort: 1)
        let model = request.model
        let predicts = model != .kMeans && model != .principalComponents
        if predicts {
            guard let named = plan.target else {
                throw CommandFailure(
                    .usage, "--target: want one column, a number or a category of two values, for a private model")
            }
            target = named
        } else {
            target = nil
        }
        features = try Self.features(request, plan, schema, target: target)
        do {
            terms = try PrivacyTerms(
                epsilon: request.epsilon, delta: request.delta, neighbouring: request.table.neighbouring.value,
                unit: PrivacyUnit(unit), rowsPerUnit: request.table.rowsPerUnit)
            let shape = try FeatureShape(plan: plan, target: target, features: features)
            (estimator, title) = try Self.estimator(request, terms, shape, plan, target: target)
        } catch let error as PrivateLearningError where error.code == .invalidParameter {
            throw CommandFailure(.usage, "--\(error.message)")
        }
        var accountant = PrivacyLossAccountant(neighbouring: terms.neighbouring)
        try accountant.compose(estimator.event)
        releases = PlannedReleases(
            step: estimator.event, steps: 1, neighbouring: terms.neighbouring, unit: unit,
            epsilon: min(request.epsilon, try accountant.epsilon(delta: request.delta)), delta: request.delta,
            accountant: "PLD (upper bound)", mechanism: estimator.mechanism, ledgerRun: nil)
    }

    /// Encoded columns to learn from.
    private static func features(
        _ request: PrivateTrainingRequest, _ plan: EncodingPlan, _ schema: Schema, target: String?
    ) throws -> [String] {
        if let chosen = request.features {
            var names: [String] = []
            for name in chosen {
                let own = plan.derived(from: name)
                if own.isEmpty { _ = try plan.index(of: name) }
                names += own.isEmpty ? [name] : own
            }
            return names
        }
        if let target { return plan.features(for: target) }
        let outcomes = Set(schema.columns(.target).flatMap { plan.derived(from: $0.name) })
        return plan.columns.map(\.name).filter { !outcomes.contains($0) }
    }

    private static func estimator(
        _ request: PrivateTrainingRequest, _ terms: PrivacyTerms, _ shape: FeatureShape, _ plan: EncodingPlan,
        target: String?
    ) throws -> (any TableEstimator, String) {
        let options = request.table
        let scaling = options.scaling.value
        switch request.model {
        case .linear:
            return (
                try AdaptiveSufficientStatistics(terms, shape: shape, scaling: scaling), "Linear regression"
            )
        case .logistic where options.solver == .objectivePerturbation && request.privacy.samplingRate == nil:
            return (try ObjectivePerturbation(terms, shape: shape, scaling: scaling), "Logistic regression")
        case .logistic:
            let descent = try NoisyGradientDescent(
                terms, shape: shape, scaling: scaling, steps: options.steps ?? 300,
                samplingRate: request.privacy.samplingRate ?? 1)
            return (descent, "Logistic regression")
        case .naiveBayes: return (try NoisyNaiveBayes(terms, shape: shape), "Naive Bayes")
        case .boostedTrees:
            let encoding = try plan.columns[plan.index(of: target ?? "")].encoding
            let isBinary = encoding.lower == 0 && encoding.upper == 1 && encoding.scale == .decimal(0)
            let boosting = try NoisyBoosting(
                terms, shape: shape, plan: plan, isClassification: isBinary, rounds: options.boostingRounds ?? 10)
            return (boosting, "Boosted trees")
        case .kMeans:
            guard let clusters = options.clusters else { throw CommandFailure(.usage, "--clusters: want how many") }
            return (try NoisyClustering(terms, shape: shape, clusters: clusters), "k-means clusters")
        default:
            return (
                try NoisyComponents(terms, shape: shape, components: options.components ?? min(2, shape.width)),
                "Principal components"
            )
        }
    }

    func train(_ authority: any ReleaseAuthority) throws -> PrivateTrainingResult? {
        let began = Date()
        let (table, _) = try request.format.read(request.data, target: request.target)
        let share = request.network.heldOut ?? (target == nil ? 0 : 0.2)
        var kept = table
        var measured: Table?
        if share > 0 {
            let split = try table.split(testShare: share, seed: request.seed, groupBy: unitColumn)
            (kept, measured) = (table.rows(split.training), table.rows(split.test))
        }
        let rows = try BoundedRows(
            kept, plan: plan, target: target, features: features, unitColumn: unitColumn,
            rowsPerUnit: terms.rowsPerUnit)
        releases.warn(units: rows.unitCount)
        if rows.omittedRows > 0 {
            Console.log("\(rows.omittedRows) rows are left out: beyond --rows-per-unit \(terms.rowsPerUnit)")
        }
        try authority.advance(through: 1)
        let model = try estimator.fitted(rows)
        try writeAtomically(model.safetensors.encoded, to: request.out)
        let name = target ?? "\(features.count) columns"
        return PrivateTrainingResult(
            title: "\(title) for \(name)",
            dataSet: .init(
                name: request.data, rows: rows.rowCount, columns: features.count, target: target,
                note: "\(measured?.rowCount ?? 0) rows held out, \(rows.omittedRows) beyond the rows of their unit"),
            rowNoun: "rows", numbers: try model.safetensors.tensors.values.reduce(0) { $0 + $1.values.count },
            metrics: try measured.map { try Self.metrics(model, on: $0) } ?? [], seconds: -began.timeIntervalSinceNow,
            cautions: measured == nil
                ? []
                : [
                    "Held-out metrics were computed without noise, are for those who hold the data, and are not covered "
                        + "by ε."
                ])
    }

    /// On held-out rows; not private.
    private static func metrics(_ model: any TableModel, on rows: Table) throws -> [PrivacyReport.Metric] {
        guard !(model is ClusterModel), !(model is ComponentModel) else { return [] }
        let (predicted, actual) = (try model.predict(rows), try model.outcomes(in: rows))
        if actual.allSatisfy({ $0 == 0 || $0 == 1 }), predicted.allSatisfy({ $0 >= 0 && $0 <= 1 }) {
            let measured = try BinaryMetrics(actual: actual, probabilities: predicted)
            var metrics = [
                PrivacyReport.Metric(
                    name: "held-out accuracy", value: measured.model.accuracy, reference: measured.baseline.accuracy)
            ]
            if let auroc = measured.model.auroc {
                metrics.append(.init(name: "held-out AUROC", value: auroc, reference: 0.5))
            }
            return metrics
        }
        let measured = try RegressionMetrics(actual: actual, predicted: predicted)
        var metrics = [
            PrivacyReport.Metric(
                name: "held-out RMSE", value: measured.model.rootMeanSquaredError,
                reference: measured.baseline.rootMeanSquaredError)
        ]
        if let r2 = measured.model.rSquared { metrics.append(.init(name: "held-out R2", value: r2, reference: 0)) }
        return metrics
    }
}

/// An estimator whose models lie in files, in words that reports use.
protocol TableEstimator: Sendable {
    var event: PrivacyEvent { get }
    var mechanism: String { get }
    func fitted(_ rows: BoundedRows) throws -> any TableModel
}

extension TableEstimator where Self: PrivateEstimator, Model: TableModel {
    func fitted(_ rows: BoundedRows) throws -> any TableModel { try fit(rows) }
}

extension AdaptiveSufficientStatistics: TableEstimator {
    var mechanism: String { "AdaSSP: Gaussian noise on sums of products and on the smallest eigenvalue" }
}
extension ObjectivePerturbation: TableEstimator {
    var mechanism: String {
        "objective perturbation: a random linear term of deviation \(String(format: "%.4g", noise)) row norms, and Gaussian "
            + "noise for the distance to the exact minimum"
    }
}
extension NoisyGradientDescent: TableEstimator {
    var mechanism: String {
        "\(steps) steps of gradient descent with Gaussian noise of multiplier \(String(format: "%.4g", noiseMultiplier))"
            + (samplingRate < 1 ? " on Poisson samples at rate \(samplingRate)" : "")
    }
}
extension NoisyNaiveBayes: TableEstimator {
    var mechanism: String { "Gaussian noise on counts, sums and sums of squares of both classes" }
}
extension NoisyBoosting: TableEstimator {
    var mechanism: String {
        "Gaussian noise on histograms and on sums of residuals in random leaves, \(rounds) rounds over all features"
    }
}
extension NoisyClustering: TableEstimator {
    var mechanism: String { "\(iterations) iterations of k-means with Gaussian noise on counts and sums" }
}
extension NoisyComponents: TableEstimator {
    var mechanism: String { "Gaussian noise on the sums of products of all columns (Analyze Gauss)" }
}
