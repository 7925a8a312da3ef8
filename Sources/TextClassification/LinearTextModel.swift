import Foundation

/// score = intercept + Σ weights of the features that a text has; a text is called positive above 0.
public struct LinearTextModel: Hashable, Sendable {
    public var weights: [Double]
    public var intercept: Double

    public init(featureCount: Int) {
        weights = [Double](repeating: 0, count: featureCount)
        intercept = 0
    }

    public init(weights: [Double], intercept: Double) {
        self.weights = weights
        self.intercept = intercept
    }

    /// Multinomial naive Bayes on presence: the weight of a feature is ln(θ₊/θ₋) with
    /// θ = (texts of the class that have it + `smoothing`)/(Σ over features of the same), the intercept ln(n₊/n₋).
    ///
    /// - Throws: ``TextClassificationError`` without texts of both classes, or for a smoothing not above 0.
    /// - Reference: Metsis et al. 2006, section 2.2, "multinomial NB, Boolean attributes".
    public static func naiveBayes(
        _ counts: TextCounts, smoothing: Double
    ) throws(TextClassificationError) -> LinearTextModel {
        guard counts.positiveTexts > 0, counts.negativeTexts > 0 else {
            throw TextClassificationError(
                .invalidArgument,
                "texts: got \(counts.positiveTexts) of one class and \(counts.negativeTexts) of the other, want both")
        }
        guard smoothing > 0, smoothing.isFinite else {
            throw TextClassificationError(.invalidArgument, "smoothing: got \(smoothing), want a number above 0")
        }
        func total(_ values: [Int64]) -> Double {
            Double(values.reduce(0, +)) + smoothing * Double(values.count)
        }
        let (positiveTotal, negativeTotal) = (total(counts.positive), total(counts.negative))
        return LinearTextModel(
            weights: zip(counts.positive, counts.negative).map { positive, negative in
                log((Double(positive) + smoothing) / positiveTotal)
                    - log((Double(negative) + smoothing) / negativeTotal)
            },
            intercept: log(Double(counts.positiveTexts) / Double(counts.negativeTexts)))
    }

    /// The same decisions with scores `factor` times as large.
    public func scaled(by factor: Double) -> LinearTextModel {
        LinearTextModel(weights: weights.map { $0 * factor }, intercept: intercept * factor)
    }

    public func score(_ row: ArraySlice<Int32>) -> Double { row.reduce(intercept) { $0 + weights[Int($1)] } }

    public func scores(_ texts: LabelledTexts) -> [Double] { (0..<texts.count).map { score(texts.row($0)) } }

    /// The share of texts whose class is found.
    public func accuracy(_ texts: LabelledTexts) -> Double {
        let right = (0..<texts.count).count { (score(texts.row($0)) > 0) == texts.labels[$0] }
        return texts.count == 0 ? 0 : Double(right) / Double(texts.count)
    }

    /// One pass of stochastic gradient descent on the logistic loss.
    ///
    /// A step moves the weights by −`learningRate`/B · Σ over the batch (σ(score) − y)·x. From the zero model σ is ½, and the
    /// first step is learningRate/2B times the difference of two counts: texts of either class that have the feature.
    /// - Parameters:
    ///   - order: the rows in the order of their use; batches are consecutive.
    /// - Returns: the loss of each row before its batch's step, summed up.
    /// - Throws: ``TextClassificationError`` for a batch size below 1, and `diverged` when a weight is not finite.
    @discardableResult
    public mutating func train(
        _ texts: LabelledTexts, order: [Int], batchSize: Int, learningRate: Double
    ) throws(TextClassificationError) -> Double {
        guard batchSize >= 1 else {
            throw TextClassificationError(.invalidArgument, "batchSize: got \(batchSize), want at least 1")
        }
        var start = 0
        var loss = 0.0
        while start < order.count {
            let batch = order[start..<min(order.count, start + batchSize)]
            start += batchSize
            // All scores first: the rows of a batch do not see each other's step.
            let errors = batch.map { index in
                let score = score(texts.row(index))
                loss += max(score, 0) + log1p(exp(-abs(score))) - (texts.labels[index] ? score : 0)
                return 1 / (1 + exp(-score)) - (texts.labels[index] ? 1 : 0)
            }
            for (index, error) in zip(batch, errors) {
                let step = learningRate / Double(batch.count) * error
                intercept -= step
                for feature in texts.row(index) { weights[Int(feature)] -= step }
            }
        }
        guard intercept.isFinite else {
            throw TextClassificationError(.diverged, "training: the weights are not finite; lower the learning rate")
        }
        return loss
    }
}
