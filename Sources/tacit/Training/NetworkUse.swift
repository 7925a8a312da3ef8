import Datasets
import Foundation
import NeuralNetworks
import PrivateLearning
import Tabular

/// `tacit evaluate` and `tacit predict` with a network.
struct NetworkUse {
    let model: NetworkModel
    let path: String

    /// nil when the file is a model of another kind.
    init?(path: String) throws {
        guard let file = try? TensorFile(path: path), file.metadata["format"] == "tacit-network" else { return nil }
        do {
            model = try NetworkModel(file)
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
        self.path = path
    }

    private func testImages(_ format: TableFormatOptions) throws -> LabelledImages {
        try MNIST.load(from: DatasetStore(dataDirectory: format.dataDirectory)).test
    }

    // MARK: Evaluate

    struct Quality: Encodable {
        var rows: Int
        var accuracy: Double
        /// Of the commonest class.
        var baselineAccuracy: Double
        var crossEntropy: Double
    }

    /// - Returns: predictions and outcomes for the measures of numbers and of two classes; nil when the measures of
    ///   several classes were shown.
    func evaluate(
        _ data: String, _ format: TableFormatOptions, target: String?, json: Bool
    ) throws -> (predicted: [Double], actual: [Double])? {
        let predictions: NetworkModel.Predictions
        let classes: [Int]
        if NetworkData.isImages(data) {
            let images = try testImages(format)
            predictions = try model.predictions(for: images)
            classes = images.labels
        } else {
            guard target == nil || target == model.task.target.name else {
                throw CommandFailure(.usage, "--target: got \(target!), want \(model.task.target.name), the model's")
            }
            let (table, _) = try format.read(data, target: nil)
            predictions = try model.predictions(for: table)
            if case .number(let name, let lower, let upper) = model.task.target {
                let column = try ColumnSchema(name, .number, role: .target, bounds: Bounds(lower, upper))
                return (predictions.single ?? [], try TargetEncoding(column).apply(to: table))
            }
            classes = try model.task.classes(in: table)
            if let single = predictions.single { return (single, classes.map(Double.init)) }
        }
        guard case .classes(let probabilities, let labels) = predictions else { return nil }
        let right = zip(predictions.chosen, classes).count { $0 == $1 }
        var counts = [Int](repeating: 0, count: labels.count)
        for label in classes { counts[label] += 1 }
        let loss = classes.enumerated().reduce(0.0) {
            $0 - log(max(1e-30, probabilities[$1.offset * labels.count + $1.element]))
        }
        let count = Double(max(1, classes.count))
        let quality = Quality(
            rows: classes.count, accuracy: Double(right) / count, baselineAccuracy: Double(counts.max() ?? 0) / count,
            crossEntropy: loss / count)
        if json {
            try Console.json(quality)
        } else {
            Console.result(
                String(
                    format: "accuracy           %.4f   (trivial baseline %.4f)", quality.accuracy,
                    quality.baselineAccuracy))
            Console.result(String(format: "cross-entropy      %.6f", quality.crossEntropy))
            if let guarantee = model.guarantee {
                Console.log(
                    "\(path): trained with ε = \(guarantee.epsilon), δ = \(guarantee.delta) for each \(guarantee.unit)")
            }
        }
        return nil
    }

    // MARK: Predict

    /// - Returns: how many.
    func predict(_ data: String, _ format: TableFormatOptions, out: String) throws -> Int {
        let predictions =
            NetworkData.isImages(data)
            ? try model.predictions(for: testImages(format))
            : try model.predictions(for: format.read(data, needsTarget: false).table)
        if let single = predictions.single {
            try PredictionFile.write(single, to: out)
        } else if case .classes(let probabilities, let labels) = predictions {
            let columns = labels.indices.map { index in
                Column(
                    "probability_\(labels[index])",
                    numbers: stride(from: index, to: probabilities.count, by: labels.count).map { probabilities[$0] })
            }
            let chosen = Column("prediction", categories: predictions.chosen.map { labels[$0] })
            try CSVWriter().write(Table(columns: [chosen] + columns), to: out)
        }
        return predictions.count
    }
}
