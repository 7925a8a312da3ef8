import CKKS
import Foundation
import Parallelism

// What the steps of a run share: errors that make sense over iterations, and work on several cores.
extension GradientRun {
    // Operations add up worst cases, which over iterations grows without sense. So within an iteration the weights are
    // taken as exact, which leaves the noise that the iteration itself adds; how it travels, `ErrorCourse` says.

    func exact(_ a: CKKSCiphertext) -> CKKSCiphertext {
        stated(a, magnitude: a.magnitude, deviation: 0)
    }

    mutating func settleErrors(fresh: Double, iteration: Int) {
        let momentum = plan.momentum(iteration)
        course.advance(momentum: momentum, noise: fresh * Double(packing.columnCount).squareRoot())
        // Slots without data that a refresh has filled follow the same recurrence without a gradient.
        spill = ((1 + momentum) * spill.ahead + momentum * spill.position, spill.ahead)
        let (deviation, magnitude) = (course.ahead, max(GradientCircuit.weightBound, spill.ahead))
        weights = weights.map { stated($0, magnitude: magnitude, deviation: deviation) }
    }

    func stated(
        _ a: CKKSCiphertext, magnitude: Double, deviation: Double?, slots: Int? = nil
    ) -> CKKSCiphertext {
        CKKSCiphertext(
            context: a.context, parts: a.parts, size: a.size, level: a.level, scale: a.scale, slots: slots ?? a.slots,
            magnitude: magnitude, deviation: deviation ?? a.deviation, key: a.key)
    }

    // MARK: Several cores

    /// The body gets the run as it is now, since blocks are worked on at the same time.
    func mapBlocks(
        _ body: @Sendable (GradientRun, Int) throws(CKKSError) -> CKKSCiphertext
    ) throws(CKKSError) -> [CKKSCiphertext] {
        try concurrently(packing.blockCount) { block throws(CKKSError) in try body(self, block) }
    }

    func concurrently<Value: Sendable>(
        _ count: Int, _ body: @Sendable (Int) throws(CKKSError) -> Value
    ) throws(CKKSError) -> [Value] {
        let results = parallelMap(count) { index in
            Result { () throws(CKKSError) in try body(index) }
        }
        var values: [Value] = []
        for result in results { values.append(try result.get()) }
        return values
    }
}
