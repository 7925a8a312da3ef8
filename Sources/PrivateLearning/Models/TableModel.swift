import Foundation
import Tabular

/// A model of a table's rows, as it lies in a file: what `predict` and `evaluate` work with.
public protocol TableModel: Sendable {
    /// The metadata entry `format` of its files.
    static var format: String { get }
    /// What was fitted, such as "logistic" or "naive-bayes".
    var kind: String { get }
    /// The encoded column that is predicted.
    var target: String { get }
    var plan: EncodingPlan { get }
    /// One number a row: an expected value, or the probability of class 1.
    /// - Throws: as ``EncodingPlan/encode(_:needing:)``.
    func predict(_ table: Table) throws -> [Double]
    var safetensors: Safetensors { get throws }
    /// - Errors: `invalidFile`.
    init(safetensors file: Safetensors) throws(PrivateLearningError)
}

extension TableModel {
    /// The known outcomes of rows, encoded as the model's target was.
    /// - Parameter other: another encoded column of the plan, in place of the model's target.
    public func outcomes(in table: Table, target other: String? = nil) throws -> [Double] {
        let name = other ?? target
        let integers = try plan.encode(table, needing: [name])
        return integers.realRows([try plan.index(of: name)], plan: plan)
    }
}

extension LinearModel: TableModel {
    public static let format = "tacit-linear-model"
}

/// The kinds of models that files hold.
public enum TableModels {
    private typealias Reader = (Safetensors) throws(PrivateLearningError) -> any TableModel

    /// By the metadata entry `format`.
    private static func reader(_ format: String) -> Reader? {
        switch format {
        case LinearModel.format: { file throws(PrivateLearningError) in try LinearModel(safetensors: file) }
        case NaiveBayesModel.format: { file throws(PrivateLearningError) in try NaiveBayesModel(safetensors: file) }
        case AdditiveModel.format: { file throws(PrivateLearningError) in try AdditiveModel(safetensors: file) }
        case ClusterModel.format: { file throws(PrivateLearningError) in try ClusterModel(safetensors: file) }
        case ComponentModel.format: { file throws(PrivateLearningError) in try ComponentModel(safetensors: file) }
        default: nil
        }
    }

    public static let formats = [
        LinearModel.format, NaiveBayesModel.format, AdditiveModel.format, ClusterModel.format, ComponentModel.format,
    ]

    /// - Errors: `invalidFile`.
    public static func read(_ file: Safetensors) throws(PrivateLearningError) -> any TableModel {
        let format = file.metadata["format"] ?? LinearModel.format
        guard let reader = reader(format) else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "model: got format \(format), want one of \(formats.joined(separator: ", "))")
        }
        return try reader(file)
    }
}

extension Safetensors {
    /// A model with its architecture as JSON under the metadata key `tacit`.
    static func model(
        _ format: String, _ architecture: some Encodable, tensors: [String: Tensor]
    ) throws -> Safetensors {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(architecture), as: UTF8.self)
        return Safetensors(tensors: tensors, metadata: ["format": format, "tacit": json])
    }

    func architecture<Architecture: Decodable>(
        _ format: String, _ type: Architecture.Type
    ) throws(PrivateLearningError) -> Architecture {
        guard metadata["format"] == format, let json = metadata["tacit"] else {
            throw PrivateLearningError(code: .invalidFile, message: "model: is no \(format)")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(json.utf8))
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "model: metadata not readable: \(error)")
        }
    }

    /// The finite values of a tensor of that shape.
    func values(_ name: String, shape: [Int]) throws(PrivateLearningError) -> [Double] {
        guard let tensor = tensors[name], tensor.shape == shape, tensor.values.allSatisfy(\.isFinite) else {
            throw PrivateLearningError(
                code: .invalidFile, message: "model: want a tensor \(name) of shape \(shape) with finite values")
        }
        return tensor.values
    }
}
