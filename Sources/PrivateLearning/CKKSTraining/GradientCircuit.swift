import CKKS
import Foundation
import Parallelism

/// A training run on encrypted rows, as a circuit: the same code is planned, measured and run.
///
/// The state is in units of the sigmoid's interval, v = V·R, so that all values stay near 1. With z the scaled rows, β and α
/// of the plan, n the rows of the batch and P the odd part of the polynomial, an iteration is
///
///     x = z·V,   G = Σ_r c·z·q(x)·x,   V⁺ = (1 + β)(1 − αλ)V − β W + s·S − G
///
/// with S = Σ z, s = (1 + β)α/2Rn, and the polynomial written so that it needs no constant at the end: degree 5 as
/// b₂x((x² − h)² + e), degree 3 as b₁x(x² + e), where the leading coefficient and (1 + β)α/Rn are in c, a constant that
/// meets the rows at a level they give up anyway. Levels: the product with the rows, the squares, the product with c·z·x.
/// - Reference: Kim et al. 2018, section 3, for the recurrence; packing as in ``RowPacking``.
public struct GradientCircuit: CKKSCircuit, Sendable {
    public let plan: TrainingPlan
    public let rowCount: Int
    public let columnCount: Int
    /// No entry of a row is greater.
    public let entryBound: Double

    /// The Euclidean norm of the weights, in units of the interval, is expected within; the one who decrypts checks it.
    public static let weightBound = 4.0
    /// No score, in the same units, is expected beyond: 1.75 intervals.
    public static let scoreBound = 1.75
    /// The error of weights, in units of the interval, that parameters are chosen for, by the library's bound. What is
    /// measured is some thousand times less: the bound adds up sixteen deviations and the worst course of the momentum.
    public static let standardErrorBound = 0x1p-6

    /// - Parameters:
    ///   - columnCount: columns of the encrypted rows: the constant, the features and, for a squared loss, the target.
    ///   - entryBound: of the rows' numbers; public.
    public init(plan: TrainingPlan, rowCount: Int, columnCount: Int, entryBound: Double) {
        precondition(rowCount > 0 && columnCount > 0 && entryBound > 0, "rows, columns, bound: want positive numbers")
        self.plan = plan
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.entryBound = entryBound
    }

    /// The layout in a ring with that many slots.
    public func packing(maximumSlots: Int) throws(PrivateLearningError) -> RowPacking {
        try RowPacking(
            rowCount: rowCount, columnCount: columnCount, batches: plan.batches, squarings: squarings,
            maximumSlots: maximumSlots)
    }

    private var squarings: Int { plan.levelsPerIteration - 2 }

    public func inputs(maximumSlots: Int) -> [CircuitInput] {
        guard let packing = try? packing(maximumSlots: maximumSlots) else { return [] }
        return [CircuitInput](
            repeating: CircuitInput(slots: packing.slots, magnitude: entryBound, underPublicKey: true),
            count: packing.ciphertextCount)
    }

    /// Weights after the last iteration, one ciphertext a block, in units of the interval.
    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let packing: RowPacking
        do { packing = try self.packing(maximumSlots: evaluator.context.maximumSlots) } catch {
            throw CKKSError(code: .invalidParameters, message: error.message)
        }
        return try run(inputs, packing: packing, with: evaluator)
    }

    /// As ``run(_:with:)`` with a layout that is known from elsewhere, such as a file.
    func run(
        _ inputs: [CKKSCiphertext], packing: RowPacking, with evaluator: CKKSEvaluator,
        progress: (Int) -> Void = { _ in }
    ) throws(CKKSError) -> [CKKSCiphertext] {
        guard inputs.count == packing.ciphertextCount, packing.batches == plan.batches else {
            throw CKKSError(
                code: .invalidParameters,
                message: "rows: got \(inputs.count) ciphertexts, want \(packing.ciphertextCount)")
        }
        var run = GradientRun(circuit: self, packing: packing, rows: inputs, evaluator: evaluator)
        for iteration in 0..<plan.iterations {
            try run.advance(iteration)
            progress(iteration + 1)
        }
        return run.weights
    }
}

/// One run of a circuit, between iterations.
struct GradientRun {
    let circuit: GradientCircuit
    let packing: RowPacking
    /// Group by group, the blocks of each behind each other.
    let rows: [CKKSCiphertext]
    let evaluator: CKKSEvaluator

    /// V after the iterations so far, a block each; empty before the first.
    private(set) var weights: [CKKSCiphertext] = []
    /// From which W follows: V and G of the iteration before, or W itself after refreshing.
    private var momentum: Momentum = .none
    /// Σ z over each batch.
    private var sums: [Int: [CKKSCiphertext]] = [:]
    /// Bounds of the Euclidean norms of the errors of V and W, in deviations.
    private var errors = (weights: 0.0, position: 0.0)

    private enum Momentum {
        case none
        case parts(weights: [CKKSCiphertext], gradient: [CKKSCiphertext], iteration: Int)
        case position([CKKSCiphertext])
    }

    init(circuit: GradientCircuit, packing: RowPacking, rows: [CKKSCiphertext], evaluator: CKKSEvaluator) {
        self.circuit = circuit
        self.packing = packing
        self.rows = rows
        self.evaluator = evaluator
    }

    private var plan: TrainingPlan { circuit.plan }
    private var blocks: Range<Int> { 0..<packing.blockCount }
    private func row(_ group: Int, _ block: Int) -> CKKSCiphertext { rows[group * packing.blockCount + block] }

    /// Factors of one term of a sum, the same in every slot or one a column.
    private enum Factor {
        case number(Double)
        case columns([Double])
    }

    // MARK: Numbers of an iteration

    private var interval: Double {
        if case .logistic(let sigmoid) = plan.loss { return sigmoid.interval }
        return 1
    }

    /// (1 + β)α/(R·n)
    private func rate(_ iteration: Int) -> Double {
        let count = Double(packing.rowCount(batch: iteration % plan.batches))
        return (1 + plan.momentum(iteration)) * plan.step / (interval * count)
    }

    private var target: Int? {
        if case .squared = plan.loss { return packing.columnCount - 1 }
        return nil
    }

    /// `factor`·(1 − αλ) for penalised columns, `factor` for the others.
    private func decayed(_ factor: Double) -> Factor {
        guard plan.ridge > 0 else { return .number(factor) }
        let lesser = factor * (1 - plan.step * plan.ridge)
        var columns = [Double](repeating: lesser, count: packing.columnCount)
        columns[0] = factor
        if let target { columns[target] = factor }
        return .columns(columns)
    }

    // MARK: One iteration

    mutating func advance(_ iteration: Int) throws(CKKSError) {
        if case .logistic = plan.loss, iteration == 0 {
            // From zero every score is 0 and every pull ½.
            let sums = try batchSum(0)
            let top = sums[0].level
            weights = try mapBlocks { run, block throws(CKKSError) in
                try run.combined([(sums[block], .number(run.rate(0) / 2))], block: block, level: top)
            }
            momentum = .none
            try settleErrors(fresh: weights[0].deviation, iteration: 0)
            return
        }
        if iteration > 0 { try refreshIfNeeded(iteration) }
        let start = iteration == 0 ? rows[0].level : weights[0].level
        let gradient = try self.gradient(iteration)
        let momentumFactor = plan.momentum(iteration)
        var next: [CKKSCiphertext]
        if iteration == 0 {
            // A squared loss starts at V = −1 for the target, in the clear.
            next = try mapBlocks { run, block throws(CKKSError) in
                try run.evaluator.add(run.evaluator.negate(gradient[block]), run.startValues[block])
            }
        } else {
            let sums: [CKKSCiphertext]?
            if case .logistic = plan.loss {
                sums = try batchSum(iteration % plan.batches)
            } else {
                sums = nil
            }
            next = try mapBlocks { run, block throws(CKKSError) in
                var terms = [(run.exact(run.weights[block]), run.decayed(1 + momentumFactor))]
                if let sums { terms.append((sums[block], .number(run.rate(iteration) / 2))) }
                terms += run.position(block, times: -momentumFactor).map { (run.exact($0.0), $0.1) }
                let inertia = try run.combined(terms, block: block, level: start)
                return try run.evaluator.subtract(inertia, gradient[block])
            }
        }
        let fresh = next.map(\.deviation).max()!
        next = next.map { stated($0, magnitude: GradientCircuit.weightBound, deviation: $0.deviation) }
        momentum = .parts(
            weights: iteration == 0 ? [] : weights, gradient: gradient, iteration: iteration)
        weights = next
        try settleErrors(fresh: fresh, iteration: iteration)
    }

    /// The terms of factor·W, W the position that the last iteration reached.
    private func position(_ block: Int, times factor: Double) -> [(CKKSCiphertext, Factor)] {
        guard factor != 0 else { return [] }
        switch momentum {
        case .none:
            // Only after the first iteration of a logistic run, whose momentum is 0: W = V.
            return [(weights[block], .number(factor))]
        case .position(let position):
            return [(position[block], .number(factor))]
        case .parts(let before, let gradient, let iteration):
            // W = (1 − αλ)V + (s·S − G)/(1 + β) of that iteration.
            let share = factor / (1 + plan.momentum(iteration))
            var terms = [(gradient[block], Factor.number(-share))]
            if before.isEmpty { return [(weights[block], .number(factor))] }
            terms.append((before[block], decayed(factor)))
            if case .logistic = plan.loss, let sums = sums[iteration % plan.batches] {
                terms.append((sums[block], .number(share * rate(iteration) / 2)))
            }
            return terms
        }
    }

    /// Σ factor·term at one level below `level`, one rescaling for all.
    private func combined(
        _ terms: [(CKKSCiphertext, Factor)], block: Int, level: Int
    ) throws(CKKSError) -> CKKSCiphertext {
        let level = terms.reduce(level) { min($0, $1.0.level) }
        var products: [CKKSCiphertext] = []
        for (term, factor) in terms {
            let lowered = try evaluator.dropping(term, to: level)
            switch factor {
            case .number(let number): products.append(try evaluator.multiplyLazily(lowered, number))
            case .columns(let columns):
                let plaintext = try evaluator.encode(packing.spread(columns)[block], multiplying: lowered)
                products.append(try evaluator.multiplyLazily(lowered, plaintext))
            }
        }
        return try evaluator.settled(evaluator.sum(products))
    }

    /// Σ z over a batch, in every row.
    private mutating func batchSum(_ batch: Int) throws(CKKSError) -> [CKKSCiphertext] {
        if let known = sums[batch] { return known }
        let groups = packing.groups(batch: batch)
        let made = try mapBlocks { run, block throws(CKKSError) in
            var total = run.row(groups.lowerBound, block)
            for group in groups.dropFirst() { total = try run.evaluator.add(total, run.row(group, block)) }
            return try run.running(total, run.packing.rowSteps)
        }
        sums[batch] = made
        return made
    }

    /// G, a block each.
    private func gradient(_ iteration: Int) throws(CKKSError) -> [CKKSCiphertext] {
        let groups = packing.groups(batch: iteration % plan.batches)
        let parts = try concurrently(groups.count) { index throws(CKKSError) in
            try self.products(group: groups.lowerBound + index, iteration: iteration)
        }
        return try mapBlocks { run, block throws(CKKSError) in
            var total = parts[0][block]
            for part in parts.dropFirst() { total = try run.evaluator.add(total, part[block]) }
            // Errors of different rows come from different ciphertexts or slots and are not correlated.
            let deviation = total.deviation / Double(parts.count).squareRoot()
            total = run.stated(try run.evaluator.settled(total), magnitude: total.magnitude, deviation: deviation)
            return run.stated(
                try run.running(total, run.packing.rowSteps), magnitude: 2 * GradientCircuit.weightBound, deviation: nil
            )
        }
    }

    /// c·z·x·q(x) for the rows of a group, not relinearised.
    private func products(group: Int, iteration: Int) throws(CKKSError) -> [CKKSCiphertext] {
        let score = try self.score(group: group, iteration: iteration)
        var scale = rate(iteration)
        var tail: CKKSCiphertext?
        if case .logistic(let sigmoid) = plan.loss {
            let b = sigmoid.coefficients
            scale *= b.last!
            switch b.count {
            case 3:
                let half = -b[1] / b[2] / 2
                let rest = b[0] / b[2] - half * half
                let reach = GradientCircuit.scoreBound * GradientCircuit.scoreBound
                let bound = max(half, reach - half)
                let inner = try evaluator.add(evaluator.square(score), -half).declaring(magnitude: bound)
                tail = try evaluator.add(evaluator.square(inner), rest).declaring(
                    magnitude: bound * bound + abs(rest))
            case 2: tail = try evaluator.add(evaluator.square(score), b[0] / b[1])
            default: tail = nil
            }
        }
        var result: [CKKSCiphertext] = []
        for block in blocks {
            // The score is one level below the weights; so is the row times its constant.
            let row = try evaluator.dropping(row(group, block), to: score.level + 1)
            let factor: CKKSCiphertext
            if let target {
                var columns = [Double](repeating: scale, count: packing.columnCount)
                columns[target] = 0
                factor = try evaluator.multiply(row, evaluator.encode(packing.spread(columns)[block], multiplying: row))
            } else {
                factor = try evaluator.settled(evaluator.multiplyLazily(row, scale))
            }
            guard let tail else {
                result.append(try evaluator.multiplyLazily(factor, score))
                continue
            }
            result.append(try evaluator.multiplyLazily(evaluator.multiply(factor, score), tail))
        }
        return result
    }

    /// x for the rows of a group, right in the slots that hold data.
    private func score(group: Int, iteration: Int) throws(CKKSError) -> CKKSCiphertext {
        var products: [CKKSCiphertext] = []
        for block in blocks {
            if iteration == 0 {
                let row = row(group, block)
                products.append(
                    try evaluator.multiplyLazily(row, evaluator.encode(startValues[block], multiplying: row)))
            } else {
                products.append(try evaluator.multiplyLazily(row(group, block), exact(weights[block])))
            }
        }
        let sum = try evaluator.settled(evaluator.sum(products))
        // The rows' own errors meet weights whose norm is bounded: Σ Vⱼeⱼ over the row has deviation |V|·e. The window adds
        // 2f slots, over which it is spread here.
        let chain = evaluator.chain
        let own = row(group, 0).deviation * GradientCircuit.weightBound / Double(packing.blockWidth).squareRoot()
        let lowering = chain.slotDeviation(coefficient: chain.roundingDeviation, scale: chain.scales[sum.level])
        let rounding = lowering * Double(blocks.count).squareRoot() * GradientCircuit.weightBound
        let switching = chain.slotDeviation(
            coefficient: chain.keySwitchDeviation(level: sum.level + 1),
            scale: chain.scales[sum.level] * chain.moduli[sum.level + 1])
        let deviation = (own * own + rounding * rounding + switching * switching + lowering * lowering).squareRoot()
        let product = stated(sum, magnitude: sum.magnitude, deviation: min(sum.deviation, deviation))
        return stated(
            try running(product, packing.windowSteps), magnitude: GradientCircuit.scoreBound, deviation: nil)
    }

    private var startValues: [[Double]] {
        var columns = [Double](repeating: 0, count: packing.columnCount)
        if let target { columns[target] = -1 }
        return packing.spread(columns)
    }

    /// x, then x + rotated x for each step in turn.
    private func running(_ a: CKKSCiphertext, _ steps: [Int]) throws(CKKSError) -> CKKSCiphertext {
        var total = a
        for step in steps {
            let turned = try evaluator.rotate(total, by: step)
            // Two slots of one polynomial with independent coefficients are not correlated.
            let deviation = (total.deviation * total.deviation + turned.deviation * turned.deviation).squareRoot()
            let sum = try evaluator.add(total, turned)
            total = stated(sum, magnitude: sum.magnitude, deviation: deviation)
        }
        return total
    }

    // MARK: Errors

    // Operations add up worst cases, which over iterations grows without sense: one gradient step does not enlarge the
    // error of weights at all while scores stay in the interval, since |1 − αH| ≤ 1 there. So within an iteration the weights
    // are taken as exact, which leaves the noise the iteration itself adds, and between iterations the norms obey
    //     e_W⁺ ≤ e_V + δ,   e_V⁺ ≤ (1 + β)e_W⁺ + β e_W.

    private func exact(_ a: CKKSCiphertext) -> CKKSCiphertext {
        stated(a, magnitude: a.magnitude, deviation: 0)
    }

    private mutating func settleErrors(fresh: Double, iteration: Int) throws(CKKSError) {
        let momentum = plan.momentum(iteration)
        let noise = fresh * Double(packing.columnCount).squareRoot()
        let position = errors.weights + noise
        errors = (
            weights: (1 + momentum) * position + (momentum > 0 ? momentum * errors.position : 0), position: position
        )
        let deviation = errors.weights
        weights = weights.map { stated($0, magnitude: GradientCircuit.weightBound, deviation: deviation) }
    }

    private func stated(_ a: CKKSCiphertext, magnitude: Double, deviation: Double?) -> CKKSCiphertext {
        CKKSCiphertext(
            context: a.context, parts: a.parts, size: a.size, level: a.level, scale: a.scale, slots: a.slots,
            magnitude: magnitude, deviation: deviation ?? a.deviation, key: a.key)
    }

    // MARK: Refreshing

    /// Bootstraps when the levels do not suffice for the iteration and, unless it is the last, for packing its result.
    private mutating func refreshIfNeeded(_ iteration: Int) throws(CKKSError) {
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
    private func mapBlocks(
        _ body: @Sendable (GradientRun, Int) throws(CKKSError) -> CKKSCiphertext
    ) throws(CKKSError) -> [CKKSCiphertext] {
        try concurrently(packing.blockCount) { block throws(CKKSError) in try body(self, block) }
    }

    private func concurrently<Value: Sendable>(
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
