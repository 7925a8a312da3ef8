import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness

/// A linear model under its owner's key: whoever has it can ask for the score of a set of features, and neither sees what the
/// other has.
///
/// Weights stand in the coefficients of polynomials W, N to each, as integers times a unit; the intercept is one more. For a
/// set of features the client multiplies by P = Σ ±X^(−i), so that the constant coefficient of Σ W·P is the score: no
/// rotation, no product of ciphertexts, no evaluation key. It sends that one coefficient of the first half, with a uniform
/// number added, and the second half with a fresh encryption of zero added. The owner opens blinded + noise, and the client
/// takes its number off.
///
/// - Threat model: the owner, even one that deviates, sees a uniform number and an RLWE sample under the client's own
///   randomness: neither features nor score. (Its key and its model come as seeds, so it cannot choose the polynomials that
///   hide the client's.) It can answer with a false number, which nobody notices. The client, semi-honest, sees scores and
///   nothing of the key: each answer is flooded, for as many as the owner agreed to give. It can ask for any score; a score
///   with one feature more is that feature's weight, so the model is confidential for few answers only. A client that deviates
///   has an oracle for products with the key: ``ScoringOwner/answersForTheKey(queries:)`` answers are the key.
/// - Guarantee: 128 bits for N = 4096 and 71 bits of modulus; flooding with 30 statistical bits.
public struct EncryptedLinearModel: Sendable {
    /// Features; the intercept apart.
    public let featureCount: Int
    public let publicKey: CKKSPublicKey
    let weights: [SeededCiphertext]

    /// |weight| and |intercept|.
    public static let greatestWeight = 512.0
    /// Features of one text.
    public static let mostFeatures = 1 << 16
    /// |score|; one beyond wraps round.
    public static let greatestScore = 0x1p19
    static let fractionBits = 24
    /// log₂ of what an integer is multiplied by.
    static let unitBits = 26
    static var scale: Double { exp2(Double(fractionBits + unitBits)) }
    private static let magic: [UInt8] = Array("TLM1".utf8)

    /// N = 4096, two primes; the same for everybody.
    public static func parameters() throws(PrivateScoringError) -> CKKSParameters {
        do {
            return try CKKSParameters(
                .init(logDegree: 12, firstModulusBits: 36, scaleBits: 35, depth: 1, specialModuliBits: []))
        } catch { throw PrivateScoringError(.invalidArgument, error.message) }
    }

    var context: CKKSContext { publicKey.context }
    var basis: RNSBasis { context.ring.ciphertextBasis }

    init(featureCount: Int, publicKey: CKKSPublicKey, weights: [SeededCiphertext]) {
        self.featureCount = featureCount
        self.publicKey = publicKey
        self.weights = weights
    }

    static func polynomials(_ featureCount: Int, degree: Int) -> Int { (featureCount + degree) / degree }

    // MARK: Bytes

    /// Magic, number of features, public key; of each polynomial the seed and the other half.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(Self.magic)
        encoder.encode(UInt32(featureCount))
        publicKey.encode(into: &encoder)
        for one in weights {
            one.seed.encode(into: &encoder)
            one.body.encode(into: &encoder)
        }
    }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder) throws(PrivateScoringError) {
        let context = CKKSContext(try Self.parameters())
        do {
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw PrivateScoringError(.invalidEncoding, "model: is not an encrypted linear model of this version")
            }
            featureCount = Int(try decoder.decode(UInt32.self, "features"))
            publicKey = try CKKSPublicKey(decoding: &decoder, context: context)
            let count = Self.polynomials(featureCount, degree: context.ring.degree)
            // Before anything is made: what the number promises must be there.
            guard decoder.remaining >= count * (32 + context.ring.degree) else {
                throw PrivateScoringError(
                    .invalidEncoding, "model: got \(decoder.remaining) bytes for \(featureCount) features")
            }
            var list: [SeededCiphertext] = []
            for index in 0..<count {
                let seed = try UniformSeed(decoding: &decoder)
                let body = try RNSPolynomial<Evaluations>(decoding: &decoder, ring: context.ring)
                guard body.basis == context.ring.ciphertextBasis else {
                    throw PrivateScoringError(.invalidEncoding, "model: polynomial \(index) has other primes")
                }
                list.append(SeededCiphertext(body: body, seed: seed))
            }
            weights = list
            try decoder.finish("model")
        } catch let error as PrivateScoringError {
            throw error
        } catch { throw PrivateScoringError(.invalidEncoding, "model: \(error)") }
    }
}

/// What a client sends: nothing that depends on its features, to anyone but itself.
public struct ScoringQuestion: Sendable {
    /// The constant coefficient of the first half, blinded; a residue for each prime.
    let blinded: [UInt64]
    let second: RNSPolynomial<Evaluations>

    public func encode(into encoder: inout BinaryEncoder) {
        for residue in blinded { encoder.encode(residue) }
        second.encode(into: &encoder)
    }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(PrivateScoringError) {
        try self.init(decodingOneOf: &decoder, ring: ring)
        do { try decoder.finish("question") } catch { throw PrivateScoringError(.invalidEncoding, error.message) }
    }

    /// More may follow.
    init(decodingOneOf decoder: inout BinaryDecoder, ring: Ring) throws(PrivateScoringError) {
        let basis = ring.ciphertextBasis
        blinded = try ScoringResidues.decode(&decoder, basis, "question")
        do { second = try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring) } catch {
            throw PrivateScoringError(.invalidEncoding, "question: \(error)")
        }
        guard second.basis == basis else { throw PrivateScoringError(.invalidEncoding, "question: has other primes") }
    }

    init(blinded: [UInt64], second: RNSPolynomial<Evaluations>) {
        self.blinded = blinded
        self.second = second
    }
}

/// What the owner gives back: the blinded score with noise.
public struct ScoringAnswer: Sendable {
    let residues: [UInt64]

    public func encode(into encoder: inout BinaryEncoder) { for residue in residues { encoder.encode(residue) } }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(PrivateScoringError) {
        try self.init(decodingOneOf: &decoder, ring: ring)
        do { try decoder.finish("answer") } catch { throw PrivateScoringError(.invalidEncoding, error.message) }
    }

    /// More may follow.
    init(decodingOneOf decoder: inout BinaryDecoder, ring: Ring) throws(PrivateScoringError) {
        residues = try ScoringResidues.decode(&decoder, ring.ciphertextBasis, "answer")
    }

    init(residues: [UInt64]) { self.residues = residues }
}

enum ScoringResidues {
    static func decode(
        _ decoder: inout BinaryDecoder, _ basis: RNSBasis, _ what: String
    ) throws(PrivateScoringError) -> [UInt64] {
        var list: [UInt64] = []
        for j in 0..<basis.count {
            let residue: UInt64
            do { residue = try decoder.decode(UInt64.self, "residue") } catch {
                throw PrivateScoringError(.invalidEncoding, "\(what): \(error.message)")
            }
            guard residue < basis[j].value else {
                throw PrivateScoringError(.invalidEncoding, "\(what): residue \(j) is not below its prime")
            }
            list.append(residue)
        }
        return list
    }
}
