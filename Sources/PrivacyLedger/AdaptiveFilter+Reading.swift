import DifferentialPrivacy
import Foundation

extension AdaptiveFilter {
    /// The least ε with which the filter would have allowed all of these; ∞ when none would do.
    /// - Throws: ``DifferentialPrivacyError`` with code `unsupportedEvent` for a release that no part of the rule bounds.
    func reading(
        _ charges: [(event: PrivacyEvent, count: Int)], neighbouring: Neighbouring
    ) throws(DifferentialPrivacyError) -> Double {
        let releases = try ReleaseSum(charges, neighbouring: neighbouring)
        guard releases.delta <= approximateDelta else { return .infinity }
        var least = releases.epsilon
        if releases.isGaussian, gaussianDelta > 0 {
            var accountant = PrivacyLossAccountant(neighbouring: neighbouring)
            for (event, count) in charges { try accountant.compose(event, count: count) }
            least = min(least, try accountant.epsilon(delta: gaussianDelta))
        }
        for part in orders where part.delta > 0 {
            least = min(least, releases.epsilon(order: part.order, delta: part.delta))
        }
        return least
    }
}

/// What is known of several releases together. All values are rounded up.
struct ReleaseSum {
    private let bounds: [(bound: ReleaseBound, count: Double)]
    /// Covers the rounding of sums and products.
    private static let slack = 1 + 1e-11

    init(
        _ charges: [(event: PrivacyEvent, count: Int)], neighbouring: Neighbouring
    ) throws(DifferentialPrivacyError) {
        var bounds: [(bound: ReleaseBound, count: Double)] = []
        for (event, count) in charges {
            bounds.append((try ReleaseBound(event, neighbouring: neighbouring), Double(count)))
        }
        self.bounds = bounds
    }

    /// Σδᵢ of what is only (εᵢ, δᵢ)-private.
    var delta: Double {
        bounds.reduce(0) { sum, term in
            term.bound.delta > 0 ? (sum + (term.bound.delta * term.count).nextUp).nextUp : sum
        }
    }

    /// Σεᵢ, ∞ when a loss is not bounded.
    var epsilon: Double { bounds.reduce(0) { $0 + ($1.bound.epsilon ?? .infinity) * $1.count } * Self.slack }

    var isGaussian: Bool { bounds.allSatisfy { $0.bound.isGaussian } }

    /// ε of the sum of divergences at one order, for δ > 0.
    /// - Reference: Balle et al. 2020, Theorem 21; Canonne, Kamath, Steinke 2020, Proposition 12.
    func epsilon(order: Double, delta: Double) -> Double {
        let sum = bounds.reduce(0) { $0 + $1.bound.renyi(order: order) * $1.count } * Self.slack
        let conversion = log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
        return max(0, sum + conversion + 1e-13 * (1 + abs(conversion)))
    }
}
