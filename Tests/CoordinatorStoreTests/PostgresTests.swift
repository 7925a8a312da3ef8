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

    private func take(_ number: Int, bytes: [UInt8]? = nil, in store: CoordinatorStore) throws {
        let bytes = bytes ?? Array("message \(number)".utf8)
        try store.commit { transaction in
            try transaction.take(
                peer: "A", identifier: Fingerprint(of: Array("\(number)".utf8)), digest: Fingerprint(of: bytes),
                .bytes(bytes), reply: [UInt8(truncatingIfNeeded: number)], at: Date())
            try transaction.setState("count", Array("\(number)".utf8))
        }
    }

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

    @Test func aStudyMovesFromItsFolderAndToAnotherMachine() throws {
        let server = try PostgresServer.shared.get()
        let (here, elsewhere) = (try TemporaryFolder(), try TemporaryFolder())
        let path = here.file("store")
        let long = [UInt8](repeating: 9, count: 300_000)
        var inputs: [StoredInput] = []
        var peers: [StoredPeer] = []
        var events: [StoredEvent] = []
        do {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            try store.enroll(name: "A", fingerprint: Fingerprint(of: [7]), certificate: [7])
            try store.revoke(name: "A")
            try store.enroll(name: "A", fingerprint: Fingerprint(of: [8]), certificate: [8])
            try take(1, in: store)
            try take(2, bytes: long, in: store)
            try take(3, in: store)
            try store.commit { transaction in
                try transaction.forgetInputs([1])
                try transaction.post(to: "A", [1])
                try transaction.post(to: "A", long)
                try transaction.forgetOutputs(to: "A", through: 1)
                try transaction.note("round", #"{"text": "Ünïcode “1”"}"#, at: Date(timeIntervalSince1970: 1.5))
            }
            (inputs, peers, events) = (try store.inputs(), try store.peers(), try store.events())
        }
        let database = try server.database()
        let place = try StorePlace(postgres: database)
        #expect(try CoordinatorStore.keep(path, study: Self.study, in: place))
        #expect(try !CoordinatorStore.keep(path, study: Self.study, in: place))
        #expect(!FileManager.default.fileExists(atPath: path + "/coordinator.sqlite"))
        #expect(!FileManager.default.fileExists(atPath: path + "/messages"))
        do {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            #expect(try store.peers() == peers && store.events() == events)
            let moved = try store.inputs()
            #expect(moved.map(\.sequence) == inputs.map(\.sequence) && moved.map(\.reply) == inputs.map(\.reply))
            #expect(moved.map(\.digest) == inputs.map(\.digest) && moved.map(\.moment) == inputs.map(\.moment))
            #expect(moved[0].body == inputs[0].body && moved[1].body == .bytes(long) && moved[2].body == inputs[2].body)
            #expect(try store.state("count") == Array("3".utf8))
            let output = try #require(try store.output(to: "A", after: 0))
            #expect(output.sequence == 2 && output.body == .bytes(long))
            // Numbers go on.
            #expect(try store.commit { try $0.post(to: "A", [2]) } == 3)
            try take(4, in: store)
            #expect(try store.inputs().last?.sequence == 4)
        }
        // Another machine has the study's files and the database, nothing else.
        let other = elsewhere.file("store")
        #expect(try CoordinatorStore.keep(other, study: Self.study, in: place))
        do {
            let store = try CoordinatorStore(servingFrom: other, study: Self.study)
            #expect(try store.inputs().count == 4)
            // Two machines at once.
            #expect(code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }?.code == .inUse)
        }
        // Two histories of one study are not mixed.
        let third = elsewhere.file("third")
        try take(1, in: try CoordinatorStore(servingFrom: third, study: Self.study))
        let mixed = code { try CoordinatorStore.keep(third, study: Self.study, in: place) }
        #expect(mixed?.code == .invalidPlace)
        #expect(mixed?.message.contains("both hold rounds of this study") == true)
        #expect(try CoordinatorStore(servingFrom: third, study: Self.study).inputs().count == 1)
        // Nor another study's.
        #expect(
            code { try CoordinatorStore.keep(elsewhere.file("fourth"), study: Fingerprint(of: [2]), in: place) }?.code
                == .otherStudy)
        // To an empty database only by the database's own tools.
        let empty = try StorePlace(postgres: try server.database())
        let lost = code { try CoordinatorStore.keep(path, study: Self.study, in: empty) }
        #expect(lost?.message.contains("holds nothing of this study") == true)
        #expect(try CoordinatorStore(servingFrom: path, study: Self.study).inputs().count == 4)
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

    @Test func placesThatCannotBeUsedAreNamed() throws {
        func complaint(_ text: String) -> CoordinatorStoreError? { code { _ = try StorePlace(postgres: text) } }
        for secret in [
            "postgres://tacit:hunter2@localhost/study", "host=localhost password=hunter2",
            "postgres://localhost/study?password=hunter2", "postgres://tacit:hunter2@localhost:none:1/%zz",
        ] {
            let error = complaint(secret)
            #expect(error?.code == .invalidPlace)
            #expect(error?.message.contains("hunter2") == false)
        }
        #expect(complaint("postgres://localhost/study?password=x")?.message.contains("~/.pgpass") == true)
        #expect(complaint("a b c")?.message.contains("want postgres://user@host:5432/database") == true)
        #expect(complaint("host=localhost\nport=1")?.code == .invalidPlace)
        for exposed in [
            "postgres://db.example/study", "host=127.0.0.1,db.example", "host=localhost hostaddr=192.0.2.1",
            "postgres://db.example/study?sslmode=require", "host=127.evil.example", "host=127.0.0.1.example",
        ] {
            let error = complaint(exposed)
            #expect(error?.code == .permission, "\(exposed)")
            #expect(error?.message.contains("add sslmode=verify-full") == true)
        }
        for good in ["postgres://db.example/study?sslmode=verify-full", "host=/run/postgresql", "host=127.0.0.1"] {
            _ = try StorePlace(postgres: good)
        }
        let valid = ["postgres://u@localhost:5/d?sslmode=prefer", "host=localhost port=5 dbname='a b'"]
        Fuzzing.run(valid: valid.map { Array($0.utf8) }, iterations: 2000) {
            _ = try? StorePlace(postgres: String(decoding: $0, as: UTF8.self))
        }
        // The choice in the folder is read as strictly.
        let folder = try TemporaryFolder()
        try Backend.choose("host=localhost password=hunter2", for: folder.path)
        let error = code { _ = try CoordinatorStore(beside: folder.path, study: Self.study) }
        #expect(error?.message.hasPrefix(folder.path + "/store: holds a password") == true)
        // A database that is not there.
        let server = try PostgresServer.shared.get()
        let absent = TemporaryStore(folder, "host=127.0.0.1 port=\(server.port) user=tacit dbname=absent")
        #expect(absent.error?.code == .unavailable)
        #expect(
            absent.error?.message.hasPrefix("PostgreSQL database absent at 127.0.0.1:\(server.port): ") == true)
        #expect(absent.error?.message.contains("does not exist") == true, "\(absent.error as Any)")
    }

    @Test func aUserWithoutRightsIsToldWhatIsMissing() throws {
        let server = try PostgresServer.shared.get()
        let folder = try TemporaryFolder()
        let owner = try server.database()
        let role = "r" + UUID().uuidString.prefix(8).lowercased()
        try server.sql("CREATE ROLE \(role) LOGIN", in: owner)
        let database = owner.replacing("user=tacit", with: "user=\(role)")
        let refused = TemporaryStore(folder, database).error
        #expect(refused?.code == .permission)
        #expect(
            refused?.message.contains("the user needs a database of its own, or CREATE on this one") == true,
            "\(refused as Any)")
        // A schema of its own is enough.
        try server.sql("CREATE SCHEMA tacit AUTHORIZATION \(role)", in: owner)
        #expect(TemporaryStore(folder, database).error == nil)
        // And others cannot read it.
        try server.sql("CREATE ROLE \(role)x LOGIN", in: owner)
        #expect(throws: (any Error).self) {
            try server.sql("SELECT * FROM tacit.input", in: owner.replacing("user=tacit", with: "user=\(role)x"))
        }
    }

    private struct TemporaryStore {
        var error: CoordinatorStoreError?

        init(_ folder: TemporaryFolder, _ database: String) {
            do {
                try Backend.choose(database, for: folder.path)
                _ = try CoordinatorStore(servingFrom: folder.path, study: PostgresTests.study)
            } catch { self.error = error as? CoordinatorStoreError }
        }
    }
}

private final class SharedCount: @unchecked Sendable {
    private let lock = NSLock()
    private var number = 0
    func add() { lock.withLock { number += 1 } }
    var value: Int { lock.withLock { number } }
}
