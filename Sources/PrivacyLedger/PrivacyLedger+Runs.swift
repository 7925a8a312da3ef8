import DifferentialPrivacy
import Foundation

/// A release in many steps, such as a training run, that can be interrupted and resumed.
///
/// Steps are authorised in advance, in portions: after `advance(through: k)` has returned, the steps up to k may be
/// carried out. Only the object that began or last resumed a run can go on with it.
public struct LedgerRun: Sendable {
    /// Keep it with the checkpoints, to resume.
    public let identifier: String
    public let step: PrivacyEvent
    /// The most steps that the run can have.
    public let steps: Int
    let purpose: String
    let generation: Int
    let ledger: PrivacyLedger

    /// Authorises the steps up to `through`, in all. Durable when it returns.
    /// - Throws: ``PrivacyLedgerError``: `budgetExceeded` when the run was not reserved and the budget does not allow these
    ///   steps; `invalidRun` when `through` is not above what was authorised or is above ``steps``, and when the run was
    ///   resumed by somebody else.
    @discardableResult
    public func advance(through: Int) throws(PrivacyLedgerError) -> LedgerEntry {
        try ledger.enter(purpose: purpose) { state throws(PrivacyLedgerError) in
            let run = try held(state)
            let charged =
                run.isReserved || through <= run.through
                ? nil : PrivacyEvent.repeated(step, count: through - run.through)
            return (.runAdvanced(run: identifier, through: through), charged)
        }
    }

    /// Ends the run. What was reserved and never authorised is given back when releases may be chosen adaptively; when
    /// they were planned, stopping early would be a choice made by looking at results, and nothing is given back.
    @discardableResult
    public func finish() throws(PrivacyLedgerError) -> LedgerEntry {
        try ledger.enter(purpose: purpose) { state throws(PrivacyLedgerError) in
            let run = try held(state)
            let isReturned = run.isReserved && state.budget.choice == .adaptive
            return (.runEnded(run: identifier, returned: isReturned ? run.steps - run.through : 0), nil)
        }
    }

    private func held(_ state: LedgerState) throws(PrivacyLedgerError) -> LedgerRunState {
        let run = try state.open(identifier)
        guard run.generation == generation else {
            throw PrivacyLedgerError(
                code: .invalidRun, message: "run: \(identifier) was resumed by another process, which alone may go on")
        }
        return run
    }
}

extension PrivacyLedger {
    /// Begins a run of at most `steps` times `step`.
    /// - Parameter reserved: charges all steps now, so that no other release can use up the budget meanwhile. Otherwise
    ///   the whole run must fit now, each portion is charged when it is authorised, and may then be refused.
    /// - Throws: ``PrivacyLedgerError`` with code `budgetExceeded` when the whole run does not fit.
    public func beginRun(
        _ step: PrivacyEvent, steps: Int, reserved: Bool, purpose: String
    ) throws(PrivacyLedgerError) -> LedgerRun {
        let identifier = UUID().uuidString.lowercased()
        guard steps > 0 else { throw .parameter("steps", steps, "at least 1") }
        _ = try enter(purpose: purpose) { _ in
            (
                .runBegan(run: identifier, step: step, steps: steps, reserved: reserved),
                .repeated(step, count: steps)
            )
        }
        return LedgerRun(
            identifier: identifier, step: step, steps: steps, purpose: purpose, generation: 0, ledger: self)
    }

    /// Goes on with a run after its first `from` steps, those in the checkpoint.
    ///
    /// Steps after `from` that were authorised before count as released, since they may have been seen; carrying them out
    /// again draws other noise and is charged again. The fewer steps lie between checkpoints, the less that is.
    /// - Throws: ``PrivacyLedgerError``: `budgetExceeded` when the repeated steps do not fit; `invalidRun` for unknown and
    ///   finished runs, and when fewer than `from` steps were authorised.
    public func resumeRun(_ identifier: String, from: Int) throws(PrivacyLedgerError) -> LedgerRun {
        let began = try run(identifier)
        let purpose = began.purpose
        var generation = 0
        _ = try enter(purpose: purpose) { state throws(PrivacyLedgerError) in
            let run = try state.open(identifier)
            generation = run.generation + 1
            let repeated = max(0, run.through - from)
            return (
                .runResumed(run: identifier, from: from, repeated: repeated),
                repeated > 0 ? .repeated(run.step, count: repeated) : nil
            )
        }
        return LedgerRun(
            identifier: identifier, step: began.step, steps: began.steps, purpose: purpose, generation: generation,
            ledger: self)
    }

    /// A run as it stands.
    public func run(_ identifier: String) throws(PrivacyLedgerError) -> RunStanding {
        guard let run = try runs().first(where: { $0.identifier == identifier }) else {
            throw PrivacyLedgerError(
                code: .invalidRun, message: "run: got \(identifier), want one that this ledger has")
        }
        return run
    }

    /// All runs in the order in which they began.
    public func runs() throws(PrivacyLedgerError) -> [RunStanding] {
        let state = try current()
        let purposes = try entries(state.runs.values.map(\.began))
        return state.runs.sorted { $0.value.began < $1.value.began }.map { identifier, run in
            RunStanding(
                identifier: identifier, step: run.step, steps: run.steps, authorised: run.through,
                isReserved: run.isReserved, isOver: run.isOver, purpose: purposes[run.began] ?? "")
        }
    }
}

/// How far a run is.
public struct RunStanding: Hashable, Sendable {
    public let identifier: String
    public let step: PrivacyEvent
    public let steps: Int
    /// Steps that were authorised so far, repeated ones once.
    public let authorised: Int
    public let isReserved: Bool
    public let isOver: Bool
    public let purpose: String
}
