import Foundation

/// Where the coordinator listens: `https://host:port`.
public struct CoordinatorAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Throws: ``TransportsError`` with code `invalidAddress` for anything but `https://host[:port]`.
    public init(_ text: String) throws(TransportsError) {
        guard let parts = URLComponents(string: text), parts.scheme == "https", let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.user == nil
        else {
            throw TransportsError(
                code: .invalidAddress, message: "address: got “\(text.prefix(200))”, want https://host:port")
        }
        self.host = host.trimmingCharacters(in: ["[", "]"])
        port = parts.port ?? 8443
        guard (1...65535).contains(port) else {
            throw TransportsError(code: .invalidAddress, message: "port: got \(port), want 1 to 65535")
        }
    }

    public var description: String { host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)" }

    /// Numbers do not go into the TLS name field; the pinned fingerprint says who is there.
    var isNumeric: Bool { host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } }
}
