import BinaryCoding
import Lattice

/// The common random string: from all parties' nonces, each committed to before any is opened, so that nobody chooses it.
///
/// Seeds of the common polynomials are hashes of the string and of what they are for.
struct CommonReference: Sendable {
    let value: Fingerprint

    init(session: Fingerprint, nonces: [[UInt8]]) {
        var encoder = BinaryEncoder()
        encoder.encode("tacit common reference string")
        encoder.encodeRaw(session.bytes)
        for nonce in nonces { encoder.encode(bytes: nonce) }
        value = Fingerprint(of: encoder.bytes)
    }

    static func commitment(session: Fingerprint, party: Int, nonce: [UInt8]) -> Fingerprint {
        var encoder = BinaryEncoder()
        encoder.encode("tacit commitment to a nonce")
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(party))
        encoder.encode(bytes: nonce)
        return Fingerprint(of: encoder.bytes)
    }

    private func seed(_ purpose: String, _ number: UInt32 = 0) -> UniformSeed {
        var encoder = BinaryEncoder()
        encoder.encode("tacit common seed")
        encoder.encodeRaw(value.bytes)
        encoder.encode(purpose)
        encoder.encode(number)
        // A fingerprint has the 32 bytes of a seed.
        return UniformSeed(Fingerprint(of: encoder.bytes))
    }

    var publicKey: UniformSeed { seed("public key") }
    /// Of the polynomials of the first round, which no key keeps.
    var relinearisationFirst: UniformSeed { seed("relinearisation, round 1") }
    var relinearisation: UniformSeed { seed("relinearisation key") }
    func galois(_ element: GaloisElement) -> UniformSeed { seed("Galois key", element.exponent) }
}
