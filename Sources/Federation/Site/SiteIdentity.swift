import BinaryCoding
import Crypto
import Foundation
import Randomness

/// What a study pins of a site: its name and the Ed25519 key with which it signs.
public struct SitePublicIdentity: Hashable, Sendable, Codable {
    public let name: String
    /// 32 bytes.
    public let key: [UInt8]

    /// - Throws: `invalidStudy` for an empty or long name or a key that is none.
    public init(name: String, key: [UInt8]) throws(FederationError) {
        guard !name.isEmpty, name.utf8.count <= 128, !name.contains(where: \.isNewline) else {
            throw .study("site: got name \"\(name)\", want 1 to 128 bytes on one line")
        }
        guard key.count == 32 else { throw .study("site \(name): got a key of \(key.count) bytes, want 32") }
        self.name = name
        self.key = key
    }

    /// By which people compare identities.
    public var fingerprint: Fingerprint { Fingerprint(of: Array("tacit federation identity".utf8) + key) }

    public func verifies(_ signature: [UInt8], _ bytes: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }

    private enum Keys: String, CodingKey { case name, key }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(name, forKey: .name)
        try container.encode(Data(key).base64EncodedString(), forKey: .key)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let name = try container.decode(String.self, forKey: .name)
        guard let key = Data(base64Encoded: try container.decode(String.self, forKey: .key)) else {
            throw DecodingError.dataCorruptedError(
                forKey: .key, in: container, debugDescription: "key of \(name): want base64")
        }
        try self.init(name: name, key: Array(key))
    }
}

/// A site's own identity; its secret never leaves.
public final class SiteIdentity: Sendable, CustomStringConvertible {
    public let name: String
    private let secret: SecretBytes
    public let publicIdentity: SitePublicIdentity
    public var description: String { "SiteIdentity(\(name), \(publicIdentity.fingerprint))" }

    /// - Parameter secret: 32 bytes.
    public init(name: String, secret: SecretBytes) throws(FederationError) {
        guard
            let key = secret.withBytes(
                SecretAccess("public half of an identity"),
                { try? Curve25519.Signing.PrivateKey(rawRepresentation: $0) })
        else { throw .study("identity of \(name): want a secret of 32 bytes") }
        self.name = name
        self.secret = secret
        publicIdentity = try SitePublicIdentity(name: name, key: Array(key.publicKey.rawRepresentation))
    }

    public static func generate(
        name: String, using random: inout some SecureRandom
    ) throws(FederationError) -> SiteIdentity {
        try SiteIdentity(name: name, secret: SecretBytes.random(count: 32, using: &random))
    }

    public func sign(_ bytes: [UInt8]) -> [UInt8] {
        secret.withBytes(SecretAccess("signature")) { raw in
            // The secret was accepted when the identity was made, and a valid key signs anything.
            guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw),
                let signature = try? key.signature(for: bytes)
            else { preconditionFailure("an accepted key signs") }
            return Array(signature)
        }
    }

    /// To be wrapped before it is stored.
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        SecretBytes(count: secret.count) { target in secret.withBytes(access) { target.copyMemory(from: $0) } }
    }
}
