import Foundation
import NeuralNetworks

/// Turns the layers of a network into stages.
struct PolynomialNetworkBuilder {
    private let network: Network<Float>
    private var tensors: [String: Tensor<Float>] = [:]
    private var shape: [Int]
    private var finished: [PolynomialNetwork.Stage] = []
    /// The stage that is being made; nil where the identity stands.
    private var map: AffineMap?
    private var stride: Int? = 1
    private var names: [String] = []
    /// What the square of the stage before left to this one: its inputs are factor·v + offset.
    private var factor = 1.0
    private var offset = 0.0

    init(_ network: Network<Float>) {
        self.network = network
        shape = network.inputShape
        for parameter in network.parameters + network.statistics { tensors[parameter.name] = parameter.tensor }
    }

    mutating func stages() throws(PrivateLearningError) -> [PolynomialNetwork.Stage] {
        for (index, layer) in network.layers.enumerated() { try add(layer, index) }
        finish(nil)
        return finished
    }

    private mutating func add(_ layer: LayerDescription, _ index: Int) throws(PrivateLearningError) {
        func tensor(_ name: String) -> Tensor<Float>? { tensors["\(index).\(name)"] }
        func weight() throws(PrivateLearningError) -> Tensor<Float> {
            guard let found = tensor("weight") else { throw refusal(index, "a layer without weights", "") }
            return found
        }
        switch layer {
        case .dense(let outputs, _):
            try join(
                .dense(weight(), bias: tensor("bias"), shape: shape), shape.dropLast() + [outputs], nil,
                "dense \(outputs)")
        case .convolution(let filters, let window, let stride, let padding, let groups, _):
            try join(
                .convolution(
                    weight(), bias: tensor("bias"), shape: shape, window: window, stride: stride, padding: padding,
                    groups: groups, filters: filters), windowed(window, stride, padding, filters), stride,
                "convolution \(filters) × \(window) × \(window)" + (stride > 1 ? ", stride \(stride)" : ""))
        case .depthwiseConvolution(let window, let stride, let padding, _):
            try join(
                .depthwise(
                    weight(), bias: tensor("bias"), shape: shape, window: window, stride: stride, padding: padding),
                windowed(window, stride, padding, shape[2]), stride, "depth-wise convolution \(window) × \(window)")
        case .averagePooling(let window, let stride, let padding):
            try join(
                .averagePooling(shape: shape, window: window, stride: stride, padding: padding),
                windowed(window, stride, padding, shape[2]), stride, "average pooling \(window)")
        case .globalAveragePooling:
            try join(
                .averagePooling(shape: shape, window: shape[0], stride: 1, padding: 0), [1, 1, shape[2]], nil,
                "global average")
        case .flatten:
            shape = [shape.reduce(1, *)]
        case .dropout: break
        case .batchNormalization:
            guard let scale = tensor("scale"), let shift = tensor("shift"), let mean = tensor("mean"),
                let variance = tensor("variance")
            else { throw refusal(index, "batch normalisation without running averages", "train it first") }
            let factors = zip(scale.values, variance.values).map { Double($0) / (Double($1) + 1e-5).squareRoot() }
            let offsets = factors.indices.map { Double(shift.values[$0]) - factors[$0] * Double(mean.values[$0]) }
            try join(
                .channelwise(factors: factors, offsets: offsets, shape: shape), shape, 1, "batch normalisation")
        case .activation(let function): try add(function, index)
        case .maximumPooling:
            throw refusal(index, "max pooling", "use average pooling")
        case .groupNormalization, .layerNormalization:
            throw refusal(
                index, "normalisation by the row's own variance", "use batch normalisation, which is folded in, or none"
            )
        case .embedding, .embeddingBag:
            throw refusal(index, "an embedding", "look the rows up before encrypting them")
        case .recurrent, .lstm: throw refusal(index, "a recurrent cell", "use dense or convolutional layers")
        case .residual: throw refusal(index, "a residual block", "use a plain sequence of layers")
        }
    }

    private mutating func add(_ function: ActivationFunction, _ index: Int) throws(PrivateLearningError) {
        guard case .polynomial(let given) = function else {
            throw refusal(
                index, "\(function)",
                "put a polynomial in its place with `tacit adapt`, or train with `--activation "
                    + "polynomial`")
        }
        let coefficients = Array(given[...(given.lastIndex { $0 != 0 } ?? 0)])
        switch coefficients.count {
        case 1:
            throw refusal(index, "an activation that is constant", "train the network")
        case 2:
            try join(
                .channelwise(factors: [coefficients[1]], offsets: [coefficients[0]], shape: shape), shape, 1, "scaling")
        case 3:
            // a·x² + b·x + c = a·(x + b/2a)² + (c − b²/4a)
            let (c, b, a) = (coefficients[0], coefficients[1], coefficients[2])
            let half = b / (2 * a)
            guard half.isFinite, (c - a * half * half).isFinite else {
                throw refusal(index, "a polynomial of degree 2 that is nearly linear", "leave its square out")
            }
            map = takeMap().addingToBias(half)
            finish(.square)
            (factor, offset) = (a, c - a * half * half)
        default: finish(.polynomial(coefficients))
        }
    }

    /// The map so far, after what the square before it left.
    private mutating func takeMap() -> AffineMap {
        defer { (map, factor, offset) = (nil, 1, 0) }
        return map ?? AffineMap.identity(shape.reduce(1, *)).shiftingInputs(by: offset).scaled(weights: factor, bias: 1)
    }

    private func windowed(_ window: Int, _ stride: Int, _ padding: Int, _ channels: Int) -> [Int] {
        [
            (shape[0] + 2 * padding - window) / stride + 1, (shape[1] + 2 * padding - window) / stride + 1, channels,
        ]
    }

    /// - Parameter stride: nil when the layer mixes everything.
    private mutating func join(
        _ layer: AffineMap, _ output: [Int], _ stride: Int?, _ name: String
    ) throws(PrivateLearningError) {
        guard layer.entryCount <= AffineMap.entryLimit else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "\(name): its matrix has \(layer.entryCount) entries, want at most \(AffineMap.entryLimit)")
        }
        if let map {
            self.map = try layer.after(map)
        } else {
            // Its inputs are factor·v + offset.
            map = layer.shiftingInputs(by: offset).scaled(weights: factor, bias: 1)
            (factor, offset) = (1, 0)
        }
        if let stride, let own = self.stride { self.stride = own * stride } else { self.stride = nil }
        shape = output
        names.append(name)
    }

    private mutating func finish(_ nonlinearity: PolynomialNetwork.Nonlinearity?) {
        if nonlinearity == nil, map == nil, !finished.isEmpty, factor == 1, offset == 0 { return }
        finished.append(
            .init(map: takeMap(), nonlinearity: nonlinearity, outputShape: shape, stride: stride, layers: names))
        (stride, names) = (1, [])
    }

    private func refusal(_ index: Int, _ what: String, _ instead: String) -> PrivateLearningError {
        PrivateLearningError(
            code: .invalidParameter,
            message: "layer \(index): \(what) cannot be computed on ciphertexts; \(instead)")
    }
}
