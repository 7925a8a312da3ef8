import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

/// A ciphertext of Microsoft SEAL, opened with its key by our arithmetic: transforms, products and slots agree with
/// software that others wrote. `Vectors/make_seal_vectors.py` made the file.
@Suite struct SEALVectorTests {
    struct Vector: Decodable {
        let moduli: [UInt64]
        let scale: Double
        let secret: String
        let parts: [[Data]]
        let decoded: Data
    }

    @Test func ciphertextOfSEALDecryptsToTheSameSlots() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors/seal-2048.json")
        let vector = try JSONDecoder().decode(Vector.self, from: Data(contentsOf: url))
        let logDegree = 11
        let n = 1 << logDegree
        let ring = Ring(
            try RingParameters(
                logDegree: logDegree, moduli: vector.moduli.map { try Modulus($0) }, specialModuli: [],
                security: .insecureForTestsOnly))
        let basis = ring.ciphertextBasis
        let secret =
            RNSPolynomial<Coefficients>(
                signed: vector.secret.map { $0 == "+" ? 1 : $0 == "-" ? -1 : 0 }, basis: basis
            ).transformed() as RNSPolynomial<Evaluations>
        let parts = vector.parts.map { limbs in
            var polynomial = RNSPolynomial<Coefficients>(zero: basis)
            for (j, limb) in limbs.enumerated() {
                polynomial.withMutableLimb(j) { words in
                    limb.withUnsafeBytes { raw in
                        for i in 0..<n { words[i] = raw.load(fromByteOffset: 8 * i, as: UInt64.self) }
                    }
                }
            }
            return polynomial.transformed() as RNSPolynomial<Evaluations>
        }
        let phase = (parts[0] + parts[1] * secret).transformed() as RNSPolynomial<Coefficients>
        let slots = phase.centredValues().withUnsafeBufferPointer {
            SlotTransform(logDegree: logDegree).slots(coefficients: $0, count: n / 2)
        }
        let wanted = vector.decoded.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
        // SEAL numbers slots by powers of 3, we by powers of 5; an exponent that is 3 modulo 4 is the conjugate of ours.
        var index: [Int: Int] = [:]
        var power = 1
        for i in 0..<n / 2 {
            index[power] = i
            power = power * 5 % (2 * n)
        }
        power = 1
        for i in 0..<n / 2 {
            let ours = index[power % 4 == 1 ? power : 2 * n - power]!
            #expect(abs(slots.real[ours] / vector.scale - wanted[i]) < 1e-12)
            // What SEAL encrypted: its own noise at a scale of 2^30.
            #expect(abs(slots.real[ours] / vector.scale - 3 * sin(Double(i))) < 1e-4)
            power = power * 3 % (2 * n)
        }
    }
}
