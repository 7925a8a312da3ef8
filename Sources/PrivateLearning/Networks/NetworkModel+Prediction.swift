import Datasets
import Foundation
import NeuralNetworks
import Tabular

extension NetworkModel {
    /// What a model says of rows or images.
    public enum Predictions: Sendable {
        /// In the target's own units.
        case numbers([Double])
        /// Probabilities, `labels.count` to a row.
        case classes(probabilities: [Double], labels: [String])

        public var count: Int {
            switch self {
            case .numbers(let values): values.count
            case .classes(let probabilities, let labels): probabilities.count / labels.count
            }
        }

        /// One number a row where that makes sense: the value, or of two classes the probability of the second.
        public var single: [Double]? {
            switch self {
            case .numbers(let values): values
            case .classes(let probabilities, let labels):
                labels.count == 2 ? stride(from: 1, to: probabilities.count, by: 2).map { probabilities[$0] } : nil
            }
        }

        /// The likeliest class of each row; empty for numbers.
        public var chosen: [Int] {
            guard case .classes(let probabilities, let labels) = self else { return [] }
            return stride(from: 0, to: probabilities.count, by: labels.count).map { start in
                (0..<labels.count).max { probabilities[start + $0] < probabilities[start + $1] } ?? 0
            }
        }
    }

    public func predictions(for images: LabelledImages) throws -> Predictions {
        predictions(features: try task.features(images))
    }

    public func predictions(for table: Table) throws -> Predictions {
        predictions(features: try task.features(table))
    }

    private func predictions(features: [Float]) -> Predictions {
        let scores = network.predict(features).map(Double.init)
        switch task.target {
        case .number(_, let lower, let upper):
            return .numbers(scores.map { lower + (min(max($0, -1), 1) + 1) / 2 * (upper - lower) })
        case .classes(_, let labels):
            var probabilities = scores
            for start in stride(from: 0, to: scores.count, by: labels.count) {
                let row = start..<start + labels.count
                let largest = scores[row].max() ?? 0
                let total = scores[row].reduce(0) { $0 + exp($1 - largest) }
                for index in row { probabilities[index] = exp(scores[index] - largest) / total }
            }
            return .classes(probabilities: probabilities, labels: labels)
        }
    }
}
