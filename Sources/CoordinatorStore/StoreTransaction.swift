import BinaryCoding
import Foundation

/// The changes that one commit makes. Valid inside ``CoordinatorStore/commit(_:)`` only.
public final class StoreTransaction {
    let db: any StoreRows
    private let engine: any StoreEngine
    private(set) var forgotten: Set<String> = []
    private(set) var taken: [String] = []

    init(db: any StoreRows, engine: any StoreEngine) {
        self.db = db
        self.engine = engine
    }

    /// Where the bytes of a message come from.
    public enum Source {
        case bytes([UInt8])
        /// A flushed file on the file system of ``CoordinatorStore/spoolFolder``, taken over by renaming or by reading; it
        /// is not there any more after the commit.
        case file(path: String, byteCount: Int)

        var byteCount: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(_, let count): count
            }
        }
    }

    /// Notes that a message was taken.
    /// - Throws: when the same peer's same identifier is there already; the transaction then changes nothing.
    @discardableResult
    public func take(
        peer: String, identifier: Fingerprint, digest: Fingerprint, _ source: Source, wrapping: [UInt8] = [],
        reply: [UInt8], at moment: Date
    ) throws -> Int64 {
        let (body, file) = try engine.place(source, digest)
        if case .file(let path, _) = source { taken.append(path) }
        return try db.integer(
            """
            INSERT INTO input (sequence, peer, identifier, digest, byteCount, body, file, wrapping, reply, moment)
            VALUES ((SELECT coalesce(max(sequence), 0) + 1 FROM input), $1, $2, $3, $4, $5, $6, $7, $8, $9)
            RETURNING sequence
            """,
            [
                .text(peer), .fingerprint(identifier), .fingerprint(digest), .integer(Int64(source.byteCount)), body,
                file, wrapping.isEmpty ? .null : .bytes(wrapping), .bytes(reply), .moment(moment),
            ])
    }

    /// Puts a message on its way to a site.
    @discardableResult
    public func post(to peer: String, _ bytes: [UInt8]) throws -> UInt64 {
        let digest = Fingerprint(of: bytes)
        let (body, file) = try engine.place(.bytes(bytes), digest)
        return UInt64(
            clamping: try db.integer(
                """
                INSERT INTO output (peer, digest, byteCount, body, file) VALUES ($1, $2, $3, $4, $5)
                RETURNING sequence
                """, [.text(peer), .fingerprint(digest), .integer(Int64(bytes.count)), body, file]))
    }

    /// Removes the bytes of messages that nothing needs any more; that they were taken, and the replies, stay.
    public func forgetInputs(_ sequences: some Sequence<Int64>) throws {
        for sequence in sequences {
            try forgetFiles("SELECT file FROM input WHERE sequence = $1 AND file IS NOT NULL", [.integer(sequence)])
            try db.execute("UPDATE input SET body = NULL, file = NULL WHERE sequence = $1", [.integer(sequence)])
        }
    }

    /// The same for everything that was taken so far.
    public func forgetInputs() throws {
        try forgetFiles("SELECT file FROM input WHERE file IS NOT NULL", [])
        try db.execute(
            "UPDATE input SET body = NULL, file = NULL, wrapping = NULL WHERE body IS NOT NULL OR file IS NOT NULL", [])
    }

    /// Removes all that was taken, and that it was: for a store whose owner needs no replies.
    public func removeInputs() throws {
        try forgetFiles("SELECT file FROM input WHERE file IS NOT NULL", [])
        try db.execute("DELETE FROM input", [])
    }

    /// Removes messages to a site up to and including one.
    public func forgetOutputs(to peer: String, through sequence: UInt64) throws {
        let values: [StoreValue] = [.text(peer), .integer(Int64(clamping: sequence))]
        try forgetFiles(
            "SELECT file FROM output WHERE peer = $1 AND sequence <= $2 AND file IS NOT NULL", values)
        try db.execute("DELETE FROM output WHERE peer = $1 AND sequence <= $2", values)
    }

    private func forgetFiles(_ sql: String, _ values: [StoreValue]) throws {
        for row in try db.rows(sql, values) { forgotten.insert(try row.text("file")) }
    }

    public func setState(_ key: String, _ value: [UInt8]) throws {
        try db.execute(
            """
            INSERT INTO state (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value
            """, [.text(key), .bytes(value)])
    }

    public func removeState(_ key: String) throws {
        try db.execute("DELETE FROM state WHERE key = $1", [.text(key)])
    }

    /// - Parameter content: a JSON object.
    public func note(_ kind: String, _ content: String, at moment: Date) throws {
        try db.execute(
            "INSERT INTO event (moment, kind, content) VALUES ($1, $2, $3)",
            [.moment(moment), .text(kind), .text(content)])
    }

    /// The number of the last message that was taken; 0 for none.
    public func lastInput() throws -> Int64 { try db.integer("SELECT max(sequence) FROM input") }
}
