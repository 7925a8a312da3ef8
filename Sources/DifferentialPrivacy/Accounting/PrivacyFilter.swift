import Foundation

/// Decides before each release whether it still fits a budget, also when releases are chosen by looking at earlier
/// results.
///
/// At one order α, fixed beforehand, the divergences of the releases may be added up even if each was chosen adaptively;
/// the filter stops before their sum exceeds what (ε, δ) allows at α.
/// - Guarantee: all releases that were authorised are together (ε, δ)-differentially private.
/// - Reference: Feldman, Zrnic 2021, Theorem 4.3; the conversion of ``RenyiAccountant``.
public struct PrivacyFilter: Sendable {
    public let epsilon: Double
    public let delta: Double
    public let order: Double
    /// The sum of divergences at `order` that may not be exceeded.
    public let limit: Double
    private var accountant: RenyiAccountant

    /// - Parameter order: α; nil takes the best one for Gaussian noise without sampling.
    public init(
        epsilon: Double, delta: Double, neighbouring: Neighbouring, order: Double? = nil
    ) throws(DifferentialPrivacyError) {
        _ = try positive("epsilon", epsilon)
        guard delta > 0, delta < 1 else { throw .parameter("delta", delta, "a number in (0, 1)") }
        func limit(_ order: Double) -> Double {
            var (low, high) = (0.0, epsilon - log(delta))
            for _ in 0..<200 {
                let middle = (low + high) / 2
                if RenyiAccountant.epsilon(order: order, divergence: middle, delta: delta) <= epsilon {
                    low = middle
                } else {
                    high = middle
                }
            }
            return low
        }
        let chosen = order ?? RenyiAccountant.defaultOrders.max { limit($0) / $0 < limit($1) / $1 }!
        self.epsilon = epsilon
        self.delta = delta
        self.order = chosen
        accountant = try RenyiAccountant(neighbouring: neighbouring, orders: [chosen])
        self.limit = limit(chosen)
    }

    /// Whether one more of these would fit.
    public func allows(_ event: PrivacyEvent) throws(DifferentialPrivacyError) -> Bool {
        var next = accountant
        try next.compose(event)
        return next.divergences[0] <= limit
    }

    /// Spends the loss of a release; call it before releasing.
    /// - Throws: `.budgetExhausted` when it does not fit; nothing is spent then.
    public mutating func authorise(_ event: PrivacyEvent) throws(DifferentialPrivacyError) {
        var next = accountant
        try next.compose(event)
        guard next.divergences[0] <= limit else {
            throw DifferentialPrivacyError(
                code: .budgetExhausted,
                message: "budget: (\(epsilon), \(delta)) does not allow \(event); \(remaining) of it is left")
        }
        accountant = next
    }

    /// The part of the limit that is left, in [0, 1].
    public var remaining: Double { limit > 0 ? max(0, 1 - accountant.divergences[0] / limit) : 0 }
}

/// Says at any time what has been spent, also when releases are chosen by looking at earlier results.
///
/// It keeps one ``PrivacyFilter``'s worth of accounting for each of the budgets ε·2^(i/4); filter i may fail with
/// probability δ_i = 6δ/(π²(i + 1)²), all of them together with δ.
/// - Guarantee: with the stated δ, `spent` is valid at every moment at once, for a loss of at most ε·2^24.
/// - Cost: some hundred Rényi divergences a release.
/// - Reference: Rogers, Roth, Ullman, Vadhan 2016, Section 4; Lécuyer 2021.
public struct PrivacyOdometer: Sendable {
    private var filters: [PrivacyFilter]
    private var accountants: [RenyiAccountant]

    /// - Parameter finest: the least ε that is told apart from nothing.
    public init(finest: Double, delta: Double, neighbouring: Neighbouring) throws(DifferentialPrivacyError) {
        _ = try positive("finest", finest)
        guard delta > 0, delta < 1 else { throw .parameter("delta", delta, "a number in (0, 1)") }
        filters = []
        accountants = []
        for i in 0..<96 {
            let part = 6 * delta / (Double.pi * Double.pi * Double((i + 1) * (i + 1)))
            let filter = try PrivacyFilter(
                epsilon: finest * exp2(Double(i) / 4), delta: part, neighbouring: neighbouring)
            filters.append(filter)
            accountants.append(try RenyiAccountant(neighbouring: neighbouring, orders: [filter.order]))
        }
    }

    /// Adds a release.
    public mutating func record(_ event: PrivacyEvent) throws(DifferentialPrivacyError) {
        var next = accountants
        for i in next.indices { try next[i].compose(event) }
        accountants = next
    }

    /// ε of everything recorded so far, the next of the budgets ε·2^(i/4); 0 for nothing, ∞ beyond the last.
    public var spent: Double {
        if accountants.allSatisfy({ $0.divergences[0] == 0 }) { return 0 }
        for (filter, accountant) in zip(filters, accountants) where accountant.divergences[0] <= filter.limit {
            return filter.epsilon
        }
        return .infinity
    }
}
