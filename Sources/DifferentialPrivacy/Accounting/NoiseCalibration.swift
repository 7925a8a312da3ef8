import Foundation

/// The least noise for a wanted guarantee.
public enum NoiseCalibration {
    /// The least σ, up to rounding, for which Gaussian noise on a query of this sensitivity is (ε, δ)-differentially
    /// private.
    /// - Reference: Balle, Wang 2018, Algorithm 1.
    public static func gaussianDeviation(
        epsilon: Double, delta: Double, sensitivity: Double
    ) throws(DifferentialPrivacyError) -> Double {
        _ = try nonNegative("epsilon", epsilon)
        guard delta > 0, delta < 1 else { throw .parameter("delta", delta, "a number in (0, 1)") }
        _ = try positive("sensitivity", sensitivity)
        return (GaussianLoss.deviation(epsilon: epsilon, delta: delta) * sensitivity).nextUp
    }

    /// The least noise multiplier, up to `tolerance` (relative) and never less than needed, for which `event` composed on
    /// an empty accountant has at most ε at δ.
    /// - Parameter event: the release for a noise multiplier; more noise must not lose more.
    /// - Throws: `.unreachable` when no multiplier up to 10⁶ suffices; what the accountant throws.
    public static func noiseMultiplier<Accountant: PrivacyAccountant>(
        epsilon: Double, delta: Double, tolerance: Double = 1e-4, accountant: Accountant,
        event: (Double) -> PrivacyEvent
    ) throws(DifferentialPrivacyError) -> Double {
        _ = try nonNegative("epsilon", epsilon)
        _ = try checkedDelta(delta)
        guard tolerance >= 1e-12, tolerance < 1 else { throw .parameter("tolerance", tolerance, "in [1e-12, 1)") }
        func suffices(_ multiplier: Double) throws(DifferentialPrivacyError) -> Bool {
            var accountant = accountant
            try accountant.compose(event(multiplier))
            return try accountant.epsilon(delta: delta) <= epsilon
        }
        var (low, high) = (0.0, 1.0)
        while !(try suffices(high)) {
            low = high
            high *= 2
            guard high <= 1e6 else {
                throw DifferentialPrivacyError(
                    code: .unreachable,
                    message: "noise multiplier: none up to 1e6 gives epsilon \(epsilon) at delta \(delta)")
            }
        }
        while low == 0, high > 0.01 {
            if try suffices(high / 2) { high /= 2 } else { low = high / 2 }
        }
        while high - low > tolerance * high {
            let middle = (low * high).squareRoot() > low ? (low * high).squareRoot() : (low + high) / 2
            guard middle > low, middle < high else { break }
            if try suffices(middle) { high = middle } else { low = middle }
        }
        return high
    }
}
