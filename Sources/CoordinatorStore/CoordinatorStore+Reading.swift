import BinaryCoding
import Foundation
import GRDB

extension CoordinatorStore {
    /// A message that was taken before under this identifier.
    public func input(peer: String, identifier: Fingerprint) throws(CoordinatorStoreError) -> StoredInput? {
        try read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM input WHERE peer = ? AND identifier = ?",
                arguments: [peer, Data(identifier.bytes)]
            ).map(self.input)
        }
    }

    /// Everything that was taken after `sequence`, in order.
    public func inputs(after sequence: Int64 = 0) throws(CoordinatorStoreError) -> [StoredInput] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM input WHERE sequence > ? ORDER BY sequence", arguments: [sequence]
            ).map(self.input)
        }
    }

    /// The first message to `peer` after `sequence`.
    public func output(to peer: String, after sequence: UInt64) throws(CoordinatorStoreError) -> StoredOutput? {
        try read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM output WHERE peer = ? AND sequence > ? ORDER BY sequence LIMIT 1",
                arguments: [peer, Int64(clamping: sequence)]
            ).map { row in
                StoredOutput(
                    sequence: UInt64(try self.field(row, "sequence") as Int64), peer: try self.field(row, "peer"),
                    digest: try self.fingerprint(row, "digest"), body: try self.body(row))
            }
        }
    }

    public func state(_ key: String) throws(CoordinatorStoreError) -> [UInt8]? {
        try read { db in
            try Data.fetchOne(db, sql: "SELECT value FROM state WHERE key = ?", arguments: [key]).map { Array($0) }
        }
    }

    /// At most `limit` events after `sequence`, in order.
    public func events(after sequence: Int64 = 0, limit: Int = 10_000) throws(CoordinatorStoreError) -> [StoredEvent] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
                arguments: [sequence, limit]
            ).map { row in
                StoredEvent(
                    sequence: try self.field(row, "sequence"), moment: try self.moment(row, "moment"),
                    kind: try self.field(row, "kind"), content: try self.field(row, "content"))
            }
        }
    }

    /// The last `limit` events, in order.
    public func latestEvents(limit: Int) throws(CoordinatorStoreError) -> [StoredEvent] {
        let last = try read { try Int64.fetchOne($0, sql: "SELECT max(sequence) FROM event") ?? 0 }
        return try events(after: max(0, last - Int64(limit)), limit: limit)
    }

    func read<Result>(_ body: (Database) throws -> Result) throws(CoordinatorStoreError) -> Result {
        do { return try pool.read(body) } catch { throw CoordinatorStoreError(error, in: path) }
    }

    // MARK: Fields. A damaged file can hold anything in any column; typed subscripts would trap on it.

    func field<Value: DatabaseValueConvertible>(_ row: Row, _ column: String) throws -> Value {
        guard let value = Value.fromDatabaseValue(row[column]) else {
            throw CoordinatorStoreError(
                code: .damaged, message: "\(path): column \(column) holds something else; restore it from a backup")
        }
        return value
    }

    func fingerprint(_ row: Row, _ column: String) throws -> Fingerprint {
        guard let value = Fingerprint(bytes: Array(try field(row, column) as Data)) else {
            throw CoordinatorStoreError(code: .damaged, message: "\(path): column \(column) is not 32 bytes long")
        }
        return value
    }

    func moment(_ row: Row, _ column: String) throws -> Date { Date(microseconds: try field(row, column)) }

    private func body(_ row: Row) throws -> StoredBody {
        let count: Int = try field(row, "byteCount")
        if let file = String.fromDatabaseValue(row["file"]) {
            guard file.count == 64, file.allSatisfy(\.isHexDigit) else {
                throw CoordinatorStoreError(code: .damaged, message: "\(path): column file holds no file name")
            }
            return .file(path: blobs.file(file), byteCount: count)
        }
        if let bytes = Data.fromDatabaseValue(row["body"]) { return .bytes(Array(bytes)) }
        return .forgotten(byteCount: count)
    }

    private func input(_ row: Row) throws -> StoredInput {
        StoredInput(
            sequence: try field(row, "sequence"), peer: try field(row, "peer"),
            identifier: try fingerprint(row, "identifier"), digest: try fingerprint(row, "digest"),
            body: try body(row), wrapping: Data.fromDatabaseValue(row["wrapping"]).map { Array($0) } ?? [],
            reply: Array(try field(row, "reply") as Data), moment: try moment(row, "moment"))
    }
}
