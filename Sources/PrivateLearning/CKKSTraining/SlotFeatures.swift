import BinaryCoding
import CKKS
import Foundation
import Randomness
import Tabular

/// Features under CKKS for a model in the clear: the owner of the rows holds the key, the server has the model.
///
/// The server learns the numbers of rows and columns and the public plan. The key owner learns the scores; the noise in
/// them is not flooded, so that with few rows it may tell more of the weights than the scores do: to be used where the
/// model is no secret to the key owner, or with more rows than the model has weights, which determine it anyway.
public struct SlotFeatures: Sendable {
    /// What is public about the rows.
    public struct Meaning: Codable, Hashable, Sendable {
        public var plan: EncodingPlan
        public var columns: [String]
        public var rowCount: Int
        public var layout: SlotFeatureLayout
    }
    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    let ciphertexts: [CKKSCiphertext]

    /// The most rows in single-row ciphertexts, each of which takes as many bytes as thousands in columns.
    public static let singleRowLimit = 1024

    static func count(rows: Int, columns: Int, layout: SlotFeatureLayout, maximumSlots: Int) -> Int {
        layout == .rows ? rows : columns * ((rows + maximumSlots - 1) / maximumSlots)
    }

    /// - Throws: errors of the encoding with row and column; `invalidParameter` for too many rows in single-row layout.
    public static func encrypt(
        _ table: Table, plan: EncodingPlan, columns: [String]? = nil, layout: SlotFeatureLayout = .columns,
        with encryptor: CKKSEncryptor, using random: inout some SecureRandom
    ) throws -> SlotFeatures {
        let names = columns ?? plan.columns.map(\.name).filter { $0 != plan.target }
        guard layout == .columns || table.rowCount <= singleRowLimit else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "rows: got \(table.rowCount), want at most \(singleRowLimit) in a layout of a ciphertext a row"
            )
        }
        let integers = try plan.encode(table, needing: names)
        let rows = integers.realRows(try names.map { try plan.index(of: $0) }, plan: plan)
        let unit = try UnitFeatures(plan: plan, features: names).columns(rows)
        let context = encryptor.context
        let level = min(1, context.chain.top)
        var ciphertexts: [CKKSCiphertext] = []
        switch layout {
        case .columns:
            for start in stride(from: 0, to: table.rowCount, by: context.maximumSlots) {
                for column in unit {
                    ciphertexts.append(
                        try encryptor.encrypt(
                            Array(column[start..<min(start + context.maximumSlots, column.count)]), magnitude: 1,
                            level: level, slots: context.maximumSlots, using: &random))
                }
            }
        case .rows:
            for row in 0..<table.rowCount {
                ciphertexts.append(
                    try encryptor.encrypt(
                        unit.map { $0[row] }, magnitude: 1, level: level, slots: LinearScores.slots(names.count),
                        using: &random))
            }
        }
        guard let first = ciphertexts.first else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got none, want at least one")
        }
        return SlotFeatures(
            meaning: Meaning(plan: plan, columns: names, rowCount: table.rowCount, layout: layout), context: context,
            key: first.key, ciphertexts: ciphertexts)
    }

    /// Encrypted scores of a model in the clear.
    /// - Parameter keys: for the layout of a ciphertext a row.
    /// - Throws: `unknownColumn` when the model needs a column that was not encrypted; CKKS's `missingKey`.
    public func scores(of model: LinearModel, keys: CKKSEvaluationKeys? = nil) throws -> SlotScores {
        let positions = try model.featureNames.map { name in
            guard let position = meaning.columns.firstIndex(of: name) else {
                throw PrivateLearningError(
                    code: .unknownColumn, message: "feature \(name): not among the encrypted columns")
            }
            return position
        }
        let unit = try UnitFeatures(plan: meaning.plan, features: model.featureNames)
        let (weights, constant, scaleBits) = try unit.scaled(model)
        let evaluator = CKKSEvaluator(context, keys: keys)
        var scores: [CKKSCiphertext] = []
        switch meaning.layout {
        case .columns:
            let width = meaning.columns.count
            for start in stride(from: 0, to: ciphertexts.count, by: width) {
                scores.append(
                    try LinearScores.ofColumns(
                        positions.map { ciphertexts[start + $0] }, weights: weights, constant: constant, evaluator))
            }
        case .rows:
            var all = [Double](repeating: 0, count: meaning.columns.count)
            for (position, weight) in zip(positions, weights) { all[position] = weight }
            for row in ciphertexts {
                scores.append(try LinearScores.ofRow(row, weights: all, constant: constant, evaluator))
            }
        }
        return SlotScores(
            meaning: .init(
                rowCount: meaning.rowCount, scaleBits: scaleBits, link: model.link, target: model.target,
                kind: model.kind, layout: meaning.layout), context: context, key: key, ciphertexts: scores)
    }
}

extension SlotFeatures: SlotStored {
    public static var fileKind: ContainerKind { .encryptedSlotFeatures }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: [], ciphertexts: ciphertexts)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        for column in meaning.columns { _ = try meaning.plan.index(of: column) }
        guard (1...EncodingPlan.rowLimit).contains(meaning.rowCount), !meaning.columns.isEmpty,
            Set(meaning.columns).count == meaning.columns.count,
            file.ciphertexts.count
                == Self.count(
                    rows: meaning.rowCount, columns: meaning.columns.count, layout: meaning.layout,
                    maximumSlots: file.context.maximumSlots),
            file.ciphertexts.allSatisfy({ $0.size == 2 && $0.level > 0 })
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "features: got \(file.ciphertexts.count) ciphertexts, which do not fit")
        }
        self.init(meaning: meaning, context: file.context, key: file.key, ciphertexts: file.ciphertexts)
    }
}
