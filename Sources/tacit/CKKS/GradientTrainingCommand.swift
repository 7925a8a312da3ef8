import BinaryCoding
import Bootstrapping
import CKKS
import Foundation
import PrivateLearning

/// One training run on CKKS rows, from files to a file.
struct GradientTrainingCommand {
    var files: [String]
    var evaluationKeys: String
    var options: GradientTrainingOptions
    /// A number or auto.
    var iterations: String
    /// Makes the plan of so many iterations and batches.
    var plan: (_ iterations: Int, _ batches: Int) throws -> TrainingPlan
    var folds: [TrainingFold]
    var out: String

    struct Made: Encodable {
        var files: [String]
        var iterations: Int
        var rows: Int
        var columns: Int
        var owners: Int
        var errorBound: Double
        var refreshes: Int
        var seconds: Double
    }

    /// Checks everything that can be known before the work, then trains.
    func run() throws -> Made {
        // No ciphertext is read before it is known that there is room for the work on them.
        let heads = try files.map { try EncryptedTrainingRows.header(path: $0) }
        let (head, context) = (heads[0].meaning, heads[0].context)
        let rowCount = heads.reduce(0) { $0 + $1.meaning.packing.rowCount }
        guard rowCount <= EncodingPlan.rowLimit else {
            throw CommandFailure(
                .data, "rows: got \(rowCount) in all files, want at most \(EncodingPlan.rowLimit)")
        }
        var isLogistic = false
        if case .logistic = try plan(head.packing.batches, head.packing.batches).loss { isLogistic = true }
        guard isLogistic == head.isSigned else {
            throw CommandFailure(
                .data,
                "\(files[0]): model: these rows were encrypted for a \(head.isSigned ? "logistic" : "linear") model; encrypt them "
                    + "with --for \(isLogistic ? "logistic" : "linear")")
        }
        let perIteration = try plan(head.packing.batches, head.packing.batches).levelsPerIteration
        let top = context.chain.top
        let within = head.isSigned ? 1 + (top - 1) / perIteration : top / perIteration
        let canRefresh = context.parameters?.literal.bootstrappingBits.isEmpty == false
        let standard = canRefresh ? max(within, TrainingPlan.standardIterations) : within
        let chosen = try plan(max(1, Int(iterations) ?? standard), head.packing.batches)
        let keys = try canRefresh && chosen.levels > top ? bootstrappingKeys(context) : nil
        let circuit = GradientCircuit(
            plan: chosen, rowCount: rowCount, columnCount: head.packing.columnCount, entryBound: head.entryBound)
        let design: EncryptedTrainingDesign
        if let keys {
            design = try EncryptedTrainingDesign(circuit, bootstrapping: keys.parameters)
        } else if let parameters = context.parameters, chosen.levels <= top {
            design = try EncryptedTrainingDesign(circuit, parameters: parameters)
        } else {
            throw CommandFailure(
                .usage,
                "iterations: got \(chosen.iterations), want at most \(within), which the \(top) levels of these keys "
                    + "allow; make keys for more (`tacit keys generate --iterations \(chosen.iterations)`)")
        }
        // Owners' last ciphertexts are not full.
        let more = heads.reduce(0) { $0 + $1.meaning.packing.ciphertextCount } - design.plan.inputs.count
        let extra = max(0, more) * (context.parameters?.ciphertextMemoryBytes(level: top) ?? 0)
        try MemoryNeed.require(
            design.plan.memoryBytes + extra, for: "this training",
            advice: "use a larger machine, fewer rows at a time, or fewer iterations")

        let table = try EncryptedTrainingRows.joined(
            files.map { try EncryptedTrainingRows(path: $0, context: context) })
        let evaluation = try CKKSKeyFiles.evaluationKeys(evaluationKeys, context: context)
        do { try evaluation.require(design.plan.keys) } catch {
            throw CommandFailure(.data, "\(evaluationKeys): \(error.message)")
        }
        var refresher: Bootstrapper?
        if let keys {
            guard keys.identity == table.key else {
                throw CommandFailure(
                    .data, "\(bootstrappingPath): are of key \(keys.identity), the rows of \(table.key)")
            }
            refresher = try EncryptedTrainingDesign.bootstrapper(for: table, keys: keys)
            try refresher?.prepare()
        }
        Console.log(
            "\(chosen.iterations) iterations on \(rowCount) encrypted rows"
                + (refresher == nil ? "" : ", \(design.refreshes) bootstrappings"))
        let total = max(1, folds.count) * chosen.iterations
        let progress = Progress("training", total: total, unit: "iterations")
        defer { progress.finish() }
        let started = ContinuousClock.now
        var made: [String] = []
        var bound = 0.0
        var completed = chosen.iterations
        for (number, fold) in (folds.isEmpty ? [nil] : folds.map(Optional.some)).enumerated() {
            let path = fold == nil ? out : Self.path(out, fold: number)
            let trained = try train(table, chosen, evaluation, refresher, fold, progress)
            try trained.write(to: path)
            (bound, completed) = (max(bound, trained.errorBound), trained.meaning.iterations)
            made.append(path)
        }
        if let checkpoint = options.checkpoint { unlink(checkpoint) }
        let elapsed = (ContinuousClock.now - started).components
        return Made(
            files: made, iterations: completed, rows: rowCount, columns: head.packing.columnCount,
            owners: files.count, errorBound: bound, refreshes: refresher == nil ? 0 : design.refreshes,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }

    /// `model.tacit` becomes `model.fold-1.tacit` and so on.
    static func path(_ out: String, fold: Int) -> String {
        let url = URL(fileURLWithPath: out)
        let stem = out.hasSuffix("." + url.pathExtension) ? String(out.dropLast(url.pathExtension.count + 1)) : out
        return "\(stem).fold-\(fold + 1)" + (url.pathExtension.isEmpty ? "" : ".\(url.pathExtension)")
    }

    private var bootstrappingPath: String {
        if let path = options.bootstrappingKeys { return path }
        let suffix = ".evaluation"
        let stem = evaluationKeys.hasSuffix(suffix) ? String(evaluationKeys.dropLast(suffix.count)) : evaluationKeys
        return stem + ".bootstrapping"
    }

    private func bootstrappingKeys(_ context: CKKSContext) throws -> BootstrappingKeys {
        guard options.bootstrappingKeys != nil || FileManager.default.fileExists(atPath: bootstrappingPath) else {
            throw CommandFailure(
                .usage,
                "--bootstrapping-keys: so many iterations need them, and there is no \(bootstrappingPath); `tacit keys "
                    + "generate` wrote NAME.bootstrapping beside NAME.evaluation")
        }
        return try CKKSKeyFiles.bootstrappingKeys(bootstrappingPath, context: context)
    }

    private func train(
        _ table: EncryptedTrainingRows, _ plan: TrainingPlan, _ keys: CKKSEvaluationKeys, _ refresher: Bootstrapper?,
        _ fold: TrainingFold?, _ progress: Progress
    ) throws -> EncryptedTrainedModel {
        var earlier: TrainingCheckpoint?
        if let path = options.checkpoint, FileManager.default.fileExists(atPath: path) {
            earlier = try TrainingCheckpoint(path: path, context: table.context)
        }
        var training = try EncryptedTraining(
            table, plan: plan, keys: keys, refresher: refresher, fold: fold, resuming: earlier)
        // A question that was open when the run was interrupted is open still.
        var isAsking = earlier != nil && !training.isFinished
        if earlier != nil { Console.log("going on after iteration \(training.completed)") }
        progress.advance(by: training.completed)
        while !training.isFinished {
            if isAsking, let answer = options.answer, let path = options.checkpoint {
                let decision = StoppingAnswer.wait(answer, iteration: training.completed, checkpoint: path)
                if decision == .stop { break }
            }
            try training.advance()
            progress.advance()
            isAsking = !training.isFinished && training.completed % options.every == 0
            if isAsking, let path = options.checkpoint { try training.checkpoint.write(to: path) }
        }
        return training.model
    }
}

extension TrainCommand {
    private struct MadeByGradients: Encodable {
        var file: String
        var files: [String]?
        var model: String
        var iterations: Int
        var rows: Int
        var columns: Int
        var owners: Int
        var errorBound: Double
        var refreshes: Int
        var seconds: Double
    }

    func trainByGradients() throws {
        guard let evaluationKeys else {
            throw CommandFailure(
                .usage,
                "--evaluation-keys: rows under a CKKS key need them; `tacit keys generate` wrote NAME.evaluation")
        }
        guard rows == nil, weights == nil, target == nil, features == nil else {
            throw CommandFailure(
                .usage,
                "--rows, --weights, --target and --features: CKKS rows were chosen when they were encrypted")
        }
        guard folds == nil || gradients.checkpoint == nil else {
            throw CommandFailure(.usage, "--folds and --checkpoint exclude each other: a checkpoint keeps one run")
        }
        for path in encrypted {
            let kind = try Containers.header(path).kind
            guard kind == .encryptedTrainingRows else {
                throw CommandFailure(.data, "\(path): kind: got \(kind), want encrypted rows for training by gradients")
            }
        }
        let penalty = lambda.first ?? (model == .ridge ? 0.01 : 0)
        let loss: TrainingLoss = model == .logistic ? .logistic(.standard) : .squared
        let parts = try folds.map { count in
            try (0..<count).map { try TrainingFold(index: $0, count: count, seed: seed) }
        }
        let made = try GradientTrainingCommand(
            files: encrypted, evaluationKeys: evaluationKeys, options: gradients, iterations: iterations,
            plan: { try TrainingPlan(loss: loss, iterations: $0, ridge: penalty, batches: $1) }, folds: parts ?? [],
            out: out
        ).run()
        let text =
            folds == nil
            ? "\(out): \(model.rawValue) model after \(made.iterations) iterations, still encrypted; open it with `tacit decrypt`"
            : made.files.joined(separator: "\n")
                + "\none \(model.rawValue) model a fold, still encrypted; `tacit validate` opens and measures them"
        try Console.result(
            MadeByGradients(
                file: made.files[0], files: folds == nil ? nil : made.files, model: model.rawValue,
                iterations: made.iterations, rows: made.rows, columns: made.columns, owners: made.owners,
                errorBound: made.errorBound, refreshes: made.refreshes, seconds: made.seconds), json: common.json, text)
    }
}
