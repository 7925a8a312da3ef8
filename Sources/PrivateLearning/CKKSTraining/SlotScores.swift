import BinaryCoding
import CKKS
import Foundation

/// Scores under CKKS.
public struct SlotScores: Sendable {
    /// What is public about the scores.
    public struct Meaning: Codable, Hashable, Sendable {
        public var rowCount: Int
        /// Slots hold score/2^scaleBits.
        public var scaleBits: Int
        public var link: Link
        public var target: String
        public var kind: String
        public var layout: SlotFeatureLayout
    }
    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    let ciphertexts: [CKKSCiphertext]

    /// The bound that the library states for the error of a score.
    public var errorBound: Double {
        exp2(Double(meaning.scaleBits)) * (ciphertexts.map(\.errorBound).max() ?? 0)
    }

    /// Predictions, row by row: probabilities for a logistic model. For the key owner.
    /// - Throws: `mismatch` for another key.
    public func open(_ secret: CKKSSecretKey) throws -> [Double] {
        guard secret.identity == key else {
            throw PrivateLearningError(
                code: .mismatch, message: "key: the scores belong to key \(key), this is \(secret.identity)")
        }
        return try open(values: ciphertexts.map { try secret.decryptForOwner($0).real })
    }

    /// What several key holders open together in place of ``open(_:)``.
    public var openings: [CKKSCiphertext] { ciphertexts }

    /// Predictions from the values of ``openings``.
    public func open(values vectors: [[Double]]) throws(PrivateLearningError) -> [Double] {
        let unit = exp2(Double(meaning.scaleBits))
        var result: [Double] = []
        for values in vectors {
            switch meaning.layout {
            case .columns: result += values.prefix(meaning.rowCount - result.count)
            case .rows: result += values.prefix(1)
            }
        }
        guard result.count == meaning.rowCount else {
            throw PrivateLearningError(
                code: .invalidFile, message: "scores: got \(result.count), want \(meaning.rowCount)")
        }
        return result.map { meaning.link.mean($0 * unit) }
    }
}

extension SlotScores: SlotStored {
    public static var fileKind: ContainerKind { .encryptedSlotScores }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: [], ciphertexts: ciphertexts)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        guard (1...EncodingPlan.rowLimit).contains(meaning.rowCount), (-1100...1100).contains(meaning.scaleBits),
            file.ciphertexts.count
                == SlotFeatures.count(
                    rows: meaning.rowCount, columns: 1, layout: meaning.layout, maximumSlots: file.context.maximumSlots),
            file.ciphertexts.allSatisfy({ $0.size == 2 })
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "scores: got \(file.ciphertexts.count) ciphertexts, which do not fit")
        }
        self.init(meaning: meaning, context: file.context, key: file.key, ciphertexts: file.ciphertexts)
    }
}
