import NeuralNetworks

/// Private training of a network on rows in order: all of it is authorised before the first step.
///
/// It has no checkpoint: the noise of later steps depends on that of earlier ones, and a file that held it would undo the
/// privacy of all steps.
public struct OrderedNetworkRun {
    public let network: Network<Float>
    public let plan: OrderedPlan
    public private(set) var history: [TrainingEpoch] = []
    private let trainer: OrderedTrainer
    private let loss: Loss
    private let heldOut: Examples<Float>?

    /// - Throws: ``PrivateLearningError`` with code `invalidParameter` when the rows make more steps than the plan allows;
    ///   `NeuralNetworksError`.
    public init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, plan: OrderedPlan, clippingNorm: Double,
        batchSize: Int, optimizer: Optimizer, learningRate: Double, seed: UInt64, heldOut: Examples<Float>?
    ) throws {
        self.network = network
        self.plan = plan
        self.loss = loss
        self.heldOut = heldOut
        trainer = try OrderedTrainer(
            network, examples, loss: loss,
            .init(
                noise: plan.noise, noiseMultiplier: plan.noiseMultiplier, clippingNorm: clippingNorm,
                batchSize: batchSize, passes: plan.passes, optimizer: optimizer, learningRate: learningRate, seed: seed)
        )
        guard trainer.stepsPerPass <= plan.mostStepsOfPass else {
            throw PrivateLearningError.plan(
                "ordered training: got \(trainer.stepsPerPass) steps a pass, want at most \(plan.mostStepsOfPass)")
        }
    }

    public var steps: Int { trainer.stepsPerPass * plan.passes }

    public mutating func run(
        authority: some ReleaseAuthority, onEpoch: (TrainingEpoch) throws -> Void = { _ in },
        onStep: (Int) -> Void = { _ in }
    ) throws {
        try authority.advance(through: 1)
        for pass in 1...plan.passes {
            let seen = try trainer.pass(onStep: onStep)
            var epoch = TrainingEpoch(
                number: pass, steps: trainer.steps, loss: seen.loss, epsilon: try plan.epsilon(after: pass),
                unclipped: seen.unclipped)
            try epoch.measure(network, on: heldOut, loss: loss)
            history.append(epoch)
            try onEpoch(epoch)
        }
        try network.requireFiniteParameters()
    }
}
