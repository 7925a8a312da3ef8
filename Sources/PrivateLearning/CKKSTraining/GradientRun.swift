import CKKS
import Foundation

/// One run of a circuit, between iterations.
struct GradientRun {
    let circuit: GradientCircuit
    /// The layout that all rows share.
    let packing: RowPacking
    /// The rows of each owner, in that layout.
    let parts: [RowPacking]
    /// Group by group, the blocks of each behind each other, owner after owner.
    let rows: [CKKSCiphertext]
    /// Rows that do not count, of each owner.
    let excluded: [Set<Int>]
    let evaluator: CKKSEvaluator
    /// For what is computed of errors only.
    let planning: CKKSContext

    /// V after the iterations so far, a block each; empty before the first.
    var weights: [CKKSCiphertext] = []
    /// From which W follows: V and G of the iteration before, or W itself after refreshing.
    var momentum: Momentum = .none
    /// Σ z over each batch.
    var sums: [Int: [CKKSCiphertext]] = [:]
    /// Errors of V and W.
    var course = ErrorCourse()
    /// What slots without data may hold in V and W since a refresh of two blocks together.
    var spill = (ahead: 0.0, position: 0.0)

    enum Momentum {
        case none
        case parts(weights: [CKKSCiphertext], gradient: [CKKSCiphertext], iteration: Int)
        case position([CKKSCiphertext])
    }

    /// - Parameter excluded: of each part; empty when all rows count.
    init(
        circuit: GradientCircuit, parts: [RowPacking], rows: [CKKSCiphertext], excluded: [Set<Int>] = [],
        evaluator: CKKSEvaluator
    ) {
        self.circuit = circuit
        packing = parts[0]
        self.parts = parts
        self.rows = rows
        self.excluded = excluded
        self.evaluator = evaluator
        planning = CKKSContext(planning: evaluator.chain)
    }

    var plan: TrainingPlan { circuit.plan }
    var blocks: Range<Int> { 0..<packing.blockCount }
    func row(_ group: Int, _ block: Int) -> CKKSCiphertext { rows[group * packing.blockCount + block] }

    /// Factors of one term of a sum, the same in every slot or one a column.
    enum Factor {
        case number(Double)
        case columns([Double])
    }

    // MARK: Numbers of an iteration

    var interval: Double {
        if case .logistic(let sigmoid) = plan.loss { return sigmoid.interval }
        return 1
    }

    /// (1 + β)α/(R·n)
    func rate(_ iteration: Int) -> Double {
        let count = Double(rowCount(batch: iteration % plan.batches))
        return (1 + plan.momentum(iteration)) * plan.step / (interval * count)
    }

    var target: Int? {
        if case .squared = plan.loss { return packing.columnCount - 1 }
        return nil
    }

    /// `factor`·(1 − αλ) for penalised columns, `factor` for the others.
    func decayed(_ factor: Double) -> Factor {
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
            if excluded.isEmpty {
                let sums = try batchSum(0)
                let top = sums[0].level
                weights = try mapBlocks { run, block throws(CKKSError) in
                    try run.combined([(sums[block], .number(run.rate(0) / 2))], block: block, level: top)
                }
            } else {
                // The rate and the choice of rows are one factor, so that no level is lost.
                weights = try sum(batch: 0, times: rate(0) / 2)
            }
            momentum = .none
            settleErrors(fresh: weights[0].deviation, iteration: 0)
            return
        }
        if case .parts(_, _, let before) = momentum, case .logistic = plan.loss {
            // W follows from it; a run that goes on from a checkpoint does not have it yet.
            _ = try batchSum(before % plan.batches)
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
        settleErrors(fresh: fresh, iteration: iteration)
    }

    /// The terms of factor·W, W the position that the last iteration reached.
    func position(_ block: Int, times factor: Double) -> [(CKKSCiphertext, Factor)] {
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
    func combined(
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
    mutating func batchSum(_ batch: Int) throws(CKKSError) -> [CKKSCiphertext] {
        if let known = sums[batch] { return known }
        let made = try sum(batch: batch, times: 1)
        sums[batch] = made
        return made
    }

    /// factor·Σ z over the rows of a batch that count; one level less than the rows when some do not.
    private func sum(batch: Int, times factor: Double) throws(CKKSError) -> [CKKSCiphertext] {
        let groups = groups(batch: batch)
        return try mapBlocks { run, block throws(CKKSError) in
            var terms: [CKKSCiphertext] = []
            for group in groups {
                let row = run.row(group, block)
                guard !run.excluded.isEmpty else {
                    terms.append(row)
                    continue
                }
                let chosen = try run.evaluator.encode(run.chosen(group: group, factor), multiplying: row)
                terms.append(try run.evaluator.multiplyLazily(row, chosen))
            }
            return try run.running(run.evaluator.settled(run.evaluator.sum(terms)), run.packing.rowSteps)
        }
    }

    var startValues: [[Double]] {
        var columns = [Double](repeating: 0, count: packing.columnCount)
        if let target { columns[target] = -1 }
        return packing.spread(columns)
    }

    /// x, then x + rotated x for each step in turn.
    /// - Parameter bound: of all sums, where it is known.
    func running(
        _ a: CKKSCiphertext, _ steps: [Int], within bound: Double = .infinity
    ) throws(CKKSError) -> CKKSCiphertext {
        var total = a
        for step in steps {
            let turned = try evaluator.rotate(total, by: step)
            // Two slots of one polynomial with independent coefficients are not correlated.
            let deviation = (total.deviation * total.deviation + turned.deviation * turned.deviation).squareRoot()
            let sum = try evaluator.add(total, turned)
            total = stated(sum, magnitude: min(sum.magnitude, bound), deviation: deviation)
        }
        return total
    }
}
