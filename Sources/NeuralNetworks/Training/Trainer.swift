import Parallelism

/// What a pass over the data, or a step, showed.
public struct TrainingProgress: Sendable {
    /// Steps taken since the network was new.
    public var steps: Int
    /// The mean loss of the rows seen, before the steps that they caused.
    public var loss: Double
    /// The part of these rows that was classified correctly; of no meaning for regression.
    public var accuracy: Double
}

/// Ordinary training: shuffled batches, no privacy.
public final class Trainer<Scalar: NetworkScalar> {
    public struct Parameters: Hashable, Sendable, Codable {
        public var optimizer: Optimizer
        public var learningRate: Double
        public var schedule: Schedule
        public var batchSize: Int
        /// Of shuffles and dropout.
        public var seed: UInt64

        public init(
            optimizer: Optimizer = .sgd(), learningRate: Double, schedule: Schedule = .constant, batchSize: Int,
            seed: UInt64 = 0
        ) {
            self.optimizer = optimizer
            self.learningRate = learningRate
            self.schedule = schedule
            self.batchSize = batchSize
            self.seed = seed
        }
    }

    public let network: Network<Scalar>
    public let parameters: Parameters
    private let engine: GradientEngine<Scalar>
    private let state: OptimizerState<Scalar>
    private var random: SeededGenerator
    private let update: ParameterUpdate<Scalar>
    private var order: [Int] = []
    private var position = 0

    /// - Throws: ``NeuralNetworksError`` for parameters out of range and examples that do not fit the network.
    public init(
        _ network: Network<Scalar>, _ examples: Examples<Scalar>, loss: Loss, _ parameters: Parameters
    ) throws(NeuralNetworksError) {
        try network.check(examples, loss: loss)
        try parameters.optimizer.check()
        guard parameters.learningRate > 0, parameters.learningRate.isFinite, parameters.batchSize > 0 else {
            throw .parameter(
                "training: got learning rate \(parameters.learningRate), batch size \(parameters.batchSize), want a "
                    + "number above 0 and at least 1")
        }
        self.network = network
        self.parameters = parameters
        engine = GradientEngine(network, examples, loss)
        state = OptimizerState(parameters.optimizer, for: network)
        update = ParameterUpdate(network)
        random = SeededGenerator(seed: parameters.seed)
    }

    /// One pass over the examples in a new order; the last batch may be smaller.
    @discardableResult
    public func epoch() throws(NeuralNetworksError) -> TrainingProgress {
        var order = Array(0..<engine.examples.count)
        order.shuffle(using: &random)
        var loss = 0.0
        var correct = 0
        for start in stride(from: 0, to: order.count, by: parameters.batchSize) {
            let batch = Array(order[start..<min(start + parameters.batchSize, order.count)])
            let summary = try step(batch)
            loss += summary.loss
            correct += summary.correct
        }
        let count = Double(max(1, order.count))
        return TrainingProgress(steps: state.step, loss: loss / count, accuracy: Double(correct) / count)
    }

    /// One step on the next shuffled batch, going round and round.
    @discardableResult
    public func step() throws(NeuralNetworksError) -> TrainingProgress {
        if position + parameters.batchSize > order.count || order.isEmpty {
            if order.isEmpty { order = Array(0..<engine.examples.count) }
            order.shuffle(using: &random)
            position = 0
        }
        let batch = Array(order[position..<min(position + parameters.batchSize, order.count)])
        position += batch.count
        let summary = try step(batch)
        let count = Double(max(1, batch.count))
        return TrainingProgress(
            steps: state.step, loss: summary.loss / count, accuracy: Double(summary.correct) / count)
    }

    private func step(_ batch: [Int]) throws(NeuralNetworksError) -> GradientEngine<Scalar>.Summary {
        let summary = try engine.run(
            rows: batch, units: .rows(batch.count), mode: .plain, dropoutSeed: random.next())
        let rate = parameters.learningRate * parameters.schedule.factor(at: state.step)
        update.run { [network, engine, state] range in
            let gradient = engine.combined(range)
            state.apply(
                range, network.vector.base, gradient, gradientScale: 1 / Double(batch.count), rate: rate)
        }
        state.step += 1
        return summary
    }

    /// Bytes of activations and gradients held at present.
    public var workingBytes: Int { engine.byteCount }
}

/// Runs a function over the whole vector of parameters in parts, on several cores when it is long.
struct ParameterUpdate<Scalar: NetworkScalar>: Sendable {
    let count: Int

    init(_ network: Network<Scalar>) { count = network.parameterCount }

    func run(_ body: @Sendable (Range<Int>) -> Void) {
        if count <= 1 << 15 { return body(0..<count) }
        parallelFor(count, chunk: max(1 << 14, (count + 7) / 8), body)
    }
}

extension Network {
    /// Refuses weights that training broke; the last step's are seen by no later loss.
    /// - Throws: ``NeuralNetworksError`` with code `diverged`.
    public func requireFiniteParameters() throws(NeuralNetworksError) {
        guard parameterVector.allSatisfy(\.isFinite) else {
            throw NeuralNetworksError(
                code: .diverged,
                message: "training: got a weight that is infinite or not a number; lower the learning rate")
        }
    }

    /// Mean loss and accuracy on examples, without changing anything.
    public func evaluate(
        _ examples: Examples<Scalar>, loss: Loss
    ) throws(NeuralNetworksError) -> (loss: Double, accuracy: Double) {
        try check(examples, loss: loss)
        let scores = predict(examples.features)
        let gradient = Buffer<Scalar>(count: scores.count)
        var copy = scores
        let rows = Array(0..<examples.count)
        let (sum, correct) = copy.withUnsafeMutableBufferPointer { scores in
            guard let base = scores.baseAddress else { return (0.0, 0) }
            return loss.evaluate(
                Rows(base: base, count: rows.count, width: outputWidth), examples.targets, rows: rows,
                gradient: gradient.base)
        }
        let count = Double(max(1, examples.count))
        return (sum / count, Double(correct) / count)
    }
}
