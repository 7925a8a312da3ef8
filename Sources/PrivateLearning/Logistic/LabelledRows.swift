import Foundation
import Tabular

/// Rows of features in their own units, and a target each, as a plan encodes them.
public struct LabelledRows: Sendable {
    public let featureNames: [String]
    /// Row-major.
    public let features: [Double]
    public let targets: [Double]

    public var rowCount: Int { targets.count }

    public init(featureNames: [String], features: [Double], targets: [Double]) {
        precondition(
            features.count == featureNames.count * targets.count,
            "features: got \(features.count), want \(featureNames.count) a row")
        self.featureNames = featureNames
        self.features = features
        self.targets = targets
    }

    /// The rows of a table.
    /// - Parameter target: an encoded column of the plan.
    /// - Throws: errors of the encoding with row and column; `unknownColumn`.
    public init(_ table: Table, plan: EncodingPlan, target: String, features: [String]? = nil) throws {
        let names = features ?? plan.features(for: target)
        let integers = try plan.encode(table)
        self.init(
            featureNames: names,
            features: integers.realRows(try names.map { try plan.index(of: $0) }, plan: plan),
            targets: integers.realRows([try plan.index(of: target)], plan: plan))
    }

    /// The rows with those numbers, in that order.
    public func selecting(_ rows: [Int]) -> LabelledRows {
        let width = featureNames.count
        return LabelledRows(
            featureNames: featureNames, features: rows.flatMap { features[$0 * width..<($0 + 1) * width] },
            targets: rows.map { targets[$0] })
    }

    /// Scaled rows ±(1, x)/√λ, the sign that of the class.
    /// - Errors: `invalidParameter` for a target other than 0 and 1, with its row.
    public func signed(_ scaling: FeatureScaling) throws(PrivateLearningError) -> [Double] {
        if let row = targets.firstIndex(where: { $0 != 0 && $0 != 1 }) {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "target of row \(row + 1): want 0 or 1 for a logistic model; take another target")
        }
        var rows = scaling.rows(features)
        let width = scaling.columnCount
        for (row, target) in targets.enumerated() where target == 0 {
            for column in 0..<width { rows[row * width + column].negate() }
        }
        return rows
    }
}

/// How a model does on rows that it was not fitted on, part by part.
public struct CrossValidation: Sendable {
    public struct Part: Sendable, Hashable {
        public let auroc: Double
        public let accuracy: Double
        public let logLoss: Double
    }
    public let parts: [Part]

    public var auroc: Double { mean(\.auroc) }
    public var accuracy: Double { mean(\.accuracy) }
    public var logLoss: Double { mean(\.logLoss) }

    private func mean(_ value: (Part) -> Double) -> Double {
        parts.reduce(0) { $0 + value($1) } / Double(max(1, parts.count))
    }

    /// Fits and scores each part in turn. Scaling is made from the training rows of the part alone.
    /// - Parameters:
    ///   - folds: from ``Tabular/Table/folds(_:seed:groupBy:stratifyBy:)``.
    ///   - fit: weights of scaled columns, from signed scaled rows.
    public init(
        _ rows: LabelledRows, folds: [RowSplit], clip: Double = FeatureScaling.standardClip,
        fit: (_ rows: [Double], _ width: Int) throws -> [Double]
    ) throws {
        parts = try folds.map { fold in
            let training = rows.selecting(fold.training)
            let test = rows.selecting(fold.test)
            let scaling = try FeatureScaling(rows: training.features, names: rows.featureNames, clip: clip)
            let weights = try fit(training.signed(scaling), scaling.columnCount)
            return try Self.score(test, scaling: scaling, weights: weights)
        }
    }

    /// Quality of weights of scaled columns on rows.
    public static func score(
        _ test: LabelledRows, scaling: FeatureScaling, weights: [Double]
    ) throws -> Part {
        let width = scaling.columnCount
        let scaled = scaling.rows(test.features)
        let scores = (0..<test.rowCount).map { row in
            (0..<width).reduce(0.0) { $0 + scaled[row * width + $1] * weights[$1] }
        }
        return Part(
            auroc: try Metrics.auroc(test.targets, scores: scores),
            accuracy: try Metrics.accuracy(test.targets, scores.map { $0 > 0 ? 1 : 0 }),
            logLoss: try Metrics.logLoss(test.targets, probabilities: scores.map(Link.logit.mean)))
    }
}
