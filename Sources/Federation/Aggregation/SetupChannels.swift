import BinaryCoding
import Crypto
import Foundation
import Randomness

/// X25519 keys by which sites seal messages for each other through the coordinator; each site's is signed in its first bundle.
struct SetupChannels {
    let session: Fingerprint
    /// Position in the cohort.
    let position: Int
    private var own: Curve25519.KeyAgreement.PrivateKey?
    private var others: [Int: [UInt8]] = [:]

    init(session: Fingerprint, position: Int) {
        self.session = session
        self.position = position
    }

    /// Makes the site's key.
    /// - Returns: its public half.
    mutating func open(using random: inout SessionRandom) throws(FederationError) -> [UInt8] {
        var seed = random.bytes(count: 32)
        defer { zeroise(&seed) }
        do {
            let key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed)
            own = key
            return Array(key.publicKey.rawRepresentation)
        } catch { throw .protection("key setup: \(error)") }
    }

    mutating func take(_ bundles: [SetupBundle]) {
        for (site, bundle) in bundles.enumerated() { others[site] = bundle.channel }
    }

    /// For the one message from one site to another in a stage.
    private func pairKey(from: Int, to: Int, stage: Int) throws(FederationError) -> SymmetricKey {
        let other = from == position ? to : from
        do {
            guard let own, let bytes = others[other] else {
                throw FederationError.protection("key setup: got no channel key of site \(other)")
            }
            let secret = try own.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes))
            var info = BinaryEncoder()
            info.encode("tacit federation setup channel 2")
            info.encode(UInt16(from))
            info.encode(UInt16(to))
            info.encode(UInt32(stage))
            info.encodeRaw(others[from] ?? [])
            info.encodeRaw(others[to] ?? [])
            return secret.hkdfDerivedSymmetricKey(
                using: SHA256.self, salt: Data(session.bytes), sharedInfo: Data(info.bytes), outputByteCount: 32)
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("key setup: the channel key of site \(other) is not valid") }
    }

    /// The key serves one message, so the nonce may be fixed.
    private static func nonce() throws -> ChaChaPoly.Nonce {
        try ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12))
    }

    func seal(_ bytes: [UInt8], for site: Int, stage: Int) throws(FederationError) -> [UInt8] {
        let key = try pairKey(from: position, to: site, stage: stage)
        do {
            let box = try ChaChaPoly.seal(bytes, using: key, nonce: Self.nonce())
            return Array(box.ciphertext) + Array(box.tag)
        } catch { throw .protection("key setup: cannot seal a message") }
    }

    func open(_ bytes: [UInt8], from site: Int, stage: Int) throws(FederationError) -> [UInt8] {
        let key = try pairKey(from: site, to: position, stage: stage)
        do {
            let box = try ChaChaPoly.SealedBox(
                nonce: Self.nonce(), ciphertext: bytes.dropLast(16), tag: bytes.suffix(16))
            return Array(try ChaChaPoly.open(box, using: key))
        } catch { throw .protection("key setup: a sealed message does not open; it was altered") }
    }
}
