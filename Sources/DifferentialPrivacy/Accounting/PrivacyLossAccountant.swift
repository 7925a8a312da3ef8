import Foundation
import Synchronization

/// Adds up privacy losses as distributions: the tightest accountant here, and the one to use by default.
///
/// Every release is replaced by a pair of distributions on a grid that loses at least as much (and one that loses at most
/// as much, for the lower bound); sums are computed by Fourier transforms, and what rounding and truncation can do is
/// added to the result. Both directions, the unit's data being in P or in Q, are composed separately and the larger is
/// reported. Releases with Gaussian noise and no sampling are added in closed form.
///
/// - Guarantee: `upper` bounds are valid (ε, δ) for releases whose parameters are fixed beforehand or depend on earlier
///   results only through the data-independent choice of which fixed event comes next; for parameters that are chosen by
///   looking at results use ``PrivacyFilter``.
/// - Edge cases: without events ε = 0 and δ = 0; δ = 0 with Gaussian noise gives ε = ∞.
/// - Cost: see ``LossResolution``; discretised events are kept, so that asking again after more of the same is cheap.
/// - Reference: Koskela, Jälkö, Honkela 2020; Gopi, Lee, Wutschitz 2021; Doroshenko et al. 2022; Zhu, Dong, Wang 2022
///   for the directions.
public struct PrivacyLossAccountant: PrivacyAccountant {
    public let resolution: LossResolution
    private var rules: LossRules
    private var cache = LossCache()

    public var neighbouring: Neighbouring { rules.neighbouring }

    public init(neighbouring: Neighbouring, resolution: LossResolution = .standard) {
        self.resolution = resolution
        rules = LossRules(neighbouring: neighbouring)
    }

    public mutating func compose(_ event: PrivacyEvent, count: Int) throws(DifferentialPrivacyError) {
        try rules.add(event, count: count)
    }

    /// An upper bound of ε.
    public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
        let delta = try checkedDelta(delta)
        if rules.keys.isEmpty { return gaussianEpsilon(delta).upper }
        return try epsilon(delta, isUpper: true)
    }

    /// An upper bound of δ.
    public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
        try checkEpsilon(epsilon)
        if rules.keys.isEmpty { return GaussianLoss.delta(epsilon: epsilon, mu: mu).upper }
        return try delta(epsilon, isUpper: true)
    }

    /// Bounds of the least ε for this δ, of the same discretisation: the truth lies between.
    public func epsilonBounds(delta: Double) throws(DifferentialPrivacyError) -> LossBounds {
        let delta = try checkedDelta(delta)
        if rules.keys.isEmpty { return gaussianEpsilon(delta) }
        let upper = try epsilon(delta, isUpper: true)
        return LossBounds(lower: min(upper, try epsilon(delta, isUpper: false)), upper: upper)
    }

    /// Bounds of the least δ for this ε.
    public func deltaBounds(epsilon: Double) throws(DifferentialPrivacyError) -> LossBounds {
        try checkEpsilon(epsilon)
        if rules.keys.isEmpty { return GaussianLoss.delta(epsilon: epsilon, mu: mu) }
        let upper = try delta(epsilon, isUpper: true)
        return LossBounds(lower: min(upper, try delta(epsilon, isUpper: false)), upper: upper)
    }

    private func checkEpsilon(_ epsilon: Double) throws(DifferentialPrivacyError) {
        guard epsilon >= 0 else { throw .parameter("epsilon", epsilon, "at least 0") }
    }

    /// Sensitivity over deviation of the one Gaussian that stands for all unsampled ones, rounded up.
    private var mu: Double { rules.gaussianPrecision.squareRoot().nextUp * (rules.gaussianPrecision > 0 ? 1 : 0) }

    private func gaussianEpsilon(_ delta: Double) -> LossBounds {
        let bounds = GaussianLoss.epsilon(delta: delta, mu: mu)
        // μ was rounded up by less than a part in 10¹⁵ per event.
        return LossBounds(lower: bounds.lower * (1 - 1e-13), upper: bounds.upper)
    }

    // MARK: Composition

    private func entries() -> [(key: LossKey, count: Int)] {
        var entries = rules.keys.map { (key: $0, count: rules.counts[$0]!) }
        if rules.gaussianPrecision > 0 { entries.append((.noise(.gaussian, scale: (1 / mu).nextDown, rate: 1), 1)) }
        return entries
    }

    /// The sums to look at: one, or one for each direction.
    private func compositions(
        isUpper: Bool, coarser: Int
    ) throws(DifferentialPrivacyError) -> [LossComposition] {
        let entries = entries()
        var releases: [(spread: Double, atom: Double?, count: Int)] = []
        for entry in entries { releases.append((try cache.spread(entry.key), entry.key.atom, entry.count)) }
        var grid = resolution.grid(releases)
        for _ in 0..<coarser { grid.interval *= 2 }
        var result: [LossComposition] = []
        for isExchanged in entries.allSatisfy(\.key.isSymmetric) ? [false] : [false, true] {
            var groups: [LossComposition.Group] = []
            for (key, count) in entries {
                let series = try cache.series(
                    .init(key: key, grid: grid, isUpper: isUpper, isExchanged: isExchanged && !key.isSymmetric))
                groups.append(.init(series: series, count: count))
            }
            result.append(LossComposition(groups: groups, interval: grid.interval, isUpper: isUpper))
        }
        return result
    }

    private func epsilon(_ delta: Double, isUpper: Bool) throws(DifferentialPrivacyError) -> Double {
        try coarsening { coarser throws(DifferentialPrivacyError) in
            var largest = 0.0
            for composition in try compositions(isUpper: isUpper, coarser: coarser) {
                guard let epsilon = composition.epsilon(delta: delta) else { return nil }
                largest = max(largest, epsilon)
            }
            return largest
        }
    }

    private func delta(_ epsilon: Double, isUpper: Bool) throws(DifferentialPrivacyError) -> Double {
        try coarsening { coarser throws(DifferentialPrivacyError) in
            var largest = 0.0
            for composition in try compositions(isUpper: isUpper, coarser: coarser) {
                guard let delta = composition.delta(epsilon: epsilon) else { return nil }
                largest = max(largest, delta)
            }
            return largest
        }
    }

    /// Tries with ever coarser grids until the transform is short enough.
    private func coarsening(
        _ body: (Int) throws(DifferentialPrivacyError) -> Double?
    ) throws(DifferentialPrivacyError) -> Double {
        for coarser in 0..<24 {
            if let value = try body(coarser) { return value }
        }
        throw DifferentialPrivacyError(
            code: .unsupportedEvent, message: "composition: the losses are too spread out to be added on one grid")
    }
}

extension LossComposition {
    /// A bound of the least ε for δ, nil when the grid is too fine for it.
    func epsilon(delta: Double) -> Double? {
        let infinity = infinity
        if infinity > delta { return .infinity }
        if infinity == delta {
            // Nothing finite may be left over: the largest loss there is.
            return max(0, isUpper ? (greatestLoss + lossError) * (1 + 1e-15) : greatestLoss - lossError)
        }
        let greatest = max(0, greatestLoss + lossError).nextUp
        let rest = truncated(delta: delta - infinity)
        var theta = rest.tilt(logDelta: log(delta - infinity))
        for _ in 0..<60 {
            guard let sum = rest.tilted(near: theta) else { return nil }
            switch sum.epsilon(delta: delta) {
            case .at(let epsilon): return isUpper ? min(epsilon, greatest) : epsilon
            case .above: theta = theta > 0 ? theta * 1.3 : interval
            case .below:
                if theta == 0 { return 0 }
                theta = theta < 1e-9 ? 0 : theta * 0.6
            }
        }
        return isUpper ? greatest : 0
    }

    /// A bound of δ for ε, nil when the grid is too fine for it.
    func delta(epsilon: Double) -> Double? {
        let infinity = infinity
        if epsilon >= (greatestLoss + lossError) * (1 + 1e-15) { return min(1, infinity) }
        // An estimate of δ says what is too rare to matter; it is first far too large where rare losses govern the sum.
        var estimate = 1e-3
        var best = isUpper ? 1.0 : 0.0
        for _ in 0..<40 {
            let rest = truncated(delta: estimate)
            guard let sum = rest.tilted(near: rest.tilt(epsilon: epsilon)) else { return nil }
            let delta = sum.delta(epsilon: epsilon)
            best = isUpper ? min(best, delta) : max(best, delta)
            if delta - infinity > estimate * 1e-3 || estimate < 1e-290 { break }
            estimate = max(min(delta - infinity, estimate * 1e-4) * 0.1, 1e-300)
        }
        return best
    }

    /// Less tilted when the window would be too long.
    private func tilted(near theta: Double) -> TiltedSum? {
        tilted(by: theta) ?? tilted(by: theta * 0.7)
    }
}

/// Discretised events, kept between queries; shared by copies of an accountant.
final class LossCache: Sendable {
    struct Request: Hashable {
        let key: LossKey
        let grid: LossGrid
        let isUpper: Bool
        let isExchanged: Bool
    }
    private struct State {
        var spreads: [LossKey: Double] = [:]
        var series: [Request: AtomSeries] = [:]
        var atoms = 0
    }
    private let state = Mutex(State())
    /// Atoms kept, 16 bytes each.
    private static let limit = 8_000_000

    func spread(_ key: LossKey) throws(DifferentialPrivacyError) -> Double {
        if let spread = state.withLock({ $0.spreads[key] }) { return spread }
        let spread = try key.spread()
        state.withLock { $0.spreads[key] = spread }
        return spread
    }

    func series(_ request: Request) throws(DifferentialPrivacyError) -> AtomSeries {
        if let series = state.withLock({ $0.series[request] }) { return series }
        var cells = try request.key.partition(request.grid)
        if request.isExchanged { cells = cells.exchanged }
        let h = request.grid.interval
        let series = AtomSeries(
            request.isUpper ? .dominating(cells, interval: h) : .dominated(cells, interval: h), interval: h)
        state.withLock { state in
            if state.atoms > Self.limit { (state.series, state.atoms) = ([:], 0) }
            state.series[request] = series
            state.atoms += series.positions.count
        }
        return series
    }
}
