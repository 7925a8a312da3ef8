import DifferentialPrivacy
import Foundation

/// The rule by which a ledger bounds releases that anyone may choose by looking at earlier results.
///
/// δ is divided once, before anything is released: a part for mechanisms that are themselves only (εᵢ, δᵢ)-private, a
/// part g for sums of Gaussian releases, and a part w_α for each Rényi order α of a short list. A release is allowed when
/// afterwards Σδᵢ is within its part and one of these holds:
///
///  - Σεᵢ ≤ ε (all releases have a bounded loss),
///  - all releases are Gaussian, and one Gaussian of precision Σ(Δ/σᵢ)² is (ε, g)-private,
///  - Σ RDPᵢ(α) is at most what is (ε, w_α)-private, for one α of the list.
///
/// Each of the three is a filter that is valid when parameters are chosen adaptively: Rogers, Roth, Ullman, Vadhan 2016
/// for the first, Smith and Thakurta 2022 (and Koskela, Tobaben, Honkela 2023) for the second, Feldman and Zrnic 2021 for
/// the third. Any of them may hold at the end because their failures were paid for out of one δ: the page
/// `docs/privacy-ledger.md` has the argument. Distributions of losses may not be composed under adaptive parameters, and
/// are not.
public struct AdaptiveFilter: Hashable, Sendable, Codable {
    /// Σδᵢ of releases that are (εᵢ, δᵢ)-private may be so much.
    public let approximateDelta: Double
    /// g, for sums of Gaussians.
    public let gaussianDelta: Double
    /// The orders and their parts, ascending.
    public let orders: [Order]

    public struct Order: Hashable, Sendable, Codable {
        /// α > 1.
        public let order: Double
        /// w_α.
        public let delta: Double
    }

    /// A tenth of δ for approximate mechanisms, four tenths for Gaussians, half for five orders around the one that is
    /// best when (ε, δ) is used up by many small losses: α = 1 + √(ln 1/δ / ρ) with ρ + 2√(ρ ln 1/δ) = ε.
    init(epsilon: Double, delta: Double) {
        guard delta > 0 else {
            (approximateDelta, gaussianDelta, orders) = (0, 0, [])
            return
        }
        // Ten releases of a hundredth of δ shall fit into a tenth: sums are rounded up.
        approximateDelta = 0.1 * delta * (1 + 1e-9)
        gaussianDelta = 0.4 * delta * (1 - 1e-9)
        let logDelta = -log(delta)
        let best = logDelta.squareRoot() / ((logDelta + epsilon).squareRoot() - logDelta.squareRoot())
        var shares: [Double: Double] = [:]
        for (factor, share) in [(0.5, 0.04), (0.7, 0.1), (1, 0.22), (1.4, 0.1), (2, 0.04)] {
            let order = max(2, min(1024, (1 + best * factor).rounded()))
            shares[order, default: 0] += share * delta * (1 - 1e-12)  // so that rounding cannot take the sum above δ
        }
        orders = shares.sorted { $0.key < $1.key }.map { Order(order: $0.key, delta: $0.value) }
    }

    func check(delta: Double) throws(PrivacyLedgerError) {
        var sum = 0.0
        for part in [approximateDelta, gaussianDelta] + orders.map(\.delta) {
            guard part >= 0 else { throw .parameter("part of delta", part, "at least 0") }
            if part > 0 { sum = (sum + part).nextUp }
        }
        guard sum <= delta, orders.count <= 1024 else {
            throw .parameter("parts of delta", sum, "at most \(delta) together")
        }
        for order in orders where !(order.order > 1 && order.order <= 1e6) {
            throw .parameter("order", order.order, "a number in (1, 1e6]")
        }
    }
}
