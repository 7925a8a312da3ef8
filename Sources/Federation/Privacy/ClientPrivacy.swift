import DifferentialPrivacy
import Foundation
import PrivacyLedger
import Randomness

/// Differential privacy of a site's whole contribution: each round's update is clipped in ℓ₂ and the sum gets noise.
///
/// All sites then count alike, whatever their size, and nothing else leaves: no statistics first, no evaluation at the
/// sites, whose sums would be exact.
/// - Reference: McMahan, Ramage, Talwar, Zhang 2018; adaptive clipping: Andrew, Thakkar, McMahan, Ramaswamy 2021.
public struct ClientPrivacy: Hashable, Sendable, Codable {
    public enum Placement: String, Hashable, Sendable, Codable {
        /// The coordinator, who must be trusted to do it, adds noise to the sum.
        case central
        /// Each site adds a part of it before masking; the coordinator sees the noisy sum only.
        case distributed
    }

    public struct Adaptive: Hashable, Sendable, Codable {
        /// The share of updates that shall stay unclipped.
        public var quantile: Double
        /// η_C: the bound is multiplied by exp(−η_C·(share − quantile)).
        public var rate: Double
        /// Deviation of the noise on the number of unclipped updates.
        public var countNoise: Double

        public init(quantile: Double, rate: Double, countNoise: Double) {
            self.quantile = quantile
            self.rate = rate
            self.countNoise = countNoise
        }
    }

    /// Bound on the ℓ₂ norm of an update; the first one when it adapts.
    public var clippingNorm: Double
    /// Deviation of the noise in the sum over the bound.
    public var noiseMultiplier: Double
    public var placement: Placement
    public var neighbouring: Neighbouring
    public var delta: Double
    public var adaptive: Adaptive?

    public init(
        clippingNorm: Double, noiseMultiplier: Double, placement: Placement, neighbouring: Neighbouring, delta: Double,
        adaptive: Adaptive? = nil
    ) {
        self.clippingNorm = clippingNorm
        self.noiseMultiplier = noiseMultiplier
        self.placement = placement
        self.neighbouring = neighbouring
        self.delta = delta
        self.adaptive = adaptive
    }

    func check() throws(FederationError) {
        guard VectorLayout.bounds.contains(clippingNorm) else {
            throw .study("privacy.clippingNorm: got \(clippingNorm), want a number in 2^-100...2^100")
        }
        guard noiseMultiplier > 0, noiseMultiplier <= 1000 else {
            throw .study("privacy.noiseMultiplier: got \(noiseMultiplier), want a number in (0, 1000]")
        }
        guard delta > 0, delta < 1 else { throw .study("privacy.delta: got \(delta), want a number in (0, 1)") }
        guard let adaptive else { return }
        guard (0...1).contains(adaptive.quantile), adaptive.rate > 0, adaptive.rate <= 1, adaptive.countNoise > 0 else {
            throw .study("privacy.adaptive: want a quantile in [0, 1], a rate in (0, 1] and countNoise above 0")
        }
    }

    /// Integer noise of one site, or of the coordinator, in the units of a vector.
    struct Noise {
        /// Deviation on each coordinate of the change.
        var change: Double
        /// On the count of unclipped updates, 0 when the bound is fixed.
        var count: Double
    }

    /// ℓ₂ bound of a vector of d integers that stand for a change clipped to `norm`: rounding adds at most ½ a coordinate.
    static func integerBound(norm: Double, scale: Double, count: Int) -> Double {
        norm * scale + Double(count).squareRoot() / 2
    }

    /// Noise for each of `parts` contributors, so that their sum has what the multiplier asks.
    func noise(norm: Double, layout: VectorLayout, parts: Int) -> Noise {
        let change = layout.segments[0]
        let bound = Self.integerBound(norm: norm, scale: change.scale, count: change.count)
        let root = Double(parts).squareRoot()
        let countScale = layout.segments.count > 1 ? layout.segments[1].scale : 0
        return Noise(
            change: noiseMultiplier * bound / root, count: (adaptive?.countNoise ?? 0) * countScale / root)
    }

    func draw(_ noise: Noise, layout: VectorLayout, using random: inout some SecureRandom) throws(FederationError)
        -> [Int64]
    {
        do {
            var result = try DiscreteNoise.gaussian(deviation: noise.change).draws(
                layout.segments[0].count, using: &random)
            for segment in layout.segments.dropFirst() {
                result +=
                    noise.count > 0
                    ? try DiscreteNoise.gaussian(deviation: noise.count).draws(segment.count, using: &random)
                    : [Int64](repeating: 0, count: segment.count)
            }
            return result
        } catch { throw .protection("noise: \(error)") }
    }

    /// What one round releases of a site, when so many contributed their part of the noise that was sized for `sized`.
    ///
    /// Discrete Gaussians that are added up are not exactly a discrete Gaussian; the difference is in the loss, by theorem 1
    /// of Kairouz, Liu, Steinke 2021: ½ε² for ε = min(√(Δ²/σ² + τd/2), Δ/σ + τ√d) with
    /// τ = 10·Σ_{k<n} exp(−2π²·(σ²/n)·k/(k + 1)), σ² the variance of the sum of n parts.
    func event(norm: Double, layout: VectorLayout, contributors: Int, sized: Int) -> PrivacyEvent {
        let change = layout.segments[0]
        let part = noise(norm: norm, layout: layout, parts: placement == .central ? 1 : sized)
        let parts = placement == .central ? 1 : contributors
        var rho = 0.0
        func add(_ bound: Double, _ deviation: Double, _ count: Int) {
            guard deviation > 0 else { return }
            let sensitivity = bound * neighbouring.sensitivityOfSum
            let total = deviation * Double(parts).squareRoot()
            var tau = 0.0
            for k in stride(from: 1, to: parts, by: 1) {
                tau += 10 * exp(-2 * Double.pi * Double.pi * deviation * deviation * Double(k) / Double(k + 1))
            }
            let ratio = sensitivity / total
            let epsilon = min(
                (ratio * ratio + tau * Double(count) / 2).squareRoot(), ratio + tau * Double(count).squareRoot())
            rho += epsilon * epsilon / 2
        }
        add(Self.integerBound(norm: norm, scale: change.scale, count: change.count), part.change, change.count)
        if adaptive != nil, layout.segments.count > 1 { add(0.5 * layout.segments[1].scale, part.count, 1) }
        return .zeroConcentrated(rho: (rho * (1 + 0x1p-40)).nextUp)
    }

    /// The next bound.
    func adapted(_ norm: Double, unclippedShare: Double) -> Double {
        guard let adaptive else { return norm }
        let share = min(max(unclippedShare, 0), 1)
        return norm * exp(-adaptive.rate * (share - adaptive.quantile))
    }
}

/// Where a site enters what it is about to release, before it does.
public protocol PrivacyCharging: Sendable {
    /// Charges the most that the release can cost.
    /// - Returns: a name for the charge.
    /// - Throws: `budgetExceeded`.
    func charge(_ event: PrivacyEvent, purpose: String) throws(FederationError) -> String
    /// Puts what the release did cost in the place of a charge. May come twice for one charge, and changes nothing then.
    /// Whatever fails or is interrupted on the way leaves more charged than was spent, never less.
    func settle(_ charge: String, as event: PrivacyEvent, purpose: String) throws(FederationError)
}

/// A ledger file.
public struct LedgerCharging: PrivacyCharging {
    let ledger: PrivacyLedger
    public init(_ ledger: PrivacyLedger) { self.ledger = ledger }

    /// Reserves: what is reserved and not used can be given back where releases are chosen adaptively.
    public func charge(_ event: PrivacyEvent, purpose: String) throws(FederationError) -> String {
        do { return try ledger.beginRun(event, steps: 1, reserved: true, purpose: purpose).identifier } catch {
            throw FederationError(code: .budgetExceeded, message: error.message)
        }
    }

    /// Charges the true cost, then gives the reservation back. Where both together do not fit the budget, the reservation
    /// is what stays.
    public func settle(_ charge: String, as event: PrivacyEvent, purpose: String) throws(FederationError) {
        do {
            guard try !ledger.run(charge).isOver else { return }
            let run = try ledger.resumeRun(charge, from: 0)
            if ledger.budget.choice == .adaptive, try ledger.forecast(event).fits {
                _ = try ledger.authorise(event, purpose: purpose)
            } else {
                try run.advance(through: 1)
            }
            try run.finish()
        } catch { throw FederationError(code: .store, message: error.message) }
    }
}
