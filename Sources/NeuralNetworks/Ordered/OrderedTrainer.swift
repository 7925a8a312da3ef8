/// How the noise of ordered training is correlated.
public enum OrderedNoise: Hashable, Sendable, Codable {
    /// Partial sums by a binary tree, begun anew with each pass over the data.
    case tree
    case banded(BandedFactorization)
}

/// Differentially private training on data in the order in which they come: DP-FTRL, written as descent with correlated
/// noise. No sampling is needed for its privacy.
///
/// Step t takes the next `batchSize` rows, bounds the norm of every row's gradient, adds the noise n_t of a
/// ``OrderedNoise`` and moves the weights. A pass ends with the rows; a row is in one step of every pass.
///
/// - Guarantee: with the multiplier σ, for neighbours one of which has nothing in the place of one row: for `.banded`,
///   all steps of all passes are one Gaussian mechanism of multiplier σ (the draws are scaled by the sensitivity of C for
///   so many passes; a pass must have at least as many steps as C has bands). For `.tree` each pass is a tree of
///   ⌊log₂ steps⌋ + 1 levels of multiplier σ. Adaptivity is covered (Denisov et al. 2022).
/// - Edge cases: correlated noise is computed in single precision and is not on a grid, other than the noise of
///   ``PrivateTrainer``; what low bits of floating-point sums say (Mironov 2012) is not part of the guarantee.
/// - Cost: a tree holds one vector for each level, a banded matrix one for each band.
/// - Reference: Kairouz et al. 2021; Choquette-Choo et al. 2023.
public final class OrderedTrainer {
    public let network: Network<Float>
    /// Steps of one pass.
    public let stepsPerPass: Int
    public private(set) var steps = 0

    private let parameters: Parameters
    private let engine: GradientEngine<Float>
    private let state: OptimizerState<Float>
    private let update: ParameterUpdate<Float>
    private var noise: any CorrelatedNoise
    private let deviation: Double
    private let source: GridGaussianNoise
    private var seeds: SeededGenerator

    /// What decides the privacy and the course of ordered training.
    public struct Parameters: Hashable, Sendable, Codable {
        public var noise: OrderedNoise
        public var noiseMultiplier: Double
        public var clippingNorm: Double
        public var batchSize: Int
        public var passes: Int
        public var optimizer: Optimizer
        public var learningRate: Double
        /// Of dropout.
        public var seed: UInt64

        public init(
            noise: OrderedNoise, noiseMultiplier: Double, clippingNorm: Double, batchSize: Int, passes: Int,
            optimizer: Optimizer, learningRate: Double, seed: UInt64 = 0
        ) {
            self.noise = noise
            self.noiseMultiplier = noiseMultiplier
            self.clippingNorm = clippingNorm
            self.batchSize = batchSize
            self.passes = passes
            self.optimizer = optimizer
            self.learningRate = learningRate
            self.seed = seed
        }
    }

    /// - Throws: ``NeuralNetworksError``: `notPrivate`, `invalidParameter` (also when a pass has fewer steps than the
    ///   matrix has bands), `invalidData`.
    public init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, _ parameters: Parameters
    ) throws(NeuralNetworksError) {
        if let refusal = network.root.refusal { throw NeuralNetworksError(code: .notPrivate, message: refusal) }
        try network.check(examples, loss: loss)
        try parameters.optimizer.check()
        guard parameters.noiseMultiplier > 0, parameters.noiseMultiplier.isFinite, parameters.clippingNorm > 0,
            parameters.clippingNorm.isFinite, parameters.learningRate > 0, parameters.learningRate.isFinite,
            parameters.batchSize > 0, parameters.passes > 0, examples.count > 0
        else {
            throw .parameter(
                "ordered training: got noise multiplier \(parameters.noiseMultiplier), norm \(parameters.clippingNorm), "
                    + "rate \(parameters.learningRate), batch size \(parameters.batchSize), \(parameters.passes) passes over "
                    + "\(examples.count) rows; want all above 0")
        }
        stepsPerPass = (examples.count + parameters.batchSize - 1) / parameters.batchSize
        switch parameters.noise {
        case .tree:
            noise = TreeNoise(count: network.parameterCount)
            deviation = parameters.noiseMultiplier * parameters.clippingNorm
        case .banded(let factorization):
            guard parameters.passes == 1 || stepsPerPass >= factorization.bands else {
                throw .parameter(
                    "bands: got \(factorization.bands), want at most \(stepsPerPass), the steps of one pass; take smaller "
                        + "batches")
            }
            noise = BandedNoise(factorization, count: network.parameterCount)
            deviation =
                parameters.noiseMultiplier * parameters.clippingNorm
                * factorization.sensitivity(participations: parameters.passes)
        }
        self.network = network
        self.parameters = parameters
        engine = GradientEngine(network, examples, loss)
        state = OptimizerState(parameters.optimizer, for: network)
        update = ParameterUpdate(network)
        source = GridGaussianNoise()
        seeds = SeededGenerator(seed: parameters.seed)
    }

    /// The next rows in order.
    /// - Throws: ``NeuralNetworksError`` with code `diverged`; `invalidParameter` when all passes were made.
    @discardableResult
    public func step() throws(NeuralNetworksError) -> PrivateTrainer.Diagnostics {
        guard steps < stepsPerPass * parameters.passes else {
            throw .parameter("passes: got \(parameters.passes + 1), want at most \(parameters.passes)")
        }
        if steps % stepsPerPass == 0, case .tree = parameters.noise { beginNoise() }
        let start = steps % stepsPerPass * parameters.batchSize
        let rows = Array(start..<min(engine.examples.count, start + parameters.batchSize))
        let rule = Clipping.fixed(norm: parameters.clippingNorm).rule(bound: parameters.clippingNorm)
        let summary = try engine.run(
            rows: rows, units: .rows(rows.count), mode: .clipped(rule), dropoutSeed: seeds.next())
        let drawn = noise.next { [source] vector in
            vector.withUnsafeMutableBufferPointer { source.add(deviation: 1, to: $0.baseAddress!, count: $0.count) }
        }
        let factor = Float(deviation)
        let rate = parameters.learningRate
        let scale = 1 / Double(parameters.batchSize)
        update.run { [network, engine, state] range in
            let gradient = engine.combined(range)
            for index in range { gradient[index] += factor * drawn[index] }
            state.apply(range, network.vector.base, gradient, gradientScale: scale, rate: rate)
        }
        state.step += 1
        steps += 1
        let count = Double(rows.count)
        return PrivateTrainer.Diagnostics(
            sampledUnits: rows.count, loss: summary.loss / count, accuracy: Double(summary.correct) / count,
            unclipped: Double(summary.unclipped) / count, largestNorm: summary.largestNorm)
    }

    /// The rest of the pass that has begun, or the next pass.
    /// - Parameter onStep: told the steps so far.
    /// - Returns: what the rows of these steps showed.
    /// - Throws: as ``step()``.
    public func pass(onStep: (Int) -> Void = { _ in }) throws(NeuralNetworksError) -> PrivateTrainer.Diagnostics {
        var total = PrivateTrainer.Diagnostics.none
        repeat {
            total.add(try step())
            onStep(steps)
        } while steps % stepsPerPass != 0
        return total
    }

    /// Noise that is independent of all that was drawn before.
    private func beginNoise() {
        switch parameters.noise {
        case .tree: noise = TreeNoise(count: network.parameterCount)
        case .banded(let factorization): noise = BandedNoise(factorization, count: network.parameterCount)
        }
    }

    // MARK: Checkpoints

    private static var checkpointFormat: String { "tacit-ordered-training" }

    /// Weights, the optimiser's memory and the number of steps; between two steps only. The noise of past steps, which
    /// would undo their privacy, is not in it.
    public var checkpoint: TensorFile {
        get throws(NeuralNetworksError) {
            var file = try network.file
            state.store(in: &file)
            file.metadata["checkpoint"] = Self.checkpointFormat
            file.metadata["training"] = try Network<Float>.text(parameters)
            file.metadata["steps"] = try Network<Float>.text([steps])
            file.metadata["rows"] = try Network<Float>.text([engine.examples.count])
            return file
        }
    }

    /// Continues a run at step `step`, with noise that begins anew.
    ///
    /// That costs utility (later noise no longer cancels what was added before) and no privacy: the matrix C of the whole
    /// run is then made of blocks, the columns of a row's steps still do not overlap, none is longer than without the
    /// interruption, and a row is still in one tree of every pass.
    /// - Parameter step: at least that of the checkpoint; steps between them count as made, and their rows are left out.
    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` for a file that is not a checkpoint or belongs to
    ///   another network, other parameters or another number of rows; nothing is changed then.
    public func resume(from file: TensorFile, at step: Int) throws(NeuralNetworksError) {
        guard file.metadata["checkpoint"] == Self.checkpointFormat else { throw .file("checkpoint: is none") }
        try network.requireSame(as: file)
        guard try Network<Float>.value(Parameters.self, "training", file) == parameters else {
            throw .file("checkpoint: was made with other training parameters")
        }
        let rows = engine.examples.count
        guard try Network<Float>.value([Int].self, "rows", file) == [rows] else {
            throw .file("checkpoint: was made on another number of rows than \(rows)")
        }
        let made = try Network<Float>.value([Int].self, "steps", file)
        guard made.count == 1, made[0] >= 0, made[0] <= step, step <= stepsPerPass * parameters.passes else {
            throw .file("checkpoint: got steps \(made), want one number in [0, \(step)]")
        }
        let memory = try state.memory(in: file)
        try network.load(file.tensors)
        state.load(memory, step: step)
        steps = step
        beginNoise()
        seeds = SeededGenerator(seed: parameters.seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
    }
}

extension PrivateTrainer.Diagnostics {
    /// Of no rows.
    package static var none: Self { Self(sampledUnits: 0, loss: 0, accuracy: 0, unclipped: 0, largestNorm: 0) }

    /// Takes in what other rows showed.
    package mutating func add(_ other: Self) {
        let units = sampledUnits + other.sampledUnits
        let share = units == 0 ? 0 : Double(other.sampledUnits) / Double(units)
        loss += share * (other.loss - loss)
        accuracy += share * (other.accuracy - accuracy)
        unclipped += share * (other.unclipped - unclipped)
        largestNorm = max(largestNorm, other.largestNorm)
        sampledUnits = units
    }
}
