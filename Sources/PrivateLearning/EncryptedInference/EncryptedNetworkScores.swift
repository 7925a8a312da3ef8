import BinaryCoding
import CKKS
import Foundation

/// The scores of a network under CKKS.
public struct EncryptedNetworkScores: Sendable {
    /// What is public about them.
    public struct Meaning: Codable, Hashable, Sendable {
        public var count: Int
        public var layout: InferenceLayout
        public var target: NetworkTask.Target
        /// Slots hold score/scoreBound.
        public var scoreBound: Double
        /// Of the ``InferenceDescription``.
        public var description: Fingerprint
    }
    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    let ciphertexts: [CKKSCiphertext]

    /// The bound that the library states for the error of a score.
    public var errorBound: Double { meaning.scoreBound * (ciphertexts.map(\.errorBound).max() ?? 0) }

    /// What the network says of one input.
    public struct Prediction: Hashable, Sendable, Codable {
        /// In the order of the task's labels.
        public var scores: [Double]
        /// A score is beyond the bound that the parameters were chosen for: the input is unlike those that the network's
        /// bounds were measured on, and nothing is promised of its scores.
        public var isBeyondBounds: Bool
        /// No score that is within the stated error of the greatest; true when the label is sure to be the network's own.
        public var isDecided: Bool

        /// The number of the greatest score.
        public var label: Int { scores.indices.max { scores[$0] < scores[$1] } ?? 0 }
        /// Softmax of the scores.
        public var probabilities: [Double] {
            let most = scores.max() ?? 0
            let powers = scores.map { exp($0 - most) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        }
    }

    /// For the key owner.
    /// - Throws: `mismatch` for another key.
    public func open(_ secret: CKKSSecretKey) throws -> [Prediction] {
        guard secret.identity == key else {
            throw PrivateLearningError(
                code: .mismatch, message: "key: the scores belong to key \(key), this is \(secret.identity)")
        }
        let slots = try ciphertexts.map { try secret.decryptForOwner($0).real }
        let error = errorBound
        return rows(slots).map { row in
            let scores = row.map { $0 * meaning.scoreBound }
            let sorted = scores.sorted(by: >)
            return Prediction(
                scores: scores, isBeyondBounds: scores.contains { !(abs($0) <= meaning.scoreBound) },
                isDecided: sorted.count < 2 || sorted[0] - sorted[1] > 2 * error)
        }
    }

    /// The opened slots, input by input. A period other than the layout's, which only a server sends that does not keep to
    /// the protocol, is taken as it comes.
    private func rows(_ slots: [[Double]]) -> [[Double]] {
        let (width, size) = (meaning.target.outputs, context.maximumSlots)
        switch meaning.layout {
        case .single:
            let layout = SlotLayout(vector: width, maximumSlots: size)
            return stride(from: 0, to: slots.count, by: layout.ciphertexts).map { start in
                layout.unpacked(
                    (0..<layout.ciphertexts).map { part in
                        let values = slots[start + part]
                        return (0..<layout.slots).map { values[$0 % values.count] }
                    })
            }
        case .batched:
            return (0..<meaning.count).map { input in
                (0..<width).map { score in
                    let values = slots[input / size * width + score]
                    return values[input % size % values.count]
                }
            }
        }
    }
}

extension EncryptedNetworkScores: SlotStored {
    public static var fileKind: ContainerKind { .encryptedNetworkScores }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: [], ciphertexts: ciphertexts)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        guard (1...EncryptedInputs.limit).contains(meaning.count), meaning.scoreBound > 0,
            meaning.scoreBound.isFinite, (1...1 << 20).contains(meaning.target.outputs)
        else { throw PrivateLearningError(code: .invalidFile, message: "scores: numbers out of range") }
        let layout = SlotLayout(vector: meaning.target.outputs, maximumSlots: file.context.maximumSlots)
        let wanted = meaning.layout.ciphertexts(
            count: meaning.count, width: meaning.target.outputs, single: layout.ciphertexts,
            maximumSlots: file.context.maximumSlots)
        guard file.ciphertexts.count == wanted,
            file.ciphertexts.allSatisfy({ $0.size == 2 })
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "scores: got \(file.ciphertexts.count) ciphertexts, which do not fit")
        }
        self.init(meaning: meaning, context: file.context, key: file.key, ciphertexts: file.ciphertexts)
    }
}
