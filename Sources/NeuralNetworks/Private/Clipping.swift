/// How the gradient of a privacy unit is bounded before it enters the sum.
public enum Clipping: Hashable, Sendable, Codable {
    /// g·min(1, norm/‖g‖): Abadi et al. 2016.
    case fixed(norm: Double)
    /// g·norm/(‖g‖ + stability): every unit weighs about alike, and no bound has to be tuned. Bu et al. 2023.
    case automatic(norm: Double, stability: Double = 0.01)
    /// A bound that follows the given quantile of the norms: after each step it is multiplied by
    /// exp(−rate·(b − quantile)), b the fraction of norms below it, released with Gaussian noise of deviation
    /// `countNoise` on the count less one half. The noise on the gradient is raised so that both together cost what
    /// the noise multiplier says. Andrew et al. 2021.
    case adaptive(initialNorm: Double, quantile: Double = 0.5, rate: Double = 0.2, countNoise: Double)

    /// The factor as a function of the norm, for the bound in force.
    struct Rule: Sendable {
        var bound: Double
        /// nil clips, a number normalises.
        var stability: Double?

        /// Norms and sums are computed in single precision; the factor leaves room for its rounding, so that no unit
        /// contributes more than the bound.
        static let roundingRoom = 1 - 0x1p-12

        func factor(norm: Double) -> Double {
            if let stability { return Self.roundingRoom * bound / (norm + stability) }
            return Self.roundingRoom * (norm > bound ? bound / norm : 1)
        }
    }

    var initialBound: Double {
        switch self {
        case .fixed(let norm), .automatic(let norm, _): norm
        case .adaptive(let norm, _, _, _): norm
        }
    }

    func rule(bound: Double) -> Rule {
        if case .automatic(_, let stability) = self { return Rule(bound: bound, stability: stability) }
        return Rule(bound: bound, stability: nil)
    }

    func check(noiseMultiplier: Double) throws(NeuralNetworksError) {
        guard initialBound > 0, initialBound.isFinite else {
            throw .parameter("clipping norm: got \(initialBound), want a number above 0")
        }
        switch self {
        case .fixed: break
        case .automatic(_, let stability):
            guard stability > 0, stability.isFinite else {
                throw .parameter("stability: got \(stability), want a number above 0")
            }
        case .adaptive(_, let quantile, let rate, let countNoise):
            guard quantile > 0, quantile < 1, rate > 0, rate.isFinite else {
                throw .parameter("adaptive clipping: got quantile \(quantile), rate \(rate), want (0, 1) and above 0")
            }
            guard noiseMultiplier == 0 || 2 * countNoise > noiseMultiplier else {
                throw .parameter(
                    "count noise: got \(countNoise), want more than half the noise multiplier, \(noiseMultiplier / 2)")
            }
        }
    }

    /// The multiplier for the gradient's noise such that gradient and count together cost as much as one Gaussian with
    /// `noiseMultiplier`: z_Δ = (z⁻² − (2σ_b)⁻²)^(−1/2).
    func gradientNoise(for noiseMultiplier: Double) -> Double {
        guard case .adaptive(_, _, _, let countNoise) = self, noiseMultiplier > 0 else { return noiseMultiplier }
        return 1 / (1 / (noiseMultiplier * noiseMultiplier) - 1 / (4 * countNoise * countNoise)).squareRoot()
    }
}
