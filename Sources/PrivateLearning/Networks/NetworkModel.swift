import Foundation
import NeuralNetworks

/// A trained network with what it needs to be used: how its input is made and what its scores mean.
///
/// Stored as the network's own safetensors file with two more texts in the metadata, `task` and, when it was trained
/// privately, `privacy`; whoever reads only networks can read it as one.
public struct NetworkModel: Sendable {
    /// What the weights say about one unit at most.
    public struct Guarantee: Hashable, Sendable, Codable {
        public var epsilon: Double
        public var delta: Double
        public var neighbouring: String
        public var unit: String

        public init(epsilon: Double, delta: Double, neighbouring: String, unit: String) {
            self.epsilon = epsilon
            self.delta = delta
            self.neighbouring = neighbouring
            self.unit = unit
        }
    }

    public let network: Network<Float>
    public let task: NetworkTask
    /// nil for a model that was trained without privacy.
    public let guarantee: Guarantee?

    /// - Throws: ``PrivateLearningError`` with code `mismatch` when the network does not fit the task.
    public init(network: Network<Float>, task: NetworkTask, guarantee: Guarantee?) throws(PrivateLearningError) {
        guard network.inputWidth == task.inputWidth, network.outputWidth == task.target.outputs else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "network: got \(network.inputWidth) inputs and \(network.outputWidth) outputs, want "
                    + "\(task.inputWidth) and \(task.target.outputs)")
        }
        self.network = network
        self.task = task
        self.guarantee = guarantee
    }

    public var file: TensorFile {
        get throws {
            var file = try network.file
            file.metadata["task"] = try Self.text(task)
            if let guarantee { file.metadata["privacy"] = try Self.text(guarantee) }
            return file
        }
    }

    /// - Throws: ``PrivateLearningError`` with code `invalidFile`, `NeuralNetworksError`.
    public init(_ file: TensorFile) throws {
        guard let text = file.metadata["task"] else {
            throw PrivateLearningError(
                code: .invalidFile, message: "model: a network without a task; its input and target are not known")
        }
        let task = try Self.value(NetworkTask.self, "task", text)
        let guarantee = try file.metadata["privacy"].map { try Self.value(Guarantee.self, "privacy", $0) }
        try self.init(network: Network(file), task: task, guarantee: guarantee)
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_: Value.Type, _ name: String, _ text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "\(name): cannot be understood: \(error)")
        }
    }
}
