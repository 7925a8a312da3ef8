import Foundation
import TacitTestSupport
import Testing

/// Runs the command as a user would, in a folder of its own.
struct TacitProcess {
    let folder: TemporaryFolder
    var environment: [String: String] = [:]

    init() throws { folder = try TemporaryFolder() }

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The executable that was built beside the tests.
    static var executable: URL {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "tacit")
            if FileManager.default.isExecutableFile(atPath: candidate.path),
                (try? candidate.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory != true
            {
                return candidate
            }
            folder = folder.deletingLastPathComponent()
        }
        // The tests' own place is known when they are run by another tool.
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release/tacit")
    }

    /// A process that has not been started; its output goes to files, so that no pipe can fill up.
    func prepare(_ arguments: [String], shell: String? = nil) throws -> (Process, output: String, errors: String) {
        let process = Process()
        if let shell {
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", shell, "bash", Self.executable.path] + arguments
        } else {
            process.executableURL = Self.executable
            process.arguments = arguments
        }
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var variables = ProcessInfo.processInfo.environment
        variables["TACIT_PASSPHRASE"] = "correct horse battery"
        variables["NO_COLOR"] = "1"
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        let number = UInt64.random(in: 0...UInt64.max)
        let output = NSTemporaryDirectory() + "/tacit-\(number).out"
        let errors = NSTemporaryDirectory() + "/tacit-\(number).err"
        for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle.nullDevice
        return (process, output, errors)
    }

    /// - Parameter shell: a bash script that runs the command as `"$@"`, for limits and redirections.
    @discardableResult
    func run(_ arguments: String..., shell: String? = nil) throws -> Outcome {
        let (process, output, errors) = try prepare(arguments, shell: shell)
        try process.run()
        process.waitUntilExit()
        return finish(process, output, errors)
    }

    func finish(_ process: Process, _ output: String, _ errors: String) -> Outcome {
        defer {
            try? FileManager.default.removeItem(atPath: output)
            try? FileManager.default.removeItem(atPath: errors)
        }
        return Outcome(
            status: process.terminationStatus,
            output: (try? String(contentsOfFile: output, encoding: .utf8)) ?? "",
            errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
    }

    /// Runs a command that must succeed.
    @discardableResult
    func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> Outcome {
        let (process, output, errors) = try prepare(arguments)
        try process.run()
        process.waitUntilExit()
        let outcome = finish(process, output, errors)
        try #require(
            outcome.status == 0, "tacit \(arguments.joined(separator: " ")): \(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.file(name))) }
}
