/// A layer as anyone can write it down; ``Network/init(_:input:seed:)`` checks that the layers fit together. Coded with
/// the weights, so that a stored model says what it is.
public indirect enum LayerDescription: Hashable, Sendable, Codable {
    case dense(outputs: Int, bias: Bool = true)
    case convolution(
        filters: Int, window: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1, bias: Bool = true)
    case depthwiseConvolution(window: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true)
    case maximumPooling(window: Int, stride: Int, padding: Int = 0)
    case averagePooling(window: Int, stride: Int, padding: Int = 0)
    /// The average over all positions of an image.
    case globalAveragePooling
    case activation(ActivationFunction)
    case dropout(rate: Double)
    case flatten
    case batchNormalization
    case groupNormalization(groups: Int)
    case layerNormalization
    case embedding(count: Int, dimension: Int)
    case embeddingBag(count: Int, dimension: Int)
    case recurrent(units: Int, returnsAll: Bool = false)
    case lstm(units: Int, returnsAll: Bool = false)
    case residual([LayerDescription], projection: [LayerDescription]? = nil)

    public static let relu = LayerDescription.activation(.relu)
    public static let relu6 = LayerDescription.activation(.relu6)
    public static let tanh = LayerDescription.activation(.tanh)
    public static let sigmoid = LayerDescription.activation(.sigmoid)

    func makeLayer<Scalar: NetworkScalar>(
        inputShape: [Int], _: Scalar.Type, using random: inout SeededGenerator
    ) throws(NeuralNetworksError) -> any Layer<Scalar> {
        switch self {
        case .dense(let outputs, let bias):
            return try Dense<Scalar>(inputShape: inputShape, outputs: outputs, hasBias: bias, using: &random)
        case .convolution(let filters, let window, let stride, let padding, let groups, let bias):
            return try Convolution<Scalar>(
                inputShape: inputShape, filters: filters, window: window, stride: stride, padding: padding,
                groups: groups, hasBias: bias, using: &random)
        case .depthwiseConvolution(let window, let stride, let padding, let bias):
            return try DepthwiseConvolution<Scalar>(
                inputShape: inputShape, window: window, stride: stride, padding: padding, hasBias: bias,
                using: &random)
        case .maximumPooling(let window, let stride, let padding):
            return try Pooling<Scalar>(
                inputShape: inputShape, .maximum, window: window, stride: stride, padding: padding)
        case .averagePooling(let window, let stride, let padding):
            return try Pooling<Scalar>(
                inputShape: inputShape, .average, window: window, stride: stride, padding: padding)
        case .globalAveragePooling:
            guard inputShape.count == 3, inputShape[0] == inputShape[1] else {
                throw .architecture("global average: got input \(inputShape), want a square image")
            }
            return try Pooling<Scalar>(
                inputShape: inputShape, .average, window: inputShape[0], stride: 1, padding: 0)
        case .activation(let function): return try Activation<Scalar>(inputShape: inputShape, function)
        case .dropout(let rate): return try Dropout<Scalar>(inputShape: inputShape, rate: rate, using: &random)
        case .flatten: return Flatten<Scalar>(inputShape: inputShape)
        case .batchNormalization: return try BatchNormalization<Scalar>(inputShape: inputShape)
        case .groupNormalization(let groups):
            return try RowNormalization<Scalar>(inputShape: inputShape, groups: groups)
        case .layerNormalization: return try RowNormalization<Scalar>(inputShape: inputShape, groups: nil)
        case .embedding(let count, let dimension):
            return try Embedding<Scalar>(
                inputShape: inputShape, count: count, dimension: dimension, isBag: false, using: &random)
        case .embeddingBag(let count, let dimension):
            return try Embedding<Scalar>(
                inputShape: inputShape, count: count, dimension: dimension, isBag: true, using: &random)
        case .recurrent(let units, let returnsAll):
            return try Recurrent<Scalar>(
                inputShape: inputShape, .simple, units: units, returnsAll: returnsAll, using: &random)
        case .lstm(let units, let returnsAll):
            return try Recurrent<Scalar>(
                inputShape: inputShape, .lstm, units: units, returnsAll: returnsAll, using: &random)
        case .residual(let branch, let projection):
            let inner = try Self.makeSequence(branch, inputShape: inputShape, Scalar.self, using: &random)
            var direct: LayerSequence<Scalar>?
            if let projection {
                direct = try Self.makeSequence(projection, inputShape: inputShape, Scalar.self, using: &random)
            }
            return try Residual<Scalar>(branch: inner, projection: direct)
        }
    }

    static func makeSequence<Scalar: NetworkScalar>(
        _ descriptions: [LayerDescription], inputShape: [Int], _: Scalar.Type, using random: inout SeededGenerator
    ) throws(NeuralNetworksError) -> LayerSequence<Scalar> {
        var layers: [any Layer<Scalar>] = []
        var shape = inputShape
        for (index, description) in descriptions.enumerated() {
            do throws(NeuralNetworksError) {
                layers.append(try description.makeLayer(inputShape: shape, Scalar.self, using: &random))
            } catch {
                throw NeuralNetworksError(code: error.code, message: "layer \(index): \(error.message)")
            }
            shape = layers[index].outputShape
            // A bound on one row keeps offsets within 32 bits and memory within reason.
            guard shape.reduce(1, *) <= 1 << 26 else {
                throw .architecture("layer \(index): got an output of \(shape), want at most \(1 << 26) numbers")
            }
        }
        return LayerSequence(inputShape: inputShape, layers)
    }
}
