import AtomicFiles
import BinaryCoding
import CKKS
import Datasets
import Foundation
import NeuralNetworks

/// What is public about encrypted predictions by one network: enough to make keys, to encrypt inputs and to read scores, and
/// nothing of the weights but the bound of the scores.
///
/// A server makes it from its model and gives it to clients, who need no model then.
public struct InferenceDescription: Hashable, Sendable, Codable {
    /// Of this format.
    public var version = 1
    public let task: NetworkTask
    public let parameters: CKKSParameters.Literal
    /// Whether products of ciphertexts need a relinearisation key.
    public let relinearisation: Bool
    /// Steps of the rotation keys, ascending.
    public let rotations: [Int]
    /// As the network reads it; the task's may be another of as many numbers.
    public let inputShape: [Int]
    public let layout: InferenceLayout
    /// Phases of a single input's layout; with the shape and the ring it says where every number goes.
    public let inputStride: Int
    /// Inputs are encrypted as x/inputBound.
    public let inputBound: Double
    /// Scores are decrypted as score/scoreBound.
    public let scoreBound: Double
    /// Of a score, sixteen deviations, for inputs within the activation bounds.
    public let errorBound: Double
    /// Rows that the activation bounds were measured on; 0 when they hold for every input.
    public let measuredRows: Int
    /// Of the model's weights and bounds.
    public let model: Fingerprint

    /// Numbers of one input.
    public var inputCount: Int { inputShape.reduce(1) { $0 > 1 << 26 ? $0 : $0 * $1 } }

    /// The evaluation keys that the server needs.
    public var keys: CKKSKeyRequirements {
        CKKSKeyRequirements(relinearisation: relinearisation, rotations: Set(rotations))
    }

    /// The identity of everything above.
    public var fingerprint: Fingerprint {
        get throws { Fingerprint(of: try EncryptedFile.encode(self)) }
    }

    public func context() throws -> CKKSContext { CKKSContext(try CKKSParameters(parameters)) }

    /// The size of the largest file that is read.
    static let byteLimit = 1 << 24

    /// - Throws: `invalidFile` for what is not such a description.
    public init(decoding bytes: [UInt8]) throws {
        let found = try EncryptedFile.decode(InferenceDescription.self, bytes)
        let limit = 1 << 26
        guard found.version == 1, found.inputStride > 0, found.inputStride <= 1 << 10,
            found.inputBound > 0, found.inputBound.isFinite, found.scoreBound > 0, found.scoreBound.isFinite,
            found.errorBound >= 0, found.errorBound.isFinite, found.measuredRows >= 0,
            found.rotations.allSatisfy({ (1..<1 << 16).contains($0) }), found.rotations.count < 1 << 12,
            found.task.target.outputs > 0, found.task.target.outputs <= limit,
            (1...4).contains(found.inputShape.count), found.inputShape.allSatisfy({ (1...limit).contains($0) }),
            found.inputCount <= limit
        else { throw PrivateLearningError(code: .invalidFile, message: "description: numbers out of range") }
        self = found
    }

    public init(path: String) throws {
        let bytes = try readFile(path, limit: Self.byteLimit)
        do { try self.init(decoding: bytes) } catch let error as PrivateLearningError {
            throw PrivateLearningError(code: .invalidFile, message: "\(path): \(error.message)")
        }
    }

    public func write(to path: String) throws {
        try writeAtomically(EncryptedFile.encode(self) + [0x0A], to: path)
    }

    init(
        task: NetworkTask, parameters: CKKSParameters.Literal, keys: CKKSKeyRequirements,
        inputShape: [Int], layout: InferenceLayout, inputStride: Int, inputBound: Double, scoreBound: Double,
        errorBound: Double, measuredRows: Int, model: Fingerprint
    ) {
        self.task = task
        self.parameters = parameters
        relinearisation = keys.relinearisation
        rotations = keys.rotations.sorted()
        self.inputShape = inputShape
        self.layout = layout
        self.inputStride = inputStride
        self.inputBound = inputBound
        self.scoreBound = scoreBound
        self.errorBound = errorBound
        self.measuredRows = measuredRows
        self.model = model
    }

    func inputLayout(maximumSlots: Int) -> SlotLayout {
        SlotLayout(shape: inputShape, stride: inputStride, maximumSlots: maximumSlots)
    }
}

/// How inputs lie in ciphertexts.
public enum InferenceLayout: String, Codable, Hashable, Sendable, CaseIterable {
    /// One input in as few ciphertexts as hold it: for the shortest wait.
    case single
    /// N/2 inputs at a time, a ciphertext for each of an input's numbers: for the most inputs a second.
    case batched

    /// Ciphertexts for vectors of `width` numbers, of which a single one takes `single`.
    func ciphertexts(count: Int, width: Int, single: Int, maximumSlots: Int) -> Int {
        switch self {
        case .single: count * single
        case .batched: (count + maximumSlots - 1) / maximumSlots * width
        }
    }
}

extension NetworkTask {
    /// The features of one picture.
    public func features(_ picture: GreyImage, name: String) throws(PrivateLearningError) -> [Float] {
        guard case .image(let height, let width, let mean, let deviation) = input else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "\(name): the model reads rows of a table, not pictures")
        }
        guard picture.height == height, picture.width == width else {
            throw PrivateLearningError(
                code: .mismatch,
                message:
                    "\(name): got \(picture.width) × \(picture.height) pixels, want \(width) × \(height); scale the "
                    + "picture first")
        }
        return picture.pixels.map { (Float($0) / 255 - mean) / deviation }
    }
}
