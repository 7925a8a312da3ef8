import Foundation
import GRDB

extension PrivacyLedger {
    /// All entries, oldest first.
    /// - Parameter last: only so many of the latest.
    public func history(last: Int? = nil) throws(PrivacyLedgerError) -> [LedgerEntry] {
        let state = try current()
        let first = last.map { max(0, state.sequence + 1 - max(0, $0)) } ?? 0
        return try file.read { db in
            var entries: [LedgerEntry] = []
            try LedgerStorage.forEachRow(db, from: first) { row, hash in
                guard row.hash == hash else {
                    throw LedgerState.altered(row.sequence, "was changed after it was written")
                }
                entries.append(LedgerEntry(row, hash: hash, content: try .init(kind: row.kind, body: row.body)))
            }
            return entries
        }
    }

    /// Reads everything anew and checks every entry, every link, the tables, and SQLite's own structure.
    ///
    /// Links find every change by somebody who does not compute all later hashes again. Against somebody who does, and
    /// against an older copy put in place, keep the head's hash elsewhere, in a report or on paper, and give it here: the
    /// ledger must contain it still.
    /// - Parameter pinned: hashes of heads that were noted before.
    /// - Returns: the head, to be noted.
    /// - Throws: ``PrivacyLedgerError`` naming the first entry that is not what was written.
    @discardableResult
    public func verify(pinned: [LedgerHash] = []) throws(PrivacyLedgerError) -> LedgerHead {
        try file.read { db in
            _ = try LedgerSchema.check(db, path: path)
            let state = try LedgerStorage.state(db, path: path, after: nil)
            for hash in pinned {
                let count = try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM entry WHERE hash = ?", arguments: [Data(hash.bytes)])
                guard count == 1 else {
                    throw PrivacyLedgerError(
                        code: .altered,
                        message: "\(path): has no entry \(hash); it is another ledger, an older copy, or was rewritten")
                }
            }
            let problems = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
            guard problems == ["ok"] else {
                throw PrivacyLedgerError(
                    code: .damaged, message: "\(path): is damaged (\(problems.first ?? "no answer from SQLite"))")
            }
            return LedgerHead(sequence: state.sequence, hash: state.head)
        }
    }

    /// The last entry that this object knows of; note it elsewhere to find later whether the ledger was exchanged.
    public var head: LedgerHead { state.withLock { LedgerHead(sequence: $0.sequence, hash: $0.head) } }

    /// Purposes of some entries by sequence.
    func entries(_ sequences: [Int]) throws(PrivacyLedgerError) -> [Int: String] {
        try file.read { db in
            var purposes: [Int: String] = [:]
            for sequence in sequences {
                purposes[sequence] = try String.fetchOne(
                    db, sql: "SELECT purpose FROM entry WHERE sequence = ?", arguments: [sequence])
            }
            return purposes
        }
    }
}

/// The end of the chain of entries.
public struct LedgerHead: Hashable, Sendable, Codable {
    /// Of the last entry; one less than the number of entries.
    public let sequence: Int
    public let hash: LedgerHash
}
