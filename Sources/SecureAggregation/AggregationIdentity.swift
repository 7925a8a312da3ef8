import BinaryCoding
import Crypto
import Foundation
import Randomness

/// The long-term Ed25519 key of a site or of the coordinator. Others pin its public half.
public struct AggregationIdentity: Sendable, CustomStringConvertible {
    private let key: Curve25519.Signing.PrivateKey
    /// 32 bytes, public.
    public let verificationKey: [UInt8]
    public var description: String { "AggregationIdentity(\(Fingerprint(of: verificationKey)))" }

    public init(using random: inout some SecureRandom) {
        let seed = SecretBytes.random(count: 32, using: &random)
        // Any 32 bytes are a key.
        key = try! seed.withBytes(SecretAccess("making the signing key")) {
            try Curve25519.Signing.PrivateKey(rawRepresentation: $0)
        }
        verificationKey = Array(key.publicKey.rawRepresentation)
    }

    /// - Parameter secret: 32 bytes, as ``secret(_:)`` gave them.
    /// - Errors: `invalidEncoding`.
    public init(secret: SecretBytes) throws(SecureAggregationError) {
        do {
            key = try secret.withBytes(SecretAccess("reading the signing key")) {
                try Curve25519.Signing.PrivateKey(rawRepresentation: $0)
            }
        } catch {
            throw SecureAggregationError(
                code: .invalidEncoding, message: "identity: got \(secret.count) bytes, want 32")
        }
        verificationKey = Array(key.publicKey.rawRepresentation)
    }

    /// The secret, to be kept in a key file.
    public func secret(_ access: SecretAccess) -> SecretBytes {
        let raw = key.rawRepresentation
        return SecretBytes(count: 32) { target in _ = raw.copyBytes(to: target) }
    }

    package func sign(_ bytes: [UInt8]) -> [UInt8] {
        // Fails for no key and no message.
        Array(try! key.signature(for: bytes))
    }
}

/// A public key against which many signatures are checked.
package struct VerificationKey: Sendable {
    private let key: Curve25519.Signing.PublicKey

    package init?(_ bytes: [UInt8]) {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return nil }
        self.key = key
    }

    package func verifies(_ signature: [UInt8], _ bytes: [UInt8]) -> Bool {
        key.isValidSignature(signature, for: bytes)
    }
}
