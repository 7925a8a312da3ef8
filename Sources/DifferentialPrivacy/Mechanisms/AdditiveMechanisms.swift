import Foundation
import Randomness

/// Adds Laplace noise to a vector of reals, on a grid of a power of two, 2⁻²⁶ of the noise's scale or finer.
///
/// Inputs are rounded to the grid; the sensitivity that is accounted for is enlarged by one grid step a coordinate.
/// - Guarantee: pure ε-differential privacy but for ``DiscreteNoise/statisticalDistance`` a coordinate, which
///   ``unsampledEvent`` contains as δ.
/// - Edge cases: an empty vector gives an empty one; values beyond 2⁶⁰ grid steps are clamped; NaN and infinity throw.
public struct LaplaceMechanism: Mechanism {
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    public let sampling: SamplingScheme
    /// Coordinates of a release.
    public let dimension: Int
    /// g: every released value is a multiple of it.
    public let granularity: Double
    /// b, in units of the values.
    public var scale: Double { noise.scale * granularity }
    /// ε of one release, rounded up.
    public let epsilon: Double
    private let noise: DiscreteNoise

    /// - Parameters:
    ///   - sensitivity: the ℓ₁ distance of the vectors of two neighbours under `neighbouring`, at most.
    public init(
        epsilon: Double, sensitivity: Double, dimension: Int = 1, neighbouring: Neighbouring, unit: PrivacyUnit,
        sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        _ = try positive("epsilon", epsilon)
        _ = try positive("sensitivity", sensitivity)
        guard dimension > 0 else { throw .parameter("dimension", dimension, "at least 1") }
        let grid = ReleaseGrid(scale: sensitivity / epsilon, dimension: dimension)
        granularity = grid.granularity
        let distance = (sensitivity / granularity * (1 + 4e-16) + Double(dimension)).rounded(.up)
        noise = try .laplace(scale: distance / epsilon * (1 + 4e-16))
        self.epsilon = (distance / noise.scale * (1 + 1e-15)).nextUp
        (self.dimension, self.neighbouring, self.unit, self.sampling) = (dimension, neighbouring, unit, sampling)
    }

    public var unsampledEvent: PrivacyEvent {
        let distance = DiscreteNoise.statisticalDistance * Double(dimension) * (1 + exp(min(700, epsilon)))
        return .approximate(epsilon: epsilon, delta: min(distance, 0.5))
    }

    public func release(
        _ values: [Double], using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> [Double] {
        try releaseOnGrid(values, dimension, granularity, noise, &random)
    }
}

/// Adds Gaussian noise to a vector of reals, on a grid of a power of two, 2⁻²⁶ of the noise's deviation or finer.
///
/// The noise is discrete Gaussian with a deviation of at least 2²⁶ grid steps, next to the same as a Gaussian rounded to
/// the grid, whose privacy is that of the Gaussian; the difference is accounted for.
/// - Edge cases: as ``LaplaceMechanism``.
/// - Reference: Balle, Wang 2018 for the deviation; Mironov 2012 for why a grid.
public struct GaussianMechanism: Mechanism {
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    public let sampling: SamplingScheme
    public let dimension: Int
    public let granularity: Double
    /// σ, in units of the values.
    public var deviation: Double { noise.scale * granularity }
    /// The enlarged sensitivity over σ.
    private let ratio: Double
    private let noise: DiscreteNoise

    /// What sampling costs besides the Gaussian: masses differ from the rounded Gaussian's by a factor within 1 ± 150/24σ²
    /// up to 12.2σ, σ ≥ 2²⁶ steps or more, hence ε; ``DiscreteNoise/statisticalDistance`` times 1 + e²⁰ gives δ, for ε of
    /// at most 20.
    public static func gridCost(dimension: Int) -> (epsilon: Double, delta: Double) {
        let bits = Double(min(34, 26 + Int.bitWidth - (max(1, dimension) - 1).leadingZeroBitCount))
        return (16 * Double(dimension) * exp2(-2 * bits), min(0.5, 0x1p-58 * Double(dimension)))
    }

    /// With the least σ that gives (ε, δ) for one release on all records.
    /// - Parameter sensitivity: the ℓ₂ distance of the vectors of two neighbours under `neighbouring`, at most.
    public init(
        epsilon: Double, delta: Double, sensitivity: Double, dimension: Int = 1, neighbouring: Neighbouring,
        unit: PrivacyUnit, sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        guard dimension > 0 else { throw .parameter("dimension", dimension, "at least 1") }
        let cost = Self.gridCost(dimension: dimension)
        guard epsilon > cost.epsilon, epsilon <= 20 else {
            throw .parameter("epsilon", epsilon, "in (\(cost.epsilon), 20]")
        }
        guard delta > cost.delta, delta < 1 else {
            throw .parameter("delta", delta, "in (\(cost.delta), 1); sampling itself costs that much")
        }
        let deviation = try NoiseCalibration.gaussianDeviation(
            epsilon: epsilon - cost.epsilon, delta: delta - cost.delta, sensitivity: sensitivity)
        try self.init(
            deviation: deviation * (1 + 1e-12), sensitivity: sensitivity, dimension: dimension,
            neighbouring: neighbouring, unit: unit, sampling: sampling)
    }

    /// With a given σ.
    public init(
        deviation: Double, sensitivity: Double, dimension: Int = 1, neighbouring: Neighbouring, unit: PrivacyUnit,
        sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        _ = try positive("deviation", deviation)
        _ = try positive("sensitivity", sensitivity)
        guard dimension > 0 else { throw .parameter("dimension", dimension, "at least 1") }
        granularity = ReleaseGrid(scale: deviation, dimension: dimension).granularity
        let distance = sensitivity / granularity * (1 + 4e-16) + Double(dimension).squareRoot().nextUp
        // σ grows with the sensitivity, so that the guarantee asked for is kept.
        noise = try .gaussian(deviation: deviation / granularity * (distance * granularity / sensitivity) * (1 + 1e-15))
        ratio = noise.scale / distance
        (self.dimension, self.neighbouring, self.unit, self.sampling) = (dimension, neighbouring, unit, sampling)
    }

    public var unsampledEvent: PrivacyEvent {
        // The event's multiplier is relative to one unit's contribution.
        let cost = Self.gridCost(dimension: dimension)
        return .composed([
            .gaussian(noiseMultiplier: (ratio * neighbouring.sensitivityOfSum).nextDown),
            .approximate(epsilon: cost.epsilon, delta: cost.delta),
        ])
    }

    public func release(
        _ values: [Double], using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> [Double] {
        try releaseOnGrid(values, dimension, granularity, noise, &random)
    }
}

private func releaseOnGrid(
    _ values: [Double], _ dimension: Int, _ granularity: Double, _ noise: DiscreteNoise,
    _ random: inout some SecureRandom
) throws(DifferentialPrivacyError) -> [Double] {
    guard values.count == dimension else { throw .parameter("values", values.count, "\(dimension) of them") }
    let grid = ReleaseGrid(granularity: granularity)
    var positions: [Int64] = []
    positions.reserveCapacity(values.count)
    for value in values { positions.append(try grid.position(value)) }
    let draws = noise.draws(values.count, using: &random)
    // Below 2⁶⁰ + 2⁴³: exact. The conversion back rounds, which is post-processing.
    return zip(positions, draws).map { grid.value($0 + $1) }
}

extension ReleaseGrid {
    init(granularity: Double) { self.granularity = granularity }
}
