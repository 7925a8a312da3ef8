import BinaryCoding
import CoordinatorStore
import Foundation
import GRDB
import TacitTestSupport
import Testing

@Suite struct StoreTests {
    static let study = Fingerprint(of: [1])

    static func digest(_ bytes: [UInt8]) -> Fingerprint { Fingerprint(of: bytes) }

    @Test(arguments: Backend.available) func whatIsCommittedIsThereAfterReopening(_ backend: Backend) throws {
        let folder = try TemporaryFolder()
        let long = [UInt8](repeating: 7, count: 200_000)
        let path = folder.file("store")
        try backend.prepare(path)
        do {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            let arrived = store.folder + "/arrived"
            _ = FileManager.default.createFile(atPath: arrived, contents: Data(long))
            try store.commit { transaction in
                try transaction.take(
                    peer: "A", identifier: Fingerprint(of: [9]), digest: Self.digest(long),
                    .file(path: arrived, byteCount: long.count), reply: [4], at: Date(timeIntervalSince1970: 5))
                try transaction.post(to: "A", long)
                try transaction.post(to: "B", [1])
                try transaction.post(to: "A", [2])
                try transaction.setState("round", [1])
                try transaction.setState("round", [2])
                try transaction.note("round", #"{"round":1}"#, at: Date(timeIntervalSince1970: 6))
            }
            #expect(!FileManager.default.fileExists(atPath: arrived))
        }
        let store = try CoordinatorStore(servingFrom: path, study: Self.study)
        let input = try #require(try store.input(peer: "A", identifier: Fingerprint(of: [9])))
        #expect(input.reply == [4] && input.moment == Date(timeIntervalSince1970: 5) && input.sequence == 1)
        var file: String?
        switch (backend, input.body) {
        case (.sqlite, .file(let path, let count)):
            #expect(count == long.count && FileManager.default.contents(atPath: path) == Data(long))
            file = path
        case (.postgres, .bytes(let bytes)): #expect(bytes == long)
        default: Issue.record("another place: \(backend)")
        }
        #expect(try store.output(to: "A", after: 0)?.sequence == 1)
        #expect(try store.output(to: "A", after: 1)?.body == .bytes([2]))
        #expect(try store.output(to: "A", after: 3) == nil)
        #expect(try store.output(to: "A", after: UInt64.max) == nil)
        #expect(try store.state("round") == [2])
        #expect(try store.events().map(\.content) == [#"{"round":1}"#])
        // A body that input and output share goes when both are gone.
        try store.commit { try $0.forgetInputs([1]) }
        if let file { #expect(FileManager.default.fileExists(atPath: file)) }
        #expect(try store.output(to: "A", after: 0)?.body.byteCount == long.count)
        #expect(try store.inputs().map(\.body) == [.forgotten(byteCount: 200_000)])
        try store.commit { try $0.forgetOutputs(to: "A", through: 1) }
        if let file { #expect(!FileManager.default.fileExists(atPath: file)) }
        #expect(try store.output(to: "A", after: 0)?.body == .bytes([2]))
    }

    @Test(arguments: Backend.available) func aMessageIsTakenOnceAndAFailureChangesNothing(_ backend: Backend) throws {
        let folder = try TemporaryFolder()
        try backend.prepare(folder.file("store"))
        let store = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study)
        func take(_ peer: String, reply: [UInt8]) throws {
            try store.commit { transaction in
                try transaction.setState("last", reply)
                try transaction.take(
                    peer: peer, identifier: Fingerprint(of: [1]), digest: Self.digest([5]), .bytes([5]), reply: reply,
                    at: Date())
            }
        }
        try take("A", reply: [1])
        try take("B", reply: [2])
        #expect(code { try take("A", reply: [3]) } != nil)
        #expect(try store.state("last") == [2])
        #expect(try store.inputs().map(\.reply) == [[1], [2]])
        // What a failed transaction took is free again: numbers have no gaps, and the store goes on.
        try store.commit { transaction in
            let number = try transaction.take(
                peer: "A", identifier: Fingerprint(of: [2]), digest: Self.digest([]), .bytes([]), wrapping: [0, 255],
                reply: [], at: Date())
            #expect(number == 3)
            #expect(try transaction.lastInput() == 3)
        }
        let last = try #require(try store.inputs(after: 2).first)
        #expect(last.body == .bytes([]) && last.reply == [] && last.wrapping == [0, 255])
        // Nor does the body's own error keep anything.
        struct Stop: Error {}
        #expect(throws: (any Error).self) {
            try store.commit { transaction in
                try transaction.setState("last", [9])
                throw Stop()
            }
        }
        #expect(try store.state("last") == [2])
    }

    @Test(arguments: Backend.available) func onlyOneCoordinatorAndOnlyItsStudy(_ backend: Backend) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        try backend.prepare(path)
        let missing = code { _ = try CoordinatorStore(beside: path, study: Self.study) }
        #expect(missing?.code == .notFound)
        #expect(missing?.message == "\(path): holds no study; run `tacit federation serve` first")
        let store = try CoordinatorStore(servingFrom: path, study: Self.study)
        let second = code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }
        #expect(second?.code == .inUse)
        let place = backend == .sqlite ? path : try StorePlace(of: path).description
        #expect(second?.message == "\(place): another coordinator serves this study; stop it first")
        let other = code { _ = try CoordinatorStore(beside: path, study: Fingerprint(of: [2])) }
        #expect(other?.code == .otherStudy)
        // Enrolment beside the running coordinator is seen by it.
        let before = try store.outsideVersion()
        let beside = try CoordinatorStore(beside: path, study: Self.study)
        try beside.enroll(name: "A", fingerprint: Fingerprint(of: [3]), certificate: [3])
        #expect(try store.outsideVersion() != before)
        #expect(try store.peers().map(\.name) == ["A"])
        let modes = ["", "/coordinator.sqlite"].map {
            try? FileManager.default.attributesOfItem(atPath: path + $0)[.posixPermissions] as? Int
        }
        #expect(modes == [0o700, backend == .sqlite ? 0o600 : nil])
    }

    @Test(arguments: Backend.available) func enrolmentAndRevocation(_ backend: Backend) throws {
        let folder = try TemporaryFolder()
        try backend.prepare(folder.file("store"))
        let store = try CoordinatorStore(servingFrom: folder.file("store"), study: Self.study)
        let (one, two) = (Fingerprint(of: [1]), Fingerprint(of: [2]))
        try store.enroll(name: "A", fingerprint: one, certificate: [1])
        try store.enroll(name: "A", fingerprint: one, certificate: [1])
        #expect(
            code { try store.enroll(name: "A", fingerprint: two, certificate: [2]) }?.message
                == "A: has another certificate; revoke that one first")
        #expect(
            code { try store.enroll(name: "B", fingerprint: one, certificate: [1]) }?.message
                == "B: this certificate is enrolled as A")
        #expect(code { try store.revoke(name: "B") }?.message == "B: is not enrolled; enrolled are A")
        try store.revoke(name: "A")
        #expect(
            code { try store.enroll(name: "A", fingerprint: one, certificate: [1]) }?.message
                == "A: this certificate was revoked; the site must make a new identity")
        try store.enroll(name: "A", fingerprint: two, certificate: [2])
        #expect(try store.peers().map { $0.revoked == nil } == [false, true])
    }

    @Test func olderStoresAreUpgradedAndNewerOnesRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        // A store as the first version made it.
        try FileManager.default.copyItem(
            at: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
                path: "Resources/store-version-1"),
            to: URL(fileURLWithPath: path))
        do {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            #expect(try store.inputs().map(\.reply) == [[1], [2], [3]])
            #expect(try store.peers().map(\.name) == ["A", "B"])
            #expect(try store.state("round") == [7])
            try store.commit { try $0.note("start", "{}", at: Date()) }
            #expect(try store.events().count == 1)
        }
        let database = try DatabaseQueue(path: path + "/coordinator.sqlite")
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
        try database.close()
        let error = code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }
        #expect(error?.code == .tooNew)
        #expect(
            error?.message == "\(path)/coordinator.sqlite: was made by a newer tacit; install that version or newer")
    }

    @Test func otherFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("store")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(
            to: URL(fileURLWithPath: path + "/coordinator.sqlite"))
        let error = code { _ = try CoordinatorStore(servingFrom: path, study: Self.study) }
        #expect(error?.code == .damaged)
        // A database whose columns hold something else: an error, never a trap.
        try FileManager.default.removeItem(atPath: path)
        do {
            let store = try CoordinatorStore(servingFrom: path, study: Self.study)
            try store.commit { transaction in
                try transaction.take(
                    peer: "A", identifier: Fingerprint(of: [1]), digest: Self.digest([5]), .bytes([5]), reply: [1],
                    at: Date())
            }
        }
        let database = try DatabaseQueue(path: path + "/coordinator.sqlite")
        try database.write { try $0.execute(sql: "UPDATE input SET file = '../../etc/passwd'") }
        try database.close()
        let store = try CoordinatorStore(beside: path, study: Self.study)
        #expect(code { _ = try store.inputs() }?.code == .damaged)
    }

    @Test(.enabled(if: FullDisk.isPossible, "SKIPPED: no file system can be mounted here"))
    func aFullDiskChangesNothing() throws {
        let disk = try FullDisk(megabytes: 4)
        let store = try CoordinatorStore(servingFrom: disk.path + "/store", study: Self.study)
        var stored = 0
        var failure: CoordinatorStoreError?
        while failure == nil, stored < 1000 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: stored), count: 30_000) + [UInt8(stored & 255)]
            do throws(CoordinatorStoreError) {
                try store.commit { transaction -> Void in
                    try transaction.take(
                        peer: "A", identifier: Fingerprint(of: Array("\(stored)".utf8)), digest: Self.digest(bytes),
                        .bytes(bytes), reply: [], at: Date())
                    try transaction.setState("count", Array("\(stored + 1)".utf8))
                }
                stored += 1
            } catch { failure = error }
        }
        #expect(failure?.code == .diskFull, "\(failure as Any)")
        #expect(try store.state("count") == Array("\(stored)".utf8))
        #expect(try store.inputs().count == stored)
        // A long body, which goes into a file, is refused as clearly.
        let long = [UInt8](repeating: 3, count: 3_000_000)
        let second = code {
            try store.commit { transaction -> Void in
                try transaction.take(
                    peer: "A", identifier: Fingerprint(of: [99]), digest: Self.digest(long), .bytes(long), reply: [],
                    at: Date())
            }
        }
        #expect(second?.code == .diskFull || second?.code == .inputOutput)
        #expect(second?.message.contains("No space left") == true || second?.code == .diskFull)
        #expect(try store.inputs().count == stored)
    }
}
