import CPostgres
import Foundation

/// A connection string and what may be said of it aloud.
struct PostgresPlace: Equatable, Sendable {
    /// As libpq takes it: `postgres://user@host:port/database?sslmode=verify-full` or `host=… dbname=…`. Holds no password.
    let text: String
    /// For messages.
    let name: String

    /// - Throws: `invalidPlace` for what libpq does not understand and for a password; `permission` for a server elsewhere
    ///   whose certificate would not be looked at.
    init(_ text: String) throws(CoordinatorStoreError) {
        func refuse(_ code: CoordinatorStoreError.Code, _ message: String) -> CoordinatorStoreError {
            CoordinatorStoreError(code: code, message: message)
        }
        guard !text.contains(where: { $0.isNewline || $0 == "\0" }) else {
            throw refuse(.invalidPlace, "--store: want one line, such as postgres://user@host:5432/database")
        }
        var complaint: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(text, &complaint)
        defer {
            PQconninfoFree(parsed)
            PQfreemem(complaint)
        }
        // libpq's own complaint may repeat a part of the string, and that part may be a password.
        guard let parsed else {
            throw refuse(
                .invalidPlace,
                "--store: libpq does not understand this; want postgres://user@host:5432/database or "
                    + "'host=… port=… dbname=… user=…'")
        }
        let given = Self.options(parsed)
        guard given["password"] == nil, given["sslpassword"] == nil else {
            throw refuse(
                .invalidPlace,
                "--store: holds a password, which others on this machine can read; put it into ~/.pgpass (mode 0600) or "
                    + "PGPASSWORD")
        }
        let usual = PQconndefaults()
        defer { PQconninfoFree(usual) }
        let options = usual.map(Self.options).map { $0.merging(given) { $1 } } ?? given
        let host = options["hostaddr"] ?? options["host"] ?? ""
        let database = options["dbname"] ?? options["user"] ?? ""
        let port = options["port"] ?? "5432"
        name = "PostgreSQL database \(database) at \(host.isEmpty ? "this machine" : host):\(port)"
        self.text = text
        let isHere = host.split(separator: ",").allSatisfy { host in
            host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1" || Self.isLoopback(host)
        }
        guard isHere || ["verify-full", "verify-ca"].contains(options["sslmode"] ?? "") else {
            throw refuse(
                .permission,
                "\(name): the server is elsewhere and anybody could answer in its place; add sslmode=verify-full (and "
                    + "sslrootcert=… for a certificate of your own)")
        }
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func options(_ list: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var options: [String: String] = [:]
        var next = list
        while let keyword = next.pointee.keyword {
            if let value = next.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            next += 1
        }
        return options
    }
}
