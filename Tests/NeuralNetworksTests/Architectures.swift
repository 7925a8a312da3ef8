import NeuralNetworks
import Testing

/// A small network around each layer, so that both its parameters' gradients and those of a layer before it are tested.
struct Architecture: Sendable, CustomTestStringConvertible {
    var name: String
    var input: [Int]
    var layers: [LayerDescription]
    var loss = Loss.crossEntropy
    /// Inputs are indices below this, when not nil.
    var indices: Int?

    var testDescription: String { name }

    /// Without batch normalisation, which has no private rule.
    static let privateOnes: [Architecture] = [
        Architecture(name: "dense", input: [7], layers: [.dense(outputs: 5), .tanh, .dense(outputs: 3)]),
        Architecture(
            name: "dense, no bias", input: [7], layers: [.dense(outputs: 5, bias: false), .dense(outputs: 3)]),
        Architecture(
            name: "dense on a sequence", input: [9, 2],
            layers: [.dense(outputs: 3), .tanh, .dense(outputs: 4), .flatten, .dense(outputs: 3)]),
        Architecture(
            name: "convolution", input: [6, 7, 2],
            layers: [
                .convolution(filters: 4, window: 3, stride: 2, padding: 1), .tanh, .convolution(filters: 3, window: 2),
                .flatten, .dense(outputs: 3),
            ]),
        Architecture(
            name: "grouped convolution", input: [5, 5, 2],
            layers: [
                .convolution(filters: 4, window: 2), .tanh,
                .convolution(filters: 6, window: 3, padding: 2, groups: 2), .flatten, .dense(outputs: 3),
            ]),
        Architecture(
            name: "convolution, ghost norms", input: [4, 4, 8],
            layers: [.convolution(filters: 40, window: 3), .tanh, .flatten, .dense(outputs: 3)]),
        Architecture(
            name: "depth-wise convolution", input: [5, 5, 2],
            layers: [
                .convolution(filters: 3, window: 2), .tanh, .depthwiseConvolution(window: 3, stride: 2, padding: 1),
                .flatten, .dense(outputs: 3),
            ]),
        Architecture(
            name: "pooling", input: [6, 6, 2],
            layers: [
                .convolution(filters: 3, window: 3, padding: 1), .tanh,
                .maximumPooling(window: 3, stride: 2, padding: 1),
                .averagePooling(window: 2, stride: 1, padding: 1), .flatten, .dense(outputs: 3),
            ]),
        Architecture(
            name: "global average", input: [4, 4, 2],
            layers: [
                .convolution(filters: 5, window: 1), .sigmoid, .globalAveragePooling, .flatten, .dense(outputs: 3),
            ]),
        Architecture(
            name: "group normalisation", input: [4, 4, 2],
            layers: [
                .convolution(filters: 6, window: 2), .groupNormalization(groups: 3), .tanh, .flatten,
                .dense(outputs: 3),
            ]),
        Architecture(
            name: "layer normalisation", input: [6],
            layers: [.dense(outputs: 5), .layerNormalization, .tanh, .dense(outputs: 3)]),
        Architecture(
            name: "embedding", input: [6],
            layers: [.embedding(count: 4, dimension: 3), .tanh, .flatten, .dense(outputs: 3)], indices: 4),
        Architecture(
            name: "embedding bag", input: [6],
            layers: [.embeddingBag(count: 4, dimension: 3), .tanh, .dense(outputs: 3)], indices: 4),
        Architecture(
            name: "recurrent", input: [5, 3],
            layers: [.recurrent(units: 4, returnsAll: true), .recurrent(units: 3), .dense(outputs: 3)]),
        Architecture(
            name: "lstm", input: [5, 3],
            layers: [.lstm(units: 4, returnsAll: true), .lstm(units: 3), .dense(outputs: 3)]),
        Architecture(
            name: "residual", input: [6],
            layers: [
                .dense(outputs: 5), .residual([.dense(outputs: 4), .tanh, .dense(outputs: 5)]),
                .residual([.tanh, .dense(outputs: 2)], projection: [.dense(outputs: 2, bias: false)]),
                .dense(outputs: 3),
            ]),
        Architecture(
            name: "polynomial", input: [6],
            layers: [.dense(outputs: 5), .activation(.polynomial([0.1, 0.5, 0.25, -0.1])), .dense(outputs: 3)]),
        Architecture(
            name: "rectifiers", input: [6],
            layers: [.dense(outputs: 9), .relu, .dense(outputs: 9), .relu6, .dense(outputs: 3)]),
        Architecture(
            name: "binary cross-entropy", input: [6], layers: [.dense(outputs: 5), .tanh, .dense(outputs: 2)],
            loss: .binaryCrossEntropy),
        Architecture(
            name: "squared error", input: [6], layers: [.dense(outputs: 5), .tanh, .dense(outputs: 2)],
            loss: .meanSquaredError),
    ]

    static let all =
        privateOnes + [
            Architecture(
                name: "batch normalisation", input: [3, 3, 2],
                layers: [.convolution(filters: 4, window: 2), .batchNormalization, .tanh, .flatten, .dense(outputs: 3)]),
            Architecture(
                name: "dropout", input: [6], layers: [.dense(outputs: 20), .dropout(rate: 0.4), .dense(outputs: 3)]),
        ]

    func network<Scalar: NetworkScalar>(_: Scalar.Type) throws -> Network<Scalar> {
        try Network<Scalar>(layers, input: input, seed: 5)
    }

    func examples<Scalar: NetworkScalar>(count: Int, _: Scalar.Type) throws -> Examples<Scalar> {
        var random = SeededGenerator(seed: 9)
        func number() -> Scalar { Scalar(Double(random.next() >> 11) * 0x1p-52 - 1) }
        let width = input.reduce(1, *)
        let features = (0..<count * width).map { _ in
            indices.map { Scalar(random.next() % UInt64($0)) } ?? number()
        }
        let targets: Examples<Scalar>.Targets =
            switch loss {
            case .crossEntropy: .classes((0..<count).map { _ in Int(random.next() % 3) })
            case .binaryCrossEntropy: .values((0..<count * 2).map { _ in abs(number()) }, width: 2)
            case .meanSquaredError: .values((0..<count * 2).map { _ in number() }, width: 2)
            }
        return try Examples(features: features, width: width, targets: targets)
    }
}
