import BigIntegers
import Foundation
import Paillier

/// What the owners of a gradient ring agree on: model, rounds, and how gradients become integers.
///
/// The features are standardised with means and deviations that were opened from encrypted sums beforehand, so all
/// owners scale alike. A row's contribution to the gradient is residual · feature; the residual is cut at
/// `residualBound` and a standardised feature lies within its public bounds, which gives the slots their widths.
public struct RingPlan: Hashable, Sendable {
    /// A feature with its public scaling: z = (x − centre) / deviation.
    public struct Feature: Hashable, Sendable {
        public var name: String
        public var centre: Double
        public var deviation: Double
        /// The greatest |z| that the declared bounds of x allow.
        public var bound: Double
    }

    public let features: [Feature]
    public let target: String
    public let link: Link
    /// λ of a ridge penalty on the standardised weights, per row; the intercept is not penalised.
    public let ridge: Double
    public let rounds: Int
    public let residualBound: Double
    /// Gradients are integers in units of 2^−gradientBits.
    public let gradientBits: Int
    public let maximumRows: Int

    /// Derives the plan from opened sums.
    /// - Parameters:
    ///   - moments: the opened n, Σz and Σz² (a whole ``MomentMatrix``).
    ///   - features: names of the plan's columns to learn from.
    /// - Throws: `unknownColumn`, `invalidParameter`; `tooFewRows` below two rows.
    public init(
        plan: EncodingPlan, moments: MomentMatrix, features names: [String], target: String, link: Link,
        ridge: Double = 0, rounds: Int, gradientBits: Int = 24
    ) throws(PrivateLearningError) {
        guard (1...10_000).contains(rounds) else {
            throw PrivateLearningError(code: .invalidParameter, message: "rounds: got \(rounds), want 1...10000")
        }
        guard (8...30).contains(gradientBits) else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "gradient bits: got \(gradientBits), want 8...30")
        }
        guard ridge.isFinite, ridge >= 0 else {
            throw PrivateLearningError(code: .invalidParameter, message: "lambda: got \(ridge), want a number ≥ 0")
        }
        guard let count = moments[0, 0].intValue, count >= 2 else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got \(moments[0, 0]), want at least 2")
        }
        func summary(_ index: Int) -> (mean: Double, deviation: Double) {
            let unit = Double(plan.columns[index].encoding.scale.multiplier)
            let sum = moments[0, index + 1]
            let square = moments[0, 0] * moments[index + 1, index + 1] - sum * sum
            return (
                sum.doubleValue / Double(count) / unit, max(0, square.doubleValue).squareRoot() / Double(count) / unit
            )
        }
        var scaled: [Feature] = []
        for name in names {
            let index = try plan.index(of: name)
            let encoding = plan.columns[index].encoding
            let (mean, deviation) = summary(index)
            // A constant column carries nothing; a deviation of 1 keeps it at z = 0.
            let divisor = deviation > 0 ? deviation : 1
            let bound = max(abs(encoding.lower - mean), abs(encoding.upper - mean)) / divisor
            scaled.append(Feature(name: name, centre: mean, deviation: divisor, bound: bound))
        }
        self.features = scaled
        self.target = target
        self.link = link
        self.ridge = ridge
        self.rounds = rounds
        self.gradientBits = gradientBits
        maximumRows = plan.maximumRows
        let targetEncoding = plan.columns[try plan.index(of: target)].encoding
        switch link {
        case .logit:
            guard targetEncoding.lower >= 0, targetEncoding.upper <= 1 else {
                throw PrivateLearningError(
                    code: .invalidParameter, message: "target \(target): a logistic model needs one between 0 and 1")
            }
            residualBound = 1
        case .identity, .log:
            // Twice the target's range: generous for a sensible model, and a bound all the same.
            residualBound = 2 * max(targetEncoding.upper - targetEncoding.lower, 1)
        }
    }

    /// Weights: one a feature, the intercept last.
    public var weightCount: Int { features.count + 1 }

    /// How gradients lie in plaintexts: one slot a weight, sized for one row and the plan's maximum of rows.
    public func layout(modulusBits: Int) throws(PaillierError) -> PackingLayout {
        let bounds = (features.map(\.bound) + [1]).map { bound in
            // Rounding a whole site's sum moves it by at most half a unit, which the 1 covers for every row.
            let perRow = BigInteger(truncating: (residualBound * bound * Double(1 << gradientBits)).rounded(.up) + 1)
            return PackingLayout.Run(count: 1, bounds: -perRow...perRow)
        }
        return try PackingLayout(
            runs: bounds, maximumWeight: PackingWeight(positive: maximumRows), modulusBits: modulusBits)
    }
}

/// What one owner does in a ring: it knows its own rows and the current weights, and gives integers.
public struct RingSite: Sendable {
    private let plan: RingPlan
    /// Row-major, standardised.
    private let features: [Double]
    private let targets: [Double]

    public var rowCount: Int { targets.count }

    /// - Parameters:
    ///   - features: raw features, row-major, in the plan's order.
    ///   - targets: one a row.
    public init(plan: RingPlan, features: [Double], targets: [Double]) {
        let width = plan.features.count
        precondition(features.count == width * targets.count, "features: got \(features.count), want \(width) a row")
        self.plan = plan
        self.targets = targets
        self.features = features.enumerated().map { index, value in
            let feature = plan.features[index % width]
            return (value - feature.centre) / feature.deviation
        }
    }

    /// The gradient of the summed loss over the site's rows, Σ (mean(score) − y)·z, in integers.
    public func gradient(at weights: [Double]) -> [BigInteger] {
        let width = plan.features.count
        precondition(weights.count == width + 1, "weights: got \(weights.count), want \(width + 1)")
        var sums = [Double](repeating: 0, count: width + 1)
        for row in targets.indices {
            var score = weights[width]
            for index in 0..<width { score += weights[index] * features[row * width + index] }
            let residual = min(max(plan.link.mean(score) - targets[row], -plan.residualBound), plan.residualBound)
            for index in 0..<width { sums[index] += residual * features[row * width + index] }
            sums[width] += residual
        }
        let unit = Double(1 << plan.gradientBits)
        return sums.map { BigInteger(truncating: ($0 * unit).rounded()) }
    }
}

/// The one who gets the opened sums of gradients and moves the weights: Nesterov's method with a step from public
/// bounds.
/// - Reference: Nesterov 2004, section 2.2, constant step scheme II for strongly convex and general convex functions.
public struct RingTrainer: Sendable {
    public let plan: RingPlan
    private let rowCount: Int
    private var position: [Double]
    private var momentum = 1.0
    private let step: Double
    /// Where the next gradient is wanted.
    public private(set) var weights: [Double]
    public private(set) var round = 0

    /// - Parameter rowCount: the opened number of rows.
    public init(plan: RingPlan, rowCount: Int) {
        self.plan = plan
        self.rowCount = rowCount
        weights = [Double](repeating: 0, count: plan.weightCount)
        position = weights
        // Standardised columns have a mean square of 1, so the largest eigenvalue of ZᵀZ/n is at most their number.
        let curvature = plan.link == .logit ? 0.25 : 1
        step = 1 / (curvature * Double(plan.weightCount) + plan.ridge)
    }

    public var isFinished: Bool { round >= plan.rounds }

    /// - Parameter sum: the opened sum of all sites' integer gradients.
    public mutating func apply(_ sum: [BigInteger]) throws(PrivateLearningError) {
        guard sum.count == plan.weightCount else {
            throw PrivateLearningError(
                code: .mismatch, message: "gradient: got \(sum.count) entries, want \(plan.weightCount)")
        }
        let unit = Double(1 << plan.gradientBits) * Double(rowCount)
        var next = weights
        for index in next.indices {
            let penalty = index < plan.features.count ? plan.ridge * weights[index] : 0
            next[index] -= step * (sum[index].doubleValue / unit + penalty)
        }
        let grown = (1 + (1 + 4 * momentum * momentum).squareRoot()) / 2
        let pull = (momentum - 1) / grown
        // Restart when the step turns against the momentum (O'Donoghue and Candès 2015, gradient scheme).
        let turn = zip(zip(weights, next), position).reduce(0.0) { $0 + ($1.0.0 - $1.0.1) * ($1.0.1 - $1.1) }
        if turn > 0 {
            momentum = 1
            weights = next
        } else {
            weights = zip(next, position).map { $0 + pull * ($0 - $1) }
            momentum = grown
        }
        position = next
        round += 1
        guard weights.allSatisfy(\.isFinite) else {
            throw PrivateLearningError(code: .invalidValue, message: "weights: not finite in round \(round)")
        }
    }

    /// Coefficients in the features' own units and the intercept.
    public var model: (coefficients: [Double], intercept: Double) {
        var intercept = position[plan.features.count]
        var coefficients: [Double] = []
        for (feature, weight) in zip(plan.features, position) {
            coefficients.append(weight / feature.deviation)
            intercept -= weight * feature.centre / feature.deviation
        }
        return (coefficients, intercept)
    }
}
