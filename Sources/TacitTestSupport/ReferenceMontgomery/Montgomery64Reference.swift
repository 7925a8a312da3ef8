import BigIntegers

/// What the scalar Montgomery kernel computes, from its definition: a·b·R^−1 mod N in [0, N) with R = 2^(64·limbs).
public struct Montgomery64Reference: Sendable {
    public let value: BigInteger
    public let limbs: Int
    public let modulus: [UInt64]
    /// −N^−1 mod 2^64
    public let inverse: UInt64
    private let inverseOfR: BigInteger

    public init(modulus value: BigInteger) {
        self.value = value
        limbs = (value.bitWidth + 63) / 64
        modulus = value.limbs(count: limbs)
        // Newton's iteration doubles the correct bits: 1, 2, 4, …, 64.
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse = inverse &* (2 &- modulus[0] &* inverse) }
        self.inverse = 0 &- inverse
        inverseOfR = (BigInteger(1) << (64 * limbs)).inverse(modulo: value)!
    }

    public func product(_ a: BigInteger, _ b: BigInteger) -> BigInteger { (a * b * inverseOfR).modulo(value) }
}
