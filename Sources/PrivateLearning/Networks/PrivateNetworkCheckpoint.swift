import Foundation
import NeuralNetworks

/// A private run on disk: the trainer's own checkpoint, the average, and what is charged.
///
/// Written *before* the steps it charges are carried out, so that a process that is killed at any instant leaves a file
/// that counts at least what was done. A digest over all of it finds damage.
public struct PrivateNetworkCheckpoint: Sendable {
    /// The trainer's part.
    let file: TensorFile
    public let settings: PrivateNetworkSettings
    /// Steps that count as released; a resumed run goes on after them.
    public let charged: Int
    /// The run's name in a ledger.
    public let ledgerRun: String?
    public let history: [TrainingEpoch]
    /// Empty when the model is the last weights.
    let average: [Float]

    private struct Note: Codable {
        var settings: PrivateNetworkSettings
        var charged: Int
        var ledgerRun: String?
        var history: [TrainingEpoch]
    }

    init(
        _ trainer: PrivateTrainer, settings: PrivateNetworkSettings, charged: Int, ledgerRun: String?,
        history: [TrainingEpoch], average: [Float]
    ) throws {
        var file = try trainer.checkpoint
        var releases = trainer.releases
        releases.steps = charged
        file.metadata["releases"] = try NetworkModel.text(releases)
        file.metadata["run"] = try NetworkModel.text(
            Note(settings: settings, charged: charged, ledgerRun: ledgerRun, history: history))
        if !average.isEmpty { file.tensors["average"] = Tensor(shape: [average.count], values: average) }
        self.file = file
        self.settings = settings
        self.charged = charged
        self.ledgerRun = ledgerRun
        self.history = history
        self.average = average
    }

    func write(to path: String) throws { try CheckpointFile.write(file, to: path) }

    /// - Throws: `NeuralNetworksError` when there is no such file; ``PrivateLearningError`` with code `invalidFile`, naming
    ///   the file, when it is damaged or something else.
    public init(path: String) throws {
        let (file, note) = try CheckpointFile.read(Note.self, path)
        guard note.charged >= 0, note.charged <= note.settings.plan.steps else {
            throw CheckpointFile.damaged(path, "got \(note.charged) steps, want at most \(note.settings.plan.steps)")
        }
        self.file = file
        settings = note.settings
        charged = note.charged
        ledgerRun = note.ledgerRun
        history = note.history
        average = file.tensors["average"]?.values ?? []
    }

    func resume(_ trainer: PrivateTrainer, from step: Int) throws {
        var file = file
        var releases = trainer.releases
        releases.steps = step
        file.metadata["releases"] = try NetworkModel.text(releases)
        try trainer.resume(from: file)
    }
}
