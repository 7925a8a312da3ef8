import BinaryCoding
import Foundation
import GRDB

/// Rows in an SQLite database in a folder, long bodies as files beside it (WAL, `synchronous = FULL`).
final class SQLiteEngine: StoreEngine {
    let name: String
    private let pool: DatabasePool
    private let blobs: BlobFolder
    private let lock: Int32

    static func open(_ folder: String, isServing: Bool) throws -> SQLiteEngine {
        do { return try SQLiteEngine(folder, isServing: isServing) } catch {
            throw explain(error, in: path(in: folder)) ?? error
        }
    }

    private init(_ folder: String, isServing: Bool) throws {
        name = SQLiteEngine.path(in: folder)
        lock = isServing ? try Self.takeLock(folder) : -1
        // Made with its mode before SQLite writes to it; SQLite's other files take the same mode. Never opened by
        // hand when it is there: closing it would release SQLite's locks.
        let descriptor = createFile(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
        if descriptor >= 0 { release(descriptor) }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 2
        pool = try DatabasePool(path: name, configuration: configuration)
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try StoreSchema.upgrade(pool, path: name)
        blobs = try BlobFolder(folder + "/messages")
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
    }

    deinit { if lock >= 0 { release(lock) } }

    static func path(in folder: String) -> String { folder + "/coordinator.sqlite" }

    private static func takeLock(_ folder: String) throws -> Int32 {
        let path = folder + "/coordinator.lock"
        let descriptor = createFile(path, O_RDWR | O_CREAT | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CoordinatorStoreError(
                code: .inputOutput, message: "\(path): cannot create: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            release(descriptor)
            throw CoordinatorStoreError(
                code: .inUse, message: "\(folder): another coordinator serves this study; stop it first")
        }
        return descriptor
    }

    func read<Result>(_ body: (any StoreRows) throws -> Result) throws -> Result {
        try pool.read { try body(SQLiteRows(db: $0, store: name)) }
    }

    func write<Result>(isServing: Bool, _ body: (any StoreRows) throws -> Result) throws -> Result {
        try pool.write { try body(SQLiteRows(db: $0, store: name)) }
    }

    func outsideVersion() throws -> Int {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// The lock on the file lasts as long as the process.
    func checkServing() {}

    func place(_ source: StoreTransaction.Source, _ digest: Fingerprint) throws -> (body: StoreValue, file: StoreValue)
    {
        switch source {
        case .bytes(let bytes) where bytes.count <= BlobFolder.inlineLimit: return (.bytes(bytes), .null)
        case .bytes(let bytes): return (.null, .text(try blobs.store(bytes, digest: digest)))
        case .file(let path, let count):
            return (.null, .text(try blobs.adopt(file: path, byteCount: count, digest: digest)))
        }
    }

    /// Removes files whose last row is gone. A crash before this leaves them to the next start.
    func clearAway(forgotten: Set<String>, taken: [String]) {
        for name in forgotten {
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

    func path(ofFile file: String) throws -> String {
        guard file.count == 64, file.allSatisfy(\.isHexDigit) else {
            throw CoordinatorStoreError(code: .damaged, message: "\(name): column file holds no file name")
        }
        return blobs.file(file)
    }

    func close() { try? pool.close() }

    func explain(_ error: any Error) -> CoordinatorStoreError? { Self.explain(error, in: name) }

    private static func explain(_ error: any Error, in name: String) -> CoordinatorStoreError? {
        guard let error = error as? DatabaseError else { return nil }
        let text = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_FULL:
            return CoordinatorStoreError(
                code: .diskFull,
                message: "\(name): the disk is full; nothing of this change was kept, it is tried again")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return CoordinatorStoreError(code: .damaged, message: "\(name): \(text); restore it from a backup")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return CoordinatorStoreError(code: .inUse, message: "\(name): another program holds it: \(text)")
        default: return CoordinatorStoreError(code: .inputOutput, message: "\(name): \(text)")
        }
    }
}

// The class has functions of these names.
private func release(_ descriptor: Int32) { close(descriptor) }
private func createFile(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o600) }

private struct SQLiteRows: StoreRows {
    let db: Database
    let store: String

    func rows(_ sql: String, _ values: [StoreValue]) throws -> [StoreRow] {
        var columns: [String]?
        return try Row.fetchAll(db, sql: sql, arguments: Self.arguments(values)).map { row in
            let names = columns ?? row.columnNames.map { $0.lowercased() }
            columns = names
            return StoreRow(columns: names, values: row.databaseValues.map(Self.value), store: store)
        }
    }

    func execute(_ sql: String, _ values: [StoreValue]) throws -> Int {
        try db.execute(sql: sql, arguments: Self.arguments(values))
        return db.changesCount
    }

    private static func arguments(_ values: [StoreValue]) -> StatementArguments {
        StatementArguments(
            values.map { value -> (any DatabaseValueConvertible)? in
                switch value {
                case .null, .other: nil
                case .integer(let number): number
                case .text(let text): text
                case .bytes(let bytes): Data(bytes)
                }
            })
    }

    private static func value(_ value: DatabaseValue) -> StoreValue {
        switch value.storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .string(let text): .text(text)
        case .blob(let data): .bytes(Array(data))
        case .double: .other
        }
    }
}
