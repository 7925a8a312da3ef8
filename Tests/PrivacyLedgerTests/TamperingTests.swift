import DifferentialPrivacy
import Foundation
import GRDB
import PrivacyLedger
import TacitTestSupport
import Testing

/// Whoever changes a ledger by hand is found out, and the first entry that is not what was written is named.
@Suite struct TamperingTests {
    private func filled() throws -> (LedgerFixture, PrivacyLedger) {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(LedgerFixture.budget(delta: 1e-6))
        for number in 1...4 { _ = try ledger.authorise(.laplace(noiseMultiplier: 20), purpose: "query \(number)") }
        let run = try ledger.beginRun(.gaussian(noiseMultiplier: 200), steps: 10, reserved: true, purpose: "run")
        try run.advance(through: 4)
        _ = try ledger.resumeRun(run.identifier, from: 2).finish()
        #expect(fixture.problem(with: ledger) == nil)
        return (fixture, ledger)
    }

    /// Every field of every entry.
    @Test func changedFields() throws {
        let changes = [
            "kind": "kind || 'x'", "microseconds": "microseconds + 1", "clockLag": "clockLag + 1",
            "actor": "'somebody'",
            "host": "'elsewhere'", "process": "process + 1", "program": "program || '.1'", "purpose": "upper(purpose)",
            "body": "replace(body, ':', ': ')", "previous": "randomblob(32)", "hash": "zeroblob(32)",
        ]
        let (_, original) = try filled()
        let columns = try DatabaseQueue(path: original.path).read { try $0.columns(in: "entry").map(\.name) }
        #expect(Set(columns) == Set(changes.keys).union(["sequence"]))
        for (column, expression) in changes {
            for sequence in 0...8 {
                let (fixture, ledger) = try filled()
                try fixture.tamper("UPDATE entry SET \(column) = \(expression) WHERE sequence = \(sequence)")
                let error = fixture.problem(with: ledger)
                #expect(error?.code == .altered, "\(column) of \(sequence)")
                #expect(error?.message.contains("entry \(sequence):") == true, "\(column): \(error?.message ?? "")")
                // Nothing can be spent from it by those who open it anew.
                #expect(ledgerError { _ = try fixture.open() }?.code == .altered)
            }
        }
    }

    @Test(arguments: 0...8) func removedEntries(sequence: Int) throws {
        let (fixture, ledger) = try filled()
        try fixture.tamper("DELETE FROM entry WHERE sequence = \(sequence)")
        let error = fixture.problem(with: ledger)
        #expect(error?.code == .altered)
        #expect(error?.message.contains("entry \(sequence)") == true, "\(error?.message ?? "")")
        // Renumbering closes the gap for the eye only.
        try fixture.tamper(
            """
            CREATE TEMP TABLE t AS SELECT * FROM entry WHERE sequence > \(sequence);
            DELETE FROM entry WHERE sequence > \(sequence);
            INSERT INTO entry SELECT sequence - 1, kind, microseconds, clockLag, actor, host, process, program, purpose,
              body, previous, hash FROM t;
            DROP TABLE t;
            """)
        #expect(fixture.problem(with: ledger)?.code == .altered)
    }

    @Test(arguments: 0..<8) func exchangedEntries(sequence: Int) throws {
        let (fixture, ledger) = try filled()
        try fixture.tamper(
            """
            UPDATE entry SET sequence = 1000 WHERE sequence = \(sequence);
            UPDATE entry SET sequence = \(sequence) WHERE sequence = \(sequence + 1);
            UPDATE entry SET sequence = \(sequence + 1) WHERE sequence = 1000;
            """)
        let error = fixture.problem(with: ledger)
        #expect(error?.code == .altered)
        #expect(error?.message.contains("entry \(sequence):") == true, "\(error?.message ?? "")")
    }

    @Test func addedEntriesTablesAndTriggers() throws {
        for statement in [
            "INSERT INTO entry SELECT 9, kind, microseconds, clockLag, actor, host, process, program, purpose, body, previous, hash FROM entry WHERE sequence = 8",
            "INSERT INTO entry SELECT 9, kind, microseconds, clockLag, actor, host, process, program, purpose, body, hash, hash FROM entry WHERE sequence = 8",
            "CREATE TABLE more (x)", "CREATE VIEW other AS SELECT 1", "DROP TABLE head", "DELETE FROM head",
            "UPDATE head SET sequence = 7", "UPDATE head SET hash = zeroblob(32)", "DELETE FROM entry",
            "CREATE TRIGGER t AFTER INSERT ON entry BEGIN UPDATE head SET sequence = 0; END",
            "CREATE INDEX i ON entry (kind)",
        ] {
            let (fixture, ledger) = try filled()
            try fixture.tamper(statement)
            #expect(fixture.problem(with: ledger)?.code == .altered, "\(statement)")
        }
        // Without the triggers, the tables are not those of a ledger either.
        let (fixture, ledger) = try filled()
        try DatabaseQueue(path: fixture.path).write { try $0.execute(sql: "DROP TRIGGER entryIsNotRemoved") }
        #expect(fixture.problem(with: ledger)?.code == .altered)
    }

    @Test func entriesAreNotChangedByAccident() throws {
        let (fixture, ledger) = try filled()
        let queue = try DatabaseQueue(path: fixture.path)
        for statement in ["DELETE FROM entry", "UPDATE entry SET purpose = 'x'", "DELETE FROM head"] {
            #expect(throws: DatabaseError.self) { try queue.write { try $0.execute(sql: statement) } }
        }
        #expect(fixture.problem(with: ledger) == nil)
    }

    /// Somebody who can compute hashes, or who puts back a copy, is found by a head that was noted elsewhere.
    @Test func olderCopiesAndRewrittenLedgers() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        _ = try ledger.authorise(.laplace(noiseMultiplier: 20), purpose: "one")
        let old = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        let early = ledger.head
        _ = try ledger.authorise(.laplace(noiseMultiplier: 20), purpose: "two")
        let late = try ledger.verify(pinned: [early.hash])
        #expect(late == ledger.head && late.sequence == 2)

        try old.write(to: URL(fileURLWithPath: fixture.path))
        let restored = try fixture.open()
        #expect(try restored.verify(pinned: [early.hash]) == early)
        let error = ledgerError { try restored.verify(pinned: [early.hash, late.hash]) }
        #expect(error?.code == .altered && error?.message.contains(late.hash.description) == true)
        // An object that saw the later entries goes no further on the older copy.
        #expect(
            ledgerError { _ = try ledger.authorise(.laplace(noiseMultiplier: 20), purpose: "three") }?.code == .altered)
        #expect(ledgerError { _ = try ledger.standing() }?.code == .altered)
    }

    @Test func anotherLedgerInItsPlace() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try FileManager.default.removeItem(atPath: fixture.path)
        let other = try fixture.create(LedgerFixture.budget(epsilon: 100))
        let error = ledgerError { try other.verify(pinned: [ledger.head.hash]) }
        #expect(error?.code == .altered)
        // Equal declarations have unequal heads: nobody can tell the budget, or the data, from a published head.
        try FileManager.default.removeItem(atPath: fixture.path)
        #expect(try fixture.create(LedgerFixture.budget(epsilon: 100)).head.hash != other.head.hash)
    }

    @Test func hashesAsText() throws {
        let hash = try LedgerFixture().create().head.hash
        #expect(try LedgerHash(hexadecimal: hash.description) == hash)
        #expect(try LedgerHash(hexadecimal: hash.description.uppercased()) == hash)
        for text in [
            "", "12", hash.description + "0", String(repeating: "g", count: 64), String(repeating: "é", count: 32),
        ] {
            #expect(ledgerError { _ = try LedgerHash(hexadecimal: text) }?.code == .invalidParameter)
        }
    }
}
