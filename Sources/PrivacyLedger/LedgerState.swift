import DifferentialPrivacy

/// What the entries of a ledger amount to: its budget, what was charged, the runs that are open.
///
/// Built by replaying the entries in order; every entry is checked on the way, so that a state exists only for an
/// unaltered ledger.
struct LedgerState: Sendable {
    let budget: PrivacyBudget
    let ledger: String
    let rule: LossRule
    private(set) var sequence: Int
    private(set) var head: LedgerHash
    private(set) var microseconds: Int64
    private(set) var charges = PrivacyCharges()
    private(set) var runs: [String: LedgerRunState] = [:]
    /// Entries that authorised something, by kind of `spent` and `runBegan`.
    private(set) var releases = 0

    /// From the first row.
    init(first row: LedgerRow, hash: LedgerHash) throws(PrivacyLedgerError) {
        guard row.sequence == 0 else {
            throw Self.altered(0, "is missing; the first one there is entry \(row.sequence)")
        }
        let content = try Self.content(of: row, hash: hash, after: .zero)
        guard case .opened(let budget, let ledger, _, let rule) = content else {
            throw Self.altered(row.sequence, "is not the declaration of a budget, which every ledger begins with")
        }
        try rule.check(budget)
        self.budget = budget
        self.ledger = ledger
        self.rule = rule
        (sequence, head, microseconds) = (0, hash, row.microseconds)
    }

    /// Applies the next row.
    /// - Throws: ``PrivacyLedgerError`` with code `altered`, naming the row, when it is not what was written after the
    ///   ones before.
    mutating func append(_ row: LedgerRow, hash: LedgerHash) throws(PrivacyLedgerError) {
        guard row.sequence == sequence + 1 else {
            throw Self.altered(sequence + 1, "is missing; the next one there is entry \(row.sequence)")
        }
        let content = try Self.content(of: row, hash: hash, after: head)
        guard row.microseconds >= microseconds else {
            throw Self.altered(row.sequence, "is older than the entry before it")
        }
        do {
            try apply(content)
        } catch {
            throw Self.altered(row.sequence, "does not fit the entries before it (\(error))")
        }
        (sequence, head, microseconds) = (row.sequence, hash, row.microseconds)
    }

    /// The content of a row whose hash and link are right.
    private static func content(
        of row: LedgerRow, hash: LedgerHash, after previous: LedgerHash
    ) throws(PrivacyLedgerError) -> LedgerEntry.Content {
        guard row.hash == hash else {
            throw altered(row.sequence, "was changed after it was written: its hash is not that of its content")
        }
        guard row.previous == previous else {
            throw altered(row.sequence, "does not follow the entry before it: one was exchanged, removed or put in")
        }
        do {
            // Words of a file that somebody else made shall not play tricks with the terminal that shows them.
            for text in [row.actor, row.host, row.program, row.purpose] { _ = try LedgerText.checked("text", text) }
            return try LedgerEntry.Content(kind: row.kind, body: row.body)
        } catch {
            throw altered(row.sequence, "cannot be read (\(error))")
        }
    }

    static func altered(_ sequence: Int, _ what: String) -> PrivacyLedgerError {
        PrivacyLedgerError(code: .altered, message: "entry \(sequence): \(what)")
    }

    /// The charges that there will be after `content`.
    func charges(after content: LedgerEntry.Content) throws(PrivacyLedgerError) -> PrivacyCharges {
        var next = self
        try next.apply(content)
        return next.charges
    }

    private mutating func apply(_ content: LedgerEntry.Content) throws(PrivacyLedgerError) {
        switch content {
        case .opened: throw .parameter("kind", "a second declaration of the budget", "one")
        case .spent(let event):
            try charges.add(event, count: 1)
            releases += 1
        case .runBegan(let run, let step, let steps, let reserved):
            _ = try LedgerText.checked("run", run)
            guard runs[run] == nil else { throw .parameter("run", run, "one that has not begun") }
            guard steps > 0 else { throw .parameter("steps", steps, "at least 1") }
            try charges.add(step, count: reserved ? steps : 0)
            runs[run] = LedgerRunState(step: step, steps: steps, isReserved: reserved, began: sequence + 1)
            releases += 1
        case .runAdvanced(let run, let through):
            let state = try open(run)
            guard through > state.through, through <= state.steps else {
                throw PrivacyLedgerError(
                    code: .invalidRun,
                    message: "through: got \(through), want above \(state.through), to \(state.steps)")
            }
            if !state.isReserved { try charges.add(state.step, count: through - state.through) }
            runs[run]!.through = through
        case .runResumed(let run, let from, let repeated):
            let state = try open(run)
            guard from >= 0, from <= state.through, repeated == state.through - from else {
                throw PrivacyLedgerError(
                    code: .invalidRun, message: "from: got \(from), want at least 0, at most \(state.through)")
            }
            try charges.add(state.step, count: repeated)
            runs[run]!.generation += 1
        case .runEnded(let run, let returned):
            let state = try open(run)
            guard returned == 0 || (state.isReserved && budget.choice == .adaptive), returned >= 0,
                returned <= state.steps - state.through
            else { throw .parameter("returned", returned, "0, or the steps that were reserved and never authorised") }
            try charges.remove(state.step, count: returned)
            runs[run]!.isOver = true
        }
    }

    /// The state of a run that is not over.
    func open(_ run: String) throws(PrivacyLedgerError) -> LedgerRunState {
        guard let state = runs[run] else {
            throw PrivacyLedgerError(code: .invalidRun, message: "run: got \(run), want one that this ledger has")
        }
        guard !state.isOver else {
            throw PrivacyLedgerError(code: .invalidRun, message: "run: \(run) is over, want one that is not")
        }
        return state
    }
}

/// How far a run is.
struct LedgerRunState: Sendable {
    let step: PrivacyEvent
    let steps: Int
    let isReserved: Bool
    /// The entry that began it.
    let began: Int
    /// Steps authorised.
    var through = 0
    /// How often it was resumed; only the latest holder may go on.
    var generation = 0
    var isOver = false
}

/// Releases with multiplicities, in order of first appearance.
struct PrivacyCharges: Sendable {
    private(set) var events: [PrivacyEvent] = []
    private var counts: [PrivacyEvent: Int] = [:]

    /// More would not be exact everywhere in the accountants.
    static let mostRepetitions = 1 << 40

    var all: [(event: PrivacyEvent, count: Int)] {
        events.compactMap { event in counts[event].flatMap { $0 > 0 ? (event, $0) : nil } }
    }

    /// Adds an event, taken apart into its leaves.
    mutating func add(_ event: PrivacyEvent, count: Int) throws(PrivacyLedgerError) {
        guard count >= 0, count <= Self.mostRepetitions else {
            throw .parameter("count", count, "a number in [0, 2^40]")
        }
        switch event {
        case .nothing: return
        case .composed(let events): for event in events { try add(event, count: count) }
        case .repeated(let event, let times):
            let (product, overflow) = count.multipliedReportingOverflow(by: times)
            guard times >= 0, !overflow, product <= Self.mostRepetitions else {
                throw .parameter("count", times, "a number at least 0, and 2^40 releases at most in all")
            }
            try add(event, count: product)
        default:
            let sum = counts[event, default: 0] + count
            guard sum <= Self.mostRepetitions else { throw .parameter("count", sum, "at most 2^40 in all") }
            if counts.updateValue(sum, forKey: event) == nil { events.append(event) }
        }
    }

    mutating func remove(_ event: PrivacyEvent, count: Int) throws(PrivacyLedgerError) {
        guard count > 0 else { return }
        var removed = PrivacyCharges()
        try removed.add(event, count: count)
        for (leaf, times) in removed.all {
            guard let there = counts[leaf], there >= times else {
                throw .parameter("returned", times, "at most what was charged")
            }
            counts[leaf] = there - times
        }
    }
}
