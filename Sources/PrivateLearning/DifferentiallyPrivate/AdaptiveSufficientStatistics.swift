import DifferentialPrivacy
import Foundation
import Randomness

/// Private linear regression from noisy sums of products, with a ridge penalty that follows from a noisy smallest
/// eigenvalue (AdaSSP).
///
/// With rows z = (1, x) of norm at most R and targets y in [−1, 1], three Gaussian releases are made: λ_min(ZᵀZ), ZᵀZ and
/// Zᵀy. The penalty is what keeps ZᵀZ + E well conditioned for the noise E that was drawn, with probability 95 %:
///
///     λ = max(0, σ·√(d·log(2d²/0.05)) − λ̃_min).
///
/// - Guarantee: ``terms``, for any rows and targets, since values are held within the bounds that the plan declares.
/// - Cost: O(n·d²) once.
/// - Reference: Wang 2018, Algorithm 2; our noise is calibrated for the three releases together.
public struct AdaptiveSufficientStatistics: PrivateEstimator {
    public let terms: PrivacyTerms
    public let scaling: PrivateScaling
    public let shape: FeatureShape
    public let event: PrivacyEvent
    private let budget: GaussianBudget

    /// - Errors: `invalidParameter`.
    public init(_ terms: PrivacyTerms, shape: FeatureShape, scaling: PrivateScaling = .noisyMoments(share: 0.1)) throws
    {
        let width = shape.width
        guard width <= 1000 else { throw PrivateLearningError.parameter("features", width, "at most 1000") }
        try scaling.check()
        self.terms = terms
        self.scaling = scaling
        self.shape = shape
        let rest = 1 - scaling.share
        var releases: [GaussianBudget.Release] = [
            .init(share: 0.1 * rest, dimension: 1),
            .init(share: 0.45 * rest, dimension: UpperTriangle.count(width + 1)),
            .init(share: 0.45 * rest, dimension: width + 1),
        ]
        if scaling.share > 0 {
            // The target's moments are among them.
            releases.append(
                .init(share: scaling.share, dimension: NoisyMoments.dimension(shape.numbers.count + 1)))
        }
        budget = try GaussianBudget(terms, releases)
        event = try budget.event()
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> LinearModel {
        let targetBounds = try rows.requireTarget("linear regression")
        try rows.require(shape)
        var scaling = RowScaling(shape)
        var (targetOffset, targetScale) = RowScaling.toUnit(targetBounds)
        var targetLimit = 1.0
        if self.scaling.share > 0 {
            let mechanism = try budget.mechanism(3, rowNorm: NoisyMoments.rowNorm(shape.numbers.count + 1))
            let moments = try NoisyMoments(
                rows.numberColumns + [(rows.targets, targetBounds)], count: rows.rowCount, mechanism, using: &random)
            (targetOffset, targetScale) = (moments.means.last ?? 0, moments.deviations.last ?? 1)
            scaling = RowScaling(shape, means: moments.means, deviations: moments.deviations)
            targetLimit = 3
        }
        let size = shape.width + 1
        let z = scaling.rows(rows)
        let bound = scaling.normBound
        let triangle = UpperTriangle.sum(z, size: size, normBound: bound)
        var products = FixedPointSums(count: size, bound: bound * targetLimit)
        for row in 0..<rows.rowCount {
            let y = min(max((rows.targets[row] - targetOffset) / targetScale, -targetLimit), targetLimit)
            for i in 0..<size { products.add(z[row * size + i] * y, at: i) }
        }
        let smallest = try budget.mechanism(0, rowNorm: bound * bound)
        let matrixNoise = try budget.mechanism(1, rowNorm: bound * bound)
        let vectorNoise = try budget.mechanism(2, rowNorm: bound * targetLimit)

        let exact = SymmetricEigen(UpperTriangle.matrix(triangle, size: size), size: size)
        let released = try smallest.release([exact.values[size - 1]], using: &random)[0]
        let leastEigenvalue = max(0, released - 1.65 * smallest.deviation)
        let d = Double(size)
        let ridge = max(0, matrixNoise.deviation * (d * log(2 * d * d / 0.05)).squareRoot() - leastEigenvalue)
        let matrix = UpperTriangle.matrix(try matrixNoise.release(triangle, using: &random), size: size)
        let right = try vectorNoise.release(products.values, using: &random)

        // Where noise left an eigenvalue below the least there can be, that is taken. The intercept is not drawn to 0: all
        // rows speak for it.
        let noisy = SymmetricEigen(matrix, size: size)
        let floor = max(leastEigenvalue, 1e-9)
        var system = [Double](repeating: 0, count: size * size)
        for (value, vector) in zip(noisy.values, noisy.vectors) {
            for i in 0..<size {
                for j in 0..<size { system[i * size + j] += max(value, floor) * vector[i] * vector[j] }
            }
        }
        for i in 1..<size { system[i * size + i] += ridge }
        let weights = Cholesky.solve(system, right)
        var (coefficients, intercept) = scaling.unscaled(weights)
        coefficients = coefficients.map { $0 * targetScale }
        intercept = intercept * targetScale + targetOffset
        return LinearModel(
            kind: "linear", link: .identity, target: rows.target ?? "", featureNames: shape.names,
            coefficients: coefficients, intercept: intercept, ridge: ridge,
            rowCount: max(0, Int(matrix[0].rounded())), rank: shape.width, plan: rows.plan)
    }
}
