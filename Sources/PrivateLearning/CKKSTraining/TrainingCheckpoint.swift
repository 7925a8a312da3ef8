import BinaryCoding
import CKKS
import Foundation

/// An unfinished training run: its encrypted weights and all it takes to go on.
///
/// For the server, which goes on from it after an interruption, and for the key owner, who opens ``model`` to see how
/// training gets on and may say that it is enough.
public struct TrainingCheckpoint: Sendable {
    enum Momentum: Hashable, Codable {
        case none
        case parts(iteration: Int)
        case position
    }

    /// What is public about the run.
    public struct Meaning: Codable, Hashable, Sendable {
        public var rows: EncryptedTrainingRows.Meaning
        public var plan: TrainingPlan
        public var fold: TrainingFold?
        /// Iterations done, 1..<iterations of the plan, or all.
        public var completed: Int
        var momentum: Momentum
        var events: [ErrorCourse.Event]
        /// Of V and W.
        var spill: [Double]
        /// Of the rows themselves.
        var rowsIdentity: String
    }

    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    let note: [CKKSCiphertext]
    let weights: [CKKSCiphertext]
    /// The gradient and the weights before it, or the position.
    let further: [[CKKSCiphertext]]

    /// The weights so far, as a model that the key owner opens.
    public var model: EncryptedTrainedModel {
        EncryptedTrainedModel(
            meaning: .init(
                rows: meaning.rows, plan: meaning.plan,
                completed: meaning.completed < meaning.plan.iterations ? meaning.completed : nil, fold: meaning.fold),
            context: context, key: key, note: note, weights: weights)
    }

    /// - Errors: `mismatch`, which says what differs.
    func check(
        rows: EncryptedTrainingRows, plan: TrainingPlan, fold: TrainingFold?
    ) throws {
        func require(_ condition: Bool, _ what: String) throws {
            guard condition else {
                throw PrivateLearningError(
                    code: .mismatch,
                    message:
                        "checkpoint: was made with \(what); move it away to begin anew, or give what it was made with"
                )
            }
        }
        try require(key == rows.key, "another key")
        try require(context.fingerprint == rows.context.fingerprint, "other parameters")
        try require(meaning.rows == rows.meaning && meaning.rowsIdentity == rows.contentIdentity, "other rows")
        try require(meaning.plan == plan, "other iterations, penalty or loss")
        try require(meaning.fold == fold, "another fold")
    }
}

extension TrainingCheckpoint: SlotStored {
    public static var fileKind: ContainerKind { .trainingCheckpoint }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(
                context: context, key: key, description: meaning, note: note,
                ciphertexts: weights + further.flatMap { $0 })
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        try meaning.rows.check(file.context)
        let blocks = meaning.rows.packing.blockCount
        let lists = file.ciphertexts.count / blocks - 1
        let wanted: ClosedRange<Int> =
            switch meaning.momentum {
            case .none: 0...0
            case .parts: 1...2
            case .position: 1...1
            }
        var isSound =
            file.ciphertexts.count % blocks == 0 && wanted.contains(lists)
            && (1...meaning.plan.iterations).contains(meaning.completed) && meaning.spill.count == 2
            && meaning.spill.allSatisfy { $0 >= 0 && $0 <= 1e6 } && meaning.events.count <= 3 * meaning.completed
            && file.ciphertexts.allSatisfy { $0.slots <= meaning.rows.packing.slots && $0.size == 2 }
        for event in meaning.events {
            let numbers: [Double] =
                switch event {
                case .iteration(let momentum, let noise): [momentum, noise]
                case .disturbance(let ahead, let position): [ahead, position]
                }
            isSound = isSound && numbers.allSatisfy { $0 >= 0 && $0 <= 1e6 }
        }
        if case .parts(let iteration) = meaning.momentum { isSound = isSound && iteration == meaning.completed - 1 }
        guard isSound else {
            throw PrivateLearningError(code: .invalidFile, message: "checkpoint: its parts do not fit each other")
        }
        self.init(
            meaning: meaning, context: file.context, key: file.key, note: file.note,
            weights: Array(file.ciphertexts.prefix(blocks)),
            further: (1..<lists + 1).map { Array(file.ciphertexts[$0 * blocks..<($0 + 1) * blocks]) })
    }
}
