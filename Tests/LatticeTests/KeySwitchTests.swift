import BigIntegers
import CKernels
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

@Suite struct KeySwitchTests {
    /// Rings of 2¹⁰ to 2¹³, digits of one, two and three primes.
    static let rings: [Ring] = [
        TestRings.make(10, [50, 40, 40, 40], [50]),
        TestRings.small,
        TestRings.make(12, [50, 45, 45, 45, 45, 45, 45], [50, 50, 50]),
        TestRings.make(13, [50, 40, 40, 40, 40], [50, 50]),
    ]

    /// Root mean square and greatest magnitude of a noise polynomial.
    private static func measure(_ noise: RNSPolynomial<Evaluations>) -> (deviation: Double, greatest: Double) {
        let values = noise.transformed().centredValues()
        let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        return (square.squareRoot(), values.map { abs($0) }.max()!)
    }

    @Test(arguments: 0..<4)
    func switchingAddsTheStatedNoise(number: Int) throws {
        let ring = Self.rings[number]
        var random = SeededRandom(seed: UInt64(number))
        let key = try RLWESecretKey(ring: ring, using: &random)
        let other = try RLWESecretKey(ring: ring, using: &random)
        let access = SecretAccess("test")
        let switchKey = try KeySwitchKey(from: other.evaluations(access, over: ring.keyBasis), to: key, using: &random)
        for count in 1...ring.parameters.moduli.count {
            let basis = ring.basis(count)
            let c = RNSPolynomial<Evaluations>.random(basis, seed: UInt64(count))
            let (u0, u1) = switchKey.switching(c)
            let noise = u0 + u1 * key.evaluations(access, over: basis) - c * other.evaluations(access, over: basis)
            let (deviation, greatest) = Self.measure(noise)
            let stated = KeySwitchKey.noiseDeviation(ring, ciphertextPrimes: count)
            // Hoisted or not, the bits are the same.
            let hoisted = switchKey.switching(try c.decomposed())
            #expect(hoisted.0 == u0 && hoisted.1 == u1)
            // The measured deviation of N samples is within 20 % of a correct formula; the extremes within 6.5.
            #expect(
                deviation < 1.2 * stated && deviation > 0.6 * stated, "\(count) primes: \(deviation), stated \(stated)")
            #expect(greatest < 6.5 * stated, "\(count) primes: \(greatest), stated \(stated)")
        }
    }

    /// Every tier and any number of cores give the same ciphertext.
    @Test func tiersGiveTheSameBits() throws {
        let ring = TestRings.small
        var results: [[RNSPolynomial<Evaluations>]] = []
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            var random = SeededRandom(seed: 77)
            let key = try RLWESecretKey(ring: ring, using: &random)
            let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
            let (u0, u1) = relinearisation.switching(RNSPolynomial.random(ring.ciphertextBasis, seed: 1))
            results.append([u0, u1] + relinearisation.bodies)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func productsRelinearise() throws {
        let ring = TestRings.small
        var random = SeededRandom(seed: 5)
        let key = try RLWESecretKey(ring: ring, using: &random)
        let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
        let basis = ring.ciphertextBasis
        let c2 = RNSPolynomial<Evaluations>.random(basis, seed: 8)
        let three = RLWECiphertext(parts: [.random(basis, seed: 6), .random(basis, seed: 7), c2])
        let (u0, u1) = relinearisation.switching(c2)
        let two = RLWECiphertext(parts: [three.parts[0] + u0, three.parts[1] + u1])
        let (_, greatest) = Self.measure(key.decrypt(two) - key.decrypt(three))
        #expect(greatest < 6.5 * KeySwitchKey.noiseDeviation(ring, ciphertextPrimes: basis.count))
    }

    @Test(arguments: [1, 5, -7, 100])
    func rotationsPermuteTheMessage(steps: Int) throws {
        let ring = TestRings.small
        var random = SeededRandom(seed: 6)
        let key = try RLWESecretKey(ring: ring, using: &random)
        let elements: [GaloisElement] = [.rotation(by: steps, logDegree: 10), .conjugation(logDegree: 10)]
        let basis = ring.basis(4)
        var generator = TestGenerator(seed: 1)
        let message = RNSPolynomial<Coefficients>(
            signed: (0..<ring.degree).map { _ in Int64.random(in: -(1 << 20)...1 << 20, using: &generator) },
            basis: basis)
        var ciphertext = key.encryptZero(over: basis, using: &random).expanded()
        ciphertext.parts[0].add(message.transformed())
        // One decomposition serves all rotations.
        let decomposed = try ciphertext.parts[1].decomposed()
        for element in elements {
            let galois = try GaloisKey(element, for: key, using: &random)
            let rotated = galois.applying(to: ciphertext, decomposed: decomposed)
            let noise = key.decrypt(rotated) - message.applying(element).transformed()
            let bound = 6.5 * (KeySwitchKey.noiseDeviation(ring, ciphertextPrimes: 4) + SmallPolynomial.sigma)
            #expect(Self.measure(noise).greatest < bound)
            let again = galois.applying(to: ciphertext)
            #expect(again.parts == rotated.parts)
        }
    }

    /// Fresh encryptions: by the secret key noise e, by the public key e·v + e₀ + e₁·s.
    @Test func freshNoise() throws {
        let ring = TestRings.make(12, [50, 40], [])
        var random = SeededRandom(seed: 9)
        let key = try RLWESecretKey(ring: ring, using: &random)
        let basis = ring.ciphertextBasis
        let symmetric = Self.measure(key.decrypt(key.encryptZero(over: basis, using: &random).expanded()))
        #expect(symmetric.greatest <= Double(SmallPolynomial.gaussianTail))
        #expect(abs(symmetric.deviation - 3.2) < 0.2)
        let publicKey = RLWEPublicKey(key, using: &random)
        for count in 1...2 {
            let fresh = Self.measure(key.decrypt(publicKey.encryptZero(over: ring.basis(count), using: &random)))
            let stated = 3.2 * (1 + 4 * Double(ring.degree) / 3).squareRoot()
            #expect(abs(fresh.deviation / stated - 1) < 0.1)
            #expect(fresh.greatest < 6.5 * stated)
        }
    }

    @Test func withoutSpecialPrimesThereIsNoSwitching() throws {
        let ring = TestRings.make(10, [50, 40], [])
        var random = SeededRandom(seed: 1)
        let key = try RLWESecretKey(ring: ring, using: &random)
        let error = #expect(throws: LatticeError.self) { try KeySwitchKey.relinearisation(key, using: &random) }
        #expect(error?.code == .noSpecialPrimes)
        #expect(error?.message == "special moduli: got none, want at least 1 for switching keys")
    }
}
