import Randomness

/// Samplers in integers alone: no rounding anywhere, so their output has exactly the stated distribution. For single
/// draws; vectors are faster by ``DiscreteNoise``.
/// - Reference: Canonne, Kamath, Steinke 2020, Algorithms 1 to 3.
public enum ExactSampling {
    /// A uniformly distributed integer in [0, `bound`), by rejection.
    static func uniform(below bound: UInt128, using random: inout some SecureRandom) -> UInt128 {
        if bound <= UInt128(UInt64.max) { return UInt128(random.uniform(below: UInt64(bound))) }
        let bits = UInt128.bitWidth - (bound - 1).leadingZeroBitCount
        let mask = bits == 128 ? UInt128.max : (UInt128(1) << UInt128(bits)) - 1
        while true {
            let word = (UInt128(random.nextUInt64()) << 64 | UInt128(random.nextUInt64())) & mask
            if word < bound { return word }
        }
    }

    /// 1 with probability numerator/denominator ≤ 1.
    static func bernoulli(
        _ numerator: UInt128, over denominator: UInt128, using random: inout some SecureRandom
    ) -> Bool {
        uniform(below: denominator, using: &random) < numerator
    }

    /// True with probability exp(−γ), γ = numerator/denominator ≥ 0.
    /// - Parameter denominator: in [1, 2¹²⁰).
    public static func bernoulliExponential(
        _ numerator: UInt128, over denominator: UInt128, using random: inout some SecureRandom
    ) -> Bool {
        precondition(denominator > 0 && denominator < UInt128(1) << 120, "denominator: want one in [1, 2^120)")
        var rest = numerator
        while rest > denominator {
            guard bernoulliSmall(denominator, over: denominator, using: &random) else { return false }
            rest -= denominator
        }
        return bernoulliSmall(rest, over: denominator, using: &random)
    }

    /// γ ≤ 1: the first k at which Bernoulli(γ/k) fails is odd with probability exp(−γ).
    private static func bernoulliSmall(
        _ numerator: UInt128, over denominator: UInt128, using random: inout some SecureRandom
    ) -> Bool {
        var k: UInt128 = 1
        while bernoulli(numerator, over: denominator * k, using: &random) { k += 1 }
        return k % 2 == 1
    }

    /// Mass ∝ exp(−|x|·s/t), scale b = t/s, for s ≥ 1 and t in [1, 2⁵⁶).
    public static func discreteLaplace(
        _ t: UInt64, over s: UInt64, using random: inout some SecureRandom
    ) -> Int64 {
        precondition(s > 0 && t > 0 && t < 1 << 56, "scale: want t in [1, 2^56) and s at least 1")
        while true {
            let u = random.uniform(below: t)
            guard bernoulliExponential(UInt128(u), over: UInt128(t), using: &random) else { continue }
            var v: UInt64 = 0
            while bernoulliExponential(1, over: 1, using: &random) { v += 1 }
            let (product, overflow) = v.multipliedReportingOverflow(by: t)
            precondition(!overflow, "an event of probability below e^-200")
            let magnitude = Int64((u + product) / s)
            let isNegative = random.nextUInt64() & 1 == 1
            if isNegative && magnitude == 0 { continue }
            return isNegative ? -magnitude : magnitude
        }
    }

    /// Mass ∝ exp(−x²/2σ²), σ² = a/b with a in [1, 2⁵⁶), b in [1, 2⁴⁰] and (⌊σ⌋ + 1)²·b < 2⁵⁶.
    public static func discreteGaussian(
        variance a: UInt64, over b: UInt64, using random: inout some SecureRandom
    ) -> Int64 {
        var t = UInt64(Double(a / b).squareRoot())
        while t * t > a / b { t -= 1 }
        while (t + 1) * (t + 1) <= a / b { t += 1 }
        t += 1
        precondition(a > 0 && a < 1 << 56 && b > 0 && b <= 1 << 40 && t * t * b < 1 << 57, "variance: out of range")
        // (|y| − σ²/t)²/2σ² = (|y|·t·b − a)² / (2·a·b·t²)
        let denominator = 2 * UInt128(a) * UInt128(b) * UInt128(t) * UInt128(t)
        while true {
            let y = discreteLaplace(t, over: 1, using: &random)
            let product = UInt128(y.magnitude) * UInt128(t) * UInt128(b)
            let difference = product > UInt128(a) ? product - UInt128(a) : UInt128(a) - product
            // Such |y| are rejected but for a probability below e^-1000.
            guard difference < UInt128(1) << 63 else { continue }
            if bernoulliExponential(difference * difference, over: denominator, using: &random) { return y }
        }
    }
}
