import Foundation
import TacitTestSupport

/// Programs that some tests use to judge what was written; the tests say loudly when one is absent.
enum ExternalProgram {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let browser = ["chromium", "google-chrome", "chromium-browser"].lazy.compactMap(path).first
    static let python = path("python3")
    /// That of the peers, or the system's.
    static let schemaPython = PeerPython.path ?? python
    static let hasJSONSchema =
        schemaPython.map { (try? run($0, ["-c", "import jsonschema"]).status) == 0 } ?? false

    static func path(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    struct Outcome {
        var status: Int32
        var output: String
    }

    /// Runs a program to its end; its error output goes with its output.
    static func run(_ program: String, _ arguments: [String], errors: Bool = true) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = errors ? pipe : FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: String(decoding: data, as: UTF8.self))
    }

    /// A directory of its own, removed afterwards unless TACIT_KEEP_SCREENSHOTS names a place for the files.
    static func withDirectory<Value>(_ body: (URL) throws -> Value) throws -> Value {
        if let keep = ProcessInfo.processInfo.environment["TACIT_KEEP_SCREENSHOTS"] {
            let place = URL(filePath: keep)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            return try body(place)
        }
        let place = FileManager.default.temporaryDirectory.appending(path: "privacy-report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        return try body(place)
    }
}
