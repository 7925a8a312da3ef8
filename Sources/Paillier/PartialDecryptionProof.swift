import BigIntegers
import BinaryCoding
import Crypto
import ModularArithmetic
import Randomness

/// A holder's proof that all its partial decryptions were made with its share.
///
/// Statement: with x = Δsᵢ, vᵢ = v^x and yⱼ = gⱼ^x for all j, where gⱼ = cⱼ⁴ and yⱼ = cᵢⱼ² are squares modulo n². The files'
/// content determines 128-bit factors tⱼ; with G = Π gⱼ^tⱼ and Y = Π yⱼ^tⱼ the proof is the Chaum–Pedersen proof of
/// log_v vᵢ = log_G Y made non-interactive: for ρ uniform and 2¹²⁸ times larger than e·x, a = v^ρ, b = G^ρ,
/// e = H(…, a, b), z = ρ + e·x over the integers.
///
/// Guarantee, in the random oracle model: z hides x statistically (2⁻¹²⁸). Who proves a false statement with fewer than
/// k shares can factor n:
/// - Two accepted runs with one commitment give e ≠ e' and z, z' with v^(z−z') = vᵢ^(e−e'), G^(z−z') = Y^(e−e'). If
///   u = (z − z') − x(e − e') ≠ 0, then v^u = 1: u is a multiple of the order of a random square, which factors n. So
///   u = 0 and W^(e−e') = 1 for W = Y/G^x = Π wⱼ^tⱼ, wⱼ = yⱼ/gⱼ^x.
/// - If W = 1 although some wⱼ ≠ 1, a run with another tⱼ gives wⱼ^(tⱼ−tⱼ') = 1 (or happens with probability 2⁻¹²⁸).
/// - Either way a square w ≠ 1 and an m with 0 < m < 2¹²⁸ and w^m = 1 are known. The squares' order is n·p'·q' with p', q'
///   coprime, and all primes in n exceed m. Some power of w by m/ℓᵏ, for a prime ℓ dividing m (m is short enough to
///   factor), has an order that is a power of ℓ, so divides only one of p', q': it is 1 modulo exactly one of p and q, and
///   its gcd with n, after subtracting 1, is a factor.
/// - Reference: Chaum, Pedersen 1992; Shoup 2000, section 4; Damgård, Jurik 2001, section 4.1.
struct PartialDecryptionProof: Hashable, Sendable {
    /// e, 128 bits.
    let challenge: BigInteger
    /// z.
    let response: BigInteger

    private static let challengeBytes = 16
    private static let domainBatch: UInt8 = 1
    private static let domainChallenge: UInt8 = 2

    /// - Parameter secret: x = Δsᵢ.
    init(
        _ sharing: PaillierSharing, index: Int, secret: BigInteger, ciphertexts: [BigInteger], values: [BigInteger],
        using random: inout some SecureRandom
    ) {
        let context = sharing.publicKey.context
        let transcript = Self.transcript(sharing, index: index, ciphertexts: ciphertexts, values: values)
        let factors = Self.factors(transcript, count: ciphertexts.count)
        let base = context.powers(
            of: [context.multiExponentiation(bases: ciphertexts, exponents: factors)], exponent: .variableTime(4))[0]
        let mask = BigInteger.random(bits: sharing.maskBits, using: &random)
        let commitments = context.powers(of: [sharing.verificationBase, base], exponent: .secret(mask))
        challenge = Self.challenge(sharing, transcript, base, commitments)
        response = mask + challenge * secret
    }

    /// Whether the proof fits the contribution.
    func holds(_ sharing: PaillierSharing, part: PartialDecryption, ciphertexts: [BigInteger]) -> Bool {
        guard response.bitWidth <= 8 * sharing.proofByteCount else { return false }
        let context = sharing.publicKey.context
        let transcript = Self.transcript(sharing, index: part.index, ciphertexts: ciphertexts, values: part.values)
        let factors = Self.factors(transcript, count: ciphertexts.count)
        let base = context.powers(
            of: [context.multiExponentiation(bases: ciphertexts, exponents: factors)], exponent: .variableTime(4))[0]
        let image = context.powers(
            of: [context.multiExponentiation(bases: part.values, exponents: factors)], exponent: .variableTime(2))[0]
        // a = v^z·vᵢ^−e, b = G^z·Y^−e; all bases were validated as invertible.
        let commitments = [
            context.multiExponentiation(
                bases: [sharing.verificationBase, sharing.verificationKeys[part.index - 1]],
                exponents: [response, -challenge]),
            context.multiExponentiation(bases: [base, image], exponents: [response, -challenge]),
        ]
        return Self.challenge(sharing, transcript, base, commitments) == challenge
    }

    /// A hash of everything that the proof is about.
    private static func transcript(
        _ sharing: PaillierSharing, index: Int, ciphertexts: [BigInteger], values: [BigInteger]
    ) -> [UInt8] {
        let width = sharing.publicKey.parameters.ciphertextByteCount
        var hash = SHA256()
        hash.update(data: Array("tacit paillier partial decryption 1".utf8))
        hash.update(data: sharing.fingerprint.bytes)  // public key, k, v, v₁ … vₙ
        var head = BinaryEncoder()
        head.encode(UInt16(index))
        head.encode(UInt64(ciphertexts.count))
        hash.update(data: head.bytes)
        for value in ciphertexts + values { hash.update(data: value.bigEndianBytes(count: width)) }
        return Array(hash.finalize())
    }

    /// t₀, t₁, …
    private static func factors(_ transcript: [UInt8], count: Int) -> [BigInteger] {
        (0..<count).map { index in
            var encoder = BinaryEncoder()
            encoder.encodeRaw(transcript)
            encoder.encode(domainBatch)
            encoder.encode(UInt64(index))
            return BigInteger(bigEndianBytes: Array(SHA256.hash(data: encoder.bytes)).prefix(challengeBytes))
        }
    }

    private static func challenge(
        _ sharing: PaillierSharing, _ transcript: [UInt8], _ base: BigInteger, _ commitments: [BigInteger]
    ) -> BigInteger {
        let width = sharing.publicKey.parameters.ciphertextByteCount
        var encoder = BinaryEncoder()
        encoder.encodeRaw(transcript)
        encoder.encode(domainChallenge)
        for value in [base] + commitments { encoder.encodeRaw(value.bigEndianBytes(count: width)) }
        return BigInteger(bigEndianBytes: Array(SHA256.hash(data: encoder.bytes)).prefix(challengeBytes))
    }

    func encode(into encoder: inout BinaryEncoder, width: Int) {
        encoder.encodeRaw(challenge.bigEndianBytes(count: Self.challengeBytes))
        encoder.encodeRaw(response.bigEndianBytes(count: width))
    }

    init(decoding decoder: inout BinaryDecoder, width: Int) throws(BinaryCodingError) {
        challenge = BigInteger(bigEndianBytes: try decoder.decodeRaw(Self.challengeBytes, "proof's challenge"))
        response = BigInteger(bigEndianBytes: try decoder.decodeRaw(width, "proof's response"))
    }
}

extension PaillierSharing {
    /// Bits of ρ: those of x = Δsᵢ, of e, and 128 more.
    var maskBits: Int { delta.bitWidth + shareBits + 256 }

    /// Bytes of a stored share.
    var shareByteCount: Int { isJoint ? (shareBits + 7) / 8 : publicKey.parameters.ciphertextByteCount }

    /// z = ρ + e·x has one bit more than ρ at most.
    var proofByteCount: Int { (maskBits + 8) / 8 }
}
