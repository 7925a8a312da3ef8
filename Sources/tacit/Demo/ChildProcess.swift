import Foundation

/// Runs this same command as another process, in a folder of its own, as another party would.
struct ChildProcess {
    /// What a run did and cost.
    struct Outcome {
        var processID: Int
        var wallSeconds: Double
        var cpuSeconds: Double
    }

    let folder: String
    let environment: [String: String]

    /// The executable that is running now.
    static var executable: URL {
        Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    }

    /// - Throws: the child's own error line and exit code when it fails.
    @discardableResult
    func run(_ arguments: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments + ["--quiet"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        let before = Self.childSeconds
        let started = ContinuousClock.now
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let wall = ContinuousClock.now - started
        guard process.terminationStatus == 0 else {
            let text = String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            let status = ExitStatus(rawValue: process.terminationStatus) ?? .software
            throw CommandFailure(status, "tacit \(arguments.prefix(2).joined(separator: " ")): \(text)")
        }
        return Outcome(
            processID: Int(process.processIdentifier),
            wallSeconds: Double(wall.components.seconds) + Double(wall.components.attoseconds) * 1e-18,
            cpuSeconds: Self.childSeconds - before)
    }

    /// CPU time of all children that have ended.
    private static var childSeconds: Double {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_CHILDREN, &usage)
        #else
            getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
