import DifferentialPrivacy
import Foundation
import GRDB
import Synchronization

/// The account of everything that was released about one data set, with a budget that it enforces.
///
/// One SQLite file per data set and privacy unit. A release is first authorised: in one transaction the ledger is read,
/// the losses are added up, and the release is entered or refused. Only when the entry is on the disk does ``spend`` call
/// the code that releases, so that a crash at any instant leaves a ledger that says at least as much as was released.
/// Several processes may use a ledger at once. Entries are linked by SHA-256 and are checked whenever a ledger is opened.
///
/// - Guarantee: all releases that were authorised by a ledger are together (ε, δ)-differentially private, with the ε and
///   δ of its budget, under the conditions of its ``ReleaseChoice``, when each was entered as what it is and nothing is
///   released without the ledger.
/// - Edge cases: file systems without working locks (some network mounts) void what is said about several processes. A
///   copy of a ledger that is older than the last release knows less than was spent; see ``verify(pinned:)``.
/// - Cost: per spend five flushes of the disk, and the composition of all distinct releases; opening reads and hashes all
///   entries.
public final class PrivacyLedger: Sendable {
    /// Whether a ledger may be written to.
    public enum Access: Sendable { case reading, spending }

    public let path: String
    public let access: Access
    let file: LedgerFile
    let identity: LedgerIdentity
    /// The state at the last entry that this object has seen.
    let state: Mutex<LedgerState>

    /// Opens a ledger and checks all of it.
    /// - Parameters:
    ///   - access: reading never changes the file, except to undo what a killed process left half-written.
    ///   - identity: who spends, and with which program; see ``LedgerIdentity``.
    ///   - busyTimeout: seconds to wait for other processes.
    /// - Throws: ``PrivacyLedgerError`` with a code that tells absent, foreign, newer, damaged and altered files apart.
    public convenience init(
        path: String, access: Access, identity: LedgerIdentity, busyTimeout: Double = 60
    ) throws(PrivacyLedgerError) {
        let file = try LedgerFile(path: path, isReadOnly: access == .reading, busyTimeout: busyTimeout)
        try self.init(file: file, access: access, identity: identity)
    }

    private init(file: LedgerFile, access: Access, identity: LedgerIdentity) throws(PrivacyLedgerError) {
        path = file.path
        self.file = file
        self.access = access
        self.identity = identity
        state = Mutex(try file.read { db in try LedgerStorage.state(db, path: file.path, after: nil) })
    }

    /// Makes a ledger with a budget and opens it for spending. The file can be read and written by its owner only.
    /// - Throws: ``PrivacyLedgerError`` with code `cannotCreate` when there is a file of that name: a ledger is never
    ///   replaced.
    public static func create(
        path: String, budget: PrivacyBudget, purpose: String, identity: LedgerIdentity
    ) throws(PrivacyLedgerError) -> PrivacyLedger {
        let purpose = try LedgerText.checked("purpose", purpose)
        // The secret hides what an outsider could otherwise guess from the hash of the first entry.
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<4).map { _ in String(generator.next() as UInt64, radix: 36) }.joined(separator: "-")
        let content = LedgerEntry.Content.opened(
            budget, ledger: UUID().uuidString.lowercased(), secret: secret, rule: LossRule(budget))
        try LedgerFile.create(path: path) { file throws(PrivacyLedgerError) in
            try file.write { db in
                try LedgerSchema.migrate(db, from: 0)
                _ = try LedgerStorage.append(content, purpose: purpose, identity: identity, after: nil, to: db)
            }
        }
        return try PrivacyLedger(path: path, access: .spending, identity: identity)
    }

    /// The declared budget.
    public var budget: PrivacyBudget { state.withLock { $0.budget } }

    /// How losses are added up.
    public var rule: LossRule { state.withLock { $0.rule } }

    /// The ledger's own identifier, made at random.
    public var identifier: String { state.withLock { $0.ledger } }

    /// What is spent and what is left, all entries of other processes included.
    public func standing() throws(PrivacyLedgerError) -> BudgetStanding {
        let state = try current()
        return BudgetStanding(state.budget, spent: try state.rule.reading(state.charges, of: state.budget))
    }

    /// What a release would do to the budget. Enters nothing.
    public func forecast(_ event: PrivacyEvent) throws(PrivacyLedgerError) -> BudgetForecast {
        try current().forecast(.spent(event), alone: event)
    }

    /// Refuses unless the release is about the data, unit and relation of this ledger. For use before the data are read.
    /// - Parameter fingerprint: nil when it is not known; compared only when the ledger has one too.
    public func require(
        unit: PrivacyUnit, neighbouring: Neighbouring, fingerprint: String?
    ) throws(PrivacyLedgerError) {
        let budget = budget
        func mismatch(_ what: String, _ got: String, _ want: String) -> PrivacyLedgerError {
            PrivacyLedgerError(
                code: .mismatch, message: "\(path): \(what): got \(got), want \(want); this ledger is of other releases"
            )
        }
        guard unit == budget.unit else { throw mismatch("privacy unit", unit.name, budget.unit.name) }
        guard neighbouring == budget.neighbouring else {
            throw mismatch("neighbouring", neighbouring.rawValue, budget.neighbouring.rawValue)
        }
        if let fingerprint, let own = budget.dataSet.fingerprint, fingerprint != own {
            throw mismatch("data", "other data", "\(budget.dataSet.name) as it was when the ledger was made")
        }
    }

    /// The state with what other processes have added meanwhile.
    func current() throws(PrivacyLedgerError) -> LedgerState {
        let result: Result<LedgerState, PrivacyLedgerError> = state.withLock { state in
            do throws(PrivacyLedgerError) {
                let known = state
                state = try file.read { db in try LedgerStorage.state(db, path: path, after: known) }
                return .success(state)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Who writes into a ledger.
public struct LedgerIdentity: Hashable, Sendable {
    public let actor: String
    public let host: String
    public let process: Int32
    public let program: String

    /// - Parameters:
    ///   - actor: a person or service; nil for the user that the process runs as.
    ///   - program: name and version of the code that releases.
    public init(actor: String? = nil, program: String) throws(PrivacyLedgerError) {
        self.actor = try LedgerText.checked("actor", actor ?? Self.user)
        self.program = try LedgerText.checked("program", program)
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let length = name.firstIndex(of: 0) ?? 0
        let text = String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        host = isKnown ? (try? LedgerText.checked("host", text)) ?? "unknown" : "unknown"
        process = getpid()
    }

    private static var user: String {
        let name = NSUserName()
        return name.isEmpty ? "user \(getuid())" : name
    }
}
