import BinaryCoding
import Crypto
import Foundation
import Randomness

/// Keys of pairs, derived for one use each: HKDF-SHA256 bound to the round, both members and both public keys.
enum PairKey {
    /// What the key is for; the label keeps the uses apart.
    enum Use: String {
        case mask = "tacit aggregation mask"
        case channel = "tacit aggregation channel"
    }

    /// 32 bytes; both members derive the same.
    /// - Errors: `invalidKeyList` for a public key of small order.
    static func derive(
        _ own: Curve25519.KeyAgreement.PrivateKey, with other: [UInt8], round: Fingerprint,
        members: (own: UInt32, other: UInt32), for use: Use
    ) throws(SecureAggregationError) -> SecretBytes {
        let shared: SharedSecret?
        do {
            shared = try own.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: other))
        } catch { shared = nil }
        // The library does not refuse keys of small order, with which the secret is zero for everyone.
        guard let shared, shared.withUnsafeBytes({ $0.reduce(0, |) }) != 0 else {
            throw SecureAggregationError(
                code: .invalidKeyList, message: "public key of member \(members.other): is of small order",
                member: members.other)
        }
        var info = BinaryEncoder()
        info.encode(use.rawValue)
        let mine = (members.own, Array(own.publicKey.rawRepresentation))
        let theirs = (members.other, other)
        for (id, key) in mine.0 < theirs.0 ? [mine, theirs] : [theirs, mine] {
            info.encode(id)
            info.encodeRaw(key)
        }
        let key = shared.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: Data(round.bytes), sharedInfo: Data(info.bytes), outputByteCount: 32)
        return key.withUnsafeBytes { bytes in SecretBytes(count: 32) { $0.copyMemory(from: bytes) } }
    }
}

/// Shares of one site's two secrets for one neighbour, sealed with ChaCha20-Poly1305 under the key of the pair. The key
/// seals one message in each direction; the nonce is the sender's number.
enum SealedShares {
    private static func nonce(_ sender: UInt32) -> ChaChaPoly.Nonce {
        // Twelve bytes are a nonce.
        try! ChaChaPoly.Nonce(data: (0..<12).map { $0 < 4 ? UInt8(truncatingIfNeeded: sender >> UInt32(8 * $0)) : 0 })
    }

    static func seal(
        masking: SecretBytes, seed: SecretBytes, under key: SecretBytes, from sender: UInt32
    ) -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: 64)
        plain.withUnsafeMutableBytes { target in
            for (offset, share) in [(0, masking), (32, seed)] {
                share.withBytes(SecretAccess("shares to be sealed")) {
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + 32]).copyMemory(from: $0)
                }
            }
        }
        defer { zeroise(&plain) }
        let box = key.withBytes(SecretAccess("sealing")) { bytes in
            // Fails for no plaintext of this length.
            try! ChaChaPoly.seal(plain, using: SymmetricKey(data: bytes), nonce: nonce(sender))
        }
        return Array(box.ciphertext) + Array(box.tag)
    }

    /// Shares of the masking key and of the seed.
    /// - Errors: `invalidShare`.
    static func open(
        _ sealed: [UInt8], under key: SecretBytes, from sender: UInt32
    ) throws(SecureAggregationError) -> (masking: SecretBytes, seed: SecretBytes) {
        do {
            var plain = try key.withBytes(SecretAccess("opening shares")) { bytes in
                let box = try ChaChaPoly.SealedBox(
                    nonce: nonce(sender), ciphertext: sealed.dropLast(16), tag: sealed.suffix(16))
                return [UInt8](try ChaChaPoly.open(box, using: SymmetricKey(data: bytes)))
            }
            defer { zeroise(&plain) }
            return (SecretBytes(copying: plain[..<32]), SecretBytes(copying: plain[32...]))
        } catch {
            throw SecureAggregationError(
                code: .invalidShare, message: "encrypted share of member \(sender): does not open; it was altered",
                member: sender)
        }
    }
}

/// The key of a site's own mask, from its seed.
func selfMaskKey(_ seed: SecretBytes, round: Fingerprint, member: UInt32) -> SecretBytes {
    var info = BinaryEncoder()
    info.encode("tacit aggregation self mask")
    info.encode(member)
    let key = seed.withBytes(SecretAccess("the key of the own mask")) {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: $0), salt: Data(round.bytes), info: Data(info.bytes),
            outputByteCount: 32)
    }
    return key.withUnsafeBytes { bytes in SecretBytes(count: 32) { $0.copyMemory(from: bytes) } }
}

extension SecretBytes {
    /// A copy as an array, which the caller must wipe or which is about to become public.
    package func copy(_ access: SecretAccess) -> [UInt8] { withBytes(access) { Array($0) } }

    package convenience init(copying bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { target in
            for (index, byte) in bytes.enumerated() { target[index] = byte }
        }
    }
}

/// SHA-256 of a self-mask seed under a label.
func seedCommitment(_ seed: SecretBytes, round: Fingerprint, member: UInt32) -> [UInt8] {
    var hash = SHA256()
    hash.update(data: Array("tacit aggregation seed".utf8))
    hash.update(data: round.bytes)
    withUnsafeBytes(of: member.littleEndian) { hash.update(bufferPointer: $0) }
    seed.withBytes(SecretAccess("commitment to the seed")) { hash.update(bufferPointer: $0) }
    return Array(hash.finalize())
}
