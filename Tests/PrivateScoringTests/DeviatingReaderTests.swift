import BinaryCoding
import CKKS
import Foundation
import Lattice
import PrivateScoring
import Randomness
import TacitTestSupport
import Testing

/// What is promised against semi-honest readers only: the attack of a reader that sends something else than its selection,
/// carried out, so that the number of answers that the product warns of is known to be enough.
@Suite struct DeviatingReaderTests {
    @Test func takesTheKeyFromTheStatedNumberOfAnswers() throws {
        let queries = 1000
        let answers = try ScoringOwner.answersForTheKey(queries: queries)
        var (owner, weights) = try PrivateScoringTests.owner(4000, queries: queries, seed: 12)
        let ring = owner.model.publicKey.context.ring
        let (basis, degree) = (ring.ciphertextBasis, ring.degree)
        let digits = (degree + answers - 1) / answers
        // As in the documentation: twice the greatest noise, from what is public.
        let modulus = Double(basis[0].value) * Double(basis[1].value)
        let step = Int64(modulus / pow(3, Double(digits)))
        var random = SeededRandom(seed: 5)
        var key: [Int64] = []
        for start in stride(from: 0, to: degree, by: digits) {
            var places = [Int64](repeating: 0, count: degree)
            var power: Int64 = 1
            for place in start..<min(degree, start + digits) {
                if place == 0 { places[0] = power } else { places[degree - place] = -power }
                power *= 3
            }
            var sent = RNSPolynomial<Coefficients>(signed: places, basis: basis, isSecret: false)
            sent.multiply(byInteger: step)
            var encoder = BinaryEncoder()
            encoder.encode(0 as UInt64)
            encoder.encode(0 as UInt64)
            sent.transformed().encode(into: &encoder)
            var decoder = BinaryDecoder(encoder.bytes)
            let answer = try owner.answer(ScoringQuestion(decoding: &decoder, ring: ring), using: &random)
            encoder = BinaryEncoder()
            answer.encode(into: &encoder)
            decoder = BinaryDecoder(encoder.bytes)
            let residues = try (0..<2).map { _ in try decoder.decode(UInt64.self, "residue") }
            var value = Int64((Self.centred(residues, basis) / Double(step)).rounded())
            for _ in start..<min(degree, start + digits) {
                let digit = ((value % 3) + 4) % 3 - 1
                key.append(digit)
                value = (value - digit) / 3
            }
        }
        #expect(owner.answered == answers && Set(key) == [-1, 0, 1])
        // With it the public model is read.
        var encoder = BinaryEncoder()
        owner.model.encode(into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        _ = try decoder.decodeRaw(8, "magic, features")
        _ = try CKKSPublicKey(decoding: &decoder, context: owner.model.publicKey.context)
        let seed = try UniformSeed(decoding: &decoder)
        let body = try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
        let parts = SeededCiphertext(body: body, seed: seed).expanded().parts
        var opened = parts[0]
        opened.add(parts[1] * RNSPolynomial<Coefficients>(signed: key, basis: basis, isSecret: false).transformed())
        let coefficients = opened.transformed()
        let limbs = (0..<2).map { j in coefficients.withLimb(j) { Array($0) } }
        for (index, weight) in weights.enumerated() {
            let read = Self.centred([limbs[0][index], limbs[1][index]], basis) * 0x1p-50
            #expect(abs(read - weight) < 1e-6, "weight \(index): \(read), want \(weight)")
        }
    }

    /// The number in (−q/2, q/2] with those residues.
    private static func centred(_ residues: [UInt64], _ basis: RNSBasis) -> Double {
        let (q0, q1) = (UInt128(basis[0].value), UInt128(basis[1].value))
        let step = (UInt128(residues[1]) + q1 - UInt128(residues[0]) % q1) % q1
        let high = step * UInt128(basis[1].inverse(basis[0].value % basis[1].value)) % q1
        let value = UInt128(residues[0]) + q0 * high
        return value > q0 * q1 / 2 ? -Double(q0 * q1 - value) : Double(value)
    }
}
