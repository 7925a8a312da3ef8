import CKKS
import Foundation

// Bootstrapping between iterations.
extension GradientRun {
    /// The period of the slots of refreshed weights: those of one row.
    static func refreshedSlots(_ packing: RowPacking) -> Int { max(2, packing.blockWidth) }

    /// Bootstraps when the levels do not suffice for the iteration and, unless it is the last, for packing its result.
    ///
    /// Weights are the same in every row, so a ciphertext of the period of a row holds them, which bootstraps quicker and
    /// more precisely than one with all rows. V and W are its real and imaginary part; two blocks share it, the second in
    /// the half of a row that holds no data.
    mutating func refreshIfNeeded(_ iteration: Int) throws(CKKSError) {
        let isLast = iteration == plan.iterations - 1
        let level = weights[0].level
        guard level < plan.levelsPerIteration + (isLast || evaluator.refresher == nil ? 0 : 1) else { return }
        guard let refresher = evaluator.refresher else {
            throw CKKSError(
                code: .exhaustedLevels,
                message:
                    "iteration \(iteration + 1): needs level \(plan.levelsPerIteration), got \(level); use parameters "
                    + "of more depth, fewer iterations, or bootstrapping keys")
        }
        guard refresher.outputLevel > plan.levelsPerIteration else {
            throw CKKSError(
                code: .exhaustedLevels,
                message: "bootstrapping: gives level \(refresher.outputLevel), an iteration and what comes after it "
                    + "need \(plan.levelsPerIteration + 1); use other bootstrapping parameters")
        }
        let packed = try packedState(level: level)
        var (ahead, position): ([CKKSCiphertext], [CKKSCiphertext]) = ([], [])
        for (number, one) in packed.enumerated() {
            let both = try evaluator.refreshed(one)
            let isPaired = isPairing && 2 * number + 1 < packing.blockCount
            for half in 0..<(isPaired ? 2 : 1) {
                // The other half of a row has become the first.
                let whole = half == 0 ? both : try evaluator.rotate(both, by: -packing.blockColumns)
                let conjugate = try evaluator.conjugate(whole)
                ahead.append(try evaluator.multiply(evaluator.add(whole, conjugate), integer: 4))
                position.append(
                    try evaluator.multiply(
                        evaluator.multiplyByI(evaluator.subtract(whole, conjugate)), integer: -4))
            }
        }
        let added = ahead.map(\.deviation).max()! * Double(packing.columnCount).squareRoot()
        course.disturb(ahead: added, position: added)
        let bound = GradientCircuit.weightBound
        spill = isPairing ? (bound, bound) : (0, 0)
        let (e, f) = (course.ahead, course.position)
        weights = ahead.map { stated($0, magnitude: bound, deviation: e) }
        momentum = .position(position.map { stated($0, magnitude: bound, deviation: f) })
    }

    private var isPairing: Bool { packing.blockCount > 1 && packing.blockWidth > 1 }

    /// (V + iW)/8, within 1, which bootstrapping takes at level 0; two blocks in one where a row has room for them.
    private func packedState(level: Int) throws(CKKSError) -> [CKKSCiphertext] {
        // Slots without data are emptied where the other block is to come.
        let share = isPairing ? Factor.columns([Double](repeating: 0.125, count: packing.columnCount)) : .number(0.125)
        let blocks = try mapBlocks { run, block throws(CKKSError) in
            let half = try run.combined([(run.exact(run.weights[block]), share)], block: block, level: level)
            let terms = run.position(block, times: 0.125).map {
                (run.exact($0.0), run.isPairing ? run.masked($0.1) : $0.1)
            }
            let other = try run.combined(terms, block: block, level: level)
            let sum = try run.evaluator.add(half, run.evaluator.multiplyByI(other))
            return run.stated(
                sum, magnitude: GradientCircuit.weightBound * 2.0.squareRoot() / 8, deviation: sum.deviation,
                slots: Self.refreshedSlots(run.packing))
        }
        guard isPairing else { return blocks }
        var pairs: [CKKSCiphertext] = []
        for first in stride(from: 0, to: blocks.count, by: 2) {
            guard first + 1 < blocks.count else {
                pairs.append(blocks[first])
                break
            }
            let pair = try evaluator.add(
                blocks[first], evaluator.rotate(blocks[first + 1], by: -packing.blockColumns))
            pairs.append(stated(pair, magnitude: blocks[first].magnitude, deviation: pair.deviation))
        }
        return pairs
    }

    /// The same factor in the slots of columns and nothing elsewhere.
    func masked(_ factor: Factor) -> Factor {
        if case .number(let number) = factor {
            return .columns([Double](repeating: number, count: packing.columnCount))
        }
        return factor
    }
}
