import Foundation
import NeuralNetworks

/// Private training of a network on rows in order: all of it is authorised before the first step, checkpointed,
/// interruptible.
///
/// Steps are carried out in portions of about two seconds; before a portion the checkpoint is written with the portion
/// counted. A resumed run goes on after all that was counted, with noise that begins anew (which costs no privacy, see
/// ``OrderedTrainer/resume(from:at:)``): a row whose step a killed process had begun is never used twice in a pass.
///
/// - Guarantee: the weights after every step are (ε, δ)-differentially private as ``OrderedPlan`` says, however often the
///   run is interrupted. What ``TrainingEpoch`` says of losses and held-out rows is computed without noise.
public final class OrderedNetworkRun {
    public let network: Network<Float>
    public let settings: OrderedNetworkSettings
    public private(set) var history: [TrainingEpoch] = []
    /// Steps whose rows have had their turn.
    public private(set) var counted = 0
    public var steps: Int { trainer.stepsPerPass * settings.plan.passes }

    private let trainer: OrderedTrainer
    private let loss: Loss
    private let heldOut: Examples<Float>?
    private let checkpointPath: String?
    private var ledgerRun: String?

    /// Aimed at for one portion.
    private static let portionSeconds = 2.0

    /// - Parameter checkpoint: to go on from; must have been made with the same settings.
    /// - Throws: ``PrivateLearningError`` with code `invalidParameter` when the rows make more steps than the plan allows,
    ///   `mismatch` for a checkpoint of another run; `NeuralNetworksError`.
    public init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, settings: OrderedNetworkSettings,
        heldOut: Examples<Float>?, checkpointPath: String?, resuming checkpoint: OrderedNetworkCheckpoint? = nil
    ) throws {
        self.network = network
        self.settings = settings
        self.loss = loss
        self.heldOut = heldOut
        self.checkpointPath = checkpointPath
        trainer = try OrderedTrainer(network, examples, loss: loss, settings.trainer)
        guard trainer.stepsPerPass <= settings.plan.mostStepsOfPass else {
            throw PrivateLearningError.plan(
                "ordered training: got \(trainer.stepsPerPass) steps a pass, want at most \(settings.plan.mostStepsOfPass)"
            )
        }
        guard let checkpoint else { return }
        guard checkpoint.settings == settings else {
            throw PrivateLearningError(
                code: .mismatch, message: "checkpoint: was made with other settings; give the same options again")
        }
        try trainer.resume(from: checkpoint.file, at: checkpoint.counted)
        counted = checkpoint.counted
        history = checkpoint.history
    }

    /// Trains until all passes are made, or until `shouldStop` says so between two portions. When it has finished, the
    /// caller stores the model, then calls ``removeCheckpoint()`` and the authority's `finish`.
    /// - Parameters:
    ///   - authority: asked for the whole run, once.
    ///   - shouldStop: asked after every portion.
    /// - Throws: what the authority throws; `NeuralNetworksError` with code `diverged`, after which the run is over.
    public func run(
        authority: some ReleaseAuthority, shouldStop: () -> Bool = { false },
        onEpoch: (TrainingEpoch) throws -> Void = { _ in }, onStep: (Int) -> Void = { _ in }
    ) throws -> PrivateNetworkRun.Outcome {
        ledgerRun = authority.runIdentifier
        var portion = 1
        var isAuthorised = authority.authorised > 0
        var seen = PrivateTrainer.Diagnostics.none
        while counted < steps {
            let passEnd = (counted / trainer.stepsPerPass + 1) * trainer.stepsPerPass
            let end = min(counted + portion, passEnd)
            try writeCheckpoint(counted: end)
            if !isAuthorised { try authority.advance(through: 1) }
            isAuthorised = true
            let began = Date()
            let first = counted
            do {
                for step in first..<end {
                    seen.add(try trainer.step())
                    onStep(step + 1)
                }
                counted = end
                if counted == passEnd {
                    try network.requireFiniteParameters()
                    try finishPass(seen)
                }
            } catch let error as NeuralNetworksError where error.code == .diverged {
                try authority.finish()
                removeCheckpoint()
                throw error
            }
            if counted == passEnd {
                seen = .none
                try onEpoch(history[history.count - 1])
            }
            let seconds = max(1e-6, -began.timeIntervalSinceNow)
            portion = min(1 << 16, max(1, Int(Double(end - first) * Self.portionSeconds / seconds)))
            if shouldStop(), counted < steps {
                try writeCheckpoint(counted: counted)
                return .interrupted
            }
        }
        // The last weights, so that a process that ends before the model is on the disk loses none of the work.
        try writeCheckpoint(counted: counted)
        return .finished
    }

    /// For when the model is on the disk.
    public func removeCheckpoint() {
        if let checkpointPath { unlink(checkpointPath) }
    }

    private func writeCheckpoint(counted: Int) throws {
        guard let checkpointPath else { return }
        try OrderedNetworkCheckpoint(
            trainer, settings: settings, counted: counted, ledgerRun: ledgerRun, history: history
        ).write(to: checkpointPath)
    }

    private func finishPass(_ seen: PrivateTrainer.Diagnostics) throws {
        let pass = counted / trainer.stepsPerPass
        var epoch = TrainingEpoch(
            number: pass, steps: counted, loss: seen.loss, epsilon: try settings.plan.epsilon(after: pass),
            unclipped: seen.unclipped)
        try epoch.measure(network, on: heldOut, loss: loss)
        history.append(epoch)
    }
}
