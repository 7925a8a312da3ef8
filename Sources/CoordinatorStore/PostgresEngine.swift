import AtomicFiles
import BinaryCoding
import Foundation

/// Rows and bodies in a PostgreSQL database.
///
/// The serving coordinator holds an advisory lock of its session and writes through this session alone. When the session
/// ends, for whatever reason, the lock is free and no further write of this process can succeed: sessions are not renewed.
/// Every transaction also asks the server whether its session holds the lock. A pooler between them, which could give one
/// session to two coordinators, is refused.
final class PostgresEngine: StoreEngine, @unchecked Sendable {
    let name: String
    /// Statements of this process come one after the other in each session.
    private let writing = NSLock()
    private let reading = NSLock()
    private let writer: PostgresConnection
    /// A second session, so that looking does not wait for a long message that is being written.
    private let reader: PostgresConnection?
    private let isServing: Bool

    /// "tacit" in ASCII, with room below for more locks.
    private static let servingLock: Int64 = 0x7461_6369_7400
    static let upgradeLock: Int64 = 0x7461_6369_7401
    /// A coordinator that was killed a moment ago may still be in the server's books.
    private static let patience: TimeInterval = 3

    /// - Returns: nil when the database holds no study and none shall be made.
    init?(_ place: PostgresPlace, isServing: Bool, creates: Bool) throws {
        name = place.name
        self.isServing = isServing
        do {
            writer = try Self.session(place)
            reader = isServing ? try Self.session(place) : nil
            if isServing { try Self.takeLock(writer, name) }
            guard try PostgresSchema.upgrade(writer, creates: creates) else { return nil }
        } catch let error as PostgresFailure { throw error.inStoreWords(place.name) }
    }

    private static func session(_ place: PostgresPlace) throws -> PostgresConnection {
        let connection = try PostgresConnection(place)
        guard connection.serverVersion >= 120_000 else {
            throw CoordinatorStoreError(
                code: .unavailable,
                message: "\(place.name): is version \(connection.serverVersion / 10_000), want 12 or newer")
        }
        guard try connection.integer("SELECT pg_backend_pid()") == connection.processNumber else {
            throw CoordinatorStoreError(
                code: .permission,
                message:
                    "\(place.name): a pooler answers, and the hold on a study needs a session that is nobody else's; "
                    + "name the server itself")
        }
        func setting(_ key: String) throws -> String {
            try connection.rows("SELECT current_setting($1, true) AS value", [.text(key)]).first?.text("value") ?? ""
        }
        // What is acknowledged must be on the disk; what an administrator set beyond that (replicas) stays.
        guard try setting("fsync") == "on" else {
            throw CoordinatorStoreError(
                code: .permission,
                message: "\(place.name): runs with fsync = off, so nothing that it stores is certain; turn it on")
        }
        var wanted = [
            ("search_path", PostgresSchema.name), ("bytea_output", "hex"), ("standard_conforming_strings", "on"),
            ("default_transaction_isolation", "read committed"), ("default_transaction_read_only", "off"),
            // The server shall notice a vanished machine within a minute, and free its lock.
            ("tcp_keepalives_idle", "20"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "6"),
        ]
        if ["off", "local"].contains(try setting("synchronous_commit")) { wanted.append(("synchronous_commit", "on")) }
        // A coordinator may wait for its sites for days.
        if connection.serverVersion >= 140_000 { wanted.append(("idle_session_timeout", "0")) }
        for (key, value) in wanted {
            try connection.run("SELECT set_config($1, $2, false)", [.text(key), .text(value)])
        }
        return connection
    }

    private static func takeLock(_ connection: PostgresConnection, _ name: String) throws {
        let end = Date().addingTimeInterval(patience)
        while try connection.integer("SELECT pg_try_advisory_lock($1)", [.integer(servingLock)]) == 0 {
            guard Date() < end else {
                throw CoordinatorStoreError(
                    code: .inUse, message: "\(name): another coordinator serves this study; stop it first")
            }
            usleep(100_000)
        }
    }

    func read<Result>(_ body: (any StoreRows) throws -> Result) throws -> Result {
        try (reader == nil ? writing : reading).withLock { try body(reader ?? writer) }
    }

    func write<Result>(isServing serving: Bool, _ body: (any StoreRows) throws -> Result) throws -> Result {
        guard !serving || isServing else {
            throw CoordinatorStoreError(
                code: .inUse, message: "\(name): only the coordinator that serves the study may change it")
        }
        return try writing.withLock {
            try writer.transaction { db in
                if isServing { try requireLock() }
                // Enrolments come one after the other, and are noticed by the number.
                if !serving { try db.run("UPDATE study SET changes = changes + 1") }
                return try body(db)
            }
        }
    }

    private func requireLock() throws {
        let held = try writer.integer(
            """
            SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND pid = pg_catalog.pg_backend_pid()
                AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND classid::bigint = $1 AND objid::bigint = $2
            """, [.integer(Self.servingLock >> 32), .integer(Self.servingLock & 0xffff_ffff)])
        guard held == 1 else {
            throw CoordinatorStoreError(
                code: .inUse,
                message: "\(name): the hold on the study is lost, so nothing is written any more; start again")
        }
    }

    func outsideVersion() throws -> Int { try read { Int(try $0.integer("SELECT changes FROM study")) } }

    func checkServing() throws {
        guard isServing else { return }
        try writing.withLock { try requireLock() }
        _ = try outsideVersion()
    }

    func place(_ source: StoreTransaction.Source, _ digest: Fingerprint) throws -> (body: StoreValue, file: StoreValue)
    {
        switch source {
        case .bytes(let bytes): (.bytes(bytes), .null)
        case .file(let path, let count): (.bytes(try readFile(path, limit: count)), .null)
        }
    }

    func clearAway(forgotten: Set<String>, taken: [String]) { for path in taken { unlink(path) } }

    func path(ofFile file: String) throws -> String {
        throw CoordinatorStoreError(code: .damaged, message: "\(name): column file holds something else")
    }

    func close() {}

    func explain(_ error: any Error) -> CoordinatorStoreError? { (error as? PostgresFailure)?.inStoreWords(name) }
}
