import Foundation
import NeuralNetworks

/// Makes a trained network one that ciphertexts can run: activations by polynomials fitted where they are used, max pooling
/// by average pooling. What that costs in accuracy is won back by training on (``PolynomialNetwork`` refuses the rest).
public enum NetworkAdaptation {
    /// What took an activation's place.
    public struct Replacement: Hashable, Sendable, Codable {
        public var layer: Int
        public var was: String
        /// Σ coefficients[i]·xⁱ; empty where pooling was replaced.
        public var coefficients: [Double]
        /// No number on the rows it was fitted on is greater.
        public var interval: Double
        /// Root of the mean squared difference over these numbers.
        public var error: Double
    }

    public static let degrees = 2...7
    /// Rows that polynomials are fitted on.
    public static let fittingRows = 2000

    /// - Parameters:
    ///   - rows: training rows, one after the other.
    ///   - degree: of the polynomials. Degree 2 takes one level, 3 two, 4 to 7 three.
    /// - Returns: the network with the same weights and the new layers, layer for layer.
    /// - Throws: `invalidParameter`; what is refused under encryption is refused by ``PolynomialNetwork``.
    public static func adapted(
        _ network: Network<Float>, on rows: [Float], degree: Int = 2
    ) throws -> (network: Network<Float>, replacements: [Replacement]) {
        guard degrees.contains(degree) else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "degree: got \(degree), want \(degrees.lowerBound)...\(degrees.upperBound)")
        }
        guard rows.count >= network.inputWidth else {
            throw PrivateLearningError(code: .tooFewRows, message: "adapt: got no rows, want at least one")
        }
        let sample = Array(rows.prefix(min(fittingRows, rows.count / network.inputWidth) * network.inputWidth))
        var layers = network.layers
        var replacements: [Replacement] = []
        for (index, layer) in network.layers.enumerated() {
            switch layer {
            case .maximumPooling(let window, let stride, let padding):
                layers[index] = .averagePooling(window: window, stride: stride, padding: padding)
                replacements.append(
                    .init(layer: index, was: "max pooling", coefficients: [], interval: 0, error: 0))
            case .activation(let function):
                if case .polynomial = function { continue }
                let before = try copy(network, Array(layers[..<index])).predict(sample).map(Double.init)
                let target = try Network<Float>([layer], input: [1]).predict(before.map(Float.init))
                let fit = try self.fit(before, target.map(Double.init), degree: degree)
                layers[index] = .activation(.polynomial(fit.coefficients))
                replacements.append(
                    .init(
                        layer: index, was: "\(function)", coefficients: fit.coefficients, interval: fit.interval,
                        error: fit.error))
            default: continue
            }
        }
        return (try copy(network, layers), replacements)
    }

    /// The first layers with the network's weights.
    private static func copy(_ network: Network<Float>, _ layers: [LayerDescription]) throws -> Network<Float> {
        let result = try Network<Float>(layers.isEmpty ? [.dropout(rate: 0)] : layers, input: network.inputShape)
        var tensors: [String: Tensor<Float>] = [:]
        for parameter in network.parameters + network.statistics { tensors[parameter.name] = parameter.tensor }
        try result.load(tensors)
        return result
    }

    /// Least squares over the numbers that occur, in units of their greatest magnitude for the sake of the equations.
    private static func fit(
        _ x: [Double], _ y: [Double], degree: Int
    ) throws(PrivateLearningError) -> (coefficients: [Double], interval: Double, error: Double) {
        let interval = x.reduce(0) { max($0, abs($1)) }
        guard interval > 0, interval.isFinite else {
            throw PrivateLearningError(
                code: .invalidValue, message: "adapt: an activation's inputs are all zero, or not finite")
        }
        let size = degree + 1
        var normal = [[Double]](repeating: [Double](repeating: 0, count: size + 1), count: size)
        for (value, target) in zip(x, y) {
            var powers = [1.0]
            for _ in 0..<2 * degree { powers.append(powers[powers.count - 1] * value / interval) }
            for i in 0..<size {
                for j in 0..<size { normal[i][j] += powers[i + j] }
                normal[i][size] += powers[i] * target
            }
        }
        // Numbers that hardly vary determine no polynomial; a trace of ridge keeps the equations regular.
        for i in 0..<size { normal[i][i] += 1e-9 * Double(x.count) }
        for pivot in 0..<size {
            let best = (pivot..<size).max { abs(normal[$0][pivot]) < abs(normal[$1][pivot]) } ?? pivot
            normal.swapAt(pivot, best)
            for row in 0..<size where row != pivot {
                let factor = normal[row][pivot] / normal[pivot][pivot]
                for column in pivot...size { normal[row][column] -= factor * normal[pivot][column] }
            }
        }
        let scaled = (0..<size).map { normal[$0][size] / normal[$0][$0] }
        let coefficients = scaled.enumerated().map { $1 / pow(interval, Double($0)) }
        let squares = zip(x, y).reduce(0.0) { sum, pair in
            let difference = coefficients.reversed().reduce(0) { $0 * pair.0 + $1 } - pair.1
            return sum + difference * difference
        }
        guard coefficients.allSatisfy(\.isFinite) else {
            throw PrivateLearningError(code: .invalidValue, message: "adapt: no polynomial fits an activation")
        }
        return (coefficients, interval, (squares / Double(x.count)).squareRoot())
    }
}

extension NetworkModel {
    /// The file of this model with measured bounds of its activations, which smaller parameters follow from.
    public func file(bounds: ActivationBounds) throws -> TensorFile {
        var file = try self.file
        file.metadata[EncryptedInference.boundsKey] = try Self.text(bounds)
        return file
    }
}

extension [LayerDescription] {
    /// A convolutional network for grey images of 28 × 28 that ciphertexts run in five levels: two convolutions with stride
    /// 2, a polynomial of degree 2 after each, and a dense layer. Chosen on held-out training images of MNIST; see
    /// docs/encrypted-inference.md.
    public static func encryptedImages(classes: Int, dropout: Double = 0.3) -> [LayerDescription] {
        let polynomial = LayerDescription.activation(.polynomial([0, 0.5, 0.125]))
        return [
            .convolution(filters: 16, window: 5, stride: 2, padding: 2), polynomial,
            .convolution(filters: 32, window: 5, stride: 2, padding: 2), polynomial, .flatten, .dropout(rate: dropout),
            .dense(outputs: classes),
        ]
    }
}

extension StandardNetwork {
    /// Layers that ciphertexts can run.
    public func encryptedLayers(for task: NetworkTask) throws(PrivateLearningError) -> [LayerDescription] {
        let outputs = task.target.outputs
        switch self {
        case .cnn:
            guard task.inputShape.count == 3 else {
                throw PrivateLearningError(
                    code: .invalidParameter, message: "model: reads images; for tables take mlp")
            }
            return .encryptedImages(classes: outputs)
        case .mlp(let hidden):
            let dense = [LayerDescription].multilayerPerceptron(
                hidden: hidden, outputs: outputs, activation: .polynomial([0, 0.5, 0.125]))
            return task.inputShape.count == 3 ? [.flatten] + dense : dense
        case .scattering:
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "model: scatter computes its features in the clear, which ciphertexts cannot; take cnn or mlp")
        case .mobileNet:
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "model: mobilenet has residual blocks, which ciphertexts cannot run; take cnn or mlp")
        }
    }
}
