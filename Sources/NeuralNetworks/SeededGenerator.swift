/// A small deterministic generator for initial weights, shuffles and dropout. Its type is not a `SecureRandom`, so it
/// can never reach privacy noise or sampling.
/// - Reference: Steele, Lea, Flood 2014, SplitMix.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    static func mix(_ word: UInt64) -> UInt64 {
        var z = word
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [−limit, limit).
    mutating func uniform<Scalar: NetworkScalar>(within limit: Double) -> Scalar {
        Scalar((Double(next() >> 11) * 0x1p-52 - 1) * limit)
    }
}
