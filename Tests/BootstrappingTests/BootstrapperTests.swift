import Bootstrapping
import CKKS
import Foundation
import Randomness
import TacitTestSupport
import Testing

@Suite struct BootstrapperTests {
    @Test func fullPackingComesBackWithMoreThanTwentyBits() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: nil))
        let values = bench.values(bench.context.maximumSlots)
        for level in [0, 3] {
            let refreshed = try evaluator.refreshed(bench.encrypt(values, level: level))
            #expect(refreshed.level == 4)
            #expect(refreshed.scale == bench.context.chain.scales[4])
            let errors = try bench.errors(refreshed, values)
            #expect(errors.worst <= errors.statedBound)
            #expect(errors.worst < exp2(-20))
            // The estimate is neither missed nor so wide that it proves nothing. (In this small ring the sine's error for
            // the worst message, which random slots are far from, outweighs the noise.)
            #expect(errors.deviation < 1.5 * errors.statedDeviation)
            #expect(errors.deviation > 0.05 * errors.statedDeviation)
        }
    }

    @Test(arguments: [1024, 128, 8, 2])
    func sparsePackingComesBack(slots: Int) throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: slots))
        let values = bench.values(slots)
        let refreshed = try evaluator.refreshed(bench.encrypt(values, level: 1))
        #expect(refreshed.slots == slots)
        let errors = try bench.errors(refreshed, values)
        #expect(errors.worst <= errors.statedBound)
        #expect(errors.statedBound < exp2(-16))
        #expect(errors.deviation < 1.5 * errors.statedDeviation)
    }

    /// All coefficients but one vanish, and that one is as large as it may be: the worst case of the sine.
    @Test func constantSlotsComeBack() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let bootstrapper = try bench.bootstrapper(slots: nil)
        let evaluator = try bench.evaluator(bootstrapper)
        let n = bench.context.maximumSlots
        let values = ComplexValues(
            real: [Double](repeating: 0.6, count: n), imaginary: [Double](repeating: -0.8, count: n))
        let refreshed = try evaluator.refreshed(bench.encrypt(values, magnitude: 1.0001, level: 2))
        let errors = try bench.errors(refreshed, values)
        #expect(errors.worst <= errors.statedBound)
        #expect(errors.worst < exp2(-20))
    }

    @Test func valuesAboveTheMessageBoundAreDividedAndMultipliedBack() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let evaluator = try bench.evaluator(bench.bootstrapper(slots: 64))
        let values = bench.values(64, magnitude: 100)
        let refreshed = try evaluator.refreshed(bench.encrypt(values, magnitude: 100, level: 1))
        let errors = try bench.errors(refreshed, values)
        #expect(errors.worst <= errors.statedBound)
        #expect(errors.statedBound < 100 * exp2(-16))
        #expect(refreshed.magnitude == 100)
    }

    @Test func depthIsUnlimited() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let bootstrapper = try bench.bootstrapper(slots: 16)
        let evaluator = try bench.evaluator(bootstrapper)
        var values = bench.values(16)
        var c = try bench.encrypt(values, level: 4)
        // Twelve squarings on four levels.
        for _ in 0..<12 {
            if c.level == 0 { c = try evaluator.refreshed(c) }
            c = try evaluator.square(c)
            for i in values.real.indices {
                let (a, b) = (values.real[i], values.imaginary[i])
                (values.real[i], values.imaginary[i]) = (a * a - b * b, 2 * a * b)
            }
        }
        let errors = try bench.errors(c, values)
        #expect(errors.worst <= errors.statedBound)
        #expect(errors.worst < 1e-4)
    }

    @Test func planningForetellsLevelsErrorsAndKeys() throws {
        var bench = try BootstrappingBench(.insecure4096depth4)
        let real = try bench.bootstrapper(slots: 256)
        let evaluator = try bench.evaluator(real)
        let record = CircuitRecord()
        let planner = try Bootstrapper(bench.parameters, context: bench.context, slots: 256)
        let planning = CKKSEvaluator(bench.context, record: record, refresher: planner)
        let planned = try planning.refreshed(.planned(bench.context, level: 1, slots: 256, magnitude: 1))
        let done = try evaluator.refreshed(bench.encrypt(bench.values(256), level: 1))
        #expect(planned.isPlanned)
        #expect(planned.level == done.level)
        #expect(planned.scale == done.scale)
        #expect(planned.deviation == done.deviation)
        #expect(record.keys == real.keyRequirements)
        #expect(record.count(.bootstrap) == 1)
        #expect(record.count(.tensor) == 8 + 5 + 3 + 1 - 1)
        #expect(record.count(.hoistedRotation) > 20)
        #expect(record.lowestLevel == 0)
        #expect(planner.keyBytes > 100_000_000 && planner.matrixBytes > 1_000_000)
    }
}
