import NeuralNetworks

/// How a network is trained privately on rows in order. All of it is chosen without looking at the private rows.
public struct OrderedNetworkSettings: Hashable, Sendable, Codable {
    public var plan: OrderedPlan
    public var clippingNorm: Double
    public var batchSize: Int
    public var optimizer: Optimizer
    public var learningRate: Double
    /// Of initial weights and dropout; does not reach the noise.
    public var seed: UInt64

    public init(
        plan: OrderedPlan, clippingNorm: Double, batchSize: Int, optimizer: Optimizer, learningRate: Double,
        seed: UInt64
    ) {
        self.plan = plan
        self.clippingNorm = clippingNorm
        self.batchSize = batchSize
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.seed = seed
    }

    var trainer: OrderedTrainer.Parameters {
        .init(
            noise: plan.noise, noiseMultiplier: plan.noiseMultiplier, clippingNorm: clippingNorm, batchSize: batchSize,
            passes: plan.passes, optimizer: optimizer, learningRate: learningRate, seed: seed)
    }
}

/// A run on rows in order on disk: weights, optimiser and how far it has come. It holds no noise, so it says no more than
/// the weights of its steps, which the guarantee covers, and the diagnostics of its passes, which it does not.
///
/// Written *before* the steps it counts are carried out, as ``PrivateNetworkCheckpoint``.
public struct OrderedNetworkCheckpoint: Sendable {
    /// The trainer's part.
    let file: TensorFile
    public let settings: OrderedNetworkSettings
    /// Steps whose rows have had their turn; a resumed run goes on after them.
    public let counted: Int
    /// The run's name in a ledger.
    public let ledgerRun: String?
    public let history: [TrainingEpoch]

    private struct Note: Codable {
        var ordered: OrderedNetworkSettings
        var counted: Int
        var ledgerRun: String?
        var history: [TrainingEpoch]
    }

    init(
        _ trainer: OrderedTrainer, settings: OrderedNetworkSettings, counted: Int, ledgerRun: String?,
        history: [TrainingEpoch]
    ) throws {
        var file = try trainer.checkpoint
        file.metadata["run"] = try NetworkModel.text(
            Note(ordered: settings, counted: counted, ledgerRun: ledgerRun, history: history))
        self.file = file
        self.settings = settings
        self.counted = counted
        self.ledgerRun = ledgerRun
        self.history = history
    }

    func write(to path: String) throws { try CheckpointFile.write(file, to: path) }

    /// - Throws: `NeuralNetworksError` when there is no such file; ``PrivateLearningError`` with code `invalidFile`, naming
    ///   the file, when it is damaged or something else.
    public init(path: String) throws {
        let (file, note) = try CheckpointFile.read(Note.self, path)
        guard note.counted >= 0, note.history.count <= note.ordered.plan.passes else {
            throw CheckpointFile.damaged(path, "got \(note.counted) steps in \(note.history.count) passes")
        }
        self.file = file
        settings = note.ordered
        counted = note.counted
        ledgerRun = note.ledgerRun
        history = note.history
    }
}
