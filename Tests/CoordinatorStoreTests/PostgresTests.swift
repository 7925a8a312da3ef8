import BinaryCoding
import CoordinatorStore
import Foundation
import TacitTestSupport
import Testing

/// What only a server can do to a store: vanish, hang up, be full, be somebody else's.
@Suite(
    .serialized,
    .enabled(if: PostgresServer.isPossible, "SKIPPED: PostgreSQL (initdb, postgres, psql) is not installed"))
struct PostgresTests {
    static let study = Fingerprint(of: [1])

    @Test func aCrashOfTheServerLosesNothing() throws {
        let server = try PostgresServer()
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        try Backend.choose(try server.database(), for: path)
        var acknowledged = 0
        for wait in [UInt32(40_000), 110_000, 170_000] {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            let there = try store.inputs().count
            // What was on its way when the server fell is there as a whole or not at all.
            #expect(there == acknowledged || there == acknowledged + 1)
            #expect(try there == 0 || store.state("count") == Array("\(there)".utf8))
            acknowledged = there
            let crash = Thread {
                usleep(wait)
                try? server.crash()
            }
            crash.start()
            var failure: CoordinatorStoreError?
            while failure == nil {
                do {
                    try take(acknowledged + 1, bytes: [UInt8](repeating: 1, count: 20_000), in: store)
                    acknowledged += 1
                } catch { failure = error as? CoordinatorStoreError }
            }
            #expect(failure?.code == .unavailable, "\(failure as Any)")
            #expect(failure?.message.contains("the connection is lost") == true, "\(failure as Any)")
            while !crash.isFinished { usleep(10_000) }
            #expect(code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }?.code == .unavailable)
            try server.start()
            // The old coordinator stays out, though the server is back.
            #expect(code { try take(acknowledged + 1, in: store) }?.code == .unavailable)
            #expect(code { try store.checkServing() }?.code == .unavailable)
        }
        #expect(acknowledged > 3)
        let store = try CoordinatorStore(servingFrom: path, study: Self.study)
        #expect(try (acknowledged...acknowledged + 1).contains(store.inputs().count))
        for number in 1...acknowledged {
            #expect(try store.input(peer: "A", identifier: Fingerprint(of: Array("\(number)".utf8))) != nil)
        }
    }

    @Test func aServerThatCannotKeepItsWordIsRefused() throws {
        let server = try PostgresServer()
        let folder = try TemporaryFolder()
        try Backend.choose(try server.database(), for: folder.file("store"))
        server.stop()
        try server.start(["fsync=off"])
        let error = code { _ = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study) }
        #expect(error?.code == .permission)
        #expect(error?.message.contains("fsync = off") == true)
        server.stop()
        // Even where the administrator prefers speed, a commit waits for the disk.
        try server.start(["synchronous_commit=off", "log_statement=all"])
        let store = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study)
        try take(1, in: store)
        let log = try String(contentsOfFile: server.folder.file("log"), encoding: .utf8)
        #expect(log.contains("$1 = 'synchronous_commit', $2 = 'on'"))
        server.stop()
        let gone = code { try take(2, in: store) }
        #expect(gone?.code == .unavailable)
        let absent = code { _ = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study) }
        #expect(absent?.code == .unavailable)
        #expect(absent?.message.contains("see whether the server runs") == true, "\(absent as Any)")
    }

    @Test func aLostConnectionEndsTheHold() throws {
        let server = try PostgresServer.shared.get()
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        let database = try server.database()
        try Backend.choose(database, for: path)
        let first = try CoordinatorStore(servingFrom: path, study: Self.study)
        try first.checkServing()
        try take(1, in: first)
        let begun = first
        // Cut while a transaction is open: nothing of it stays.
        let cut = code {
            try begun.commit { transaction in
                try transaction.setState("count", [99])
                try server.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                        + "AND pid <> pg_backend_pid()", in: database)
                try transaction.setState("count", [98])
            }
        }
        #expect(cut?.code == .unavailable)
        #expect(cut?.message.contains(try StorePlace(of: path).description) == true)
        #expect(cut?.message.contains("the connection is lost, and with it the hold on the study") == true)
        // Another one takes over, and the first cannot write beside it or look as if it could.
        let second = try CoordinatorStore(servingFrom: path, study: Self.study)
        #expect(try second.state("count") == Array("1".utf8))
        #expect(code { try first.checkServing() }?.code == .unavailable)
        #expect(code { try take(2, in: first) }?.code == .unavailable)
        try take(2, in: second)
        #expect(try second.inputs().count == 2)
        // Whoever only looks may not write.
        let beside = try CoordinatorStore(beside: path, study: Self.study)
        #expect(code { try take(3, in: beside) }?.code == .inUse)
        #expect(try beside.inputs().count == 2)
    }

    @Test func enrolmentsThatComeAtOnceAreOne() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        try Backend.choose(try PostgresServer.shared.get().database(), for: path)
        // The tables too are made once, though eight programs find none.
        let won = SharedCount()
        let other = SharedCount()
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            do {
                let store = try CoordinatorStore(beside: path, study: Self.study, creates: true)
                try store.enroll(name: "A", fingerprint: Fingerprint(of: [UInt8(number)]), certificate: [1])
                won.add()
            } catch let error as CoordinatorStoreError where error.code == .peer {
            } catch {
                Issue.record("\(error)")
                other.add()
            }
        }
        #expect(won.value == 1 && other.value == 0)
        let store = try CoordinatorStore(beside: path, study: Self.study)
        #expect(try store.peers().count == 1)
    }

    @Test func newerAndDamagedTablesAreRefused() throws {
        let server = try PostgresServer.shared.get()
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        let database = try server.database()
        try Backend.choose(database, for: path)
        #expect(code { _ = try CoordinatorStore(beside: path, study: Self.study) }?.code == .notFound)
        try take(1, in: try CoordinatorStore(servingFrom: path, study: Self.study))
        // Whatever a column holds: an error, never a trap.
        for change in [
            "ALTER COLUMN reply TYPE text USING 'x'", "ALTER COLUMN moment TYPE double precision",
            "ALTER COLUMN digest DROP NOT NULL; UPDATE tacit.input SET digest = NULL",
            "RENAME COLUMN wrapping TO other",
        ] {
            try server.sql("ALTER TABLE tacit.input \(change)", in: database)
            let error = code { _ = try CoordinatorStore(beside: path, study: Self.study).inputs() }
            #expect(error?.code == .damaged || change.contains("RENAME"), "\(change): \(error as Any)")
        }
        try server.sql("INSERT INTO tacit.version VALUES (999)", in: database)
        let newer = code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }
        #expect(newer?.code == .tooNew)
        #expect(
            newer?.message == "\(try StorePlace(of: path)): was made by a newer tacit; install that version or newer")
    }

    @Test(.enabled(if: FullDisk.isPossible, "SKIPPED: no file system can be mounted here"))
    func aFullDiskChangesNothing() throws {
        let server = try PostgresServer.shared.get()
        let disk = try FullDisk(megabytes: 24)
        try server.give(disk.path)
        try server.sql("CREATE TABLESPACE small LOCATION '\(disk.path)'")
        let folder = try TemporaryFolder()
        let database = try server.database("TABLESPACE small")
        try Backend.choose(database, for: folder.file("store"))
        do {
            let store = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study)
            var stored = 0
            var failure: CoordinatorStoreError?
            while failure == nil, stored < 1000 {
                do {
                    try take(stored + 1, bytes: [UInt8](repeating: 5, count: 100_000), in: store)
                    stored += 1
                } catch { failure = error as? CoordinatorStoreError }
            }
            #expect(failure?.code == .diskFull, "\(failure as Any)")
            #expect(stored > 3)
            #expect(try store.state("count") == Array("\(stored)".utf8))
            #expect(try store.inputs().count == stored)
            // The hold is not lost by it.
            try store.checkServing()
        }
        let name = try #require(database.split(separator: "=").last)
        try server.sql("DROP DATABASE \(name) WITH (FORCE)")
        try server.sql("DROP TABLESPACE small")
    }
}

private final class SharedCount: @unchecked Sendable {
    private let lock = NSLock()
    private var number = 0
    func add() { lock.withLock { number += 1 } }
    var value: Int { lock.withLock { number } }
}
