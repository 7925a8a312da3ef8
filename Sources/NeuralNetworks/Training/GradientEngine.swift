import Parallelism

/// Runs batches through a network on all cores and leaves the sum of gradients in one vector for each worker.
///
/// A batch is divided into one consecutive part per worker and each part into chunks that fit in the second-level
/// cache: a chunk goes through all passes before the next one begins.
final class GradientEngine<Scalar: NetworkScalar>: @unchecked Sendable {
    /// What is summed over the rows of a batch.
    enum Mode {
        case plain
        /// Each unit's gradient times a factor of its norm.
        case clipped(Clipping.Rule)
    }

    final class Worker: @unchecked Sendable {
        let cache: LayerCache<Scalar>
        let gradient: Buffer<Scalar>
        let input = Buffer<Scalar>()
        let outputGradient = Buffer<Scalar>()
        let norms = Buffer<Scalar>()
        let weights = Buffer<Scalar>()
        var summary = Summary()
        var isUsed = false

        init(_ network: Network<Scalar>) {
            cache = network.root.makeCache()
            gradient = Buffer(count: network.parameterCount)
        }
    }

    struct Summary {
        var loss = 0.0
        var correct = 0
        /// Units whose norm was at most the bound.
        var unclipped = 0
        /// The largest norm.
        var largestNorm = 0.0
        var isFinite = true
    }

    let network: Network<Scalar>
    let examples: Examples<Scalar>
    let loss: Loss
    private(set) var workers: [Worker] = []
    private let chunk: Int

    init(_ network: Network<Scalar>, _ examples: Examples<Scalar>, _ loss: Loss) {
        self.network = network
        self.examples = examples
        self.loss = loss
        // About a megabyte of activations and gradients; many rows where a row is small, for the sake of the products.
        let perRow = max(1, network.root.scalarsPerRow)
        chunk = min(512, max(16, (1 << 18) / perRow))
    }

    /// - Parameters:
    ///   - rows: of the examples, unit by unit.
    ///   - units: which of them belong together; workers never divide a unit.
    func run(rows: [Int], units: Units, mode: Mode, dropoutSeed: UInt64) throws(NeuralNetworksError) -> Summary {
        let work = rows.count * network.root.workPerRow
        // Below this, waking another core costs more than it saves.
        let wanted = network.root.couplesRows || work < 1 << 22 ? 1 : min(Cores.count, units.count)
        while workers.count < max(1, wanted) { workers.append(Worker(network)) }
        for worker in workers { worker.isUsed = false }
        let active = max(1, wanted)
        let unitCount = units.count
        rows.withUnsafeBufferPointer { pointer in
            nonisolated(unsafe) let list = pointer
            parallelFor(active) { range in
                for index in range {
                    let part = unitCount * index / active..<unitCount * (index + 1) / active
                    self.work(self.workers[index], list, units, part, mode, dropoutSeed)
                }
            }
        }
        var total = Summary()
        for worker in workers[..<active] {
            total.loss += worker.summary.loss
            total.correct += worker.summary.correct
            total.unclipped += worker.summary.unclipped
            total.largestNorm = max(total.largestNorm, worker.summary.largestNorm)
            total.isFinite = total.isFinite && worker.summary.isFinite
        }
        guard total.isFinite, total.loss.isFinite else {
            throw NeuralNetworksError(
                code: .diverged,
                message: "training: got a loss or gradient that is infinite or not a number; lower the learning rate")
        }
        if network.root.couplesRows { network.root.updateStatistics(workers[0].cache) }
        return total
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func work(
        _ worker: Worker, _ rows: UnsafeBufferPointer<Int>, _ units: Units, _ part: Range<Int>, _ mode: Mode,
        _ dropoutSeed: UInt64
    ) {
        worker.summary = Summary()
        worker.isUsed = true
        worker.gradient.base.update(repeating: 0, count: network.parameterCount)
        var unit = part.lowerBound
        while unit < part.upperBound {
            let first = units.starts[unit]
            var end = unit + 1
            if network.root.couplesRows {
                end = part.upperBound
            } else {
                while end < part.upperBound, units.starts[end + 1] - first <= chunk { end += 1 }
            }
            process(worker, rows, units, unit..<end, mode, dropoutSeed)
            unit = end
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func process(
        _ worker: Worker, _ rows: UnsafeBufferPointer<Int>, _ units: Units, _ part: Range<Int>, _ mode: Mode,
        _ dropoutSeed: UInt64
    ) {
        let first = units.starts[part.lowerBound]
        let count = units.starts[part.upperBound] - first
        let width = examples.width
        let input = Rows(base: worker.input.reserve(count * width), count: count, width: width)
        examples.features.withUnsafeBufferPointer { features in
            for row in 0..<count {
                input[row].update(from: features.baseAddress! + rows[first + row] * width, count: width)
            }
        }
        let root = network.root
        let pass = Pass(isTraining: true, dropoutSeed: dropoutSeed, firstRow: first)
        let output = root.forward(input, pass, worker.cache)
        let gradient = Rows(
            base: worker.outputGradient.reserve(output.scalarCount), count: count, width: output.width)
        let (loss, correct) = self.loss.evaluate(
            output, examples.targets, rows: rows.baseAddress! + first, gradient: gradient.base)
        worker.summary.loss += loss
        worker.summary.correct += correct
        _ = root.backward(gradient, needsInput: false, worker.cache)
        guard case .clipped(let rule) = mode else {
            root.accumulateGradient(worker.cache, weights: .ones, into: worker.gradient.base)
            return
        }
        let local =
            units.areRows
            ? Units.rows(count) : Units(starts: (part.lowerBound...part.upperBound).map { units.starts[$0] - first })
        let norms = worker.norms.reserve(local.count)
        norms.update(repeating: 0, count: local.count)
        root.addSquaredNorms(worker.cache, units: local, to: norms)
        let weights = worker.weights.reserve(count)
        for unit in 0..<local.count {
            let norm = Double(norms[unit]).squareRoot()
            guard norm.isFinite else {
                worker.summary.isFinite = false
                return
            }
            worker.summary.largestNorm = max(worker.summary.largestNorm, norm)
            if norm <= rule.bound { worker.summary.unclipped += 1 }
            let factor = Scalar(rule.factor(norm: norm))
            for row in local.starts[unit]..<local.starts[unit + 1] { weights[row] = factor }
        }
        root.accumulateGradient(worker.cache, weights: .each(weights, units: local), into: worker.gradient.base)
    }

    /// Adds the other workers' sums to the first one's, in the given range, and returns it.
    func combined(_ range: Range<Int>) -> UnsafeMutablePointer<Scalar> {
        let first = workers[0].gradient.base
        for worker in workers.dropFirst() where worker.isUsed {
            Scalar.add(
                1, times: worker.gradient.base + range.lowerBound, to: first + range.lowerBound, range.count)
        }
        return first
    }

    /// Bytes of activations and gradients held at present.
    var byteCount: Int {
        workers.reduce(0) { $0 + $1.cache.byteCount + $1.gradient.capacity * MemoryLayout<Scalar>.stride }
    }
}
