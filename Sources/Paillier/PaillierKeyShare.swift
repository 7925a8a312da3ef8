import BigIntegers
import BinaryCoding
import ModularArithmetic
import Randomness

/// One holder's share of a secret key. Its number lives in memory that is wiped when released.
public final class PaillierKeyShare: Sendable, CustomStringConvertible {
    public let sharing: PaillierSharing
    /// 1 … n.
    public let index: Int
    /// sᵢ.
    private let secret: BigInteger

    public var publicKey: PaillierPublicKey { sharing.publicKey }
    public var description: String { "share \(index) of \(sharing)" }

    init(unchecked sharing: PaillierSharing, index: Int, secret: BigInteger) {
        self.sharing = sharing
        self.index = index
        self.secret = secret
    }

    /// This holder's part of the decryption: cⱼ^(2Δsᵢ) mod n² for each ciphertext, with one proof for all.
    ///
    /// The exponent is secret: time and memory accesses depend on its length only.
    /// - Throws: `keyMismatch`.
    /// - Cost: an exponentiation of 2|n| bits modulo n² a ciphertext, and three more for the proof.
    public func partialDecryption(
        of ciphertexts: [PaillierCiphertext], using random: inout some SecureRandom
    ) throws(PaillierError) -> PartialDecryption {
        try publicKey.check(ciphertexts)
        let exponent = sharing.delta * secret
        let values = publicKey.context.powers(of: ciphertexts.map(\.value), exponent: .secret(exponent + exponent))
        let proof = PartialDecryptionProof(
            sharing, index: index, secret: exponent, ciphertexts: ciphertexts.map(\.value), values: values,
            using: &random)
        return PartialDecryption(
            sharing: sharing.fingerprint, ciphertexts: sharing.fingerprint(of: ciphertexts), index: index,
            values: values,
            proof: proof)
    }

    /// As ``partialDecryption(of:using:)`` with the system's randomness.
    public func partialDecryption(of ciphertexts: [PaillierCiphertext]) throws(PaillierError) -> PartialDecryption {
        var random = SystemRandom()
        return try partialDecryption(of: ciphertexts, using: &random)
    }

    /// Whether the share fits its verification key; to be asked by a holder when the dealer hands the share over.
    /// - Cost: one exponentiation of 2|n| bits.
    public func isConsistent() -> Bool {
        publicKey.context.powers(of: [sharing.verificationBase], exponent: .secret(sharing.delta * secret))
            == [sharing.verificationKeys[index - 1]]
    }

    // MARK: Bytes

    private static let form: UInt8 = 1

    /// The share's bytes, to be wrapped before they are stored.
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode(Self.form)
        sharing.encode(into: &encoder)
        encoder.encode(UInt16(index))
        return SecretBytes(after: encoder.bytes, [secret], width: sharing.shareByteCount)
    }

    /// Reads what ``encoded(_:)`` gave.
    /// - Throws: `BinaryCodingError`, ``PaillierError``.
    public init(encoded bytes: [UInt8]) throws {
        var decoder = BinaryDecoder(bytes)
        let form = try decoder.decode(UInt8.self, "share form")
        guard form == Self.form else {
            throw BinaryCodingError(code: .wrongFormat, message: "share form: got \(form), want \(Self.form)")
        }
        let sharing = try PaillierSharing(decoding: &decoder)
        let index = Int(try decoder.decode(UInt16.self, "share index"))
        guard (1...sharing.shareCount).contains(index) else {
            throw PaillierError(
                code: .invalidKey, message: "share index: got \(index), want 1...\(sharing.shareCount)")
        }
        let secret = try decoder.decodeSecret(sharing.shareByteCount, "share")
        try decoder.finish("share")
        guard secret.signum > 0, secret.bitWidth <= sharing.shareBits else {
            throw PaillierError(
                code: .invalidKey, message: "share: want a number of 1 to \(sharing.shareBits) bits")
        }
        self.sharing = sharing
        self.index = index
        self.secret = secret
    }
}
