/// How well a regression predicts, beside the trivial model that always predicts one number.
public struct RegressionMetrics: Hashable, Sendable, Codable {
    /// The figures of one set of predictions.
    public struct Scores: Hashable, Sendable, Codable {
        public let meanSquaredError: Double
        public let rootMeanSquaredError: Double
        public let meanAbsoluteError: Double
        /// Nil when the observed values are all equal.
        public let rSquared: Double?
    }

    public let count: Int
    public let model: Scores
    /// Of predicting ``baselinePrediction`` for everyone.
    public let baseline: Scores
    public let baselinePrediction: Double
    /// Whether that number is the mean of training rows, rather than of the rows that are judged.
    public let isBaselineFromTraining: Bool

    /// - Parameter trainingTarget: targets of the training rows; their mean is the baseline. Without them the mean of
    ///   `actual` is, which favours the baseline slightly.
    /// - Throws: ``TabularError`` for empty, unequal or non-finite vectors.
    public init(actual: [Double], predicted: [Double], trainingTarget: [Double]? = nil) throws(TabularError) {
        try Metrics.check(actual, predicted)
        let basis = trainingTarget ?? actual
        try Metrics.check(basis, basis)
        count = actual.count
        baselinePrediction = Metrics.mean(basis)
        isBaselineFromTraining = trainingTarget != nil
        model = try Self.scores(actual, predicted)
        baseline = try Self.scores(actual, [Double](repeating: baselinePrediction, count: actual.count))
    }

    private static func scores(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Scores {
        let squared = try Metrics.meanSquaredError(actual, predicted)
        let isConstant = actual.allSatisfy { $0 == actual[0] }
        return Scores(
            meanSquaredError: squared, rootMeanSquaredError: squared.squareRoot(),
            meanAbsoluteError: try Metrics.meanAbsoluteError(actual, predicted),
            rSquared: isConstant ? nil : try Metrics.rSquared(actual, predicted))
    }
}

/// How well a binary classifier predicts, beside the trivial one that gives everyone the share of class 1.
public struct BinaryMetrics: Hashable, Sendable, Codable {
    public struct Scores: Hashable, Sendable, Codable {
        public let accuracy: Double
        /// Nil with one class only.
        public let auroc: Double?
        /// Nil with one class only.
        public let auprc: Double?
        public let logLoss: Double
        public let brierScore: Double
    }

    /// Rows by observed (first word) and predicted class at the threshold.
    public struct Confusion: Hashable, Sendable, Codable {
        public let negativeAsNegative: Int
        public let negativeAsPositive: Int
        public let positiveAsNegative: Int
        public let positiveAsPositive: Int
    }

    public let count: Int
    public let positives: Int
    /// A probability at or above this counts as class 1.
    public let threshold: Double
    public let model: Scores
    /// Of predicting ``baselineProbability`` for everyone; its accuracy is that of the majority class.
    public let baseline: Scores
    public let baselineProbability: Double
    public let isBaselineFromTraining: Bool
    public let confusion: Confusion
    public let calibration: [CalibrationBin]
    public let expectedCalibrationError: Double

    /// - Parameters:
    ///   - actual: 0 or 1.
    ///   - probabilities: in [0, 1].
    ///   - trainingTarget: targets of the training rows; their share of class 1 is the baseline.
    /// - Throws: ``TabularError`` for empty or unequal vectors or values out of range.
    public init(
        actual: [Double], probabilities: [Double], threshold: Double = 0.5, binCount: Int = 10,
        trainingTarget: [Double]? = nil
    ) throws(TabularError) {
        try Metrics.checkProbabilities(actual, probabilities)
        let basis = trainingTarget ?? actual
        try Metrics.checkLabels(basis, basis)
        let prior = basis.reduce(0, +) / Double(basis.count)
        count = actual.count
        positives = actual.reduce(0) { $0 + ($1 == 1 ? 1 : 0) }
        self.threshold = threshold
        baselineProbability = prior
        isBaselineFromTraining = trainingTarget != nil
        model = try Self.scores(actual, probabilities, threshold: threshold)
        // The majority class, whatever threshold the model is judged at.
        baseline = try Self.scores(actual, [Double](repeating: prior, count: actual.count), threshold: 0.5)
        let matrix = try Metrics.confusionMatrix(
            actual.map { Int($0) }, probabilities.map { $0 >= threshold ? 1 : 0 }, classCount: 2)
        confusion = Confusion(
            negativeAsNegative: matrix[0][0], negativeAsPositive: matrix[0][1], positiveAsNegative: matrix[1][0],
            positiveAsPositive: matrix[1][1])
        calibration = try Metrics.calibration(actual, probabilities: probabilities, binCount: binCount)
        expectedCalibrationError = Metrics.expectedCalibrationError(calibration)
    }

    private static func scores(
        _ actual: [Double], _ probabilities: [Double], threshold: Double
    ) throws(TabularError) -> Scores {
        let hasBoth = actual.contains(0) && actual.contains(1)
        return Scores(
            accuracy: try Metrics.accuracy(actual, probabilities.map { $0 >= threshold ? 1 : 0 }),
            auroc: hasBoth ? try Metrics.auroc(actual, scores: probabilities) : nil,
            auprc: hasBoth ? try Metrics.auprc(actual, scores: probabilities) : nil,
            logLoss: try Metrics.logLoss(actual, probabilities: probabilities),
            brierScore: try Metrics.brierScore(actual, probabilities: probabilities))
    }
}
