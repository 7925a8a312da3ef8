import Foundation
import NeuralNetworks

/// Differentially private training of a network from beginning to end: authorised, checkpointed, interruptible.
///
/// Steps are carried out in portions of a few seconds. Before a portion the checkpoint is written with the portion
/// charged, and the authority is asked; so neither a crash nor a kill can lose a step from the account. What a killed
/// process had begun and not finished is lost for the model and stays charged: a resumed run goes on after those steps,
/// and all steps together never exceed the plan.
///
/// - Guarantee: the weights are (ε, δ)-differentially private as ``DescentPlan`` says, one unit being all rows with the
///   same number in `unitOfRow`. What ``TrainingEpoch`` says of losses and held-out rows is computed without noise, for the
///   eyes of those who hold the data.
public final class PrivateNetworkRun {
    public enum Outcome: Hashable, Sendable {
        case finished
        /// Stopped at the caller's wish; the checkpoint goes on from here.
        case interrupted
    }

    public let network: Network<Float>
    public let settings: PrivateNetworkSettings
    public private(set) var history: [TrainingEpoch] = []
    /// Steps that count as released.
    public private(set) var charged = 0
    public var unitCount: Int { trainer.unitCount }

    private let trainer: PrivateTrainer
    private let heldOut: Examples<Float>?
    private let loss: Loss
    /// Empty when the model is the last weights.
    private var average: [Float] = []
    /// Steps that were carried out on these weights, for the average's warm-up.
    private var carriedOut = 0
    private let checkpointPath: String?
    private var ledgerRun: String?

    /// Aimed at for one portion.
    private static let portionSeconds = 2.0

    /// - Parameters:
    ///   - unitOfRow: which unit each row belongs to; nil makes every row a unit.
    ///   - heldOut: rows that are not trained on.
    ///   - checkpoint: to go on from; must have been made with the same settings.
    /// - Throws: `NeuralNetworksError` for layers without a private rule and examples that do not fit;
    ///   ``PrivateLearningError`` with code `mismatch` for a checkpoint of another run.
    public init(
        _ network: Network<Float>, _ examples: Examples<Float>, loss: Loss, unitOfRow: [Int]?,
        settings: PrivateNetworkSettings, heldOut: Examples<Float>?, checkpointPath: String?,
        resuming checkpoint: PrivateNetworkCheckpoint? = nil
    ) throws {
        self.network = network
        self.settings = settings
        self.loss = loss
        self.heldOut = heldOut
        self.checkpointPath = checkpointPath
        trainer = try PrivateTrainer(network, examples, loss: loss, unitOfRow: unitOfRow, settings.trainer)
        guard let checkpoint else { return }
        guard checkpoint.settings == settings else {
            throw PrivateLearningError(
                code: .mismatch, message: "checkpoint: was made with other settings; give the same options again")
        }
        guard checkpoint.average.isEmpty || checkpoint.average.count == network.parameterCount else {
            throw PrivateLearningError(code: .invalidFile, message: "checkpoint: its average does not fit")
        }
        try checkpoint.resume(trainer, from: checkpoint.charged)
        charged = checkpoint.charged
        carriedOut = checkpoint.charged
        history = checkpoint.history
        average = checkpoint.average
    }

    /// Trains until the plan is carried out, or until `shouldStop` says so between two portions. When it has finished, the
    /// caller stores the model, then calls ``removeCheckpoint()`` and the authority's `finish`.
    /// - Parameters:
    ///   - authority: asked before every portion.
    ///   - shouldStop: asked after every portion.
    ///   - onEpoch: told about each epoch.
    ///   - onStep: told about each step, with the steps charged before its portion.
    /// - Throws: what the authority throws; `NeuralNetworksError` with code `diverged`, after which the run is over.
    public func run(
        authority: some ReleaseAuthority, shouldStop: () -> Bool = { false },
        onEpoch: (TrainingEpoch) throws -> Void = { _ in }, onStep: (Int) -> Void = { _ in }
    ) throws -> Outcome {
        ledgerRun = authority.runIdentifier
        if authority.authorised > charged {
            // The ledger let steps through of which the checkpoint does not know.
            charged = min(authority.authorised, settings.plan.steps)
            try trainer.skip(to: charged)
        }
        var portion = 1
        var seen = (loss: 0.0, unclipped: 0.0, units: 0)
        while charged < settings.plan.steps {
            let epochEnd = (charged / settings.stepsPerEpoch + 1) * settings.stepsPerEpoch
            let end = min(charged + portion, epochEnd, settings.plan.steps)
            try writeCheckpoint(charged: end)
            try authority.advance(through: end)
            let began = Date()
            let first = charged
            for step in first..<end {
                let diagnostics = try self.step(until: end, authority)
                moveAverage()
                seen.loss += diagnostics.loss * Double(diagnostics.sampledUnits)
                seen.unclipped += diagnostics.unclipped * Double(diagnostics.sampledUnits)
                seen.units += diagnostics.sampledUnits
                onStep(step + 1)
            }
            charged = end
            let seconds = max(1e-6, -began.timeIntervalSinceNow)
            portion = min(1 << 16, max(1, Int(Double(end - first) * Self.portionSeconds / seconds)))
            if charged == epochEnd || charged == settings.plan.steps {
                try requireFinite(authority) { () throws in
                    try network.requireFiniteParameters()
                    try finishEpoch(seen)
                }
                seen = (0, 0, 0)
                try onEpoch(history[history.count - 1])
            }
            if shouldStop(), charged < settings.plan.steps {
                try writeCheckpoint(charged: charged)
                return .interrupted
            }
        }
        // The last weights, so that a process that ends before the model is on the disk loses none of the work.
        try writeCheckpoint(charged: charged)
        if !average.isEmpty { network.parameterVector = average }
        try requireFinite(authority) { try network.requireFiniteParameters() }
        return .finished
    }

    /// Ends the run when what it looks at is not finite.
    private func requireFinite(_ authority: some ReleaseAuthority, _ look: () throws -> Void) throws {
        do { try look() } catch {
            try authority.finish()
            removeCheckpoint()
            throw error
        }
    }

    /// A step; when it diverges the run is over.
    private func step(until end: Int, _ authority: some ReleaseAuthority) throws -> PrivateTrainer.Diagnostics {
        let result: Result<PrivateTrainer.Diagnostics, NeuralNetworksError> = Result { () throws(NeuralNetworksError) in
            try trainer.step()
        }
        if case .failure(let error) = result, error.code == .diverged {
            charged = end
            try authority.finish()
            removeCheckpoint()
        }
        return try result.get()
    }

    /// For when the model is on the disk.
    public func removeCheckpoint() {
        if let checkpointPath { unlink(checkpointPath) }
    }

    private func writeCheckpoint(charged: Int) throws {
        guard let checkpointPath else { return }
        try PrivateNetworkCheckpoint(
            trainer, settings: settings, charged: charged, ledgerRun: ledgerRun, history: history, average: average
        ).write(to: checkpointPath)
    }

    private func moveAverage() {
        guard let most = settings.averaging else { return }
        carriedOut += 1
        let weights = network.parameterVector
        if average.isEmpty { average = weights }
        let share = 1 - Float(min(most, Double(1 + carriedOut) / Double(10 + carriedOut)))
        for index in weights.indices { average[index] += share * (weights[index] - average[index]) }
    }

    private func finishEpoch(_ seen: (loss: Double, unclipped: Double, units: Int)) throws {
        let units = Double(max(1, seen.units))
        var epoch = TrainingEpoch(
            number: history.count + 1, steps: charged, loss: seen.loss / units,
            epsilon: try settings.plan.epsilon(after: charged), unclipped: seen.unclipped / units)
        let weights = network.parameterVector
        if !average.isEmpty { network.parameterVector = average }
        defer { network.parameterVector = weights }
        try epoch.measure(network, on: heldOut, loss: loss)
        guard epoch.heldOutLoss?.isFinite ?? true, epoch.loss.isFinite else {
            throw NeuralNetworksError(
                code: .diverged,
                message: "training: the loss on held-out rows is infinite or not a number; lower the learning rate")
        }
        history.append(epoch)
    }
}

extension PrivateTrainer {
    /// Counts steps as released without carrying them out.
    func skip(to step: Int) throws {
        var file = try checkpoint
        var releases = releases
        releases.steps = step
        file.metadata["releases"] = try NetworkModel.text(releases)
        try resume(from: file)
    }
}
