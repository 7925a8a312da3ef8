import BinaryCoding
import Foundation
import GRDB

/// The changes that one commit makes. Valid inside ``CoordinatorStore/commit(_:)`` only.
public final class StoreTransaction {
    let db: Database
    private let blobs: BlobFolder
    private(set) var forgotten: Set<String> = []

    init(db: Database, blobs: BlobFolder) {
        self.db = db
        self.blobs = blobs
    }

    /// Where the bytes of a message come from.
    public enum Source {
        case bytes([UInt8])
        /// A flushed file on the store's file system, taken over by renaming.
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
        let (body, file) = try place(source, digest)
        try db.execute(
            sql: """
                INSERT INTO input (peer, identifier, digest, byteCount, body, file, wrapping, reply, moment)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                peer, Data(identifier.bytes), Data(digest.bytes), source.byteCount, body, file,
                wrapping.isEmpty ? nil : Data(wrapping), Data(reply), moment.microseconds,
            ])
        return db.lastInsertedRowID
    }

    /// Puts a message on its way to a site.
    @discardableResult
    public func post(to peer: String, _ bytes: [UInt8]) throws -> UInt64 {
        let digest = Fingerprint(of: bytes)
        let (body, file) = try place(.bytes(bytes), digest)
        try db.execute(
            sql: "INSERT INTO output (peer, digest, byteCount, body, file) VALUES (?, ?, ?, ?, ?)",
            arguments: [peer, Data(digest.bytes), bytes.count, body, file])
        return UInt64(db.lastInsertedRowID)
    }

    private func place(_ source: Source, _ digest: Fingerprint) throws -> (Data?, String?) {
        switch source {
        case .bytes(let bytes) where bytes.count <= BlobFolder.inlineLimit: return (Data(bytes), nil)
        case .bytes(let bytes): return (nil, try blobs.store(bytes, digest: digest))
        case .file(let path, let count): return (nil, try blobs.adopt(file: path, byteCount: count, digest: digest))
        }
    }

    /// Removes the bytes of messages that nothing needs any more; that they were taken, and the replies, stay.
    public func forgetInputs(_ sequences: some Sequence<Int64>) throws {
        for sequence in sequences {
            let file = try String.fetchOne(
                db, sql: "SELECT file FROM input WHERE sequence = ?", arguments: [sequence])
            if let file { forgotten.insert(file) }
            try db.execute(sql: "UPDATE input SET body = NULL, file = NULL WHERE sequence = ?", arguments: [sequence])
        }
    }

    /// The same for everything that was taken so far.
    public func forgetInputs() throws {
        forgotten.formUnion(try String.fetchAll(db, sql: "SELECT file FROM input WHERE file IS NOT NULL"))
        try db.execute(
            sql: """
                UPDATE input SET body = NULL, file = NULL, wrapping = NULL WHERE body IS NOT NULL OR file IS NOT NULL
                """)
    }

    /// Removes all that was taken, and that it was: for a store whose owner needs no replies.
    public func removeInputs() throws {
        forgotten.formUnion(try String.fetchAll(db, sql: "SELECT file FROM input WHERE file IS NOT NULL"))
        try db.execute(sql: "DELETE FROM input")
    }

    /// Removes messages to a site up to and including one.
    public func forgetOutputs(to peer: String, through sequence: UInt64) throws {
        let last = Int64(clamping: sequence)
        forgotten.formUnion(
            try String.fetchAll(
                db, sql: "SELECT file FROM output WHERE peer = ? AND sequence <= ? AND file IS NOT NULL",
                arguments: [peer, last]))
        try db.execute(sql: "DELETE FROM output WHERE peer = ? AND sequence <= ?", arguments: [peer, last])
    }

    public func setState(_ key: String, _ value: [UInt8]) throws {
        try db.execute(
            sql: "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            arguments: [key, Data(value)])
    }

    public func removeState(_ key: String) throws {
        try db.execute(sql: "DELETE FROM state WHERE key = ?", arguments: [key])
    }

    /// - Parameter content: a JSON object.
    public func note(_ kind: String, _ content: String, at moment: Date) throws {
        try db.execute(
            sql: "INSERT INTO event (moment, kind, content) VALUES (?, ?, ?)",
            arguments: [moment.microseconds, kind, content])
    }
}

extension Date {
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1e6).rounded()) }

    init(microseconds: Int64) { self.init(timeIntervalSince1970: Double(microseconds) / 1e6) }
}

extension StoreTransaction {
    /// The number of the last message that was taken; 0 for none.
    public func lastInput() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM input") ?? 0
    }
}
