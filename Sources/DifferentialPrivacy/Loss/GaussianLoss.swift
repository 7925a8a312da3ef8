import Foundation

/// The privacy loss of Gaussian noise in closed form: with μ the sensitivity divided by the deviation,
///
///     δ(ε) = Φ(μ/2 − ε/μ) − e^ε · Φ(−μ/2 − ε/μ).
///
/// Values are rounded outward by a bound on the floating-point error.
/// - Reference: Balle, Wang 2018, Theorem 8.
enum GaussianLoss {
    /// log Φ(−x), accurate to a few units in the last place of the larger of 1 and its magnitude.
    static func logUpperTail(_ x: Double) -> Double {
        if x < 25 { return log(0.5 * erfc(x / 2.0.squareRoot())) }
        // Asymptotic series; the first term left out is below 1e-13 for x ≥ 25.
        let t = 1 / (x * x)
        return -x * x / 2 - log(x) - 0.5 * log(2 * Double.pi) + log1p(-t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t))))
    }

    /// Bounds of δ for ε ≥ 0 and μ ≥ 0.
    static func delta(epsilon: Double, mu: Double) -> LossBounds {
        guard mu > 0 else { return LossBounds(lower: 0, upper: 0) }
        guard mu.isFinite else { return LossBounds(lower: epsilon.isFinite ? 1 : 0, upper: 1) }
        let z = epsilon / mu - mu / 2
        let first = logUpperTail(z)
        let second = logUpperTail(z + mu) + epsilon
        guard first > -744 else { return LossBounds(lower: 0, upper: Double.leastNormalMagnitude) }
        let (a, b) = (exp(first), exp(min(second, first)))
        // d log Φ(−z)/dz is below |z| + 1, and z itself carries a rounding error of its two terms.
        let shift = (epsilon / mu + mu) * 3e-16
        let slack = 4e-16 * (4 + abs(first) + abs(second) + epsilon)
        let error = a * ((max(z, 0) + 1) * shift + slack) + b * ((max(z + mu, 0) + 1) * shift + slack)
        return LossBounds(lower: max(0, a - b - error), upper: min(1, a - b + error))
    }

    /// Bounds of the smallest ε ≥ 0 with δ(ε) ≤ δ.
    static func epsilon(delta: Double, mu: Double) -> LossBounds {
        guard mu > 0, delta < 1 else { return LossBounds(lower: 0, upper: 0) }
        guard delta > 0, mu.isFinite else { return LossBounds(lower: .infinity, upper: .infinity) }
        func search(_ reached: (Double) -> Bool) -> (below: Double, above: Double) {
            if reached(0) { return (0, 0) }
            var (low, high) = (0.0, max(1, mu * mu))
            while !reached(high) {
                low = high
                high *= 2
                if high == .infinity { return (low, high) }
            }
            while true {
                let middle = low + (high - low) / 2
                if middle <= low || middle >= high { return (low, high) }
                if reached(middle) { high = middle } else { low = middle }
            }
        }
        let upper = search { Self.delta(epsilon: $0, mu: mu).upper <= delta }.above
        let lower = search { Self.delta(epsilon: $0, mu: mu).lower <= delta }.below
        return LossBounds(lower: min(lower, upper), upper: upper)
    }

    /// An upper bound, tight to rounding, of the largest deviation for sensitivity 1 whose ε at δ is at most `epsilon`,
    /// found from above, so that it always suffices.
    static func deviation(epsilon: Double, delta: Double) -> Double {
        func suffices(_ sigma: Double) -> Bool { Self.delta(epsilon: epsilon, mu: (1 / sigma).nextUp).upper <= delta }
        var (low, high) = (0.0, 1.0)
        while !suffices(high) {
            low = high
            high *= 2
            if high == .infinity { return high }
        }
        if low == 0 {
            low = high / 2
            while suffices(low) {
                high = low
                low /= 2
                if low < 1e-150 { break }
            }
        }
        while true {
            let middle = low + (high - low) / 2
            if middle <= low || middle >= high { return high }
            if suffices(middle) { high = middle } else { low = middle }
        }
    }
}
