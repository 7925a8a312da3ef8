import BinaryCoding
import CKKS
import Foundation
import NeuralNetworks
import Randomness

/// Inputs of a network under CKKS: a picture, or a row of a table, that only the key owner can open.
///
/// The server learns how many there are and which description they were made by.
public struct EncryptedInputs: Sendable {
    /// What is public about them.
    public struct Meaning: Codable, Hashable, Sendable {
        public var count: Int
        public var layout: InferenceLayout
        /// The model that they are for.
        public var model: Fingerprint
        /// Of the ``InferenceDescription``.
        public var description: Fingerprint
    }
    public let meaning: Meaning
    public let context: CKKSContext
    public let key: Fingerprint
    /// Input after input.
    let ciphertexts: [CKKSCiphertext]

    /// The most inputs in one file: each takes the bytes of whole ciphertexts.
    public static let limit = 1 << 16

    /// - Parameter inputs: one after the other, as the description's task makes them.
    /// - Throws: `invalidValue` for a number that is not finite or beyond the description's bound, with its place;
    ///   `mismatch` for a key with other parameters.
    public static func encrypt(
        _ inputs: [Float], by description: InferenceDescription, with encryptor: CKKSEncryptor,
        using random: inout some SecureRandom
    ) throws -> EncryptedInputs {
        let context = encryptor.context
        guard context.parameters?.literal == description.parameters else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "key: was made for other parameters than this model needs; make one with `tacit keys generate "
                    + "--scheme ckks --model`")
        }
        let width = description.inputCount
        guard !inputs.isEmpty, inputs.count % width == 0, inputs.count / width <= limit else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "inputs: got \(inputs.count) numbers, want 1...\(limit) times \(width)")
        }
        let scaled = try scaled(inputs, width: width, bound: description.inputBound)
        let count = inputs.count / width
        var ciphertexts: [CKKSCiphertext] = []
        switch description.layout {
        case .single:
            let layout = description.inputLayout(maximumSlots: context.maximumSlots)
            for start in stride(from: 0, to: scaled.count, by: width) {
                for slots in layout.packed(Array(scaled[start..<start + width])) {
                    ciphertexts.append(
                        try encryptor.encrypt(slots, magnitude: 1, slots: layout.slots, using: &random))
                }
            }
        case .batched:
            for first in stride(from: 0, to: count, by: context.maximumSlots) {
                let rows = first..<min(first + context.maximumSlots, count)
                for column in 0..<width {
                    ciphertexts.append(
                        try encryptor.encrypt(
                            rows.map { scaled[$0 * width + column] }, magnitude: 1, slots: context.maximumSlots,
                            using: &random))
                }
            }
        }
        return EncryptedInputs(
            meaning: Meaning(
                count: count, layout: description.layout, model: description.model,
                description: try description.fingerprint),
            context: context, key: ciphertexts[0].key, ciphertexts: ciphertexts)
    }

    private static func scaled(_ inputs: [Float], width: Int, bound: Double) throws -> [Double] {
        try inputs.enumerated().map { index, value in
            let scaled = Double(value) / bound
            // Not the value itself: it is secret.
            guard abs(scaled) <= 1 + 0x1p-20 else {
                throw PrivateLearningError(
                    code: .invalidValue,
                    message:
                        "input \(index / width), number \(index % width): is not finite, or beyond the declared bound"
                )
            }
            return min(max(scaled, -1), 1)
        }
    }
}

extension EncryptedInputs: SlotStored {
    public static var fileKind: ContainerKind { .encryptedNetworkInputs }

    public var slotFile: SlotFile {
        get throws {
            try SlotFile(context: context, key: key, description: meaning, note: [], ciphertexts: ciphertexts)
        }
    }

    public init(_ file: SlotFile) throws {
        let meaning = try EncryptedFile.decode(Meaning.self, file.description)
        guard (1...Self.limit).contains(meaning.count), !file.ciphertexts.isEmpty,
            file.ciphertexts.allSatisfy({ $0.size == 2 })
        else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "inputs: got \(file.ciphertexts.count) ciphertexts for \(meaning.count) inputs")
        }
        self.init(meaning: meaning, context: file.context, key: file.key, ciphertexts: file.ciphertexts)
    }
}
