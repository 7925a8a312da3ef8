import AtomicFiles
import BinaryCoding
import Datasets
import Foundation
import NeuralNetworks
import PrivateLearning

/// Inputs of a network as the commands name them: a picture's file, rows of a data set, or a table.
struct NetworkInputs {
    /// One after the other.
    let features: [Float]
    let count: Int
    /// Class numbers where the data have them.
    let labels: [Int]?
    /// For people.
    let name: String

    /// - Parameters:
    ///   - row: one row of the data, from 0; all of them when nil.
    ///   - isTest: of a data set that is divided, the part for testing.
    init(
        _ task: NetworkTask, image: String?, isInverted: Bool, data: String?, row: Int?, format: TableFormatOptions
    ) throws {
        let width = task.inputShape.reduce(1, *)
        if let image {
            let picture = try GreyImage(path: image)
            features = try task.features(isInverted ? picture.inverted : picture, name: image)
            (count, labels, name) = (1, nil, image)
            return
        }
        guard let data else {
            throw CommandFailure(.usage, "give --image FILE, or --data NAME with --row N")
        }
        var all: [Float]
        var classes: [Int]?
        if data == MNIST.name {
            let images = try MNIST.load(from: DatasetStore(dataDirectory: format.dataDirectory)).test
            all = try task.features(images)
            classes = images.labels
        } else {
            let (table, _) = try format.read(data, needsTarget: false)
            all = try task.features(table)
            classes = nil
        }
        let rows = all.count / max(1, width)
        if let row {
            guard (0..<rows).contains(row) else {
                throw CommandFailure(.usage, "--row: got \(row), want 0...\(rows - 1)")
            }
            all = Array(all[row * width..<(row + 1) * width])
            classes = classes.map { [$0[row]] }
        }
        (features, labels) = (all, classes)
        count = all.count / max(1, width)
        name = row.map { "\(data), row \($0)" } ?? data
    }
}

/// Network models and descriptions on disk.
enum NetworkFile {
    /// Whether a file holds a network (and not a linear model, or something else).
    static func isOne(_ path: String) -> Bool {
        guard let file = try? TensorFile(path: path) else { return false }
        return file.metadata["format"] == "tacit-network"
    }

    /// A network with its task; errors name the file.
    static func model(_ path: String) throws -> NetworkModel {
        do { return try NetworkModel(TensorFile(path: path)) } catch let error as PrivateLearningError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        } catch let error as NeuralNetworksError {
            throw CommandFailure(error.code == .inputOutput ? .noInput : .data, "\(path): \(error.message)")
        }
    }

    static func network(_ file: TensorFile, _ path: String) throws -> Network<Float> {
        do { return try Network(file) } catch { throw CommandFailure(.data, "\(path): \(error.message)") }
    }

    /// A JSON list of layers.
    static func layers(_ path: String) throws -> [LayerDescription] {
        do {
            return try JSONDecoder().decode([LayerDescription].self, from: Data(readFile(path, limit: 1 << 24)))
        } catch let error as DecodingError {
            throw CommandFailure(.data, "\(path): layers: cannot be understood: \(error)")
        }
    }

    static let descriptionSuffix = ".circuit"

    /// The description beside a key, which `tacit keys generate` wrote.
    static func descriptionPath(besideKey key: String) -> String {
        URL(fileURLWithPath: key).deletingPathExtension().path + descriptionSuffix
    }

    /// From a description file, or computed from a model.
    static func description(
        _ path: String, _ layout: InferenceLayout = .single, error: Double? = nil, insecure: Bool = false
    ) throws -> InferenceDescription {
        if isOne(path) {
            let inference = try EncryptedInference(path: path)
            let plan = try inference.plan(
                layout, errorBound: error ?? InferenceCircuit.standardErrorBound, insecure: insecure)
            return inference.description(plan, layout)
        }
        return try InferenceDescription(path: path)
    }
}
