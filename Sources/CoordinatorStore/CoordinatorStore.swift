import BinaryCoding
import Foundation
import GRDB
import Synchronization

/// What a coordinator must not forget, in a folder: an SQLite database and, beside it, the long messages.
///
/// Guarantee: ``commit(_:)`` returns only when every change made in it is on the disk (WAL, `synchronous = FULL`; long
/// bodies are flushed and named before the transaction); a crash at any moment leaves all of a commit or nothing. A message
/// is taken once: the database holds no two inputs of one peer with one identifier. Holds secrets: the folder's mode is
/// 0700, the files' 0600.
/// - Cost: one flush of the write-ahead log a commit, one more for every long body.
public final class CoordinatorStore: Sendable {
    public let folder: String
    let pool: DatabasePool
    let blobs: BlobFolder
    private let lock: Int32
    static let databaseName = "coordinator.sqlite"

    var path: String { folder + "/" + Self.databaseName }

    /// Where a transport keeps messages that are still arriving: on the same file system, so that they are taken over by
    /// renaming.
    public var spoolFolder: String { folder + "/arriving" }

    /// Opens the store for the one coordinator of this study; makes it when there is none.
    /// - Throws: ``CoordinatorStoreError``: `inUse`, `otherStudy`, `tooNew`, `damaged`, `diskFull`, `inputOutput`.
    public convenience init(servingFrom folder: String, study: Fingerprint) throws(CoordinatorStoreError) {
        try self.init(folder, study: study, isServing: true, creates: true)
    }

    /// Opens the store beside a coordinator that may be running: for enrolment and for looking at it.
    /// - Throws: also `notFound`, unless `creates`.
    public convenience init(
        beside folder: String, study: Fingerprint, creates: Bool = false
    ) throws(CoordinatorStoreError) {
        try self.init(folder, study: study, isServing: false, creates: creates)
    }

    private init(
        _ folder: String, study: Fingerprint, isServing: Bool, creates: Bool
    ) throws(CoordinatorStoreError) {
        let path = folder + "/" + Self.databaseName
        self.folder = folder
        do {
            guard creates || FileManager.default.fileExists(atPath: path) else {
                throw CoordinatorStoreError(
                    code: .notFound, message: "\(folder): holds no study; run `tacit federation serve` first")
            }
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            chmod(folder, 0o700)
            lock = isServing ? try Self.takeLock(folder) : -1
            // Made with its mode before SQLite writes to it; SQLite's other files take the same mode. Never opened by
            // hand when it is there: closing it would release SQLite's locks.
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 { close(descriptor) }
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.maximumReaderCount = 2
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try StoreSchema.upgrade(pool, path: path)
            blobs = try BlobFolder(folder + "/messages")
            try checkStudy(study)
            if isServing {
                let names = try pool.read { db in
                    try Set(
                        String.fetchAll(
                            db,
                            sql: """
                                SELECT file FROM input WHERE file IS NOT NULL
                                UNION SELECT file FROM output WHERE file IS NOT NULL
                                """))
                }
                blobs.removeAll(except: names)
            }
        } catch { throw CoordinatorStoreError(error, in: path) }
    }

    deinit { if lock >= 0 { close(lock) } }

    private static func takeLock(_ folder: String) throws -> Int32 {
        let path = folder + "/coordinator.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CoordinatorStoreError(
                code: .inputOutput, message: "\(path): cannot create: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CoordinatorStoreError(
                code: .inUse, message: "\(folder): another coordinator serves this study; stop it first")
        }
        return descriptor
    }

    private func checkStudy(_ study: Fingerprint) throws {
        let known = try pool.write { db -> Data? in
            let known = try Data.fetchOne(db, sql: "SELECT fingerprint FROM study")
            if known == nil {
                try db.execute(sql: "INSERT INTO study VALUES (0, ?)", arguments: [Data(study.bytes)])
            }
            return known
        }
        if let known, known != Data(study.bytes) {
            throw CoordinatorStoreError(
                code: .otherStudy,
                message: "\(folder): belongs to another study, or the study file was changed after it began")
        }
    }

    /// Changes in one transaction. When `body` throws, nothing has changed.
    @discardableResult
    public func commit<Result>(
        _ body: (StoreTransaction) throws -> Result
    ) throws(CoordinatorStoreError) -> Result {
        do {
            let (result, forgotten) = try pool.write { db in
                let transaction = StoreTransaction(db: db, blobs: blobs)
                let result = try body(transaction)
                return (result, transaction.forgotten)
            }
            removeUnnamed(forgotten)
            return result
        } catch { throw CoordinatorStoreError(error, in: path) }
    }

    /// Files whose last row is gone. A crash before this leaves them to the next start.
    private func removeUnnamed(_ names: Set<String>) {
        for name in names {
            let isNamed =
                (try? pool.read { db in
                    try Bool.fetchOne(
                        db,
                        sql: """
                            SELECT EXISTS (SELECT 1 FROM input WHERE file = :name)
                                OR EXISTS (SELECT 1 FROM output WHERE file = :name)
                            """, arguments: ["name": name]) ?? true
                }) ?? true
            if !isNamed { unlink(blobs.file(name)) }
        }
    }
}
