import Foundation
import Synchronization
import TacitTestSupport
import Testing

/// A study with real processes on this machine: one coordinator, sites with tables of their own, and a network between
/// them that can be cut.
final class NetworkStudy {
    let folder: TemporaryFolder
    let sites: Int
    /// Whether sites have folders of texts in the place of tables.
    let isText: Bool
    private(set) var port = 0
    private(set) var dashboardPort = 0
    private var coordinator: Process?
    private var joined: [Int: Process] = [:]
    private(set) var links: [FaultyLink] = []
    private(set) var relay: RestlessRelay?
    private var starts = 0

    static let executable: URL = {
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
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release/tacit")
    }()

    struct StudyError: Error, CustomStringConvertible {
        var description: String
    }

    /// Makes identities, tables and the study; starts nothing.
    /// - Parameter options: for `init`.
    init(
        sites: Int = 3, rows: Int = 150, rounds: Int = 3, protection: String = "secagg", model: String = "logistic",
        options: [String] = [], isText: Bool = false
    ) throws {
        folder = try TemporaryFolder()
        self.sites = sites
        self.isText = isText
        var generator = TestGenerator(seed: 5)
        if isText {
            for site in 1...sites {
                try run("federation", "identity", "--name", "Site \(site)", "--out", "site-\(site)")
                for kind in ["spam", "ham"] {
                    let place = folder.file("\(site)/mails/\(kind)")
                    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                    for number in 0..<rows / 2 {
                        let words = (0..<12).map { _ in
                            "w\(Int.random(in: kind == "spam" ? 0..<60 : 30..<90, using: &generator))"
                        }
                        try words.joined(separator: " ").write(
                            toFile: "\(place)/\(number).txt", atomically: false, encoding: .utf8)
                    }
                }
            }
            try run(
                [
                    "federation", "init", "hospital.yaml", "--protection", protection, "--rounds", "\(rounds)",
                    "--model",
                    model,
                ] + options + ["--sites"] + (1...sites).map { "site-\($0).public" })
            return
        }
        let schema = """
            {"formatVersion": 1, "confirmed": true, "columns": [
            \((1...4).map { #"{"name": "x\#($0)", "type": "number", "role": "feature", "bounds": {"lower": 0, "upper": 1}, "decimals": 3}"# }.joined(separator: ",\n")),
            {"name": "ill", "type": "category", "role": "target", "categories": ["no", "yes"]}]}
            """
        try schema.write(toFile: folder.file("table.schema.json"), atomically: true, encoding: .utf8)
        for site in 1...sites {
            try run("federation", "identity", "--name", "Site \(site)", "--out", "site-\(site)")
            var lines = ["x1,x2,x3,x4,ill"]
            for _ in 0..<rows {
                let x = (0..<4).map { _ in Double(Int.random(in: 0...1000, using: &generator)) / 1000 }
                let score = 3 * x[0] + 2 * x[1] - 2.5 * x[2] + 0.1 * Double(site) - 1.2
                let noise = Double.random(in: -0.7...0.7, using: &generator)
                lines.append(x.map { "\($0)" }.joined(separator: ",") + (score + noise > 0 ? ",yes" : ",no"))
            }
            try lines.joined(separator: "\n").write(
                toFile: folder.file("\(site).csv"), atomically: true, encoding: .utf8)
        }
        try run(
            [
                "federation", "init", "hospital.yaml", "--schema", "table.schema.json", "--protection", protection,
                "--rounds",
                "\(rounds)", "--model", model,
            ] + options + ["--sites"] + (1...sites).map { "site-\($0).public" })
    }

    /// A copy of a study that has not begun: same keys, same tables.
    init(copying other: NetworkStudy) throws {
        folder = try TemporaryFolder()
        sites = other.sites
        isText = other.isText
        for name in other.folder.names where !name.hasSuffix(".log") {
            try FileManager.default.copyItem(atPath: other.folder.file(name), toPath: folder.file(name))
        }
    }

    deinit {
        for process in Array(joined.values) + [coordinator].compactMap({ $0 }) where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        for link in links { link.close() }
        relay?.close()
    }

    @discardableResult
    func run(_ arguments: String...) throws -> String { try run(arguments) }

    @discardableResult
    func run(_ arguments: [String], status: Int32 = 0) throws -> String {
        let (output, errors) = (folder.file("out.log"), folder.file("err.log"))
        let process = try process(arguments, output: output, errors: errors)
        process.waitUntilExit()
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        let complaint = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        guard process.terminationStatus == status else {
            throw StudyError(description: "tacit \(arguments): exit code \(process.terminationStatus): \(complaint)")
        }
        return status == 0 ? text : complaint
    }

    private func process(_ arguments: [String], output: String, errors: String) throws -> Process {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        for path in [output, errors]
        where !FileManager.default.fileExists(atPath: path) || path.hasSuffix("out.log") || path.hasSuffix("err.log") {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let out = FileHandle(forWritingAtPath: output)
        let err = FileHandle(forWritingAtPath: errors)
        _ = try out?.seekToEnd()
        _ = try err?.seekToEnd()
        process.standardOutput = out
        process.standardError = err
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    // MARK: Coordinator

    /// Starts the coordinator, on the same port as before, and waits until it listens.
    func startCoordinator(_ options: [String] = ["--no-dashboard"], resumes: Bool = false) throws {
        starts += 1
        let log = folder.file("coordinator-\(starts).log")
        coordinator = try process(
            [
                "federation", resumes ? "resume" : "serve", "--study", "hospital.yaml", "--host", "127.0.0.1", "--port",
                "\(port)",
            ]
                + options, output: log, errors: log)
        let end = Date().addingTimeInterval(20)
        while Date() < end {
            let lines = logLines(log)
            if let known = lines.first(where: { $0["event"] == "listening" })?["port"], let number = Int(known) {
                port = number
                if options.contains("--no-dashboard") { return }
                if let page = lines.first(where: { $0["event"] == "dashboard" })?["port"], let number = Int(page) {
                    dashboardPort = number
                    return
                }
            }
            guard coordinator?.isRunning == true else { break }
            usleep(5000)
        }
        throw StudyError(
            description: "the coordinator does not listen: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")"
        )
    }

    private func logLines(_ path: String) -> [[String: String]] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String]
        }
    }

    /// Every line of every run of the coordinator.
    var coordinatorLog: [[String: String]] {
        (1...max(1, starts)).flatMap { logLines(folder.file("coordinator-\($0).log")) }
    }

    /// What everybody said last, for a study that does not come to its end.
    var account: String {
        let files = ["coordinator-\(max(1, starts))"] + (1...sites).map { "site-\($0)" }
        return files.map { name in
            let text = (try? String(contentsOfFile: folder.file("\(name).log"), encoding: .utf8)) ?? ""
            return "\(name):\n\(text.suffix(1500))"
        }.joined(separator: "\n")
    }

    func killCoordinator() {
        guard let coordinator, coordinator.isRunning else { return }
        kill(coordinator.processIdentifier, SIGKILL)
        coordinator.waitUntilExit()
    }

    /// - Returns: its exit code.
    func terminateCoordinator() -> Int32 {
        guard let coordinator else { return -1 }
        kill(coordinator.processIdentifier, SIGTERM)
        coordinator.waitUntilExit()
        return coordinator.terminationStatus
    }

    /// For a coordinator that ends by itself.
    /// - Returns: its exit code; -1 when it does not end.
    func waitForCoordinator(within seconds: Double = 60) -> Int32 {
        let end = Date().addingTimeInterval(seconds)
        while coordinator?.isRunning ?? false, Date() < end { usleep(20_000) }
        guard let coordinator, !coordinator.isRunning else { return -1 }
        return coordinator.terminationStatus
    }

    // MARK: Sites

    /// A stretch of network for every site.
    func makeLinks() throws { links = try (0..<sites).map { _ in try FaultyLink(to: relay?.port ?? port) } }

    /// A network between links and coordinator that repeats, reorders and forgets messages.
    /// - Parameter alter: what becomes of messages to sites, whose names come first.
    func makeRelay(
        seed: UInt64, isRestless: Bool = true,
        alter: @escaping @Sendable (String, [UInt8]) -> [UInt8] = { $1 }
    ) throws {
        relay = try RestlessRelay(
            to: port, invitation: folder.file("hospital.invitation"),
            coordinator: folder.file("hospital.coordinator.key"),
            sites: (1...sites).map { folder.file("site-\($0).key") }, spool: folder.file("relay"), seed: seed,
            isRestless: isRestless, alter: alter)
    }

    func startSite(_ number: Int, options: [String] = []) throws {
        let address = links.isEmpty ? port : links[number - 1].port
        let log = folder.file("site-\(number).log")
        joined[number] = try process(
            [
                "federation", "join", "https://127.0.0.1:\(address)", "--data", isText ? "\(number)" : "\(number).csv",
                "--identity",
                "site-\(number).key",
                "--longest-wait", "0.3", "--json",
            ] + options, output: folder.file("site-\(number).result"), errors: log)
    }

    func killSite(_ number: Int) {
        guard let process = joined[number], process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func isRunning(_ number: Int) -> Bool { joined[number]?.isRunning ?? false }

    /// Waits for a site that was not killed.
    func finishSite(_ number: Int, within seconds: Double = 180) throws {
        let end = Date().addingTimeInterval(seconds)
        while isRunning(number), Date() < end { usleep(10_000) }
        guard let process = joined[number], !process.isRunning, process.terminationStatus == 0 else {
            let log = (try? String(contentsOfFile: folder.file("site-\(number).log"), encoding: .utf8)) ?? ""
            let end =
                joined[number].map { $0.isRunning ? "it still runs" : "it ended with \($0.terminationStatus)" }
                ?? "was not started"
            throw StudyError(description: "site \(number) did not finish, \(end): \(log.suffix(3000))")
        }
    }

    /// Waits without holding up other tasks.
    func finishSites(_ numbers: [Int], within seconds: Double = 240) async throws {
        let end = Date().addingTimeInterval(seconds)
        while numbers.contains(where: { isRunning($0) }), Date() < end { try await Task.sleep(for: .milliseconds(20)) }
        for number in numbers { try finishSite(number, within: 0) }
    }

    /// Waits until the coordinator's log has such a line.
    func waitForLog(
        within seconds: Double = 180, _ isIt: ([String: String]) -> Bool
    ) async throws {
        let end = Date().addingTimeInterval(seconds)
        while !coordinatorLog.contains(where: isIt) {
            guard Date() < end else { throw StudyError(description: account) }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// The fingerprint of the final model, as a site printed it last.
    func model(ofSite number: Int) throws -> String {
        let text = try String(contentsOfFile: folder.file("site-\(number).result"), encoding: .utf8)
        guard let range = text.range(of: #"[0-9a-f]{64}"#, options: .regularExpression) else {
            throw StudyError(description: "site \(number) printed no model: \(text)")
        }
        return String(text[range])
    }

    func status() throws -> [String: Any] {
        let text = try run("federation", "status", "--study", "hospital.yaml", "--json")
        return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
    }
}

/// Runs what blocks apart from the threads on which tasks run.
func onThread(_ body: @escaping () throws -> Void) async throws {
    // It runs once, while the caller waits.
    nonisolated(unsafe) let body = body
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}
