import BinaryCoding
import CoordinatorStore
import Foundation
import TacitTestSupport
import Testing

/// Where a database may be, who may use it, and how a study gets there.
@Suite(
    .serialized,
    .enabled(if: PostgresServer.isPossible, "SKIPPED: PostgreSQL (initdb, postgres, psql) is not installed"))
struct PostgresPlaceTests {
    static let study = Fingerprint(of: [1])

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
                _ = try CoordinatorStore(servingFrom: folder.path, study: PostgresPlaceTests.study)
            } catch { self.error = error as? CoordinatorStoreError }
        }
    }
}
