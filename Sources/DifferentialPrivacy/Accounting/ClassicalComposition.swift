import Foundation

/// Composition theorems for mechanisms of which only (ε, δ) is known.
public enum ClassicalComposition {
    /// Σ ε and Σ δ. Dwork et al. 2006.
    public static func basic(
        _ releases: [(epsilon: Double, delta: Double)]
    ) throws(DifferentialPrivacyError) -> (epsilon: Double, delta: Double) {
        var (epsilon, delta) = (0.0, 0.0)
        for release in releases {
            epsilon = (epsilon + (try nonNegative("epsilon", release.epsilon))).nextUp
            delta = (delta + (try checkedDelta(release.delta))).nextUp
        }
        return (epsilon, min(1, delta))
    }

    /// ε of `count` releases for total δ = count·`delta` + `slack`:
    /// ε·√(2k·log(1/δ′)) + kε(e^ε − 1)/(e^ε + 1). Dwork, Rothblum, Vadhan 2010, with the second term of Kairouz, Oh,
    /// Viswanath 2015.
    public static func advanced(
        epsilon: Double, count: Int, slack: Double
    ) throws(DifferentialPrivacyError) -> Double {
        _ = try nonNegative("epsilon", epsilon)
        guard count >= 0 else { throw .parameter("count", count, "at least 0") }
        guard slack > 0, slack < 1 else { throw .parameter("slack", slack, "a number in (0, 1)") }
        let k = Double(count)
        let value = epsilon * (2 * k * -log(slack)).squareRoot() + k * epsilon * tanh(epsilon / 2)
        return min(k * epsilon, value) * (1 + 1e-14)
    }

    /// The least ε for total δ `totalDelta`, for `count` releases that are (ε, δ)-differentially private each.
    /// - Reference: Kairouz, Oh, Viswanath 2015, Theorem 3.3; ε has the form (k − 2i)ε.
    public static func optimal(
        epsilon: Double, delta: Double, count: Int, totalDelta: Double
    ) throws(DifferentialPrivacyError) -> Double {
        _ = try nonNegative("epsilon", epsilon)
        _ = try checkedDelta(delta)
        _ = try checkedDelta(totalDelta)
        guard count >= 0, count <= 1_000_000 else { throw .parameter("count", count, "a number in [0, 1000000]") }
        // 1 − (1 − δ̃)(1 − δ)^k ≤ total
        let remaining = -expm1(log1p(-totalDelta) - Double(count) * log1p(-delta))
        guard remaining >= 0 else { return .infinity }
        let logTotal = Double(count) * (max(0, epsilon) + log1p(exp(-epsilon)))
        var best = Double(count) * epsilon
        guard count > 0 else { return 0 }
        for i in 0...(count / 2) {
            // δ_i = Σ_{l<i} binom(k, l)·(e^((k−l)ε) − e^((k−2i+l)ε)) / (1 + e^ε)^k
            var sum = 0.0
            var binomial = 0.0
            for l in 0..<i {
                let a = binomial + Double(count - l) * epsilon - logTotal
                sum += exp(a) * -expm1(Double(2 * l - 2 * i) * epsilon)
                binomial += log(Double(count - l)) - log(Double(l + 1))
            }
            guard sum * (1 + 1e-12) <= remaining else { break }
            best = Double(count - 2 * i) * epsilon
        }
        return best
    }
}
