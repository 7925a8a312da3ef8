import Foundation

/// A PostgreSQL server of the tests' own: its files in a temporary folder, on a socket there and on a loopback port. It ends
/// with the process that made it, whatever becomes of that.
public final class PostgresServer: @unchecked Sendable {
    public let folder: TemporaryFolder
    public let port: Int
    private let data: String
    private var process: Process?
    /// The server ends when this is closed.
    private var leash: Pipe?

    struct ServerError: Error, CustomStringConvertible {
        var description: String
    }

    /// nil when the programs are missing; then tests that want a server are skipped.
    public static let programs: String? = {
        let usual = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let folders =
            usual.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "/usr/lib/postgresql/\($0)/bin" }
            + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
            + ["/opt/homebrew/opt/postgresql/bin"]
        return folders.first { folder in
            ["initdb", "postgres", "psql"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: folder + "/" + $0)
            }
        }
    }()

    public static var isPossible: Bool { programs != nil }

    /// One server for tests that do it no harm.
    public static let shared = Result { try PostgresServer() }

    public init() throws {
        guard let programs = Self.programs else { throw ServerError(description: "PostgreSQL is not installed") }
        folder = try TemporaryFolder()
        data = folder.file("data")
        port = try Self.freePort()
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
        chmod(folder.path, 0o755)
        // The server refuses to run as root.
        if getuid() == 0 {
            guard let user = getpwnam("postgres") ?? getpwnam("nobody") else {
                throw ServerError(description: "no user to run PostgreSQL as")
            }
            try give(data, to: user.pointee)
            let socket = folder.file("socket")
            try FileManager.default.createDirectory(atPath: socket, withIntermediateDirectories: false)
            try give(socket, to: user.pointee)
        } else {
            try FileManager.default.createDirectory(
                atPath: folder.file("socket"), withIntermediateDirectories: false)
        }
        let made = Process()
        try Self.prepare(
            made,
            [
                programs + "/initdb", "-D", data, "-U", "tacit", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
            ])
        made.standardOutput = FileHandle.nullDevice
        try made.run()
        made.waitUntilExit()
        guard made.terminationStatus == 0 else { throw ServerError(description: "initdb failed") }
        try start()
    }

    deinit { leash?.fileHandleForWriting.closeFile() }

    private func give(_ path: String, to user: passwd) throws {
        guard chown(path, user.pw_uid, user.pw_gid) == 0 else {
            throw ServerError(description: "\(path): cannot be given away")
        }
    }

    /// Lets the user of the server use a folder.
    public func give(_ path: String) throws {
        guard getuid() == 0, let user = getpwnam("postgres") ?? getpwnam("nobody") else { return }
        try give(path, to: user.pointee)
    }

    private static func prepare(_ process: Process, _ arguments: [String]) throws {
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        if getuid() == 0 {
            let user = getpwnam("postgres") != nil ? "postgres" : "nobody"
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: arguments[0])
            process.arguments = Array(arguments.dropFirst())
        }
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw ServerError(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// - Parameter options: such as `fsync=off`.
    public func start(_ options: [String] = []) throws {
        guard let programs = Self.programs else { return }
        let process = Process()
        // A shell waits for the end of this process and then ends the server.
        let script = #""$@" </dev/null & server=$!; cat >/dev/null; kill -QUIT $server; wait $server"#
        let settings =
            [
                "listen_addresses=127.0.0.1", "shared_buffers=16MB", "max_connections=40",
                "unix_socket_directories=\(folder.file("socket"))",
            ] + options
        try Self.prepare(
            process,
            ["/bin/sh", "-c", script, "sh", programs + "/postgres", "-D", data, "-p", "\(port)"]
                + settings.flatMap { ["-c", $0] })
        let leash = Pipe()
        process.standardInput = leash
        let log = folder.file("log")
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let output = FileHandle(forWritingAtPath: log)
        _ = try output?.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.process = process
        self.leash = leash
        let end = Date().addingTimeInterval(20)
        while (try? sql("SELECT 1")) == nil {
            guard Date() < end, process.isRunning else {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw ServerError(description: "PostgreSQL does not start: \(text.suffix(1000))")
            }
            usleep(50_000)
        }
    }

    /// Kills the server and all its sessions at one moment, as a crash would.
    public func crash() throws {
        let text = try String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)
        guard let number = text.split(separator: "\n").first.flatMap({ Int32($0) }), number > 1 else {
            throw ServerError(description: "no server runs")
        }
        kill(number, SIGSTOP)
        let children = try String(contentsOfFile: "/proc/\(number)/task/\(number)/children", encoding: .utf8)
        for child in children.split(separator: " ").compactMap({ Int32($0) }) { kill(child, SIGKILL) }
        kill(number, SIGKILL)
        leash?.fileHandleForWriting.closeFile()
        process?.waitUntilExit()
    }

    /// Ends the server in good order for those who are connected: their sessions are cut.
    public func stop() {
        leash?.fileHandleForWriting.closeFile()
        process?.waitUntilExit()
    }

    // MARK: Databases

    /// A new database, as a connection string for the socket.
    public func database(_ options: String = "") throws -> String {
        "host=\(folder.file("socket")) port=\(port) user=tacit dbname=\(try makeDatabase(options))"
    }

    /// A new database, as a URL for the loopback port.
    public func databaseURL() throws -> String { "postgres://tacit@127.0.0.1:\(port)/\(try makeDatabase(""))" }

    private func makeDatabase(_ options: String) throws -> String {
        let name = "d" + UUID().uuidString.replacing("-", with: "").lowercased()
        try sql("CREATE DATABASE \(name) \(options)")
        return name
    }

    /// What psql prints for a statement.
    @discardableResult
    public func sql(_ statement: String, in database: String? = nil) throws -> String {
        guard let programs = Self.programs else { return "" }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: programs + "/psql")
        let place = database ?? "host=\(folder.file("socket")) port=\(port) user=tacit dbname=postgres"
        process.arguments = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", place, "-c", statement]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ServerError(description: "psql: \(statement): exit code \(process.terminationStatus)")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
