import DifferentialPrivacy
import Foundation
import Randomness

/// Differential privacy of a sum whose summands nobody sees: every site adds its part of the noise, as integers, before it
/// masks. The coordinator sees a noisy sum and never a clear one.
///
/// A site's update x ∈ ℝᵈ is scaled down to norm at most c, rotated by a public random orthogonal map H·D (so that no
/// coordinate is large), divided by the granularity γ and rounded at random to neighbouring integers, again and again until
/// the result's norm is at most Δ/γ; then discrete Gaussian noise of deviation σ/γ goes on each coordinate.
/// - Guarantee: with N honest survivors the sum is ½ε²-zero-concentrated differentially private for one site's
///   participation (``rho(honestSurvivors:neighbouring:)``), whatever the update. The bound on the norm is checked on the
///   integers themselves, so floating-point errors cannot weaken it.
/// - Edge cases: the sum wraps modulo 2^b when the noise is unusually large; that costs accuracy, not privacy.
/// - Reference: Kairouz, Liu, Steinke 2021 (arXiv 2102.06387), algorithms 1 and 2 and theorem 1.
public struct DistributedGaussian: Hashable, Sendable, CustomStringConvertible {
    public struct Literal: Hashable, Sendable {
        /// d: coordinates of an update.
        public var dimension: Int
        /// c, in units of the update.
        public var clippingNorm: Double
        /// γ: size of one step of the integers, in units of the update.
        public var granularity: Double
        /// σ: noise of one site, in units of the update.
        public var deviation: Double
        /// β: a rounding is repeated with a probability of about β at most; e^−½ in the paper.
        public var roundingBias: Double
        /// 32 public bytes that all sites share and that are fixed before the updates; nil: no rotation.
        public var rotationSeed: [UInt8]?

        public init(
            dimension: Int, clippingNorm: Double, granularity: Double, deviation: Double,
            roundingBias: Double = 0.6065306597126334, rotationSeed: [UInt8]?
        ) {
            self.dimension = dimension
            self.clippingNorm = clippingNorm
            self.granularity = granularity
            self.deviation = deviation
            self.roundingBias = roundingBias
            self.rotationSeed = rotationSeed
        }
    }

    public let literal: Literal
    /// Coordinates of what is sent: d, filled up to a power of two when it is rotated.
    public let length: Int
    /// (Δ/γ)², rounded down: the greatest squared norm of rounded integers.
    public let squaredNormBound: UInt64

    public var description: String {
        "distributed discrete Gaussian: norm \(literal.clippingNorm), step \(literal.granularity), deviation "
            + "\(literal.deviation) a site"
    }

    /// - Errors: `invalidParameters`: numbers out of range, a deviation below half a step (the bound on sums of discrete
    ///   Gaussians is not for such), integers too large.
    public init(_ literal: Literal) throws(SecureAggregationError) {
        guard (1...AggregationRound.mostElements).contains(literal.dimension) else {
            throw .parameter("dimension", literal.dimension, "1...\(AggregationRound.mostElements)")
        }
        for (name, value) in [
            ("clippingNorm", literal.clippingNorm), ("granularity", literal.granularity),
            ("deviation", literal.deviation),
        ] {
            guard value.isFinite, value > 0 else { throw .parameter(name, value, "a finite number above 0") }
        }
        guard literal.deviation >= literal.granularity / 2 else {
            throw .parameter("deviation", literal.deviation, "at least half the granularity \(literal.granularity)")
        }
        guard literal.deviation / literal.granularity <= DiscreteNoise.largestScale else {
            throw .parameter("deviation", literal.deviation, "at most 2^36 steps of \(literal.granularity)")
        }
        guard literal.roundingBias > 0, literal.roundingBias < 1 else {
            throw .parameter("roundingBias", literal.roundingBias, "a number in (0, 1)")
        }
        guard literal.rotationSeed.map({ $0.count == 32 }) ?? true else {
            throw .parameter("rotation seed", "\(literal.rotationSeed!.count) bytes", "32")
        }
        var length = literal.dimension
        if literal.rotationSeed != nil {
            length = 1
            while length < literal.dimension { length *= 2 }
        }
        let (c, d) = (literal.clippingNorm / literal.granularity, Double(length))
        let all = (c + d.squareRoot()) * (c + d.squareRoot())
        let likely =
            c * c + d / 4 + (2 * log(1 / literal.roundingBias)).squareRoot() * (c + d.squareRoot() / 2)
        let bound = min(all, likely)
        guard bound < 0x1p60 else {
            throw .parameter("granularity", literal.granularity, "a coarser one; the norm is beyond 2^30 steps")
        }
        self.literal = literal
        self.length = length
        squaredNormBound = UInt64(bound)
    }

    // MARK: Sites

    /// Clipped, rotated, rounded, with noise: for ``AggregationSite/submit(_:using:)`` of a round whose values wrap.
    /// - Errors: `wrongLength`, `notFinite` with the place.
    public func encode(
        _ update: [Double], using random: inout some SecureRandom
    ) throws(SecureAggregationError) -> [Int64] {
        guard update.count == literal.dimension else {
            throw SecureAggregationError(
                code: .wrongLength, message: "update: got \(update.count) values, want \(literal.dimension)")
        }
        if let place = update.firstIndex(where: { !$0.isFinite }) {
            throw SecureAggregationError(
                code: .notFinite, message: "update: value number \(place) is \(update[place]), want a finite number")
        }
        // Scaled first, so that squares of large numbers do not overflow.
        let largest = update.reduce(0) { max($0, abs($1)) }
        var norm = 0.0
        if largest > 0 { norm = largest * update.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot() }
        // A hair inside, so that rounding in the rotation does not push a full-length update out again and again.
        let factor = (norm > literal.clippingNorm ? literal.clippingNorm / norm : 1) * (1 - 1e-9) / literal.granularity
        var scaled = update.map { $0 * factor }
        if let seed = literal.rotationSeed {
            scaled += [Double](repeating: 0, count: length - scaled.count)
            RandomRotation(seed: seed, length: length).apply(&scaled)
        }
        var values = round(scaled, using: &random)
        // The parameters were checked when they were made.
        guard let noise = try? DiscreteNoise.gaussian(deviation: literal.deviation / literal.granularity) else {
            throw .parameter("deviation", literal.deviation, "one that can be sampled")
        }
        for (place, draw) in noise.draws(length, using: &random).enumerated() { values[place] &+= draw }
        return values
    }

    /// Each coordinate up or down at random, so that it is right on average, until the norm is within its bound.
    package func round(_ scaled: [Double], using random: inout some SecureRandom) -> [Int64] {
        while true {
            let words = random.bytes(count: 4 * scaled.count)
            var squares: UInt64 = 0
            var values = [Int64](repeating: 0, count: scaled.count)
            for (place, value) in scaled.enumerated() {
                let low = value.rounded(.down)
                let word = words.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self) }
                let integer = Int64(low) + (Double(word) * 0x1p-32 < value - low ? 1 : 0)
                values[place] = integer
                squares &+= UInt64(integer.magnitude) &* UInt64(integer.magnitude)
            }
            if squares <= squaredNormBound { return values }
        }
    }

    // MARK: The sum

    /// The noisy sum of updates from the sum of integers.
    public func decode(_ sum: [Int64]) throws(SecureAggregationError) -> [Double] {
        guard sum.count == length else {
            throw SecureAggregationError(code: .wrongLength, message: "sum: got \(sum.count) values, want \(length)")
        }
        var values = sum.map { Double($0) * literal.granularity }
        if let seed = literal.rotationSeed { RandomRotation(seed: seed, length: length).undo(&values) }
        return Array(values[..<literal.dimension])
    }

    /// Bits of a modulus in which a coordinate of the sum of `sites` updates wraps with probability about that of a normal
    /// number beyond `deviations` deviations; without rotation, of an update that is as uneven as the norm allows.
    public func modulusBits(sites: Int, deviations: Double = 6) -> Int {
        let (n, c) = (Double(sites), literal.clippingNorm / literal.granularity)
        let s = literal.deviation / literal.granularity
        let noise = (n * (0.25 + s * s)).squareRoot()
        let signal = literal.rotationSeed == nil ? n * c : 0
        let spread = literal.rotationSeed == nil ? 0 : n * c / Double(length).squareRoot()
        let reach = signal + deviations * (noise * noise + spread * spread).squareRoot() + 1
        return min(64, max(2, Int(log2(reach).rounded(.up)) + 1))
    }

    // MARK: Privacy

    /// τ: a bound on the logarithm of the ratio between the mass of a sum of N discrete Gaussians of deviation s and that
    /// of one of deviation √N·s, at every integer. Rounded up.
    public static func sumDeparture(deviation s: Double, count: Int) -> Double {
        guard count > 1 else { return 0 }
        // Terms fall to exp(−2π²s²); from there on they are bounded by that.
        var sum = 0.0
        for k in 1..<min(count, 1000) {
            sum += exp(-2 * Double.pi * Double.pi * s * s * Double(k) / Double(k + 1)) * (1 + 1e-12)
        }
        if count > 1000 {
            sum += Double(count - 1000) * exp(-2 * Double.pi * Double.pi * s * s * 1000 / 1001) * (1 + 1e-12)
        }
        return 10 * sum * (1 + 1e-12)
    }

    /// ρ of the release of the sum with N honest survivors; rounded up.
    /// - Parameter neighbouring: under `replaceOne` the sum moves by twice the norm.
    public func rho(honestSurvivors count: Int, neighbouring: Neighbouring) -> Double {
        guard count > 0 else { return .infinity }
        let s = literal.deviation / literal.granularity
        let sensitivity = neighbouring.sensitivityOfSum * Double(squaredNormBound).squareRoot().nextUp
        let tau = Self.sumDeparture(deviation: s, count: count)
        let ratio = sensitivity / (Double(count).squareRoot() * s) * (1 + 1e-14)
        let d = Double(length)
        let first = (ratio * ratio + tau * d / 2).squareRoot()
        let second = ratio + tau * d.squareRoot()
        let epsilon = min(first, second) * (1 + 1e-14)
        return epsilon * epsilon / 2 * (1 + 1e-14)
    }

    /// The event for accountants and ledgers, with the survivors that the round really had. Colluding members know their
    /// own noise, so theirs does not count.
    public func event(survivors: Int, colluding: Int, neighbouring: Neighbouring) -> PrivacyEvent {
        .zeroConcentrated(rho: rho(honestSurvivors: survivors - colluding, neighbouring: neighbouring))
    }

    /// To be added to δ: the sampler's distance from the exact distribution over all draws.
    public func samplerDelta(survivors: Int) -> Double {
        Double(length) * Double(survivors) * DiscreteNoise.statisticalDistance
    }

    /// The least deviation of a site with which the sum is ρ-zero-concentrated private when as few as `honestSurvivors` are
    /// left, and as fine a granularity as given.
    /// - Errors: `invalidParameters`.
    public static func calibrated(
        rho target: Double, honestSurvivors: Int, neighbouring: Neighbouring, dimension: Int, clippingNorm: Double,
        granularity: Double, rotationSeed: [UInt8]?
    ) throws(SecureAggregationError) -> DistributedGaussian {
        guard target.isFinite, target > 0 else { throw .parameter("rho", target, "a finite number above 0") }
        guard honestSurvivors > 0 else { throw .parameter("honestSurvivors", honestSurvivors, "at least 1") }
        func mechanism(_ deviation: Double) throws(SecureAggregationError) -> DistributedGaussian {
            try DistributedGaussian(
                Literal(
                    dimension: dimension, clippingNorm: clippingNorm, granularity: granularity, deviation: deviation,
                    rotationSeed: rotationSeed))
        }
        func loss(_ mechanism: DistributedGaussian) -> Double {
            mechanism.rho(honestSurvivors: honestSurvivors, neighbouring: neighbouring)
        }
        var (low, high) = (granularity / 2, granularity / 2)
        let smallest = try mechanism(low)
        if loss(smallest) <= target { return smallest }
        while try loss(mechanism(high)) > target { (low, high) = (high, high * 2) }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if try loss(mechanism(middle)) <= target { high = middle } else { low = middle }
        }
        return try mechanism(high)
    }
}
