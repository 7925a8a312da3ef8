import Foundation

/// How a linear score becomes a prediction.
public enum Link: String, Codable, Hashable, Sendable, CaseIterable {
    /// The score itself.
    case identity
    /// 1 / (1 + e^−score), a probability.
    case logit
    /// e^score, an expected count.
    case log

    public func mean(_ score: Double) -> Double {
        switch self {
        case .identity: score
        case .logit: score >= 0 ? 1 / (1 + exp(-score)) : exp(score) / (1 + exp(score))
        case .log: exp(min(score, 700))
        }
    }
}

/// A fitted model with one weight for each encoded feature.
public struct LinearModel: Hashable, Sendable {
    /// What was fitted: "linear", "ridge", "logistic" or "poisson".
    public var kind: String
    public var link: Link
    public var target: String
    public var featureNames: [String]
    /// In the features' own units; as many as `featureNames`.
    public var coefficients: [Double]
    public var intercept: Double
    /// Standard errors of the coefficients, where the theory gives them.
    public var standardErrors: [Double]?
    /// λ of a ridge penalty, 0 for none.
    public var ridge: Double
    /// Rows that the model was fitted on.
    public var rowCount: Int
    /// Rank of the design; below the number of features the weights are those of least norm.
    public var rank: Int
    /// Quality on the training rows, computed from the sums alone: "mse", "r2", …
    public var trainingMetrics: [String: Double]
    /// The agreed encoding under which features are made from raw columns.
    public var plan: EncodingPlan

    public init(
        kind: String, link: Link, target: String, featureNames: [String], coefficients: [Double], intercept: Double,
        standardErrors: [Double]? = nil, ridge: Double = 0, rowCount: Int, rank: Int,
        trainingMetrics: [String: Double] = [:], plan: EncodingPlan
    ) {
        precondition(featureNames.count == coefficients.count, "coefficients: want one for each feature")
        self.kind = kind
        self.link = link
        self.target = target
        self.featureNames = featureNames
        self.coefficients = coefficients
        self.intercept = intercept
        self.standardErrors = standardErrors
        self.ridge = ridge
        self.rowCount = rowCount
        self.rank = rank
        self.trainingMetrics = trainingMetrics
        self.plan = plan
    }

    /// Predictions for rows of features.
    /// - Parameter features: row-major, `featureNames.count` to a row.
    public func predict(features: [Double]) -> [Double] {
        let width = featureNames.count
        precondition(width > 0 && features.count % width == 0, "features: got \(features.count), want rows of \(width)")
        return stride(from: 0, to: features.count, by: width).map { start in
            var score = intercept
            for index in 0..<width { score += coefficients[index] * features[start + index] }
            return link.mean(score)
        }
    }
}

extension LinearModel {
    private struct Architecture: Codable {
        var format = 1
        var kind: String
        var link: Link
        var target: String
        var features: [String]
        var ridge: Double
        var rows: Int
        var rank: Int
        var trainingMetrics: [String: Double]
        var plan: EncodingPlan
    }

    /// The model as safetensors: tensors `coefficients`, `intercept` and, where there are, `standard_errors`; the
    /// architecture and the encoding as JSON under the metadata key `tacit`.
    public var safetensors: Safetensors {
        get throws {
            let architecture = Architecture(
                kind: kind, link: link, target: target, features: featureNames, ridge: ridge, rows: rowCount,
                rank: rank,
                trainingMetrics: trainingMetrics, plan: plan)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            var tensors = [
                "coefficients": Safetensors.Tensor(shape: [coefficients.count], values: coefficients),
                "intercept": Safetensors.Tensor(shape: [1], values: [intercept]),
            ]
            if let standardErrors {
                tensors["standard_errors"] = Safetensors.Tensor(shape: [standardErrors.count], values: standardErrors)
            }
            let json = String(decoding: try encoder.encode(architecture), as: UTF8.self)
            return Safetensors(tensors: tensors, metadata: ["format": "tacit-linear-model", "tacit": json])
        }
    }

    public init(safetensors file: Safetensors) throws(PrivateLearningError) {
        guard let json = file.metadata["tacit"] else {
            throw PrivateLearningError(code: .invalidFile, message: "model: no `tacit` metadata; not a model of ours")
        }
        let architecture: Architecture
        do {
            architecture = try JSONDecoder().decode(Architecture.self, from: Data(json.utf8))
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "model: metadata not readable: \(error)")
        }
        guard architecture.format == 1 else {
            throw PrivateLearningError(
                code: .invalidFile, message: "model: got format \(architecture.format), want 1; use a newer Tacit")
        }
        let width = architecture.features.count
        guard let weights = file.tensors["coefficients"], weights.shape == [width], width > 0,
            let intercept = file.tensors["intercept"], intercept.shape == [1],
            weights.values.allSatisfy(\.isFinite), intercept.values[0].isFinite
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "model: want \(width) finite coefficients and one intercept")
        }
        let errors = file.tensors["standard_errors"]
        guard errors == nil || errors!.shape == [width] else {
            throw PrivateLearningError(code: .invalidFile, message: "model: want \(width) standard errors or none")
        }
        self.init(
            kind: architecture.kind, link: architecture.link, target: architecture.target,
            featureNames: architecture.features, coefficients: weights.values, intercept: intercept.values[0],
            standardErrors: errors?.values, ridge: architecture.ridge, rowCount: architecture.rows,
            rank: architecture.rank, trainingMetrics: architecture.trainingMetrics, plan: architecture.plan)
    }
}
