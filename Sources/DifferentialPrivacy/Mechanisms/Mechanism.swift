import Randomness

/// A randomised function of private data: it knows what it costs (`measure`, drawing nothing) and how to answer
/// (`release`, drawing noise once per call).
public protocol Mechanism<Input, Output>: Sendable {
    associatedtype Input
    associatedtype Output
    /// The relation for which its noise was scaled.
    var neighbouring: Neighbouring { get }
    /// Whose data one neighbour lacks.
    var unit: PrivacyUnit { get }
    /// How the records that it sees were chosen.
    var sampling: SamplingScheme { get }
    /// One release on all records, for accountants.
    var unsampledEvent: PrivacyEvent { get }
    /// One release; each call costs ``event`` once.
    func release(_ input: Input, using random: inout some SecureRandom) throws(DifferentialPrivacyError) -> Output
}

extension Mechanism {
    /// One release with its sampling.
    public var event: PrivacyEvent {
        switch sampling {
        case .none: unsampledEvent
        case .poisson(let rate): .poissonSampled(rate: rate, event: unsampledEvent)
        case .withoutReplacement(let population, let batch):
            .sampledWithoutReplacement(population: population, batch: batch, event: unsampledEvent)
        }
    }

    /// ε of `count` releases at δ by privacy-loss distributions.
    public func measure(delta: Double, count: Int = 1) throws(DifferentialPrivacyError) -> LossBounds {
        var accountant = PrivacyLossAccountant(neighbouring: neighbouring)
        try accountant.compose(event, count: count)
        return try accountant.epsilonBounds(delta: delta)
    }

    /// A release with noise from the operating system's source.
    public func release(_ input: Input) throws(DifferentialPrivacyError) -> Output {
        var random = SystemRandom()
        return try release(input, using: &random)
    }
}

/// A grid of granularity 2^k for real values, so that noise and rounding can be exact.
struct ReleaseGrid {
    /// g, a power of two.
    let granularity: Double

    /// The largest power of two at most `scale`·2⁻²⁶, and finer for vectors (down to 2⁻³⁴), where every coordinate's
    /// rounding adds to the sensitivity.
    init(scale: Double, dimension: Int = 1) {
        let bits = min(34, 26 + Int.bitWidth - (max(1, dimension) - 1).leadingZeroBitCount)
        granularity = Double(sign: .plus, exponent: Int(scale.exponent) - bits, significand: 1)
    }

    /// x/g to the nearest integer, held within ±2⁶⁰. Two inputs that differ by Δ give integers that differ by at most
    /// Δ/g + 1.
    func position(_ x: Double) throws(DifferentialPrivacyError) -> Int64 {
        guard x.isFinite else {
            throw DifferentialPrivacyError(
                code: .invalidValue, message: "value: got NaN or infinity, want a finite number")
        }
        return Int64(min(max((x / granularity).rounded(), -0x1p60), 0x1p60))
    }

    func value(_ position: Int64) -> Double { Double(position) * granularity }
}
