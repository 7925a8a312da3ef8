import Randomness

/// What one run of private training released so far, in the terms of an accountant: `steps` times a Gaussian with the
/// noise multiplier on a Poisson sample at the rate, neighbours differing by adding or removing one unit.
public struct PrivateReleases: Hashable, Sendable, Codable {
    public var samplingRate: Double
    public var noiseMultiplier: Double
    public var steps: Int

    public init(samplingRate: Double, noiseMultiplier: Double, steps: Int) {
        self.samplingRate = samplingRate
        self.noiseMultiplier = noiseMultiplier
        self.steps = steps
    }
}

/// What decides the privacy and the course of private training. Nothing that decides privacy has a default.
public struct PrivateTrainingParameters: Hashable, Sendable, Codable {
    /// The probability with which each unit takes part in a step.
    public var samplingRate: Double
    /// Deviation of the noise over the clipping norm.
    public var noiseMultiplier: Double
    public var clipping: Clipping
    public var optimizer: Optimizer
    public var learningRate: Double
    public var schedule: Schedule
    /// Of dropout. Sampling and noise come from the system's source and have no seed.
    public var seed: UInt64

    public init(
        samplingRate: Double, noiseMultiplier: Double, clipping: Clipping, optimizer: Optimizer = .sgd(),
        learningRate: Double, schedule: Schedule = .constant, seed: UInt64 = 0
    ) {
        self.samplingRate = samplingRate
        self.noiseMultiplier = noiseMultiplier
        self.clipping = clipping
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.schedule = schedule
        self.seed = seed
    }
}

/// Differentially private training: DP-SGD and DP-Adam.
///
/// A step draws a Poisson sample of the units, bounds the norm of each unit's gradient, adds Gaussian noise to the sum,
/// divides by the expected number of units, and hands the result to the optimiser:
///
///     ĝ = (Σ_{u ∈ S} clip(∇_u) + N(0, (noiseMultiplier·C)²I)) / (samplingRate·n)
///
/// An empty sample makes a step of noise alone, as the analysis requires. The number of units n is treated as public.
/// Norms come from ``Layer/addSquaredNorms(_:units:to:)``, so that per-unit gradients are hardly ever written down.
/// - Guarantee: each step is a Gaussian mechanism of the noise multiplier on a Poisson sample, for neighbours that
///   differ by adding or removing one unit; what it costs in ε is the accountant's to say from ``releases``. What the
///   trainer reports besides the parameters (``Diagnostics``) is *not* protected.
/// - Edge cases: floating-point sums are not exactly additive; the bound is lowered by 2⁻¹² for it, see
///   ``Clipping``.
/// - Reference: Abadi et al. 2016, algorithm 1; Li et al. 2022 and Bu et al. 2023 for the norms.
public final class PrivateTrainer {
    /// What happened in a step. Computed from the data without noise: for the eyes of those who hold the data only.
    public struct Diagnostics: Sendable {
        public var sampledUnits: Int
        public var loss: Double
        public var accuracy: Double
        /// Units whose gradient needed no clipping, as a part of the sampled.
        public var unclipped: Double
        public var largestNorm: Double
    }

    public let network: Network<Float>
    public let parameters: PrivateTrainingParameters
    /// The number of privacy units.
    public let unitCount: Int
    /// The clipping norm in force.
    public internal(set) var clippingNorm: Double
    /// What has been released, for the accountant.
    public var releases: PrivateReleases {
        PrivateReleases(
            samplingRate: sampler.rate, noiseMultiplier: parameters.noiseMultiplier, steps: state.step)
    }

    let engine: GradientEngine<Float>
    let state: OptimizerState<Float>
    private let update: ParameterUpdate<Float>
    private let noise: any VectorNoise
    private let sampler: PoissonSampler
    private var sampling = SystemRandom()
    /// Rows of unit u: `unitRows[unitStarts[u]..<unitStarts[u + 1]]`; nil when every row is a unit.
    private let unitRows: [Int]?
    private let unitStarts: [Int]
    var seeds: SeededGenerator

    /// - Parameters:
    ///   - unitOfRow: which privacy unit each row belongs to, such as a patient; any numbers. nil makes every row a unit.
    /// - Throws: ``NeuralNetworksError``: `notPrivate` when a layer has no private rule, `invalidParameter`,
    ///   `invalidData`.
    public convenience init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, unitOfRow: [Int]?,
        _ parameters: PrivateTrainingParameters, noise: some VectorNoise = GridGaussianNoise()
    ) throws(NeuralNetworksError) {
        guard parameters.noiseMultiplier > 0 else {
            throw .parameter("noise multiplier: got \(parameters.noiseMultiplier), want a number above 0")
        }
        try self.init(
            insecureNoiseAllowed: network, examples, loss: loss, unitOfRow: unitOfRow, parameters, noise: noise)
    }

    /// Accepts a noise multiplier of 0, for tests and measurements.
    package init(
        insecureNoiseAllowed network: Network<Float>, _ examples: Examples<Float>, loss: Loss, unitOfRow: [Int]?,
        _ parameters: PrivateTrainingParameters, noise: some VectorNoise = GridGaussianNoise()
    ) throws(NeuralNetworksError) {
        if let refusal = network.root.refusal { throw NeuralNetworksError(code: .notPrivate, message: refusal) }
        try network.check(examples, loss: loss)
        try parameters.optimizer.check()
        guard parameters.noiseMultiplier >= 0, parameters.noiseMultiplier.isFinite else {
            throw .parameter("noise multiplier: got \(parameters.noiseMultiplier), want a number above 0")
        }
        guard parameters.learningRate > 0, parameters.learningRate.isFinite else {
            throw .parameter("learning rate: got \(parameters.learningRate), want a number above 0")
        }
        try parameters.clipping.check(noiseMultiplier: parameters.noiseMultiplier)
        if let unitOfRow {
            guard unitOfRow.count == examples.count else {
                throw .data("units: got \(unitOfRow.count) rows, want \(examples.count)")
            }
            let order = (0..<examples.count).sorted { (unitOfRow[$0], $0) < (unitOfRow[$1], $1) }
            var starts: [Int] = []
            for (place, row) in order.enumerated() where place == 0 || unitOfRow[row] != unitOfRow[order[place - 1]] {
                starts.append(place)
            }
            unitCount = starts.count
            unitStarts = starts + [order.count]
            unitRows = order
        } else {
            unitCount = examples.count
            unitStarts = []
            unitRows = nil
        }
        sampler = try PoissonSampler(count: unitCount, rate: parameters.samplingRate)
        self.network = network
        self.parameters = parameters
        self.noise = noise
        clippingNorm = parameters.clipping.initialBound
        engine = GradientEngine(network, examples, loss)
        state = OptimizerState(parameters.optimizer, for: network)
        update = ParameterUpdate(network)
        seeds = SeededGenerator(seed: parameters.seed)
    }

    /// One step with sampling and noise from the system's source.
    /// - Throws: ``NeuralNetworksError`` with code `diverged` before anything of the step is released.
    @discardableResult
    public func step() throws(NeuralNetworksError) -> Diagnostics {
        try step(on: sampler.sample(using: &sampling))
    }

    /// The rows of some units, unit by unit.
    private func rows(of chosen: [Int]) -> (rows: [Int], units: Units) {
        guard let unitRows else { return (chosen, .rows(chosen.count)) }
        var rows: [Int] = []
        var starts = [0]
        for unit in chosen {
            rows += unitRows[unitStarts[unit]..<unitStarts[unit + 1]]
            starts.append(rows.count)
        }
        return (rows, Units(starts: starts))
    }

    /// Sums clipped gradients of the given units into the engine's workers.
    func sumClipped(_ chosen: [Int]) throws(NeuralNetworksError) -> GradientEngine<Float>.Summary {
        let (rows, units) = rows(of: chosen)
        return try engine.run(
            rows: rows, units: units, mode: .clipped(parameters.clipping.rule(bound: clippingNorm)),
            dropoutSeed: seeds.next())
    }

    /// The clipped sum itself, for tests. Not protected.
    package func insecureClippedSum(of chosen: [Int]) throws(NeuralNetworksError) -> [Float] {
        _ = try sumClipped(chosen)
        let sum = engine.combined(0..<network.parameterCount)
        return Array(UnsafeBufferPointer(start: sum, count: network.parameterCount))
    }

    private func step(on chosen: [Int]) throws(NeuralNetworksError) -> Diagnostics {
        let summary = try sumClipped(chosen)
        let deviation = parameters.clipping.gradientNoise(for: parameters.noiseMultiplier) * clippingNorm
        let rate = parameters.learningRate * parameters.schedule.factor(at: state.step)
        let expected = sampler.rate * Double(unitCount)
        update.run { [network, engine, state, noise] range in
            let gradient = engine.combined(range)
            noise.add(deviation: deviation, to: gradient + range.lowerBound, count: range.count)
            state.apply(range, network.vector.base, gradient, gradientScale: 1 / expected, rate: rate)
        }
        state.step += 1
        adapt(unclipped: summary.unclipped, of: chosen.count, expected: expected)
        let units = Double(max(1, chosen.count))
        return Diagnostics(
            sampledUnits: chosen.count, loss: summary.loss / units, accuracy: Double(summary.correct) / units,
            unclipped: Double(summary.unclipped) / units, largestNorm: summary.largestNorm)
    }

    /// Moves an adaptive bound by the noisy fraction of unclipped units.
    private func adapt(unclipped: Int, of sampled: Int, expected: Double) {
        guard case .adaptive(_, let quantile, let speed, let countNoise) = parameters.clipping else { return }
        // Each unit adds ½ or −½, so adding or removing one changes the sum by ½.
        var count = Float(unclipped) - Float(sampled) / 2
        noise.add(deviation: countNoise, to: &count, count: 1)
        let fraction = Double(count) / expected + 0.5
        clippingNorm *= exponential(-speed * (fraction - quantile))
        clippingNorm = min(max(clippingNorm, 1e-6), 1e6)
    }

    private func exponential(_ x: Double) -> Double { Double.exponential(min(max(x, -1), 1)) }

    /// Bytes of activations and gradients held at present.
    public var workingBytes: Int { engine.byteCount }
}
