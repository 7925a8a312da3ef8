import Bootstrapping
import CKKS
import Foundation
import TacitTestSupport
import Testing

@Suite struct PredefinedSetTests {
    @Test func secureSetsAreWithinTheTablesAndStateTheirErrors() throws {
        let full = try BootstrappingParameters(.n65536depth10)
        #expect(full.ckks.ring.securityRow?.degree == 65536)
        #expect(full.ckks.ring.log2QP < 1747)
        #expect(full.log2Encapsulation < 118)
        let context = CKKSContext(full.ckks)
        let plan = try Bootstrapper(full, context: context)
        // The stated bound itself, sixteen deviations, is below 2^−20.
        #expect(CKKSCiphertext.boundFactor * plan.deviation(magnitude: 1) < exp2(-20))
        #expect(plan.failureProbability < exp2(-39))
        #expect(plan.keyBytes + plan.matrixBytes + plan.workingBytes < 8_000_000_000)

        let small = try BootstrappingParameters(.n32768depth2)
        #expect(small.ckks.ring.log2QP < 868)
        let sparse = try Bootstrapper(small, context: CKKSContext(small.ckks), slots: 32)
        #expect(CKKSCiphertext.boundFactor * sparse.deviation(magnitude: 1) < exp2(-16))
    }

    /// Irwin and Hall by hand: three uniform numbers on ±1/2 exceed 1 with probability 2·(1/2)³/6.
    @Test func failureProbabilityIsThatOfASumOfUniformNumbers() throws {
        var literal = BootstrappingParameters.Literal.insecure4096depth4
        literal.ephemeralWeight = 3
        literal.interval = 1
        // Four numbers: Pr(|S| > 3/2) = 2·(1/2)⁴/24; eight coefficients.
        let parameters = try BootstrappingParameters(literal)
        #expect(abs(parameters.failureProbability(slots: 4) / (8 * 2 * 0.0625 / 24) - 1) < 1e-12)
        literal.ephemeralWeight = 32
        literal.interval = 16
        #expect(try BootstrappingParameters(literal).failureProbability(slots: 4) == 0)
    }

    /// Half a minute and 8 GB: only with TACIT_LONG_TESTS.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil,
            "SKIPPED: takes 8 GB; set TACIT_LONG_TESTS to run it"))
    func secureSetKeepsItsPromise() throws {
        var bench = try BootstrappingBench(.n65536depth10)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: nil))
        let values = bench.values(32768)
        let refreshed = try evaluator.refreshed(bench.encrypt(values, level: 1))
        let errors = try bench.errors(refreshed, values)
        #expect(errors.worst <= errors.statedBound)
        #expect(errors.worst < exp2(-22))
    }
}
