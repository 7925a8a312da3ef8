import Bootstrapping
import CKKS
import Foundation
import TacitTestSupport
import Testing

/// What is refused, before any work, and what the message says.
@Suite struct RefusalTests {
    private func refusal(_ body: () throws -> Void) -> CKKSError? {
        do {
            try body()
            return nil
        } catch { return error as? CKKSError }
    }

    @Test func missingKeysAreNamed() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let bootstrapper = try bench.bootstrapper(slots: 4)
        var wanted = bootstrapper.keyRequirements
        let step = wanted.rotations.sorted()[1]
        wanted.rotations.remove(step)
        wanted.conjugation = false
        let keys = try CKKSEvaluationKeys(bench.secret, for: wanted, using: &bench.random)
        let evaluator = CKKSEvaluator(bench.context, keys: keys, refresher: bootstrapper)
        let c = try bench.encrypt(bench.values(4), level: 1)
        let error = refusal { _ = try evaluator.refreshed(c) }
        #expect(error?.code == .missingKey)
        #expect(error?.message.contains("conjugation") == true)
        #expect(error?.message.contains("rotations by \(step);") == true)
        // A planning bootstrapper has no keys at all.
        let planner = try Bootstrapper(bench.parameters, context: bench.context, slots: 4)
        let planning = CKKSEvaluator(bench.context, keys: keys, refresher: planner)
        #expect(refusal { _ = try planning.refreshed(c) }?.code == .missingKey)
    }

    @Test func othersKeysParametersAndSlotsAreRefused() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: 4))
        #expect(
            refusal { _ = try evaluator.refreshed(bench.encrypt(bench.values(8), level: 1)) }?.code == .invalidSlots)
        let other = CKKSSecretKey(bench.context, using: &bench.random)
        let foreign = try CKKSEncryptor(other).encrypt([0.5], level: 1, slots: 4, using: &bench.random)
        #expect(refusal { _ = try evaluator.refreshed(foreign) }?.code == .keyMismatch)
        // Parameters without levels for bootstrapping.
        let plain = CKKSContext(
            try CKKSParameters(.init(logDegree: 12, depth: 2, security: .insecureForTestsOnly)))
        #expect(refusal { _ = try Bootstrapper(bench.parameters, context: plain) }?.code == .parameterMismatch)
        #expect(
            refusal { _ = try Bootstrapper(bench.parameters, context: bench.context, slots: 3) }?.code == .invalidSlots)
    }

    @Test func valuesTooLargeForLevelZeroAreRefused() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: 4))
        let c = try bench.encrypt(bench.values(4, magnitude: 30), magnitude: 30, level: 0)
        let error = refusal { _ = try evaluator.refreshed(c) }
        #expect(error?.code == .overflow)
        #expect(error?.message.contains("level 1") == true)
    }

    @Test func insecureAndImpossibleParametersAreRefused() throws {
        var literal = BootstrappingParameters.Literal.n65536depth10
        literal.depth = 11
        #expect(refusal { _ = try BootstrappingParameters(literal) }?.code == .insecureParameters)
        literal = .n65536depth10
        literal.ephemeralWeight = 24
        #expect(refusal { _ = try BootstrappingParameters(literal) }?.message.contains("weight 24") == true)
        literal = .n65536depth10
        literal.encapsulationBits = [50, 50]
        #expect(refusal { _ = try BootstrappingParameters(literal) }?.code == .insecureParameters)
        literal = .n65536depth10
        literal.modularReduction.removeLast(4)
        #expect(refusal { _ = try BootstrappingParameters(literal) }?.code == .invalidParameters)
        literal = .n65536depth10
        literal.slotsToCoefficients = [[]]
        #expect(refusal { _ = try BootstrappingParameters(literal) }?.code == .invalidParameters)
    }

    @Test func tooLittleMemoryIsKnownBeforehand() throws {
        let parameters = try BootstrappingParameters(.n65536depth10)
        let plan = try Bootstrapper(parameters, context: CKKSContext(parameters.ckks))
        try plan.requireMemory(16_000_000_000)
        let error = refusal { try plan.requireMemory(4_000_000_000) }
        #expect(error?.code == .insufficientMemory)
        #expect(error?.message.contains("keys 5.1 GB") == true)
    }
}
