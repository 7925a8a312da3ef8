import BinaryCoding
import Foundation

/// What a coordinator must not forget: a folder with an SQLite database and, beside it, the long messages; or, where the
/// folder says so (``StorePlace``), a PostgreSQL database that holds both.
///
/// Guarantee: ``commit(_:)`` returns only when every change made in it is on the disk (SQLite: WAL, `synchronous = FULL`;
/// long bodies are flushed and named before the transaction. PostgreSQL: `synchronous_commit = on`); a crash at any moment
/// leaves all of a commit or nothing. A message is taken once: the database holds no two inputs of one peer with one
/// identifier. Holds secrets: the folder's mode is 0700, the files' 0600.
/// - Cost: one flush of the write-ahead log a commit; with SQLite one more for every long body.
public final class CoordinatorStore: Sendable {
    public let folder: String
    let engine: any StoreEngine

    /// Where a transport keeps messages that are still arriving: on the same file system, so that they are taken over by
    /// renaming.
    public var spoolFolder: String { folder + "/arriving" }

    /// Opens the store for the one coordinator of this study; makes it when there is none.
    /// - Throws: ``CoordinatorStoreError``: `inUse`, `otherStudy`, `tooNew`, `damaged`, `diskFull`, `inputOutput`; for a
    ///   server also `unavailable`, `permission`, `invalidPlace`.
    public convenience init(servingFrom folder: String, study: Fingerprint) throws(CoordinatorStoreError) {
        try self.init(folder, try StorePlace(of: folder), study: study, isServing: true, creates: true)
    }

    /// Opens the store beside a coordinator that may be running: for enrolment and for looking at it.
    /// - Throws: also `notFound`, unless `creates`.
    public convenience init(
        beside folder: String, study: Fingerprint, creates: Bool = false
    ) throws(CoordinatorStoreError) {
        try self.init(folder, try StorePlace(of: folder), study: study, isServing: false, creates: creates)
    }

    init(
        _ folder: String, _ place: StorePlace, study: Fingerprint, isServing: Bool, creates: Bool
    ) throws(CoordinatorStoreError) {
        self.folder = folder
        do {
            if place == .folder, !creates, !FileManager.default.fileExists(atPath: SQLiteEngine.path(in: folder)) {
                throw Self.nothing(in: folder)
            }
            try StorePlace.makeFolder(folder)
            if let postgres = place.postgres {
                guard let found = try PostgresEngine(postgres, isServing: isServing, creates: creates) else {
                    throw Self.nothing(in: folder)
                }
                engine = found
            } else {
                engine = try SQLiteEngine.open(folder, isServing: isServing)
            }
        } catch { throw CoordinatorStoreError(error, in: SQLiteEngine.path(in: folder)) }
        do { try checkStudy(study) } catch { throw CoordinatorStoreError(error, in: engine) }
    }

    private static func nothing(in folder: String) -> CoordinatorStoreError {
        CoordinatorStoreError(
            code: .notFound, message: "\(folder): holds no study; run `tacit federation serve` first")
    }

    private func checkStudy(_ study: Fingerprint) throws {
        func known() throws -> Fingerprint? {
            try engine.read { db in
                try db.rows("SELECT fingerprint FROM study").first.map { try $0.fingerprint("fingerprint") }
            }
        }
        if try known() == nil {
            // Another program may do so at the same moment; the first one counts.
            _ = try engine.write(isServing: false) { db in
                try db.execute(
                    "INSERT INTO study (id, fingerprint) VALUES (0, $1) ON CONFLICT (id) DO NOTHING",
                    [.fingerprint(study)])
            }
        }
        if let known = try known(), known != study {
            let place = engine is SQLiteEngine ? folder : engine.name
            throw CoordinatorStoreError(
                code: .otherStudy,
                message: "\(place): belongs to another study, or the study file was changed after it began")
        }
    }

    /// Changes in one transaction. When `body` throws, nothing has changed.
    @discardableResult
    public func commit<Result>(
        _ body: (StoreTransaction) throws -> Result
    ) throws(CoordinatorStoreError) -> Result {
        do {
            let (result, transaction) = try engine.write(isServing: true) { db in
                let transaction = StoreTransaction(db: db, engine: engine)
                return (try body(transaction), transaction)
            }
            engine.clearAway(forgotten: transaction.forgotten, taken: transaction.taken)
            return result
        } catch { throw CoordinatorStoreError(error, in: engine) }
    }

    /// - Throws: `unavailable` or `inUse` when this coordinator has lost its hold on the study: its connection to the server
    ///   broke, and another coordinator may have gone on. It has to end; whoever starts next goes on from the last commit.
    public func checkServing() throws(CoordinatorStoreError) {
        do { try engine.checkServing() } catch { throw CoordinatorStoreError(error, in: engine) }
    }
}
