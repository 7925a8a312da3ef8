import BinaryCoding
import CoordinatorStore
import Foundation
import TacitTestSupport
import Testing

/// A process that takes messages is killed at random instants; what it acknowledged is there, once and whole.
@Suite(.serialized) struct KillTests {
    static let kills = ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] == nil ? 15 : 300

    static let executable: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "CoordinatorStress")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release/CoordinatorStress")
    }()

    @Test(arguments: Backend.available) func nothingAcknowledgedIsLost(_ backend: Backend) throws {
        let folder = try TemporaryFolder()
        let (path, notes) = (folder.file("store"), folder.file("notes"))
        try backend.prepare(path)
        var generator = TestGenerator(seed: 17)
        for round in 0..<Self.kills {
            // As the coordinator: what the last one was writing when it died is over then.
            let known = try CoordinatorStore(servingFrom: path, study: Fingerprint(of: [1])).inputs().count
            let process = Process()
            process.executableURL = Self.executable
            process.arguments = [path, notes, "\(known + 1)"]
            process.standardError = FileHandle(forWritingAtPath: "/dev/stderr")
            try process.run()
            // Every other time once it has got going, however busy the machine is; else at any moment from the start.
            let before = try? FileManager.default.attributesOfItem(atPath: notes)[.size] as? Int
            let end = Date().addingTimeInterval(20)
            while round % 2 == 0, Date() < end,
                (try? FileManager.default.attributesOfItem(atPath: notes)[.size] as? Int) == before
            { usleep(2000) }
            usleep(UInt32.random(in: 20_000...150_000, using: &generator))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try #require(process.terminationReason == .uncaughtSignal, "the process ended by itself")
        }
        let store = try CoordinatorStore(servingFrom: path, study: Fingerprint(of: [1]))
        let inputs = try store.inputs()
        let acknowledged = try String(contentsOfFile: notes, encoding: .utf8).split(separator: "\n").compactMap {
            Int($0)
        }
        #expect(acknowledged.count > Self.kills / 2)
        // A process that dies between commit and note leaves a message that is stored and not acknowledged.
        #expect(acknowledged == Array(Set(acknowledged)).sorted())
        #expect(acknowledged.allSatisfy { $0 <= inputs.count } && inputs.count <= acknowledged.count + Self.kills)
        #expect(inputs.map(\.sequence) == Array(1...Int64(inputs.count)))
        #expect(try store.state("sum") == Array("\(inputs.count)".utf8))
        var sequence: UInt64 = 0
        for input in inputs {
            #expect(input.identifier == Fingerprint(of: Array("message \(input.sequence)".utf8)))
            let output = try #require(try store.output(to: "site", after: sequence))
            sequence = output.sequence
            if case .bytes(let bytes) = output.body { #expect(Fingerprint(of: bytes) == output.digest) }
            guard case .file(let file, let count) = output.body else { continue }
            let bytes = Array(FileManager.default.contents(atPath: file) ?? Data())
            #expect(bytes.count == count && Fingerprint(of: bytes) == output.digest)
        }
        #expect(try store.output(to: "site", after: sequence) == nil)
        guard backend == .sqlite else { return }
        // No file is left over that no row could have named.
        let named = Set(inputs.filter { $0.sequence % 3 == 0 || $0.sequence % 2 == 0 }.map(\.digest.hexadecimal))
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: path + "/messages")).isSubset(of: named))
    }
}
