import Foundation
import GRDB

/// Rows in and out of the tables. The caller has begun a transaction.
enum LedgerStorage {
    /// Replays what follows `known`, or everything.
    static func state(_ db: Database, path: String, after known: LedgerState?) throws -> LedgerState {
        do {
            var state = known
            if let known { try checkStill(known, db) }
            try forEachRow(db, from: known.map { $0.sequence + 1 } ?? 0) { row, hash in
                if state == nil {
                    state = try LedgerState(first: row, hash: hash)
                } else {
                    try state!.append(row, hash: hash)
                }
            }
            guard let state else { throw LedgerState.altered(0, "is missing: the ledger has no entries") }
            let head = try Row.fetchOne(db, sql: "SELECT sequence, hash FROM head WHERE id = 0")
            guard let head, Int.fromDatabaseValue(head["sequence"]) == state.sequence,
                Data.fromDatabaseValue(head["hash"]) == Data(state.head.bytes)
            else { throw LedgerState.altered(state.sequence + 1, "is missing: the last entries were removed") }
            return state
        } catch let error as PrivacyLedgerError {
            throw PrivacyLedgerError(
                code: error.code, message: "\(path): \(error.message)", cause: error.cause, refusal: error.refusal)
        }
    }

    /// An object that has seen a ledger must go on from what it saw, or it would compose too little.
    private static func checkStill(_ known: LedgerState, _ db: Database) throws {
        let hash = try Data.fetchOne(db, sql: "SELECT hash FROM entry WHERE sequence = ?", arguments: [known.sequence])
        guard hash == Data(known.head.bytes) else {
            throw LedgerState.altered(known.sequence, "is not the one that was read before: the file was exchanged")
        }
    }

    static func forEachRow(_ db: Database, from first: Int, _ body: (LedgerRow, LedgerHash) throws -> Void) throws {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT *, length(body) <= ? AS isShort FROM entry WHERE sequence >= ? ORDER BY sequence",
            arguments: [LedgerRow.longestBody, first])
        while let row = try rows.next() {
            let (parts, hash) = try decode(row)
            try body(parts, hash)
        }
    }

    /// A damaged file can have anything in any column, whatever the table says, and typed subscripts would trap on it.
    private static func decode(_ row: Row) throws(PrivacyLedgerError) -> (LedgerRow, LedgerHash) {
        func field<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
            Value.fromDatabaseValue(row[column])
        }
        guard let sequence: Int = field("sequence") else { throw LedgerState.altered(0, "has no number") }
        guard let isShort: Bool = field("isShort"), isShort, let body: String = field("body") else {
            throw LedgerState.altered(sequence, "has a body that is too long, or none")
        }
        guard let previous = (field("previous") as Data?).flatMap({ LedgerHash($0) }),
            let hash = (field("hash") as Data?).flatMap({ LedgerHash($0) })
        else { throw LedgerState.altered(sequence, "has a hash that is not 32 bytes long") }
        guard let kind: String = field("kind"), let microseconds: Int64 = field("microseconds"),
            let clockLag: Int64 = field("clockLag"), let actor: String = field("actor"),
            let host: String = field("host"), let process: Int32 = field("process"),
            let program: String = field("program"), let purpose: String = field("purpose")
        else { throw LedgerState.altered(sequence, "has a field of the wrong type") }
        let parts = LedgerRow(
            sequence: sequence, kind: kind, microseconds: microseconds, clockLag: clockLag, actor: actor, host: host,
            process: process, program: program, purpose: purpose, body: body, previous: previous)
        return (parts, hash)
    }

    /// Adds an entry after `state` and returns it with the new state. Durable when the caller's transaction is.
    static func append(
        _ content: LedgerEntry.Content, purpose: String, identity: LedgerIdentity, after state: LedgerState?,
        to db: Database
    ) throws -> (LedgerEntry, LedgerState) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let clock = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        // The order of entries is a fact, the clock is a claim: it never goes backwards here, and what was put right is
        // said.
        let time = max(clock, state?.microseconds ?? clock)
        let body = try content.body
        guard body.utf8.count <= LedgerRow.longestBody else {
            throw PrivacyLedgerError.parameter(
                "event", "\(body.utf8.count) bytes", "at most \(LedgerRow.longestBody); use repeated(_:count:)")
        }
        // What cannot be read back, such as parts within parts beyond the depth that JSON readers accept, would make the
        // ledger unreadable for good.
        guard (try? LedgerEntry.Content(kind: content.kind, body: body)) == content else {
            throw PrivacyLedgerError.parameter("event", "one that cannot be read back", "fewer parts within parts")
        }
        let row = LedgerRow(
            sequence: state.map { $0.sequence + 1 } ?? 0, kind: content.kind, microseconds: time,
            clockLag: time - clock,
            actor: identity.actor, host: identity.host, process: identity.process, program: identity.program,
            purpose: purpose, body: body, previous: state?.head ?? .zero)
        let hash = row.hash
        var next: LedgerState
        if let state {
            next = state
            try next.append(row, hash: hash)
        } else {
            next = try LedgerState(first: row, hash: hash)
        }
        try db.execute(
            sql: """
                INSERT INTO entry (sequence, kind, microseconds, clockLag, actor, host, process, program, purpose, body,
                previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                row.sequence, row.kind, row.microseconds, row.clockLag, row.actor, row.host, row.process, row.program,
                row.purpose, row.body, Data(row.previous.bytes), Data(hash.bytes),
            ])
        try db.execute(
            sql: """
                INSERT INTO head (id, sequence, hash) VALUES (0, ?, ?)
                ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
                """, arguments: [row.sequence, Data(hash.bytes)])
        return (LedgerEntry(row, hash: hash, content: content), next)
    }
}

extension LedgerEntry {
    init(_ row: LedgerRow, hash: LedgerHash, content: Content) {
        self.init(
            sequence: row.sequence, content: content, microseconds: row.microseconds, clockLag: row.clockLag,
            actor: row.actor, host: row.host, process: row.process, program: row.program, purpose: row.purpose,
            previous: row.previous, hash: hash)
    }
}
