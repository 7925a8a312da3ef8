import Foundation

/// How much of a budget is used, in ε at the budget's δ.
public struct BudgetStanding: Hashable, Sendable, Codable {
    /// ε of the budget.
    public let epsilon: Double
    /// δ of the budget.
    public let delta: Double
    /// What all authorised releases come to, rounded up; see ``LossRule``.
    public let spent: Double
    /// What they leave of ε; at least 0.
    public var left: Double { max(0, epsilon - spent) }

    init(_ budget: PrivacyBudget, spent: Double) {
        epsilon = budget.epsilon
        delta = budget.delta
        self.spent = spent
    }
}

/// What a release would do to a budget: the numbers of a refusal, or of an enquiry.
public struct BudgetForecast: Hashable, Sendable {
    public let before: BudgetStanding
    /// ε of the release alone at the budget's δ.
    public let wanted: Double
    /// ε of everything, the release included.
    public let together: Double
    /// Whether the release would be authorised.
    ///
    /// Budgets are kept to nine digits: sums are rounded up, and ten releases of 0.1 shall fit into 1.
    public var fits: Bool { together <= before.epsilon * (1 + LossText.tolerance) }

    /// What is spent, for people, rounded up.
    public var spentText: String { LossText.up(before.spent) }
    /// What is left, for people, rounded down.
    public var leftText: String { LossText.down(before.left) }

    /// - Throws: ``PrivacyLedgerError`` with code `budgetExceeded` and these numbers when the release does not fit.
    public func requireFit(path: String) throws(PrivacyLedgerError) {
        guard fits else {
            throw PrivacyLedgerError(
                code: .budgetExceeded, message: "\(path): budget exceeded; \(explanation); nothing was released",
                refusal: self)
        }
    }

    /// One line for people, each number rounded to its safe side.
    public var explanation: String {
        let spent = "\(spentText) of \(LossText.exact(before.epsilon)) is spent"
        let left = "\(leftText) is left"
        let wants =
            "ε at δ = \(LossText.exact(before.delta)): the release wants \(LossText.up(wanted)); \(spent), \(left)"
        return wants + "; together it would be \(LossText.up(together))"
    }
}

/// Numbers of losses as text, never to the flattering side by more than the tolerance.
enum LossText {
    static let tolerance = 1e-9

    static func up(_ value: Double) -> String { text(value * (1 - tolerance), .up) }
    static func down(_ value: Double) -> String { text(value * (1 + tolerance), .down) }
    static func exact(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    private static func text(_ value: Double, _ rule: FloatingPointRoundingRule) -> String {
        guard value.isFinite else { return "∞" }
        // Four decimals, and four digits of what is smaller than one.
        let digits = value >= 1 || value <= 0 ? 4 : min(300, 3 - Int(log10(value).rounded(.down)))
        let scale = pow(10, Double(digits))
        guard value * scale < 1e15, scale.isFinite else { return "\(value)" }
        let rounded = (value * scale).rounded(rule) / scale
        return exact(rounded)
    }
}
