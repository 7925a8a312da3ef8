import DifferentialPrivacy
import Foundation
import GRDB
import PrivacyLedger
import Synchronization
import TacitTestSupport
import Testing

/// A ledger in a folder of its own.
struct LedgerFixture {
    let folder: TemporaryFolder
    var path: String { folder.file("patients.ledger") }

    static let identity = try! LedgerIdentity(actor: "tester", program: "tests 1")

    /// Folders live as long as the tests, since ledgers may outlive their fixture.
    private static let folders = Mutex<[TemporaryFolder]>([])

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let count = Self.folders.withLock { folders in
            folders.append(folder)
            return folders.count
        }
        if count == 1 { atexit { LedgerFixture.folders.withLock { $0 = [] } } }
    }

    /// Without δ, losses are sums of ε, and numbers in tests are round.
    static func budget(
        epsilon: Double = 1, delta: Double = 0, neighbouring: Neighbouring = .addOrRemoveOne,
        choice: ReleaseChoice = .adaptive
    ) throws -> PrivacyBudget {
        try PrivacyBudget(
            epsilon: epsilon, delta: delta, neighbouring: neighbouring, unit: PrivacyUnit("patient"),
            dataSet: LedgerDataSet(name: "admissions", fingerprint: String(repeating: "ab", count: 32)), choice: choice)
    }

    func create(_ budget: PrivacyBudget? = nil) throws -> PrivacyLedger {
        try PrivacyLedger.create(
            path: path, budget: try budget ?? Self.budget(), purpose: "declared by the board", identity: Self.identity)
    }

    func open(_ access: PrivacyLedger.Access = .spending) throws(PrivacyLedgerError) -> PrivacyLedger {
        try PrivacyLedger(path: path, access: access, identity: Self.identity)
    }

    /// Somebody with a database tool and the will to use it: triggers are put aside and back.
    func tamper(_ statements: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            let triggers = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            for trigger in triggers { try db.execute(sql: "DROP TRIGGER \(trigger["name"] as String)") }
            try db.execute(sql: statements)
            for trigger in triggers { try? db.execute(sql: trigger["sql"]) }  // not those of tables that are gone
        }
        try queue.close()
    }

    /// The error of opening the ledger and of checking it in an object that was opened before, if both find one.
    func problem(with opened: PrivacyLedger) -> PrivacyLedgerError? {
        do throws(PrivacyLedgerError) {
            try opened.verify()
        } catch let first {
            do throws(PrivacyLedgerError) {
                _ = try open(.reading)
            } catch {
                #expect(error.code == first.code && error.message == first.message)
                return error
            }
        }
        return nil
    }
}

/// The error of `body`.
func ledgerError(
    _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> PrivacyLedgerError? {
    do {
        try body()
        Issue.record("expected an error", sourceLocation: sourceLocation)
    } catch let error as PrivacyLedgerError {
        return error
    } catch {
        Issue.record("got \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
