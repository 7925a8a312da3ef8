import BinaryCoding
import Foundation

extension CoordinatorStore {
    private static let inputColumns =
        "sequence, peer, identifier, digest, byteCount, body, file, wrapping, reply, moment"

    /// A message that was taken before under this identifier.
    public func input(peer: String, identifier: Fingerprint) throws(CoordinatorStoreError) -> StoredInput? {
        try read { db in
            try db.rows(
                "SELECT \(Self.inputColumns) FROM input WHERE peer = $1 AND identifier = $2",
                [.text(peer), .fingerprint(identifier)]
            ).first.map(self.input)
        }
    }

    /// Everything that was taken after `sequence`, in order.
    public func inputs(after sequence: Int64 = 0) throws(CoordinatorStoreError) -> [StoredInput] {
        try read { db in
            try db.rows(
                "SELECT \(Self.inputColumns) FROM input WHERE sequence > $1 ORDER BY sequence", [.integer(sequence)]
            ).map(self.input)
        }
    }

    /// The first message to `peer` after `sequence`.
    public func output(to peer: String, after sequence: UInt64) throws(CoordinatorStoreError) -> StoredOutput? {
        try read { db in
            try db.rows(
                """
                SELECT sequence, peer, digest, byteCount, body, file FROM output
                WHERE peer = $1 AND sequence > $2 ORDER BY sequence LIMIT 1
                """, [.text(peer), .integer(Int64(clamping: sequence))]
            ).first.map { row in
                StoredOutput(
                    sequence: UInt64(clamping: try row.integer("sequence")), peer: try row.text("peer"),
                    digest: try row.fingerprint("digest"), body: try self.body(row))
            }
        }
    }

    public func state(_ key: String) throws(CoordinatorStoreError) -> [UInt8]? {
        try read { db in
            try db.rows("SELECT value FROM state WHERE key = $1", [.text(key)]).first.map { try $0.bytes("value") }
        }
    }

    /// At most `limit` events after `sequence`, in order.
    public func events(after sequence: Int64 = 0, limit: Int = 10_000) throws(CoordinatorStoreError) -> [StoredEvent] {
        try read { db in
            try db.rows(
                "SELECT sequence, moment, kind, content FROM event WHERE sequence > $1 ORDER BY sequence LIMIT $2",
                [.integer(sequence), .integer(Int64(limit))]
            ).map { row in
                StoredEvent(
                    sequence: try row.integer("sequence"), moment: try row.moment("moment"),
                    kind: try row.text("kind"), content: try row.text("content"))
            }
        }
    }

    /// The last `limit` events, in order.
    public func latestEvents(limit: Int) throws(CoordinatorStoreError) -> [StoredEvent] {
        let last = try read { try $0.integer("SELECT max(sequence) FROM event") }
        return try events(after: max(0, last - Int64(limit)), limit: limit)
    }

    func read<Result>(_ body: (any StoreRows) throws -> Result) throws(CoordinatorStoreError) -> Result {
        do { return try engine.read(body) } catch { throw CoordinatorStoreError(error, in: engine) }
    }

    private func body(_ row: StoreRow) throws -> StoredBody {
        let count = Int(try row.integer("byteCount"))
        if let file = try row.optional("file", row.text) {
            return .file(path: try engine.path(ofFile: file), byteCount: count)
        }
        if let bytes = try row.optional("body", row.bytes) { return .bytes(bytes) }
        return .forgotten(byteCount: count)
    }

    private func input(_ row: StoreRow) throws -> StoredInput {
        StoredInput(
            sequence: try row.integer("sequence"), peer: try row.text("peer"),
            identifier: try row.fingerprint("identifier"), digest: try row.fingerprint("digest"),
            body: try body(row), wrapping: try row.optional("wrapping", row.bytes) ?? [],
            reply: try row.bytes("reply"), moment: try row.moment("moment"))
    }
}
