import CKKS
import Foundation
import Parallelism

// What the steps of a run share: errors that make sense over iterations, refreshing, work on several cores.
extension GradientRun {
    // MARK: Errors

    // Operations add up worst cases, which over iterations grows without sense: one gradient step does not enlarge the
    // error of weights at all while scores stay in the interval, since |1 − αH| ≤ 1 there. So within an iteration the weights
    // are taken as exact, which leaves the noise the iteration itself adds, and between iterations the norms obey
    //     e_W⁺ ≤ e_V + δ,   e_V⁺ ≤ (1 + β)e_W⁺ + β e_W.

    func exact(_ a: CKKSCiphertext) -> CKKSCiphertext {
        stated(a, magnitude: a.magnitude, deviation: 0)
    }

    mutating func settleErrors(fresh: Double, iteration: Int) throws(CKKSError) {
        let momentum = plan.momentum(iteration)
        let noise = fresh * Double(packing.columnCount).squareRoot()
        let position = errors.weights + noise
        errors = (
            weights: (1 + momentum) * position + (momentum > 0 ? momentum * errors.position : 0), position: position
        )
        let deviation = errors.weights
        weights = weights.map { stated($0, magnitude: GradientCircuit.weightBound, deviation: deviation) }
    }

    func stated(_ a: CKKSCiphertext, magnitude: Double, deviation: Double?) -> CKKSCiphertext {
        CKKSCiphertext(
            context: a.context, parts: a.parts, size: a.size, level: a.level, scale: a.scale, slots: a.slots,
            magnitude: magnitude, deviation: deviation ?? a.deviation, key: a.key)
    }

    // MARK: Refreshing

    /// Bootstraps when the levels do not suffice for the iteration and, unless it is the last, for packing its result.
    mutating func refreshIfNeeded(_ iteration: Int) throws(CKKSError) {
        let isLast = iteration == plan.iterations - 1
        let level = weights[0].level
        guard level < plan.levelsPerIteration + (isLast || evaluator.refresher == nil ? 0 : 1) else { return }
        guard evaluator.refresher != nil else {
            throw CKKSError(
                code: .exhaustedLevels,
                message:
                    "iteration \(iteration + 1): needs level \(plan.levelsPerIteration), got \(level); use parameters "
                    + "of more depth, fewer iterations, or bootstrapping keys")
        }
        // V and W share one bootstrapping: V + iW.
        let packed = try mapBlocks { run, block throws(CKKSError) in
            let half = try run.combined([(run.weights[block], .number(0.5))], block: block, level: level)
            let other = try run.combined(run.position(block, times: 0.5), block: block, level: level)
            return try run.evaluator.add(half, run.evaluator.multiplyByI(other))
        }
        var (fresh, imaginary): ([CKKSCiphertext], [CKKSCiphertext]) = ([], [])
        for one in packed {
            let bounded = stated(one, magnitude: GradientCircuit.weightBound, deviation: one.deviation)
            let whole = try evaluator.refreshed(bounded)
            let conjugate = try evaluator.conjugate(whole)
            fresh.append(try evaluator.add(whole, conjugate))
            imaginary.append(try evaluator.negate(evaluator.multiplyByI(evaluator.subtract(whole, conjugate))))
        }
        let added = fresh.map(\.deviation).max()! * Double(packing.columnCount).squareRoot()
        errors = (errors.weights + added, errors.position + added)
        let deviation = errors.weights
        weights = fresh.map { stated($0, magnitude: GradientCircuit.weightBound, deviation: deviation) }
        momentum = .position(
            imaginary.map { stated($0, magnitude: GradientCircuit.weightBound, deviation: deviation) })
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
