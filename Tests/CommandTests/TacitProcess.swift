import Foundation
import TacitTestSupport
import Testing

/// Runs the command as a user would, in a folder of its own.
struct TacitProcess {
    let folder: TemporaryFolder
    /// Variables to add; nil removes one.
    var environment: [String: String?] = [:]

    /// - Parameter files: names of files of the shared ``Study`` to start with.
    init(with files: [String] = []) throws {
        folder = try TemporaryFolder()
        for file in files { try Study.shared.get().copy(file, to: folder) }
    }

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    static let passphrase = "correct horse battery"

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
        variables["TACIT_PASSPHRASE"] = Self.passphrase
        variables["NO_COLOR"] = "1"
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        let stem = FileManager.default.temporaryDirectory.path + "/tacit-\(UInt64.random(in: 0...UInt64.max))"
        let (output, errors) = (stem + ".out", stem + ".err")
        for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle.nullDevice
        return (process, output, errors)
    }

    /// - Parameter shell: a bash script that runs the command as `"$@"`, for limits and redirections.
    @discardableResult
    func run(_ arguments: [String], shell: String? = nil) throws -> Outcome {
        let (process, output, errors) = try prepare(arguments, shell: shell)
        try process.run()
        // A command that hangs fails its test instead of stopping all of them.
        let identifier = process.processIdentifier
        let watchdog = DispatchWorkItem { kill(identifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 120, execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
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

    /// Runs a command that must succeed and leave no unfinished file.
    @discardableResult
    func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> Outcome {
        let outcome = try run(arguments)
        try #require(
            outcome.status == 0, "tacit \(arguments.joined(separator: " ")): \(outcome.errors)",
            sourceLocation: sourceLocation)
        #expect(litter.isEmpty, sourceLocation: sourceLocation)
        return outcome
    }

    /// Runs a command that must fail with that exit code and those words on standard error, print no result, and leave
    /// the folder's files as they were.
    @discardableResult
    func refuse(
        _ status: Int32, _ words: [String], _ arguments: String..., shell: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let before = try contents()
        let outcome = try run(arguments, shell: shell)
        let line = "tacit \(arguments.joined(separator: " ")): exit code \(outcome.status), \(outcome.errors)"
        #expect(outcome.status == status, "\(line)", sourceLocation: sourceLocation)
        for word in words { #expect(outcome.errors.contains(word), "\(line)", sourceLocation: sourceLocation) }
        #expect(outcome.output == "", "\(line)", sourceLocation: sourceLocation)
        let after = try contents()
        #expect(after.keys.sorted() == before.keys.sorted(), "\(line)", sourceLocation: sourceLocation)
        for (name, bytes) in before {
            #expect(after[name] == bytes, "\(name) was changed; \(line)", sourceLocation: sourceLocation)
        }
        return outcome.errors
    }

    /// Names of hidden, unfinished files.
    var litter: [String] { folder.names.filter { $0.hasPrefix(".") || $0.hasSuffix(".partial") } }

    /// Every file directly in the folder.
    func contents() throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in folder.names {
            var isFolder: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: folder.file(name), isDirectory: &isFolder)
            guard isThere else { continue }
            result[name] = isFolder.boolValue ? Data() : try read(name)
        }
        return result
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.file(name))) }

    /// Permission bits of a file.
    func mode(_ name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: folder.file(name))[.posixPermissions] as? Int ?? -1
    }

    /// The object that a command printed with --json.
    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
}
