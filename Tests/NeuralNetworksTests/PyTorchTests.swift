import Foundation
import NeuralNetworks
import Testing

/// Outputs, loss and gradients of a network whose weights come from PyTorch.
@Suite struct PyTorchTests {
    struct Vector: Decodable {
        struct Numbers: Decodable {
            var shape: [Int]
            var values: [Float]
            var tensor: Tensor<Float> { Tensor(shape: shape, values: values) }
        }
        var labels: [Int]
        var images: [Float]
        var scores: [Float]
        var loss: Double
        var weights: [String: Numbers]
        var gradients: [String: Numbers]
    }

    static let layers: [LayerDescription] = [
        .convolution(filters: 4, window: 3, stride: 2, padding: 1), .groupNormalization(groups: 2), .relu,
        .maximumPooling(window: 2, stride: 1), .convolution(filters: 3, window: 2), .tanh, .flatten,
        .dense(outputs: 5), .relu, .dense(outputs: 3),
    ]

    static func vector() throws -> Vector {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors/pytorch.json")
        return try JSONDecoder().decode(Vector.self, from: Data(contentsOf: path))
    }

    @Test func outputsAndGradientsAgree() throws {
        let vector = try Self.vector()
        let network = try Network<Float>(Self.layers, input: [7, 7, 2])
        try network.loadPyTorch(vector.weights.mapValues(\.tensor))
        for (got, want) in zip(network.predict(vector.images), vector.scores) { #expect(abs(got - want) < 2e-6) }
        let examples = try Examples(features: vector.images, width: 98, targets: .classes(vector.labels))
        let (loss, gradient) = try network.sumOfGradients(examples, loss: .crossEntropy, rows: Array(0..<6))
        #expect(abs(loss - vector.loss) < 1e-5)
        // The gradient has the parameters' layout, so it takes the same way back to PyTorch's.
        network.parameterVector = gradient
        let gradients = try network.pyTorchTensors()
        #expect(gradients.keys.sorted() == vector.gradients.keys.sorted())
        for (name, expected) in vector.gradients {
            let got = try #require(gradients[name])
            #expect(got.shape == expected.shape)
            for (a, b) in zip(got.values, expected.values) { #expect(abs(a - b) < 2e-5, "\(name)") }
        }
    }

    @Test func otherShapesAreRefusedAndNothingChanges() throws {
        let vector = try Self.vector()
        let network = try Network<Float>(Self.layers, input: [7, 7, 2], seed: 4)
        let before = network.parameterVector
        var weights = vector.weights.mapValues(\.tensor)
        weights["9.bias"] = Tensor(shape: [4], repeating: 0)
        #expect(throws: NeuralNetworksError.self) { try network.loadPyTorch(weights) }
        weights["9.bias"] = nil
        #expect(throws: NeuralNetworksError.self) { try network.loadPyTorch(weights) }
        #expect(network.parameterVector == before)
        let recurrent = try Network<Float>([.lstm(units: 2), .dense(outputs: 2)], input: [3, 1])
        #expect(throws: NeuralNetworksError.self) { try recurrent.pyTorchTensors() }
    }
}
