import BinaryCoding
import Foundation

/// The bytes of a message, in the database when short, else in a file beside it.
public enum StoredBody: Hashable, Sendable {
    case bytes([UInt8])
    /// - path: absolute; immutable as long as a row names it.
    case file(path: String, byteCount: Int)
    /// Removed, because nothing needs it any more.
    case forgotten(byteCount: Int)

    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, let count), .forgotten(let count): count
        }
    }
}

/// A message that was taken from a site, with the reply that belongs to it.
public struct StoredInput: Hashable, Sendable {
    /// The order in which messages were taken, from 1.
    public let sequence: Int64
    public let peer: String
    public let identifier: Fingerprint
    public let digest: Fingerprint
    public let body: StoredBody
    /// Bytes that belong around the body, as whoever stored it knows; empty for none.
    public let wrapping: [UInt8]
    public let reply: [UInt8]
    /// When it was committed, by the coordinator's clock.
    public let moment: Date
}

/// A message to a site.
public struct StoredOutput: Hashable, Sendable {
    public let sequence: UInt64
    public let peer: String
    public let digest: Fingerprint
    public let body: StoredBody
}

/// A site's certificate and how it stands.
public struct StoredPeer: Hashable, Sendable {
    public let name: String
    public let fingerprint: Fingerprint
    /// DER.
    public let certificate: [UInt8]
    public let enrolled: Date
    public let revoked: Date?
}

/// Something to watch: `content` is a JSON object.
public struct StoredEvent: Hashable, Sendable {
    public let sequence: Int64
    public let moment: Date
    public let kind: String
    public let content: String
}
