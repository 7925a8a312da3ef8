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
        let key = RLWESecretKey(ring: ring, using: &random)
        let other = RLWESecretKey(ring: ring, using: &random)
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
            let key = RLWESecretKey(ring: ring, using: &random)
            let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
            let (u0, u1) = relinearisation.switching(RNSPolynomial.random(ring.ciphertextBasis, seed: 1))
            results.append([u0, u1] + relinearisation.bodies)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func productsRelinearise() throws {
        let ring = TestRings.small
        var random = SeededRandom(seed: 5)
        let key = RLWESecretKey(ring: ring, using: &random)
        let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
        let basis = ring.ciphertextBasis
        let c2 = RNSPolynomial<Evaluations>.random(basis, seed: 8)
        let three = RLWECiphertext(parts: [.random(basis, seed: 6), .random(basis, seed: 7), c2])
        let (u0, u1) = relinearisation.switching(c2)
        let two = RLWECiphertext(parts: [three.parts[0] + u0, three.parts[1] + u1])
        let (_, greatest) = Self.measure(key.decrypt(two) - key.decrypt(three))
        #expect(greatest < 6.5 * KeySwitchKey.noiseDeviation(ring, ciphertextPrimes: basis.count))
    }

    /// Divided once, as with one division after the other: both within their roundings, every number of primes, digits of
    /// one, two and three primes, the same bits in every tier.
    @Test(arguments: 0..<4)
    func relinearisedAndRescaledAtOnce(number: Int) throws {
        let ring = Self.rings[number]
        var random = SeededRandom(seed: UInt64(50 + number))
        let key = RLWESecretKey(ring: ring, using: &random)
        let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
        for count in 2...ring.parameters.moduli.count {
            let basis = ring.basis(count)
            let three = RLWECiphertext(parts: (0..<3).map { .random(basis, seed: UInt64(10 * count + $0)) })
            let (u0, u1) = relinearisation.switching(three.parts[2])
            let relinearised = relinearisation.relinearised(three)
            #expect(relinearised.parts == [three.parts[0] + u0, three.parts[1] + u1])
            let sequential = RLWECiphertext(parts: relinearised.parts.map { $0.dividedByDroppedPrimes() })
            var results: [RLWECiphertext] = []
            for tier in Tiers.all {
                tacit_cpu_limit_tier(tier)
                defer { tacit_cpu_limit_tier(.max) }
                results.append(relinearisation.relinearisedAndRescaled(three))
            }
            #expect(results.allSatisfy { $0.parts == results[0].parts })
            #expect(results[0].basis == ring.basis(count - 1))
            let (deviation, greatest) = Self.measure(key.decrypt(results[0]) - key.decrypt(sequential))
            let rounding = ((1 + 2 * Double(ring.degree) / 3) / 12).squareRoot()
            let quotient = Double(basis[count - 1].value)
            let allowed = 2 * (rounding + KeySwitchKey.noiseDeviation(ring, ciphertextPrimes: count) / quotient)
            #expect(deviation < allowed && greatest < 6.5 * allowed, "\(count) primes: \(deviation), \(allowed)")
        }
    }

    @Test func productsOfCiphertextsAreThoseOfTheirParts() {
        for ring in [TestRings.small, TestRings.make(12, [50, 30], [])] {
            let basis = ring.ciphertextBasis
            let parts = (0..<5).map { RNSPolynomial<Evaluations>.random(basis, seed: UInt64($0)) }
            let (a, b) = (RLWECiphertext(parts: Array(parts[0..<2])), RLWECiphertext(parts: Array(parts[2..<4])))
            for tier in Tiers.all {
                tacit_cpu_limit_tier(tier)
                defer { tacit_cpu_limit_tier(.max) }
                #expect(
                    a.tensorProduct(b).parts == [
                        parts[0] * parts[2], parts[0] * parts[3] + parts[1] * parts[2], parts[1] * parts[3],
                    ])
                #expect(a.tensorSquare().parts == a.tensorProduct(a).parts)
                #expect(a.multiplied(by: parts[4]).parts == [parts[0] * parts[4], parts[1] * parts[4]])
            }
        }
    }

    /// What is shared stays as it was; what is owned alone changes in place.
    @Test func operationsLeaveSharedOperandsAlone() {
        let basis = TestRings.small.ciphertextBasis
        let a = RNSPolynomial<Evaluations>.random(basis, seed: 1)
        let copy = RNSPolynomial<Evaluations>.random(basis, seed: 1)
        let b = RNSPolynomial<Evaluations>.random(basis, seed: 2)
        var c = a
        c.add(b)
        c.subtract(b)
        #expect(c == a)
        c.add(c)
        #expect(c == a + a && a == copy)
        c = a
        c.negate()
        c.multiply(byInteger: -1)
        #expect(c == a && a == copy)
        c.addProduct(a, b)
        c.subtract(a * b)
        #expect(c == a && a == copy)
        let secret = RNSPolynomial<Evaluations>(zero: basis, isSecret: true)
        c.add(secret)
        #expect(c == a && c.isSecret && !a.isSecret)
    }

    @Test(arguments: [1, 5, -7, 100])
    func rotationsPermuteTheMessage(steps: Int) throws {
        let ring = TestRings.small
        var random = SeededRandom(seed: 6)
        let key = RLWESecretKey(ring: ring, using: &random)
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
        let key = RLWESecretKey(ring: ring, using: &random)
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
        let key = RLWESecretKey(ring: ring, using: &random)
        let error = #expect(throws: LatticeError.self) { try KeySwitchKey.relinearisation(key, using: &random) }
        #expect(error?.code == .noSpecialPrimes)
        #expect(error?.message == "special moduli: got none, want at least 1 for switching keys")
    }
}
