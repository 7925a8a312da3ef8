import CKKS
import Foundation
import TacitTestSupport
import Testing

/// What bad input is told.
@Suite struct CKKSRefusalTests {
    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "nothing was thrown"
    }

    @Test func parametersSayWhatIsWrong() {
        #expect(
            message { _ = try CKKSParameters(.init(logDegree: 10, depth: 1)) } == "logDegree: got 10, want 11...16")
        #expect(
            message { _ = try CKKSParameters(.init(logDegree: 13, scaleBits: 51, depth: 1)) }
                == "scaleBits: got 51, want 20...50")
        #expect(
            message { _ = try CKKSParameters(.init(logDegree: 13, firstModulusBits: 30, depth: 1)) }
                == "firstModulusBits: got 30, want 40...50")
        let insecure = message { _ = try CKKSParameters(.init(logDegree: 13, depth: 4)) }
        #expect(
            insecure.hasPrefix("log2(QP): got 260.")
                && insecure.contains("with N = 8192 for 128 bits, want at most 214 by"),
            "\(insecure)")
    }

    @Test func valuesOutsideTheRangeAreNamedButNotShown() throws {
        let bench = try Workbench(CKKSEvaluatorTests.small, keys: .init())
        #expect(
            message { _ = try bench.encryptor.encrypt([0, 0.5, 1.5]) }
                == "value 2: its magnitude is above the stated 1.0; scale the values or state more")
        #expect(message { _ = try bench.encryptor.encrypt([0, .nan]) } == "value 1: want a finite number")
        #expect(message { _ = try bench.encryptor.encrypt([.infinity]) } == "value 0: want a finite number")
        #expect(
            message { _ = try bench.encryptor.encrypt([Double](repeating: 0, count: 2049)) }
                == "values: got 2049, want 1...2048")
        #expect(
            message { _ = try bench.encryptor.encrypt([1e80], magnitude: 1e81) }
                == "values: got magnitude 1e+80 at level 4, want below 2^168")
    }

    @Test func exhaustedLevelsNameOperationAndLevels() throws {
        var bench = try Workbench(CKKSEvaluatorTests.small, keys: .init(relinearisation: true))
        let x = try bench.encryptor.encrypt([0.5], level: 0, using: &bench.random)
        let wanted = "needs level 1, got 0; use parameters of more depth, or refresh the ciphertext first"
        #expect(message { _ = try bench.evaluator.square(x) } == "square: \(wanted)")
        #expect(message { _ = try bench.evaluator.multiply(x, x) } == "multiply: \(wanted)")
        #expect(message { _ = try bench.evaluator.multiply(x, 0.5) } == "multiply: \(wanted)")
        #expect(message { _ = try bench.evaluator.rescaled(x) } == "rescale: \(wanted)")
        #expect(
            message { _ = try bench.evaluator.refreshed(x) }
                == "refresh: the ciphertext is at level 0 and the evaluator has no bootstrapping keys")
        // 2^10 values of magnitude 1 do not fit a level with nine bits above the scale.
        var sum = x
        let overflow = message { for _ in 0..<12 { sum = try bench.evaluator.add(sum, sum) } }
        #expect(
            overflow.hasPrefix("add: the values may reach 2^9.0, error included, at level 0, which holds 2^9.0;"),
            "\(overflow)")
    }

    @Test func missingAndForeignKeysAreNamed() throws {
        var bench = try Workbench(CKKSEvaluatorTests.small, keys: .init(rotations: [1]))
        let other = CKKSSecretKey(bench.context, using: &bench.random)
        let x = try bench.encryptor.encrypt([0.5, 0.25], slots: 16, using: &bench.random)
        let y = try CKKSEncryptor(other).encrypt([0.5], slots: 16, using: &bench.random)
        let evaluator = bench.evaluator
        #expect(
            message { _ = try evaluator.rotate(x, by: 3) }
                == "rotate: no key for step 3; generate it with CKKSKeyRequirements(rotations: [3])")
        #expect(
            message { _ = try evaluator.square(x) }
                == "relinearise: the evaluation keys have no relinearisation key; generate them with "
                + "CKKSKeyRequirements(relinearisation: true)")
        #expect(
            message { _ = try evaluator.add(x, y) }
                == "add: got ciphertexts of keys \(x.key) and \(y.key), want one key")
        #expect(
            message { _ = try bench.secret.decryptForOwner(y) }
                == "decrypt: the ciphertext belongs to key \(y.key), this is \(x.key)")
        #expect(
            message { _ = try evaluator.rotate(y, by: 1) }
                == "rotate: the evaluation keys belong to \(x.key), the ciphertext to \(y.key)")
        let foreign = try Workbench(
            .init(logDegree: 12, depth: 3, security: .insecureForTestsOnly), keys: .init())
        let z = try foreign.encryptor.encrypt([1])
        #expect(
            message { _ = try evaluator.add(x, z) }.hasPrefix("add: got a ciphertext with CKKS, N = 4096, 4 primes"))
    }

    @Test func plannedCiphertextsHoldNoData() throws {
        let bench = try Workbench(CKKSEvaluatorTests.small, keys: .init())
        let planned = CKKSCiphertext.planned(bench.context, magnitude: 1)
        #expect(throws: CKKSError.self) { try bench.secret.decryptForOwner(planned) }
    }

    @Test func circuitsBeyondEveryRingSayWhy() {
        let deep = CKKSCircuitClosure(inputs: { _ in [CircuitInput(slots: 1024, magnitude: 1)] }) {
            inputs, evaluator throws(CKKSError) in
            var x = inputs[0]
            for _ in 0..<60 { x = try evaluator.multiply(x, 0.75) }
            return [x]
        }
        let text = message { _ = try deep.plan(errorBound: 1e-6, logDegrees: 11...13) }
        #expect(
            text.hasPrefix("parameters: no ring up to 2^13 does this; N = 2^11: depth: got 60, want 0..<48"), "\(text)")
    }
}
