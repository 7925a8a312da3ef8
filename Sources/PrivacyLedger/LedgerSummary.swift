import DifferentialPrivacy
import Foundation

/// A ledger as a report shows it: budget, standing, and what was released. Holds nothing that is not meant to be shown;
/// the data's fingerprint and the ledger's secret stay in the file.
public struct LedgerSummary: Hashable, Sendable, Codable {
    /// The ledger's own identifier.
    public var ledger: String
    public var dataSet: String
    /// Whom the budget protects.
    public var unit: String
    public var neighbouring: Neighbouring
    public var choice: ReleaseChoice
    /// How losses were added.
    public var rule: String
    public var epsilon: Double
    public var delta: Double
    /// What all releases come to at δ, rounded up; no more than `epsilon`.
    public var spent: Double
    public var left: Double
    public var entries: Int
    public var head: LedgerHash
    /// When the ledger was made and last written to, ISO 8601 in UTC.
    public var opened: String
    public var latest: String
    public var releases: [Release]

    /// One release, or one run.
    public struct Release: Hashable, Sendable, Codable {
        public var sequence: Int
        public var time: String
        public var actor: String
        public var program: String
        public var purpose: String
        /// The mechanism in words.
        public var mechanism: String
        /// For runs: steps authorised, steps at most, steps charged a second time after interruptions.
        public var run: Run?
    }

    public struct Run: Hashable, Sendable, Codable {
        public var identifier: String
        public var authorised: Int
        public var steps: Int
        public var repeated: Int
        public var isOver: Bool
    }
}

extension PrivacyLedger {
    public func summary() throws(PrivacyLedgerError) -> LedgerSummary {
        let state = try current()
        let standing = BudgetStanding(state.budget, spent: try state.rule.reading(state.charges, of: state.budget))
        let history = try history().prefix(state.sequence + 1)
        var repeated: [String: Int] = [:]
        for case .runResumed(let run, _, let steps) in history.lazy.map(\.content) {
            repeated[run, default: 0] += steps
        }
        let releases = history.compactMap { entry -> LedgerSummary.Release? in
            var (mechanism, run): (String, LedgerSummary.Run?)
            switch entry.content {
            case .spent(let event): (mechanism, run) = (event.description, nil)
            case .runBegan(let identifier, let step, let steps, _):
                let now = state.runs[identifier]
                mechanism = PrivacyEvent.repeated(step, count: steps).description
                run = .init(
                    identifier: identifier, authorised: now?.through ?? 0, steps: steps,
                    repeated: repeated[identifier] ?? 0, isOver: now?.isOver ?? false)
            default: return nil
            }
            return .init(
                sequence: entry.sequence, time: entry.timestamp, actor: entry.actor, program: entry.program,
                purpose: entry.purpose, mechanism: mechanism, run: run)
        }
        return LedgerSummary(
            ledger: state.ledger, dataSet: state.budget.dataSet.name, unit: state.budget.unit.name,
            neighbouring: state.budget.neighbouring, choice: state.budget.choice, rule: state.rule.name,
            epsilon: state.budget.epsilon, delta: state.budget.delta, spent: standing.spent, left: standing.left,
            entries: state.sequence + 1, head: state.head, opened: history.first?.timestamp ?? "",
            latest: history.last?.timestamp ?? "", releases: releases)
    }
}

extension LedgerEntry {
    /// The time as ISO 8601 in UTC, to the millisecond.
    public var timestamp: String {
        time.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }
}
