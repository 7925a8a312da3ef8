import Foundation

extension BigInteger {
    /// The nearest double, ties to even; infinite when out of range.
    public var nearestDouble: Double { nearestDouble(timesPowerOfTwo: 0) }

    /// The double nearest to self · 2^`exponent`, ties to even. (Where the result is subnormal and the number has more
    /// than 53 bits, rounding happens twice.)
    public func nearestDouble(timesPowerOfTwo exponent: Int) -> Double {
        let excess = bitWidth - 64
        guard excess > 0 else {
            let limb = limbs(count: 1)[0]
            let value = scalbn(Double(limb), exponent)
            return signum < 0 ? -value : value
        }
        // 64 leading bits, of which the last also stands for all that follow; 53 survive, so this rounds correctly.
        let absolute = magnitude
        var leading = (absolute >> excess).limbs(count: 1)[0]
        if absolute.trailingZeroBitCount < excess { leading |= 1 }
        let value = scalbn(Double(leading), excess + exponent)
        return signum < 0 ? -value : value
    }
}
