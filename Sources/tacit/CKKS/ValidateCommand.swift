import ArgumentParser
import AtomicFiles
import BinaryCoding
import CKKS
import Foundation
import PrivateLearning
import Randomness
import Tabular

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Open models trained on CKKS rows and measure them on rows that training did not see.",
        discussion: """
            For the key owner. Models of folds (`tacit train --folds`) are each measured on the rows that they were trained \
            without: give the whole table as --data. Other models and checkpoints are measured on all rows of --data, which \
            must not have been trained on.

            With --history and --answer this decides for one checkpoint whether training shall go on: the loss of each \
            checkpoint is kept in the history, which stays here; the answer, an iteration number and a word, goes to the \
            server, whose `tacit train --answer` waits for it. --best keeps the best model so far.
            """)

    @Argument(help: "Encrypted models, or one checkpoint.") var files: [String]
    @Option(help: "The secret key.") var key: String
    @OptionGroup var table: TableOptions
    @Option(help: "The losses of earlier checkpoints; made and kept up to date.") var history: String?
    @Option(help: "The answer to the server.") var answer: String?
    @Option(help: "The best model of the checkpoints so far.") var best: String?
    @Option(help: "Checkpoints without a better loss after which training stops.") var patience = 2
    @Option(help: "A loss lower by no more than this is no better.") var tolerance = 1e-4
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("give at least one encrypted model or checkpoint") }
        guard (history == nil) == (answer == nil), best == nil || history != nil else {
            throw ValidationError("--history and --answer go together; --best needs them")
        }
        guard answer == nil || files.count == 1 else { throw ValidationError("--answer: give one checkpoint") }
    }

    private struct Measured: Encodable {
        var file: String
        var iteration: Int
        var fold: Int?
        var rows: Int
        var accuracy: Double?
        var auroc: Double?
        var loss: Double
    }

    private struct Result: Encodable {
        var files: [Measured]
        var accuracy: Double?
        var auroc: Double?
        var loss: Double
        var decision: EarlyStopping.Decision?
        var bestIteration: Int?
    }

    func run() throws {
        common.apply()
        let (rows, _) = try table.read()
        var secret: CKKSSecretKey?
        var measured: [Measured] = []
        var opened: LinearModel?
        for file in files {
            let trained = try TrainedModelFile.read(file)
            let own = try secret ?? CKKSKeyFiles.secretKey(key, passphrase, context: trained.context)
            secret = own
            let model = try trained.open(own)
            measured.append(try measure(file, trained, model, rows))
            opened = model
        }
        func mean(_ value: (Measured) -> Double?) -> Double? {
            let values = measured.compactMap(value)
            return values.count == measured.count ? values.reduce(0, +) / Double(values.count) : nil
        }
        var result = Result(
            files: measured, accuracy: mean(\.accuracy), auroc: mean(\.auroc), loss: mean(\.loss) ?? .nan)
        if let history, let answer {
            var stopping = try read(history)
            let point = measured[0]
            result.decision = stopping.add(iteration: point.iteration, loss: point.loss)
            result.bestIteration = stopping.best?.iteration
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            if let best, let opened, stopping.best?.iteration == point.iteration {
                try ModelFile.write(opened, to: best)
            }
            try writeAtomically(Array(encoder.encode(stopping)), to: history, permissions: 0o600)
            try StoppingAnswer(iteration: point.iteration, decision: result.decision ?? .continue).write(to: answer)
        }
        if common.json { return try Console.json(result) }
        for one in measured { show(one.fold.map { "fold \($0)" } ?? "iteration \(one.iteration)", one) }
        if measured.count > 1 {
            let text = line(result.accuracy, result.auroc, result.loss)
            Console.result("mean of \(measured.count)".padding(toLength: 16, withPad: " ", startingAt: 0) + text)
        }
        if let decision = result.decision {
            Console.result(
                "answer          \(decision.rawValue) (least loss at iteration \(result.bestIteration ?? 0))")
        }
    }

    private func measure(
        _ file: String, _ trained: EncryptedTrainedModel, _ model: LinearModel, _ all: Table
    ) throws -> Measured {
        var rows = all
        if let fold = trained.meaning.fold {
            guard trained.meaning.rows.packing.rowCount == all.rowCount else {
                throw CommandFailure(
                    .data,
                    "\(table.data): rows: got \(all.rowCount), want the \(trained.meaning.rows.packing.rowCount) that "
                        + "\(file) was trained on, its held-out rows among them")
            }
            rows = all.rows(fold.heldOut(rowCount: all.rowCount))
        }
        let predicted = try model.predict(rows)
        let actual = try model.outcomes(in: rows, target: nil)
        var result = Measured(
            file: file, iteration: trained.meaning.iterations, fold: trained.meaning.fold.map { $0.index + 1 },
            rows: rows.rowCount, loss: 0)
        if model.link == .logit {
            result.accuracy = try Metrics.accuracy(actual, predicted.map { $0 > 0.5 ? 1 : 0 })
            result.auroc = try Metrics.auroc(actual, scores: predicted)
            result.loss = try Metrics.logLoss(actual, probabilities: predicted)
        } else {
            let squares = zip(predicted, actual).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            result.loss = squares / Double(max(1, actual.count))
        }
        return result
    }

    private func read(_ path: String) throws -> EarlyStopping {
        let fresh = try EarlyStopping(patience: patience, tolerance: tolerance)
        guard FileManager.default.fileExists(atPath: path) else { return fresh }
        guard let old = try? JSONDecoder().decode(EarlyStopping.self, from: Data(readFile(path, limit: 1 << 24))) else {
            throw CommandFailure(.data, "\(path): no history of ours; move it away or choose another --history")
        }
        var stopping = fresh
        for point in old.points { _ = stopping.add(iteration: point.iteration, loss: point.loss) }
        return stopping
    }

    private func line(_ accuracy: Double?, _ auroc: Double?, _ loss: Double) -> String {
        [
            accuracy.map { String(format: "accuracy %.4f", $0) }, auroc.map { String(format: "AUROC %.4f", $0) },
            String(format: accuracy == nil ? "MSE %.8g" : "log-loss %.5f", loss),
        ].compactMap { $0 }.joined(separator: "   ")
    }

    private func show(_ name: String, _ one: Measured) {
        Console.result(
            name.padding(toLength: 16, withPad: " ", startingAt: 0) + line(one.accuracy, one.auroc, one.loss)
                + "   on \(one.rows) rows")
    }
}

/// Encrypted models in files of two kinds.
enum TrainedModelFile {
    static func read(_ path: String) throws -> EncryptedTrainedModel {
        switch try Containers.header(path).kind {
        case .trainingCheckpoint: return try TrainingCheckpoint(path: path).model
        case .encryptedTrainedModel: return try EncryptedTrainedModel(path: path)
        case let kind:
            throw CommandFailure(.data, "\(path): kind: got \(kind), want a model trained on encrypted rows")
        }
    }
}

extension OpenedFit {
    /// For owners who encrypt rows with one scaling.
    func writeScaling(to path: String) throws {
        var random = SystemRandom()
        let scaling = try StudyScaling(
            moments: total, plan: plan, target: request.target, features: request.features, using: &random)
        try writeAtomically(scaling.encoded, to: path, permissions: 0o600)
        Console.log("\(path): scaling over \(scaling.rowCount) rows, for `tacit encrypt --as rows --scaling`")
    }
}

/// Memory for files of ciphertexts in slots.
enum SlotMemory {
    /// Ciphertexts are packed bit by bit in files, and in memory they take a word a residue; half as much again to work in.
    static func require(_ path: String, for what: String) throws {
        let bytes = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        try MemoryNeed.require(
            bytes * 3, for: "\(what) with \(path)", advice: "use a larger machine, or fewer rows in a file")
    }
}
