import BigIntegers

/// What one lane of the AVX-512 IFMA kernels computes, digit by digit in plain Swift.
///
/// Numbers are little-endian digits in radix 2^52. With R = 2^(52·limbs) and N odd, 4·N ≤ R, the product of a and b is
/// (a·b + m·N)/R with m = −a·b/N mod R: for a, b < 2N it is below 2N, and no multiple of N is taken off.
public struct Montgomery52Reference: Sendable {
    public let value: BigInteger
    public let modulus: [UInt64]
    /// −N^−1 mod 2^52
    public let inverse: UInt64

    public static let mask: UInt64 = (1 << 52) - 1

    public init(modulus value: BigInteger) {
        self.value = value
        let limbs = (value.bitWidth + 2 + 51) / 52
        modulus = Self.digits(of: value, limbs: limbs)
        // Newton's iteration doubles the correct bits: 1, 2, 4, …, 64.
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse = inverse &* (2 &- modulus[0] &* inverse) }
        self.inverse = (0 &- inverse) & Self.mask
    }

    public var limbs: Int { modulus.count }

    public static func digits(of value: BigInteger, limbs: Int) -> [UInt64] {
        (0..<limbs).map { (value >> (52 * $0)).lowBits(52).limbs(count: 1)[0] }
    }

    public static func value(of digits: some BidirectionalCollection<UInt64>) -> BigInteger {
        digits.reversed().reduce(0) { ($0 << 52) + BigInteger($1) }
    }

    /// (a·b + m·N)/R as digits; a and b have `limbs` digits below 2^52.
    public func product(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        // sum[0 ..< limbs + 1], shifted down one digit for each digit of b.
        var sum = [UInt64](repeating: 0, count: limbs + 1)
        for digit in b {
            add(a, times: digit, to: &sum)
            add(modulus, times: (sum[0] &* inverse) & Self.mask, to: &sum)
            precondition(sum[0] == 0, "the lowest digit did not vanish")
            sum.removeFirst()
            sum.append(0)
        }
        return Array(sum[..<limbs])
    }

    /// The number itself or less N, for numbers below 2N.
    public func canonical(_ digits: [UInt64]) -> [UInt64] {
        let number = Self.value(of: digits)
        return Self.digits(of: number < value ? number : number - value, limbs: limbs)
    }

    /// The number divided by R, in [0, N).
    public func reduced(_ digits: [UInt64]) -> [UInt64] {
        canonical(product(digits, [1] + [UInt64](repeating: 0, count: limbs - 1)))
    }

    private func add(_ factor: [UInt64], times digit: UInt64, to sum: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in 0..<limbs {
            let (high, low) = factor[index].multipliedFullWidth(by: digit)
            let (partial, overflow) = low.addingReportingOverflow(sum[index] + carry)
            sum[index] = partial & Self.mask
            // high < 2^40, so the carry fits in 53 bits.
            carry = (high + (overflow ? 1 : 0)) << 12 | partial >> 52
        }
        sum[limbs] += carry
    }
}
