import DifferentialPrivacy

/// How a ledger adds up losses. Written into the ledger when it is made, so that later versions of this software keep to
/// it.
public enum LossRule: Hashable, Sendable, Codable {
    /// The privacy-loss distributions of all releases are composed; for ``ReleaseChoice/planned``.
    case distributions
    /// For ``ReleaseChoice/adaptive``.
    case filter(AdaptiveFilter)

    package init(_ budget: PrivacyBudget) {
        switch budget.choice {
        case .planned: self = .distributions
        case .adaptive: self = .filter(AdaptiveFilter(epsilon: budget.epsilon, delta: budget.delta))
        }
    }

    /// A rule that came out of a file must be valid for its budget.
    func check(_ budget: PrivacyBudget) throws(PrivacyLedgerError) {
        switch self {
        case .distributions:
            guard budget.choice == .planned else {
                throw PrivacyLedgerError(
                    code: .altered, message: "rule: distributions are not added when releases are chosen adaptively")
            }
        case .filter(let filter): try filter.check(delta: budget.delta)
        }
    }

    /// A name for reports.
    public var name: String {
        switch self {
        case .distributions: "privacy-loss distributions"
        case .filter: "privacy filter"
        }
    }

    /// The least ε for which this rule would have allowed all of the releases together, at the budget's δ; ∞ for none.
    ///
    /// Never decreases when releases are added (up to the accountant's stated width, always on the safe side).
    func reading(_ charges: PrivacyCharges, of budget: PrivacyBudget) throws(PrivacyLedgerError) -> Double {
        let all = charges.all
        if all.isEmpty { return 0 }
        do {
            switch self {
            case .distributions:
                return try PlannedComposition.epsilon(all, delta: budget.delta, neighbouring: budget.neighbouring)
            case .filter(let filter): return try filter.reading(all, neighbouring: budget.neighbouring)
            }
        } catch {
            let code: PrivacyLedgerError.Code =
                error.code == .unsupportedEvent ? .unsupportedEvent : .invalidParameter
            throw PrivacyLedgerError(code: code, message: error.message, cause: error)
        }
    }
}

/// The sum of releases that were all fixed beforehand.
enum PlannedComposition {
    static func epsilon(
        _ charges: [(event: PrivacyEvent, count: Int)], delta: Double, neighbouring: Neighbouring
    ) throws(DifferentialPrivacyError) -> Double {
        do throws(DifferentialPrivacyError) {
            var accountant = PrivacyLossAccountant(neighbouring: neighbouring)
            for (event, count) in charges { try accountant.compose(event, count: count) }
            return try accountant.epsilon(delta: delta)
        } catch {
            guard error.code == .unsupportedEvent else { throw error }
            return try epsilonByDivergence(charges, delta: delta, neighbouring: neighbouring)
        }
    }

    /// For releases of which no distribution is known. With fixed parameters the best order may be chosen afterwards.
    private static func epsilonByDivergence(
        _ charges: [(event: PrivacyEvent, count: Int)], delta: Double, neighbouring: Neighbouring
    ) throws(DifferentialPrivacyError) -> Double {
        let releases = try ReleaseSum(charges, neighbouring: neighbouring)
        let rest = (delta - releases.delta).nextDown
        var least = releases.delta <= delta ? releases.epsilon : .infinity
        guard rest > 0 else { return least }
        for order in Array(2...64) + [80, 96, 128, 192, 256, 512, 1024] {
            least = min(least, releases.epsilon(order: Double(order), delta: rest))
        }
        return least
    }
}
