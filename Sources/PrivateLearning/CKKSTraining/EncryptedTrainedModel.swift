import BinaryCoding
import CKKS
import Foundation

/// Weights under CKKS that training on encrypted rows has made.
public struct EncryptedTrainedModel: Sendable {
    /// What is public about the model.
    public struct Meaning: Codable, Hashable, Sendable {
        public var rows: EncryptedTrainingRows.Meaning
        public var plan: TrainingPlan
        /// Iterations done, where training was stopped before the plan's.
        public var completed: Int?
        /// Rows that were left out, for cross-validation.
        public var fold: TrainingFold?

        public var iterations: Int { completed ?? plan.iterations }
    }

    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    let note: [CKKSCiphertext]
    /// One a block of columns, in units of the sigmoid's interval.
    let weights: [CKKSCiphertext]

    /// The bound that the library states for the error of a weight of scaled columns.
    public var errorBound: Double { interval * (weights.map(\.errorBound).max() ?? 0) }

    /// Scaled columns' weights are opened in units of this.
    public var interval: Double {
        if case .logistic(let sigmoid) = meaning.plan.loss { return sigmoid.interval }
        return 1
    }

    /// The model, in the features' own units.
    ///
    /// For the key owner: what is decrypted holds the encryption's noise. See ``CKKS/CKKSSecretKey/decryptForOwner(_:)``.
    /// - Throws: `mismatch` for another key; `inconsistentSums` for weights outside the range that the run was planned for,
    ///   which it then left: fewer iterations or a ridge penalty help; `invalidFile`.
    public func open(_ secret: CKKSSecretKey) throws -> LinearModel {
        try open(secret) { ciphertext, _ in try secret.decryptForOwner(ciphertext).real }
    }

    /// - Parameter decrypt: gives the slots of a block's ciphertext.
    func open(
        _ secret: CKKSSecretKey, _ decrypt: (CKKSCiphertext, _ block: Int) throws -> [Double]
    ) throws -> LinearModel {
        guard secret.identity == key else {
            throw PrivateLearningError(
                code: .mismatch, message: "key: the model belongs to key \(key), this is \(secret.identity)")
        }
        var values = try note.map { try secret.decryptForOwner($0).real }
        for (block, ciphertext) in weights.enumerated() { values.append(try decrypt(ciphertext, block)) }
        return try open(values: values)
    }

    /// What several key holders open together in place of ``open(_:)``: the note, and the weights with the period that they
    /// have by summation over all rows, so that few values are opened and need little noise.
    public var openings: [CKKSCiphertext] { note + weights.map(meaning.rows.packing.openable) }

    /// The model from the values of ``openings``.
    /// - Throws: as ``open(_:)``.
    public func open(values: [[Double]]) throws -> LinearModel {
        guard values.count == note.count + weights.count else {
            throw PrivateLearningError(
                code: .invalidFile, message: "values: got \(values.count) vectors, want \(note.count + weights.count)")
        }
        let packing = meaning.rows.packing
        let note = try EncryptedFile.decode(
            EncryptedTrainingRows.Note.self,
            SealedNote.bytes(of: Array(values.prefix(note.count)), count: meaning.rows.noteBytes))
        // Read again with checks: the note was made by whoever encrypted.
        let scaling = try FeatureScaling(
            features: note.scaling.features, clip: note.scaling.clip, spectralBound: note.scaling.spectralBound)
        let width = scaling.columnCount + (meaning.rows.isSigned ? 0 : 1)
        guard packing.columnCount == width, note.targetUnit.isFinite, note.targetCentre.isFinite else {
            throw PrivateLearningError(
                code: .invalidFile, message: "note: got \(width) columns, the weights have \(packing.columnCount)")
        }
        var columns = packing.gathered(
            values.suffix(weights.count).map { vector in (0..<packing.slots).map { vector[$0 % vector.count] } })
        let norm = columns.prefix(scaling.columnCount).reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm <= GradientCircuit.weightBound else {
            throw PrivateLearningError(
                code: .inconsistentSums,
                message:
                    "weights: lie outside the range that training was planned for; take fewer iterations, or a ridge "
                    + "penalty")
        }
        if !meaning.rows.isSigned { columns.removeLast() }
        let unit = interval * (meaning.rows.isSigned ? 1 : note.targetUnit)
        let (coefficients, intercept) = scaling.unscaled(columns.map { $0 * unit })
        let isLogistic = meaning.rows.isSigned
        return LinearModel(
            kind: isLogistic ? "logistic" : meaning.plan.ridge > 0 ? "ridge" : "linear",
            link: isLogistic ? .logit : .identity, target: note.target, featureNames: scaling.features.map(\.name),
            coefficients: coefficients, intercept: intercept + note.targetCentre, ridge: meaning.plan.ridge,
            rowCount: packing.rowCount, rank: scaling.features.count, plan: note.plan)
    }
}

extension EncryptedTrainedModel: SlotStored {
    public static var fileKind: ContainerKind { .encryptedTrainedModel }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: note, ciphertexts: weights)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        try meaning.rows.check(file.context)
        let packing = meaning.rows.packing
        guard file.ciphertexts.count == packing.blockCount,
            file.ciphertexts.allSatisfy({ $0.slots == packing.slots && $0.size == 2 })
        else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "weights: got \(file.ciphertexts.count) ciphertexts, want \(packing.blockCount) of "
                    + "\(packing.slots) slots")
        }
        self.init(
            meaning: meaning, context: file.context, key: file.key, note: file.note, weights: file.ciphertexts)
    }
}
