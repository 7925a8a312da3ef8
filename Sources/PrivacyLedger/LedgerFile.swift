import Foundation
import GRDB

/// The connection to a ledger's file.
///
/// The file is never opened by any other way than SQLite: closing a descriptor of it would release the locks that this
/// process holds through SQLite (POSIX drops all locks of a process on a file when any descriptor of it is closed).
struct LedgerFile: Sendable {
    let path: String
    let queue: DatabaseQueue

    /// Opens a file that exists.
    init(path: String, isReadOnly: Bool, busyTimeout: Double) throws(PrivacyLedgerError) {
        let absolute = URL(fileURLWithPath: path).path
        var information = stat()
        guard stat(absolute, &information) == 0 else {
            let code: PrivacyLedgerError.Code = errno == ENOENT || errno == ENOTDIR ? .notFound : .permission
            let mend = code == .notFound ? "; make a ledger with `tacit budget create`" : ""
            throw PrivacyLedgerError(code: code, message: "\(path): \(String(cString: strerror(errno)))\(mend)")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw PrivacyLedgerError(code: .foreignFile, message: "\(path): is not a plain file, want a privacy ledger")
        }
        guard information.st_size > 0 else {
            throw PrivacyLedgerError(code: .foreignFile, message: "\(path): is empty, want a privacy ledger")
        }
        guard access(absolute, isReadOnly ? R_OK : R_OK | W_OK) == 0 else {
            let wish = isReadOnly ? "read" : "written to, and spending must be recorded"
            throw PrivacyLedgerError(code: .permission, message: "\(path): may not be \(wish); ask its owner")
        }
        self.path = path
        do {
            queue = try Self.connect(absolute, path, isReadOnly: isReadOnly, busyTimeout: busyTimeout)
        } catch let error as DatabaseError
            where isReadOnly && error.extendedResultCode == .SQLITE_READONLY_ROLLBACK && access(absolute, W_OK) == 0
        {
            // A process was stopped while it wrote; SQLite has to undo its half-written transaction first.
            do {
                _ = try Self.connect(absolute, path, isReadOnly: false, busyTimeout: busyTimeout)
                queue = try Self.connect(absolute, path, isReadOnly: true, busyTimeout: busyTimeout)
            } catch {
                throw Self.translate(error, path)
            }
        } catch {
            throw Self.translate(error, path)
        }
    }

    private init(path: String, queue: DatabaseQueue) {
        self.path = path
        self.queue = queue
    }

    /// Makes a new file, which appears under its name only when `fill` has written to it; never replaces another.
    static func create(path: String, _ fill: (LedgerFile) throws(PrivacyLedgerError) -> Void) throws(PrivacyLedgerError)
    {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent().path
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let temporary = folder + "/.\(url.lastPathComponent).\(suffix).partial"
        func failure() -> PrivacyLedgerError {
            let number = errno
            let mend = number == EEXIST ? "it is not replaced; choose another name" : "choose a folder you may write to"
            return PrivacyLedgerError(
                code: .cannotCreate, message: "\(path): cannot create: \(String(cString: strerror(number))); \(mend)")
        }
        var information = stat()
        guard lstat(url.path, &information) != 0 else {
            errno = EEXIST
            throw failure()
        }
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        close(descriptor)
        defer {
            unlink(temporary)
            unlink(temporary + "-journal")
        }
        do {
            let file = LedgerFile(
                path: path, queue: try DatabaseQueue(path: temporary, configuration: configuration(false, 0)))
            try file.queue.writeWithoutTransaction { db in
                try durable(db)
            }
            try fill(file)
            try file.queue.close()
        } catch {
            throw translate(error, path)
        }
        // Unlike a renaming, a link fails when somebody else has made the file meanwhile.
        guard link(temporary, url.path) == 0 else { throw failure() }
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    private static func connect(
        _ absolute: String, _ path: String, isReadOnly: Bool, busyTimeout: Double
    ) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: absolute, configuration: configuration(isReadOnly, busyTimeout))
        try queue.writeWithoutTransaction { db in
            var version = try LedgerSchema.check(db, path: path)
            guard !isReadOnly else { return }
            try durable(db)
            if version < LedgerSchema.version {
                try db.inTransaction(.immediate) {
                    version = try LedgerSchema.check(db, path: path)
                    if version < LedgerSchema.version { try LedgerSchema.migrate(db, from: version) }
                    return .commit
                }
            }
        }
        return queue
    }

    private static func configuration(_ isReadOnly: Bool, _ busyTimeout: Double) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(busyTimeout)
        configuration.prepareDatabase { db in
            // The file may come from anybody: no functions with side effects in its schema, every page checked.
            try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        }
        return configuration
    }

    /// A transaction that has returned is on the disk, in the one file that people copy and back up.
    ///
    /// A write-ahead log would be a second file that holds the latest spends. With a rollback journal a commit is the
    /// removal of the journal; EXTRA flushes the folder after it, without which a power failure could bring the journal
    /// back and undo the commit.
    private static func durable(_ db: Database) throws {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE")
        guard mode == "delete" else {
            throw PrivacyLedgerError(code: .busy, message: "journal: got \(mode ?? "none"), want delete")
        }
        try db.execute(sql: "PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON")
    }

    /// Runs `body` in a transaction that holds the write lock from its begin; durable when it returns.
    func write<Result>(_ body: (Database) throws -> Result) throws(PrivacyLedgerError) -> Result {
        do {
            return try queue.writeWithoutTransaction { db in
                var result: Result?
                try db.inTransaction(.immediate) {
                    result = try body(db)
                    return .commit
                }
                return result!
            }
        } catch {
            throw Self.translate(error, path)
        }
    }

    /// Runs `body` on one state of the file.
    func read<Result>(_ body: (Database) throws -> Result) throws(PrivacyLedgerError) -> Result {
        do {
            return try queue.read(body)
        } catch {
            throw Self.translate(error, path)
        }
    }

    static func translate(_ error: any Error, _ path: String) -> PrivacyLedgerError {
        if let error = error as? PrivacyLedgerError { return error }
        guard let error = error as? DatabaseError else {
            return PrivacyLedgerError(code: .inputOutput, message: "\(path): \(error)", cause: error)
        }
        if error.extendedResultCode == .SQLITE_READONLY_DBMOVED {
            return PrivacyLedgerError(
                code: .notFound, message: "\(path): was moved or deleted while it was in use; nothing was spent",
                cause: error)
        }
        let (code, words): (PrivacyLedgerError.Code, String) =
            switch error.resultCode {
            case .SQLITE_NOTADB: (.foreignFile, "is not an SQLite database, want a privacy ledger")
            case .SQLITE_CORRUPT, .SQLITE_FORMAT, .SQLITE_MISMATCH, .SQLITE_ERROR, .SQLITE_CONSTRAINT:
                (.damaged, "is damaged; restore a copy of it, at least as new as the last release")
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                (.busy, "another process is using it; nothing was spent, try again")
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
                (.permission, "cannot be opened or written in its folder")
            case .SQLITE_FULL: (.inputOutput, "the disk is full; nothing may be released")
            default: (.inputOutput, "cannot be read or written; nothing may be released")
            }
        let detail = error.message.map { " (\($0))" } ?? ""
        return PrivacyLedgerError(code: code, message: "\(path): \(words)\(detail)", cause: error)
    }
}
