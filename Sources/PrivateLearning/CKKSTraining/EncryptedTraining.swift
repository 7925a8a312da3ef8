import BinaryCoding
import CKKS
import Foundation

/// Training on encrypted rows, one iteration at a time: to be watched, stopped, kept in a file and taken up again.
///
/// ```swift
/// var training = try EncryptedTraining(rows, plan: plan, keys: keys)
/// while !training.isFinished {
///     try training.advance()
///     try training.checkpoint.write(to: "run.tacit")
/// }
/// try training.model.write(to: "model.tacit")
/// ```
public struct EncryptedTraining: Sendable {
    public let rows: EncryptedTrainingRows
    public let plan: TrainingPlan
    /// The rows that are left out, for cross-validation.
    public let fold: TrainingFold?
    /// Iterations done.
    public private(set) var completed = 0
    public var isFinished: Bool { completed == plan.iterations }
    private var run: GradientRun

    /// - Parameters:
    ///   - refresher: bootstraps, where iterations need more levels than the rows have.
    ///   - checkpoint: of the same rows and plan, to go on from.
    /// - Errors: `mismatch` for another key, loss, batches, rows or plan; `tooFewRows` for a fold that leaves a batch
    ///   without rows; `invalidParameter` for more iterations than the levels allow.
    public init(
        _ rows: EncryptedTrainingRows, plan: TrainingPlan, keys: CKKSEvaluationKeys,
        refresher: (any CKKSRefreshing)? = nil, fold: TrainingFold? = nil,
        resuming checkpoint: TrainingCheckpoint? = nil
    ) throws {
        let circuit = try rows.circuit(plan)
        guard keys.identity == rows.key else {
            throw PrivateLearningError(
                code: .mismatch, message: "evaluation keys: are of \(keys.identity), the rows of \(rows.key)")
        }
        let level = rows.rows[0].level
        guard refresher != nil || plan.levels <= level else {
            let most = rows.iterationsWithin(levels: level, levelsPerIteration: plan.levelsPerIteration)
            throw PrivateLearningError(
                code: .invalidParameter,
                message:
                    "iterations: got \(plan.iterations), want at most \(most), which the \(level) levels of these keys "
                    + "allow; make keys for more, or give bootstrapping keys")
        }
        self.rows = rows
        self.plan = plan
        self.fold = fold
        let excluded = fold.map { fold in rows.parts.map { Set(fold.heldOut(rowCount: $0.rowCount)) } } ?? []
        run = GradientRun(
            circuit: circuit, parts: rows.parts, rows: rows.rows, excluded: excluded,
            evaluator: CKKSEvaluator(rows.context, keys: keys, refresher: refresher))
        guard (0..<plan.batches).allSatisfy({ run.rowCount(batch: $0) > 0 }) else {
            throw PrivateLearningError(
                code: .tooFewRows, message: "folds: a batch has no rows left to train on; take fewer folds or batches")
        }
        if let checkpoint {
            try checkpoint.check(rows: rows, plan: plan, fold: fold)
            run.restore(checkpoint)
            completed = checkpoint.meaning.completed
        }
    }

    /// The next iteration. Does nothing after the last.
    /// - Errors: CKKS's `missingKey`, `exhaustedLevels`.
    public mutating func advance() throws(CKKSError) {
        guard !isFinished else { return }
        try run.advance(completed)
        completed += 1
    }

    /// The encrypted weights as they are: after the last iteration those asked for, before it those of the point ahead.
    public var model: EncryptedTrainedModel {
        EncryptedTrainedModel(
            meaning: .init(
                rows: rows.meaning, plan: plan, completed: isFinished ? nil : completed, fold: fold),
            context: rows.context, key: rows.key, note: rows.note, weights: run.weights)
    }

    /// The bound of the error of a weight of scaled columns that holds however the curvature changes along the run;
    /// see ``EncryptedTrainedModel/errorBound`` for the one that is stated.
    public var worstErrorBound: Double { run.interval * CKKSCiphertext.boundFactor * run.course.worst.ahead }

    /// Everything that is needed to go on, once an iteration is done.
    public var checkpoint: TrainingCheckpoint {
        get throws {
            guard completed > 0 else {
                throw PrivateLearningError(
                    code: .invalidParameter, message: "checkpoint: nothing was done yet; want at least one iteration")
            }
            var state: TrainingCheckpoint.Momentum
            var further: [[CKKSCiphertext]]
            switch run.momentum {
            case .none: (state, further) = (.none, [])
            case .parts(let weights, let gradient, let iteration):
                (state, further) = (.parts(iteration: iteration), weights.isEmpty ? [gradient] : [gradient, weights])
            case .position(let position): (state, further) = (.position, [position])
            }
            return TrainingCheckpoint(
                meaning: .init(
                    rows: rows.meaning, plan: plan, fold: fold, completed: completed, momentum: state,
                    events: run.course.events, spill: [run.spill.ahead, run.spill.position],
                    rowsIdentity: try rows.contentIdentity),
                context: rows.context, key: rows.key, note: rows.note, weights: run.weights, further: further)
        }
    }
}

extension GradientRun {
    mutating func restore(_ checkpoint: TrainingCheckpoint) {
        weights = checkpoint.weights
        course = ErrorCourse(checkpoint.meaning.events)
        spill = (checkpoint.meaning.spill[0], checkpoint.meaning.spill[1])
        switch checkpoint.meaning.momentum {
        case .none: momentum = .none
        case .parts(let iteration):
            momentum = .parts(
                weights: checkpoint.further.count > 1 ? checkpoint.further[1] : [], gradient: checkpoint.further[0],
                iteration: iteration)
        case .position: momentum = .position(checkpoint.further[0])
        }
    }
}
