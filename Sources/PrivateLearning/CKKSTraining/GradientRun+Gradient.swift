import CKKS
import Foundation

// Scores of the rows, and what they pull the weights by.
extension GradientRun {
    /// G, a block each.
    func gradient(_ iteration: Int) throws(CKKSError) -> [CKKSCiphertext] {
        let groups = groups(batch: iteration % plan.batches)
        let parts = try concurrently(groups.count) { index throws(CKKSError) in
            try self.products(group: groups[index], iteration: iteration)
        }
        return try mapBlocks { run, block throws(CKKSError) in
            var total = parts[0][block]
            for part in parts.dropFirst() { total = try run.evaluator.add(total, part[block]) }
            // Errors of different rows come from different ciphertexts or slots and are not correlated.
            let deviation = total.deviation / Double(parts.count).squareRoot()
            // Scores within the interval pull by no more than this over any part of the rows.
            let bound = 2 * GradientCircuit.weightBound
            total = run.stated(
                try run.evaluator.settled(total), magnitude: min(total.magnitude, bound), deviation: deviation)
            return run.stated(
                try run.running(total, run.packing.rowSteps, within: bound), magnitude: bound, deviation: nil)
        }
    }

    /// c·z·x·q(x) for the rows of a group, not relinearised.
    ///
    /// Values are bounded for scores up to `scoreBound`, so that nothing overflows; errors are stated for scores within
    /// the interval, as everywhere here: a second, planned run of the same steps gives them.
    func products(group: Int, iteration: Int) throws(CKKSError) -> [CKKSCiphertext] {
        let score = try self.score(group: group, iteration: iteration)
        let rows = blocks.map { row(group, $0) }
        func twin(_ a: CKKSCiphertext, magnitude: Double) -> CKKSCiphertext {
            CKKSCiphertext(
                context: planning, parts: [], level: a.level, scale: a.scale, slots: a.slots, magnitude: magnitude,
                deviation: a.deviation, key: .none)
        }
        let made = try products(
            rows, score: score, reach: GradientCircuit.scoreBound, group: group, iteration: iteration, evaluator)
        let stated = try products(
            rows.map { twin($0, magnitude: $0.magnitude) }, score: twin(score, magnitude: 1), reach: 1, group: group,
            iteration: iteration, CKKSEvaluator(planning))
        return zip(made, stated).map { self.stated($0, magnitude: $0.magnitude, deviation: $1.deviation) }
    }

    private func products(
        _ rows: [CKKSCiphertext], score: CKKSCiphertext, reach: Double, group: Int, iteration: Int,
        _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        var scale = rate(iteration)
        var tail: CKKSCiphertext?
        if case .logistic(let sigmoid) = plan.loss {
            let b = sigmoid.coefficients
            scale *= b.last!
            switch b.count {
            case 3:
                let half = -b[1] / b[2] / 2
                let rest = b[0] / b[2] - half * half
                let bound = max(half, reach * reach - half)
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
            let row = try evaluator.dropping(rows[block], to: score.level + 1)
            let factor: CKKSCiphertext
            if target != nil || !excluded.isEmpty {
                var columns = [Double](repeating: scale, count: packing.columnCount)
                if let target { columns[target] = 0 }
                var values = packing.spread(columns)[block]
                if !excluded.isEmpty { values = zip(values, chosen(group: group, 1)).map { $0 * $1 } }
                factor = try evaluator.multiply(row, evaluator.encode(values, multiplying: row))
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
    func score(group: Int, iteration: Int) throws(CKKSError) -> CKKSCiphertext {
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
}
