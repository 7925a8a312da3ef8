import CKKS
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

@Suite struct CKKSReleaseTests {
    static let literal = CKKSParameters.Literal(
        logDegree: 12, firstModulusBits: 50, scaleBits: 50, depth: 2, security: .insecureForTestsOnly)

    @Test func releasedValuesAreWithinTheStatedBoundAndNotMuchBetter() throws {
        var bench = try Workbench(Self.literal, keys: .init(relinearisation: true))
        let x = bench.values(2048)
        let square = try bench.evaluator.square(bench.encryptor.encrypt(x, using: &bench.random))
        let truth = x.map { $0 * $0 }
        let policy = try CKKSReleasePolicy(statisticalBits: 30, queries: 1)
        let release = try bench.secret.release(square, policy: policy, using: &bench.random)
        let errors = zip(release.real, truth).map { $0 - $1 }
        #expect(errors.allSatisfy { abs($0) <= release.errorBound })
        let deviation = (errors.reduce(0) { $0 + $1 * $1 } / 2048).squareRoot()
        #expect(abs(deviation / release.noiseDeviation - 1) < 0.1)
        // √12 · 2^15 · √2048 · 16 deviations, times 9/16 of a deviation more or less.
        let owner = try bench.secret.decryptForOwner(square)
        let wanted = log2(12.0.squareRoot() * exp2(15) * 2048.0.squareRoot() * 9)
        #expect(abs(release.bitsLost - wanted) < 0.4, "\(release.bitsLost) against \(wanted)")
        #expect(release.errorBound > 1e5 * owner.errorBound && release.imaginary.isEmpty)

        // Four values need √512 times less noise.
        let few = try bench.secret.release(square, count: 4, policy: policy, using: &bench.random)
        #expect(few.real.count == 4 && zip(few.real, truth).allSatisfy { abs($0 - $1) <= few.errorBound })
        #expect(abs(release.noiseDeviation / few.noiseDeviation / 512.0.squareRoot() - 1) < 0.35)
        // The same ciphertext again: other noise.
        let again = try bench.secret.release(square, count: 4, policy: policy, using: &bench.random)
        #expect(again.real != few.real)
        let complex = try bench.secret.release(
            square, count: 4, includingImaginary: true, policy: policy, using: &bench.random)
        #expect(complex.imaginary.count == 4 && complex.imaginary.allSatisfy { abs($0) <= complex.errorBound })
        // An owner who does not trust the stated bound.
        let careful = try bench.secret.release(
            square, count: 4, policy: policy, errorBound: 100 * square.errorBound, using: &bench.random)
        #expect(careful.noiseDeviation > 50 * few.noiseDeviation)
    }

    /// The multiplier keeps the loss that it promises for the best order that Rényi's inequality allows, and no larger
    /// one would be needed: the exponent −c + c/α + (α − 1)·x, over a grid of α.
    @Test(arguments: [(1, 1), (1, 16), (4, 100), (16, 1 << 20)])
    func keyRecoveryCostsWhatIsPromised(loss: Int, queries: Int) throws {
        let policy = try CKKSReleasePolicy(.keyRecovery(lossBits: loss), queries: queries)
        let c = 128.0 + Double(loss)
        func exponent(_ multiplier: Double) -> Double {
            let x = log2(M_E) * Double(queries) / (2 * multiplier * multiplier)
            return stride(from: 0.001, to: 14, by: 0.001).reduce(Double.infinity) { least, power in
                let alpha = 1 + exp2(power)
                return min(least, -c + c / alpha + (alpha - 1) * x)
            }
        }
        #expect(exponent(policy.noiseMultiplier) <= -128)
        #expect(exponent(policy.noiseMultiplier * 0.95) > -128)
        #expect(policy.distance == nil)
        #expect(CKKSReleasePolicy.standard.distance.map { abs($0 * 48.0.squareRoot() * 0x1p15 - 1) < 1e-12 } ?? false)
    }

    @Test func policiesAreReadBack() throws {
        let policies = [
            CKKSReleasePolicy.standard, try CKKSReleasePolicy(.keyRecovery(lossBits: 3), queries: 7),
        ]
        for policy in policies {
            let bytes = CodingSamples.bytes { policy.encode(into: &$0) }
            #expect(try CodingSamples.decode(bytes) { try CKKSReleasePolicy(decoding: &$0) } == policy)
        }
        #expect(throws: CKKSError.self) {
            try CodingSamples.decode([3, 30, 1, 0, 0, 0]) { try CKKSReleasePolicy(decoding: &$0) }
        }
        #expect(throws: CKKSError.self) { try CKKSReleasePolicy(.keyRecovery(lossBits: 17), queries: 7) }
    }

    @Test func whatCannotBeReleasedIsRefused() throws {
        var bench = try Workbench(CKKSEvaluatorTests.small, keys: .init())
        let fresh = try bench.encryptor.encrypt(bench.values(16), using: &bench.random)
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "nothing was thrown"
        }
        let strong = try CKKSReleasePolicy(statisticalBits: 64, queries: 1 << 20)
        #expect(
            message { _ = try bench.secret.release(fresh, policy: strong) }
                .contains("release fewer values, use parameters of a greater scale, or a policy of fewer queries"))
        #expect(message { _ = try bench.secret.release(fresh, count: 17) } == "release: got a count of 17, want 1...16")
        #expect(
            message { _ = try CKKSReleasePolicy(statisticalBits: 19, queries: 1) }
                == "statisticalBits: got 19, want 20...64")
        #expect(
            message { _ = try CKKSReleasePolicy(statisticalBits: 40, queries: 0) } == "queries: got 0, want 1...2^30")
        let stranger = CKKSSecretKey(bench.context)
        #expect(message { _ = try stranger.release(fresh) }.hasPrefix("decrypt: the ciphertext belongs to key "))
    }

    /// Li and Micciancio's attack: from a ciphertext (c₀, c₁) and what was decrypted, re-encoded, s = (m̃ − c₀)/c₁.
    private func recovered(
        _ ciphertext: CKKSCiphertext, real: [Double], imaginary: [Double]
    ) throws -> [Double] {
        let encoded = try ciphertext.context.encode(
            real, imaginary: imaginary, level: ciphertext.level, scale: ciphertext.scale, slots: ciphertext.slots)
        var quotient = encoded.polynomial! - ciphertext.parts[0]
        let denominator = ciphertext.parts[1]
        for j in 0..<quotient.count {
            let q = quotient.basis[j]
            let divisors = denominator.withLimb(j) { Array($0) }
            quotient.withMutableLimb(j) { words in
                for i in words.indices {
                    words[i] = divisors[i] == 0 ? 0 : q.multiply(words[i], q.inverse(divisors[i]))
                }
            }
        }
        return quotient.dropping(toCiphertextPrimes: 1).transformed().centredValues()
    }

    /// Coefficients of a guess that are those of the key.
    private func agreement(_ guess: [Double], _ key: CKKSSecretKey) -> Double {
        let truth = key.lattice.smallCoefficients(SecretAccess("test")).withValues(SecretAccess("test")) { Array($0) }
        return Double(zip(guess, truth).reduce(0) { $0 + ($1.0 == Double($1.1) ? 1 : 0) }) / Double(truth.count)
    }

    @Test func withoutFloodingADecryptionGivesTheKeyAwayWithFloodingNot() throws {
        let literal = CKKSParameters.Literal(
            logDegree: 11, firstModulusBits: 50, scaleBits: 36, depth: 1, security: .insecureForTestsOnly)
        var bench = try Workbench(literal, keys: .init())
        let n = bench.context.maximumSlots
        let (x, y) = (bench.values(n, magnitude: 0.7), bench.values(n, magnitude: 0.7))
        let ciphertext = try bench.encryptor.encrypt(x, imaginary: y, using: &bench.random)

        let opened = try bench.secret.decryptForOwner(ciphertext)
        let attack = try recovered(ciphertext, real: opened.real, imaginary: opened.imaginary)
        #expect(agreement(attack, bench.secret) == 1)

        let release = try bench.secret.release(
            ciphertext, includingImaginary: true, policy: CKKSReleasePolicy(statisticalBits: 20, queries: 1),
            using: &bench.random)
        let failed = try recovered(ciphertext, real: release.real, imaginary: release.imaginary)
        #expect(agreement(failed, bench.secret) < 0.01)
        // Nor does rounding the noise away help: what is missing to the truth is far above the encryption's own noise.
        let rounded = release.real.map { ($0 * 16).rounded() / 16 }
        let roundedToo = try recovered(ciphertext, real: rounded, imaginary: release.imaginary)
        #expect(agreement(roundedToo, bench.secret) < 0.01)
        // A wrong coefficient is a uniform residue, not merely off by one.
        #expect(failed.allSatisfy { abs($0) < 0x1p50 } && failed.filter { abs($0) > 0x1p40 }.count > 1900)
    }
}
