import BinaryCoding
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

@Suite struct ParameterTests {
    private static func literal(
        _ logDegree: Int, _ bits: [Int], _ special: [Int], _ security: RingParameters.Security = .classical128
    ) -> RingParameters.Literal {
        .init(logDegree: logDegree, moduliBits: bits, specialModuliBits: special, security: security)
    }

    private static func message(_ literal: RingParameters.Literal) -> String? {
        do {
            _ = try RingParameters(literal)
            return nil
        } catch { return error.message }
    }

    @Test func primesAreTheGreatestOfTheirSize() throws {
        let parameters = try RingParameters(Self.literal(14, [50, 40, 40, 40], [50]))
        let all = parameters.moduli + parameters.specialModuli
        #expect(Set(all).count == all.count)
        for (modulus, bits) in zip(all, [50, 40, 40, 40, 50]) {
            #expect(modulus.value % 32768 == 1)
            #expect(modulus.bitWidth == bits)
        }
        // Greatest first: no prime of the form k · 2N + 1 lies between q₁ and 2⁴⁰.
        let first = parameters.moduli[1].value
        #expect(try Modulus.primes(bits: 40, count: 1, congruentToOneModulo: 32768)[0].value == first)
        #expect(stride(from: first + 32768, to: 1 << 40, by: 32768).allSatisfy { !Self.isPrime($0) })
        #expect(parameters.log2QP < 220 && parameters.log2QP > 219.99)
        #expect(parameters.securityRow?.level == .bits256)
        #expect(
            parameters.description
                == "N = 16384, 4 primes (log2 Q = 170.0), 1 special (log2 P = 50.0), 128-bit security")
    }

    /// Trial division.
    private static func isPrime(_ n: UInt64) -> Bool {
        var d: UInt64 = 3
        while d * d <= n {
            if n % d == 0 { return false }
            d += 2
        }
        return n % 2 == 1
    }

    @Test func primalityIsDecided() throws {
        for n in stride(from: UInt64(1 << 20) + 1, to: 1 << 20 + 4000, by: 2) {
            #expect(((try? Modulus(n)) != nil) == Self.isPrime(n))
        }
        // Strong pseudoprimes to several small bases, and squares of primes.
        for n: UInt64 in [
            3_215_031_751, 3_474_749_660_383, 341_550_071_728_321, 1_050_481_000_000_001 >> 1, 1_048_573 * 1_048_573,
        ] {
            let error = #expect(throws: LatticeError.self) { try Modulus(n) }
            #expect(error?.message == "modulus: got \(n), want a prime of 15 to 50 bits")
        }
    }

    @Test func badLiteralsAreRefusedWithTheReason() {
        #expect(Self.message(Self.literal(9, [50], [50])) == "logDegree: got 9, want 10...17")
        #expect(Self.message(Self.literal(18, [50], [50])) == "logDegree: got 18, want 10...17")
        #expect(Self.message(Self.literal(12, [], [50])) == "moduli: got 0, want 1...48")
        #expect(Self.message(Self.literal(12, Array(repeating: 50, count: 49), [])) == "moduli: got 49, want 1...48")
        #expect(Self.message(Self.literal(12, [51], [])) == "modulus size: got 51 bits, want 15 to 50")
        #expect(Self.message(Self.literal(12, [14], [])) == "modulus size: got 14 bits, want 15 to 50")
        #expect(
            Self.message(Self.literal(17, [19, 19, 19, 19], [], .insecureForTestsOnly))
                == "moduli: got 0 primes of 19 bits that are 1 modulo 262144, want 4")
        #expect(
            Self.message(Self.literal(13, [50, 50, 50], [50], .classical256))
                == "log2(QP): got 200.00 with N = 8192 for 256 bits, want at most 114 by Security Guidelines for "
                + "Implementing HE 2024, Table 5.2 (ternary, classical)")
        #expect(
            Self.message(Self.literal(12, [40, 40], [30], .insecureForTestsOnly))?.hasPrefix(
                "special moduli: got log2(P) = 29.99") == true)
    }

    @Test func primesGivenByHandAreChecked() throws {
        let good = try Modulus.primes(bits: 40, count: 2, congruentToOneModulo: 2048)
        let odd = try Modulus.primes(bits: 40, count: 40, congruentToOneModulo: 2).first { $0.value % 2048 != 1 }!
        func message(_ moduli: [Modulus]) -> String? {
            do {
                _ = try RingParameters(
                    logDegree: 10, moduli: moduli, specialModuli: [], security: .insecureForTestsOnly)
                return nil
            } catch { return error.message }
        }
        #expect(message(good) == nil)
        #expect(message([good[0], good[0]]) == "moduli: got one prime twice, want all different")
        #expect(message([odd]) == "modulus: got \(odd), want a prime that is 1 modulo 2N = 2048")
    }

    /// Every entry of both tables: the limit passes and one bit more does not.
    @Test func securityTables() {
        let ternary2024: [Int: [Int]] = [
            11: [53, 36, 27], 12: [106, 73, 56], 13: [214, 147, 114], 14: [430, 297, 230], 15: [868, 597, 462],
            16: [1747, 1199, 929], 17: [3523, 2411, 1866],
        ]
        for (logDegree, limits) in ternary2024 {
            for (level, limit) in zip(SecurityTable.Level.allCases, limits) {
                #expect(SecurityTable.strictest(logDegree: logDegree, level: level)?.limit == limit)
                #expect(
                    SecurityTable.highestLevel(logDegree: logDegree, log2QP: Double(limit))?.level.rawValue ?? 0
                        >= level.rawValue)
                let above = SecurityTable.highestLevel(logDegree: logDegree, log2QP: Double(limit) + 0.01)
                #expect(above.map { $0.level.rawValue < level.rawValue } ?? true)
            }
        }
        #expect(SecurityTable.strictest(logDegree: 10, level: .bits128)?.limit == 26)
        #expect(SecurityTable.strictest(logDegree: 10, level: .bits192)?.limit == 19)
        #expect(SecurityTable.standard2018.row(logDegree: 15, level: .bits128)?.limit == 881)
        #expect(SecurityTable.standard2018.row(logDegree: 16, level: .bits128) == nil)
        #expect(SecurityTable.strictest(logDegree: 18, level: .bits128) == nil)
        #expect(
            SecurityTable.strictest(logDegree: 13, level: .bits128)?.description
                == "Security Guidelines for Implementing HE 2024, Table 5.2 (ternary, classical), N = 8192, 128 bits: log2(QP) ≤ 214"
        )
    }

    @Test func insecureParametersSaySo() throws {
        let parameters = try RingParameters(Self.literal(10, [50, 50], [50], .insecureForTestsOnly))
        #expect(parameters.securityRow == nil)
        #expect(parameters.description.hasSuffix("INSECURE"))
    }

    @Test func galoisElementsAreOdd() {
        for (exponent, logDegree) in [(UInt32(2), 10), (2049, 10), (0, 10)] {
            let error = #expect(throws: LatticeError.self) {
                try GaloisElement(exponent: exponent, logDegree: logDegree)
            }
            #expect(error?.message == "Galois element: got \(exponent), want an odd number below 2048")
        }
    }

    @Test func notANumberIsRefused() {
        var values = [Double](repeating: 1, count: 1024)
        values[17] = .nan
        let error = #expect(throws: LatticeError.self) {
            try RNSPolynomial<Coefficients>(rounding: values, basis: TestRings.small.ciphertextBasis)
        }
        #expect(error?.code == .invalidCoefficient)
        #expect(error?.message == "coefficient 17: got nan, want a finite number")
    }

    /// Using primes of different sets together is a caller's bug.
    @Test func mixedBasesStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            var a = RNSPolynomial<Evaluations>(zero: TestRings.small.basis(2))
            a.add(RNSPolynomial<Evaluations>(zero: TestRings.small.basis(3)))
        }
    }

    /// Whatever a secret enters becomes secret, and what was shared with it before does not.
    @Test func secrecySpreads() throws {
        let ring = TestRings.small
        var random = SeededRandom(seed: 1)
        let key = RLWESecretKey(ring: ring, using: &random)
        let s = key.evaluations(SecretAccess("test"), over: ring.ciphertextBasis)
        let a = RNSPolynomial<Evaluations>.random(ring.ciphertextBasis, seed: 1)
        #expect(s.isSecret && !a.isSecret)
        var sum = a
        sum.addProduct(a, s)
        #expect((a * s).isSecret && (a + s).isSecret && (a - s).isSecret && sum.isSecret && !a.isSecret)
        #expect(RNSPolynomial.innerProduct([(a, s)]).isSecret && (a * s).transformed().isSecret)
        #expect((a * s).dividedByDroppedPrimes().isSecret)
        let fresh = key.encryptZero(over: ring.ciphertextBasis, using: &random)
        #expect(!fresh.body.isSecret && key.decrypt(fresh.expanded()).isSecret)
    }

    @Test func copiesAreIndependent() {
        let a = RNSPolynomial<Coefficients>.random(TestRings.small.ciphertextBasis, seed: 1)
        var b = a
        b.add(a)
        #expect(b != a)
        b.subtract(a)
        #expect(b == a)
        let c = a.transformed()
        #expect(c.transformed() == a)
        #expect((-a + a) == RNSPolynomial(zero: a.basis))
    }
}
