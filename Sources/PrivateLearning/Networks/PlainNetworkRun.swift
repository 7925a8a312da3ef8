import NeuralNetworks

/// Ordinary training of a network: the baseline that private training is measured against.
public struct PlainNetworkRun {
    public let network: Network<Float>
    public private(set) var history: [TrainingEpoch] = []
    private let trainer: Trainer<Float>
    private let loss: Loss
    private let heldOut: Examples<Float>?

    public init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, parameters: Trainer<Float>.Parameters,
        heldOut: Examples<Float>?
    ) throws {
        self.network = network
        self.loss = loss
        self.heldOut = heldOut
        trainer = try Trainer(network, examples, loss: loss, parameters)
    }

    /// - Parameter shouldStop: asked after every epoch.
    public mutating func run(
        epochs: Int, shouldStop: () -> Bool = { false }, onEpoch: (TrainingEpoch) throws -> Void = { _ in }
    ) throws {
        while history.count < epochs, !shouldStop() {
            let progress = try trainer.epoch()
            var epoch = TrainingEpoch(number: history.count + 1, steps: progress.steps, loss: progress.loss)
            if let heldOut {
                let (heldOutLoss, accuracy) = try network.evaluate(heldOut, loss: loss)
                epoch.heldOutLoss = heldOutLoss
                if loss != .meanSquaredError { epoch.heldOutAccuracy = accuracy }
            }
            history.append(epoch)
            try onEpoch(epoch)
        }
    }
}
