import BinaryCoding
import CKKS
import Foundation
import Randomness
import Tabular

/// Scaled rows under CKKS, ready to be trained on by whoever has the evaluation keys and no secret.
///
/// Public are the numbers of rows and columns, the layout and the kind of loss. Names, means, deviations and the encoding
/// travel in a sealed note that only the key owner reads.
public struct EncryptedTrainingRows: Sendable {
    /// What is public about the rows.
    public struct Meaning: Codable, Hashable, Sendable {
        public var owner: String
        /// Rows carry the class as their sign, for a logistic loss; otherwise the target is their last column.
        public var isSigned: Bool
        public var packing: RowPacking
        /// No entry is greater.
        public var entryBound: Double
        public var noteBytes: Int
        /// Of each owner, where rows of several were joined.
        public var owners: [Owner]?
        /// Name of the scaling that several owners agreed on; rows of one name may be trained on together.
        public var scaling: String?
    }

    /// One of several owners.
    public struct Owner: Codable, Hashable, Sendable {
        public var name: String
        public var rowCount: Int

        public init(name: String, rowCount: Int) {
            self.name = name
            self.rowCount = rowCount
        }
    }

    /// What the key owner needs in order to make a model of weights.
    struct Note: Codable {
        var target: String
        var targetCentre: Double
        var targetUnit: Double
        var scaling: FeatureScaling
        /// Encoding with values cut off as in training.
        var plan: EncodingPlan
    }

    public let meaning: Meaning
    public let context: CKKSContext
    /// Identity of the key.
    public let key: Fingerprint
    let note: [CKKSCiphertext]
    let rows: [CKKSCiphertext]
    /// The layout of each owner's rows; that of ``meaning`` when there is one owner.
    let parts: [RowPacking]

    /// Scales and encrypts a table.
    /// - Parameters:
    ///   - target: an encoded column; the schema's target when nil.
    ///   - isSigned: for a logistic loss; the target is 0 or 1 then.
    ///   - scaling: agreed among the owners of parts; made from the rows themselves when nil.
    /// - Throws: `cohortTooSmall`; errors of the encoding with row and column; `invalidParameter`; `mismatch` for a
    ///   scaling of other columns.
    public static func encrypt(
        _ table: Table, schema: Schema, target: String? = nil, features: [String]? = nil, isSigned: Bool, owner: String,
        batches: Int = 1, clip: Double = FeatureScaling.standardClip, scaling shared: StudyScaling? = nil,
        minimumCohort: Int = 1, with encryptor: CKKSEncryptor, using random: inout some SecureRandom,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> EncryptedTrainingRows {
        guard table.rowCount >= minimumCohort else {
            throw PrivateLearningError(
                code: .cohortTooSmall, message: "rows: got \(table.rowCount), want at least \(minimumCohort)")
        }
        let plan = try EncodingPlan(
            schema: schema, maximumRows: EncodingPlan.rowLimit, minimumCohort: max(1, minimumCohort))
        guard let name = target ?? plan.target else {
            throw PrivateLearningError(
                code: .unknownColumn, message: "target: the schema names none; say which column to predict")
        }
        let labelled = try LabelledRows(table, plan: plan, target: name, features: features)
        try shared?.check(target: name, features: labelled.featureNames)
        let scaling =
            try shared?.scaling
            ?? FeatureScaling(rows: labelled.features, names: labelled.featureNames, clip: clip)
        let limits = Dictionary(uniqueKeysWithValues: zip(labelled.featureNames, scaling.limits))
        let clipped = try EncodingPlan(
            schema: schema, clipping: limits, maximumRows: EncodingPlan.rowLimit, minimumCohort: max(1, minimumCohort))
        var note = Note(target: name, targetCentre: 0, targetUnit: 1, scaling: scaling, plan: clipped)
        let numbers: [Double]
        if isSigned {
            numbers = try labelled.signed(scaling)
        } else {
            (note.targetCentre, note.targetUnit) =
                shared.map { ($0.targetCentre, $0.targetUnit) } ?? labelled.targetScale(bound: scaling.entryBound)
            numbers = labelled.withTarget(scaling, centre: note.targetCentre, unit: note.targetUnit)
        }
        return try encrypt(
            numbers, width: scaling.columnCount + (isSigned ? 0 : 1), note: note, isSigned: isSigned, owner: owner,
            batches: batches, entryBound: scaling.entryBound, shared: shared, with: encryptor, using: &random,
            progress: progress)
    }

    private static func encrypt(
        _ numbers: [Double], width: Int, note: Note, isSigned: Bool, owner: String, batches: Int, entryBound: Double,
        shared: StudyScaling?, with encryptor: CKKSEncryptor, using random: inout some SecureRandom,
        progress: (Int, Int) -> Void
    ) throws -> EncryptedTrainingRows {
        let context = encryptor.context
        let rowCount = numbers.count / width
        var packing = try RowPacking(
            rowCount: max(rowCount, shared?.rowCount ?? 0), columnCount: width, batches: batches,
            squarings: isSigned ? 2 : 0, maximumSlots: context.maximumSlots)
        // Rows of several owners lie as those of one with all of them would.
        if shared != nil { packing = try packing.holding(rowCount) }
        let noteBytes = try EncryptedFile.encode(note)
        let sealed = try SealedNote.seal(noteBytes, with: encryptor) {
            try encryptor.encrypt($0, magnitude: 1, level: min(1, context.chain.top), using: &random)
        }
        var rows: [CKKSCiphertext] = []
        for group in 0..<packing.groupCount {
            for block in 0..<packing.blockCount {
                rows.append(
                    try encryptor.encrypt(
                        packing.values(numbers, block: block, group: group), magnitude: entryBound,
                        slots: packing.slots, using: &random))
                progress(rows.count, packing.ciphertextCount)
            }
        }
        return EncryptedTrainingRows(
            meaning: Meaning(
                owner: owner, isSigned: isSigned, packing: packing, entryBound: entryBound,
                noteBytes: noteBytes.count, scaling: shared?.name),
            context: context, key: rows[0].key, note: sealed, rows: rows)
    }

    /// The circuit that trains on these rows.
    /// - Errors: `mismatch` for a loss that the rows were not made for, or other batches.
    public func circuit(_ plan: TrainingPlan) throws(PrivateLearningError) -> GradientCircuit {
        var isLogistic = false
        if case .logistic = plan.loss { isLogistic = true }
        guard isLogistic == meaning.isSigned else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "model: these rows were encrypted for a \(meaning.isSigned ? "logistic" : "linear") model")
        }
        guard plan.batches == meaning.packing.batches else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "batches: got \(plan.batches), the rows were encrypted in \(meaning.packing.batches)")
        }
        return GradientCircuit(
            plan: plan, rowCount: meaning.packing.rowCount, columnCount: meaning.packing.columnCount,
            entryBound: meaning.entryBound)
    }

    /// As many iterations as the levels of these rows allow without bootstrapping.
    public func iterationsWithin(levels: Int, levelsPerIteration: Int) -> Int {
        meaning.isSigned ? 1 + (levels - 1) / levelsPerIteration : levels / levelsPerIteration
    }

    /// Trains. Needs no secret.
    /// - Parameter progress: called after each iteration with its number.
    /// - Throws: as ``EncryptedTraining``.
    public func trained(
        _ plan: TrainingPlan, keys: CKKSEvaluationKeys, refresher: (any CKKSRefreshing)? = nil,
        fold: TrainingFold? = nil, progress: (Int) -> Void = { _ in }
    ) throws -> EncryptedTrainedModel {
        var training = try EncryptedTraining(self, plan: plan, keys: keys, refresher: refresher, fold: fold)
        while !training.isFinished {
            try training.advance()
            progress(training.completed)
        }
        return training.model
    }
}

extension EncryptedTrainingRows {
    /// What is public about a file's rows, without reading them: enough to know what training on them takes.
    /// - Throws: as ``init(path:context:)``.
    public static func header(path: String) throws -> (meaning: Meaning, context: CKKSContext, key: Fingerprint) {
        try SlotFile.read(path, kind: .encryptedTrainingRows, context: nil, headOnly: true) { file in
            let meaning = try EncryptedFile.decode(Meaning.self, file.description)
            try meaning.check(file.context)
            return (meaning, file.context, file.key)
        }
    }

    init(
        meaning: Meaning, context: CKKSContext, key: Fingerprint, note: [CKKSCiphertext], rows: [CKKSCiphertext],
        parts: [RowPacking]? = nil
    ) {
        self.meaning = meaning
        self.context = context
        self.key = key
        self.note = note
        self.rows = rows
        self.parts = parts ?? [meaning.packing]
    }
}

extension EncryptedTrainingRows.Meaning {
    /// What a file says must make sense before anything is allocated by it.
    func check(_ context: CKKSContext) throws(PrivateLearningError) {
        guard entryBound > 0, entryBound <= 1000, packing.slots <= context.maximumSlots,
            (0...SealedNote.byteLimit).contains(noteBytes), packing.batches <= packing.rowCount
        else {
            throw PrivateLearningError(code: .invalidFile, message: "rows: bounds or layout out of range")
        }
    }
}

extension LabelledRows {
    /// Centre and unit that bring targets within ±bound: the mean and the deviation, or more when one lies farther out.
    func targetScale(bound: Double) -> (centre: Double, unit: Double) {
        let count = Double(targets.count)
        let mean = targets.reduce(0, +) / count
        let deviation = (targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        let farthest = targets.map { abs($0 - mean) }.max() ?? 0
        let unit = max(deviation, farthest / bound)
        return (mean, unit > 0 ? unit : 1)
    }

    /// Scaled rows (1, x)/√λ with the target as a last column.
    func withTarget(_ scaling: FeatureScaling, centre: Double, unit: Double) -> [Double] {
        let rows = scaling.rows(features)
        let width = scaling.columnCount
        return targets.indices.flatMap { row in
            rows[row * width..<(row + 1) * width] + [(targets[row] - centre) / unit]
        }
    }
}

extension EncryptedTrainingRows: SlotStored {
    public static var fileKind: ContainerKind { .encryptedTrainingRows }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: note, ciphertexts: rows)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        try meaning.check(file.context)
        guard file.ciphertexts.count == meaning.packing.ciphertextCount,
            file.ciphertexts.allSatisfy({ $0.slots == meaning.packing.slots && $0.size == 2 && $0.level > 0 })
        else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "rows: got \(file.ciphertexts.count) ciphertexts, want \(meaning.packing.ciphertextCount) of "
                    + "\(meaning.packing.slots) slots")
        }
        self.init(
            meaning: meaning, context: file.context, key: file.key, note: file.note, rows: file.ciphertexts)
    }
}
