import BinaryCoding
import CKKS
import Foundation
import Randomness
import Tabular

/// A model under CKKS for rows in the clear: the owner of the model holds the key, the owner of the rows learns nothing of
/// the weights, and the scores go back to the owner of the model.
public struct SlotModel: Sendable {
    /// What is public about the model. Its plan says where values are cut off, if they are.
    public struct Meaning: Codable, Hashable, Sendable {
        public var plan: EncodingPlan
        public var features: [String]
        public var scaleBits: Int
        public var link: Link
        public var target: String
        public var kind: String
    }
    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    /// A weight in every slot; the constant last.
    let ciphertexts: [CKKSCiphertext]

    public static func encrypt(
        _ model: LinearModel, with encryptor: CKKSEncryptor, using random: inout some SecureRandom
    ) throws -> SlotModel {
        let unit = try UnitFeatures(plan: model.plan, features: model.featureNames)
        let (weights, constant, scaleBits) = try unit.scaled(model)
        let level = min(1, encryptor.context.chain.top)
        let ciphertexts = try (weights + [constant]).map {
            try encryptor.encrypt([$0], magnitude: 1, level: level, slots: 1, using: &random)
        }
        return SlotModel(
            meaning: Meaning(
                plan: model.plan, features: model.featureNames, scaleBits: scaleBits, link: model.link,
                target: model.target, kind: model.kind), context: encryptor.context, key: ciphertexts[0].key,
            ciphertexts: ciphertexts)
    }

    /// Encrypted scores of clear rows. Needs no key.
    /// - Throws: errors of the encoding with row and column.
    public func scores(of table: Table) throws -> SlotScores {
        let integers = try meaning.plan.encode(table, needing: meaning.features)
        let rows = integers.realRows(try meaning.features.map { try meaning.plan.index(of: $0) }, plan: meaning.plan)
        let columns = try UnitFeatures(plan: meaning.plan, features: meaning.features).columns(rows)
        let evaluator = CKKSEvaluator(context)
        var scores: [CKKSCiphertext] = []
        for start in stride(from: 0, to: table.rowCount, by: context.maximumSlots) {
            let part = columns.map { column in
                let values = Array(column[start..<min(start + context.maximumSlots, column.count)])
                return values + [Double](repeating: 0, count: context.maximumSlots - values.count)
            }
            scores.append(
                try LinearScores.ofEncrypted(
                    weights: Array(ciphertexts.dropLast()), constant: ciphertexts.last!, columns: part, evaluator))
        }
        guard !scores.isEmpty else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got none, want at least one")
        }
        return SlotScores(
            meaning: .init(
                rowCount: table.rowCount, scaleBits: meaning.scaleBits, link: meaning.link, target: meaning.target,
                kind: meaning.kind, layout: .columns), context: context, key: key, ciphertexts: scores)
    }
}

extension SlotModel: SlotStored {
    public static var fileKind: ContainerKind { .encryptedSlotModel }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: [], ciphertexts: ciphertexts)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        for feature in meaning.features { _ = try meaning.plan.index(of: feature) }
        guard !meaning.features.isEmpty, (-1100...1100).contains(meaning.scaleBits),
            file.ciphertexts.count == meaning.features.count + 1,
            file.ciphertexts.allSatisfy({ $0.size == 2 && $0.level > 0 && $0.slots == 1 })
        else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "weights: got \(file.ciphertexts.count) ciphertexts, want \(meaning.features.count + 1)")
        }
        self.init(meaning: meaning, context: file.context, key: file.key, ciphertexts: file.ciphertexts)
    }
}
