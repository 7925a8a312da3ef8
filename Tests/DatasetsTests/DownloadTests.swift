import Datasets
import Foundation
import Synchronization
import Testing

/// A real server process on 127.0.0.1; it ends when this value goes.
final class LocalServer {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    init() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Resources/server.py")
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script.path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte[0] != 0x0A {
            line += byte
        }
        port = try #require(
            Int(String(decoding: line, as: UTF8.self)), "the server did not start; is python3 installed?")
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func requests() throws -> [String] {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)/log"))
        return String(decoding: try Data(contentsOf: url), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// Downloads from a server that does everything that servers do wrong.
@Suite(.serialized) struct DownloadTests {
    let server: LocalServer
    let folder: URL
    let store: DatasetStore

    init() throws {
        server = try LocalServer()
        folder = FileManager.default.temporaryDirectory.appending(path: "tacit-\(UUID().uuidString)")
        store = DatasetStore(cacheDirectory: folder.path, environment: [:])
    }

    /// The formula of the server's body, so that the test does not take the server's word.
    static let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * $0 + 7 * $0 + $0 / 251) }
    static let hash = "b4f728a41ce65f7e4463b7cd8345fbe98b76d297e5b7c3d7d5fde8e4d2529d83"

    func file(_ kind: String, name: String = "x.bin", sha256: String = hash) -> Dataset.File {
        Dataset.File(
            path: "set/\(name)", address: "http://127.0.0.1:\(server.port)/\(kind)/\(name)", byteCount: Self.body.count,
            sha256: sha256)
    }

    func hasPartial() -> Bool { FileManager.default.fileExists(atPath: folder.path + "/set/x.bin.partial") }

    @Test func wholeFileWithProgress() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let seen = Mutex<[DownloadProgress]>([])
        let path = try await store.fetch(file("ok")) { report in seen.withLock { $0.append(report) } }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.body))
        #expect(path == folder.path + "/set/x.bin")
        let reports = seen.withLock { $0 }
        #expect(reports.last == DownloadProgress(file: "set/x.bin", receivedBytes: 300_000, totalBytes: 300_000))
        #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.receivedBytes < $1.receivedBytes })
        #expect(!hasPartial())
        // What is here is not fetched again.
        _ = try await store.fetch(file("ok"))
        #expect(try server.requests().count == 1)
    }

    @Test func cutDownloadIsContinuedFromWhereItStopped() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = await #expect(throws: DatasetsError.self) { try await store.fetch(file("cut"), attempts: 1) }
        #expect(first?.code == .downloadFailed)
        #expect(hasPartial())
        let path = try await store.fetch(file("cut"), attempts: 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.body))
        #expect(try server.requests() == ["/cut/x.bin None None", "/cut/x.bin bytes=150000- \"tag\""])
        #expect(!hasPartial())
    }

    @Test func cutDownloadIsContinuedWithinOneCall() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try await store.fetch(file("cut"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.body))
        #expect(try server.requests().count == 2)
    }

    @Test(arguments: ["ignore", "changed"])
    func serverThatDoesNotContinueStartsAgain(kind: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try await store.fetch(file(kind))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.body))
        #expect(try server.requests().count == 2)
    }

    @Test func wrongContentIsNamedWithBothHashesAndRemoved() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: DatasetsError.self) { try await store.fetch(file("wrong")) }
        #expect(error?.code == .hashMismatch)
        #expect(error?.message.contains("set/x.bin") == true)
        #expect(error?.message.contains("want \(Self.hash)") == true)
        #expect(
            error?.message.contains("got SHA-256 6d53154b2678a74d7255fdade02b443cc1a85b764f42b88d996b1cad49f66ad4")
                == true)
        #expect(!hasPartial())
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/set/x.bin"))
    }

    @Test func missingFile() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: DatasetsError.self) { try await store.fetch(file("gone")) }
        #expect(error?.code == .downloadFailed)
        #expect(error?.message.contains("HTTP status 404") == true)
        #expect(try server.requests().count == 1)
    }

    @Test(arguments: ["stall", "silent"])
    func serverThatFallsSilent(kind: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let clock = ContinuousClock()
        let start = clock.now
        let error = await #expect(throws: DatasetsError.self) {
            try await store.fetch(file(kind), stallLimit: .seconds(1))
        }
        #expect(error?.code == .stalled)
        #expect(clock.now - start < .seconds(30))
        // What had arrived is kept, and another source can finish it.
        let path = try await store.fetch(file("ok"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(Self.body))
        if kind == "stall" { #expect(try server.requests().last?.contains("bytes=150000-") == true) }
    }

    @Test func serverThatSendsTooMuch() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: DatasetsError.self) { try await store.fetch(file("long")) }
        #expect(error?.code == .sizeMismatch)
        #expect(error?.message.contains("300008") == true)
    }

    @Test func nobodyListens() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let dead = Dataset.File(path: "set/x.bin", address: "http://127.0.0.1:1/x", byteCount: 5, sha256: Self.hash)
        let error = await #expect(throws: DatasetsError.self) { try await store.fetch(dead) }
        #expect(error?.code == .downloadFailed)
        let other = Dataset.File(path: "set/x.bin", address: "file:///etc/hostname", byteCount: 5, sha256: Self.hash)
        let refused = await #expect(throws: DatasetsError.self) { try await store.fetch(other) }
        #expect(refused?.message.contains("want http or https") == true, "\(String(describing: refused))")
    }

    @Test func cancelledDownloadEndsAtOnce() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (store, file) = (store, file("silent"))
        let task = Task { try await store.fetch(file) }
        try await Task.sleep(for: .milliseconds(200))
        let start = ContinuousClock.now
        task.cancel()
        let result = await task.result
        #expect(throws: DatasetsError.self) { try result.get() }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func placesAndTheirErrors() throws {
        #expect(DatasetStore(environment: ["HOME": "/h", "XDG_CACHE_HOME": "/c"]).cacheDirectory == "/c/tacit")
        #expect(DatasetStore(environment: ["TACIT_DATA": "/d"]).dataDirectory == "/d")
        #expect(DatasetStore(dataDirectory: "/e", environment: ["TACIT_DATA": "/d"]).dataDirectory == "/e")
        let error = #expect(throws: DatasetsError.self) { try Dataset.hospitalReadmission.load(from: store) }
        #expect(error?.code == .notFetched)
        #expect(error?.message.contains("tacit data fetch hospital-readmission") == true)
        let unknown = #expect(throws: DatasetsError.self) { try Dataset.named("iris") }
        #expect(unknown?.message.contains("want one of diabetes, breast-cancer, hospital-readmission") == true)
    }
}
