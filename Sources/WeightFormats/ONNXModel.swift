import NeuralNetworks

/// A network as an ONNX model: opset 13, float, any number of rows, images channels first as is usual there.
///
/// Dropout is left out. Polynomials become products and sums after Horner.
/// - Reference: the ONNX intermediate representation, version 8, and operator set 13.
public struct ONNXModel {
    private var nodes: [[UInt8]] = []
    private var initializers: [[UInt8]] = []
    private var current = "input"
    private var names = 0
    private let network: Network<Float>
    private var weights: [String: Tensor<Float>] = [:]

    public static let operatorSet = 13

    /// - Throws: ``WeightFormatsError`` with code `unsupported` that names the layer.
    public static func encoded(
        _ network: Network<Float>, name: String = "network", producerVersion: String = ""
    ) throws(WeightFormatsError) -> [UInt8] {
        var model = ONNXModel(network)
        return try model.encoded(name, producerVersion)
    }

    private init(_ network: Network<Float>) { self.network = network }

    private mutating func encoded(_ name: String, _ version: String) throws(WeightFormatsError) -> [UInt8] {
        do throws(NeuralNetworksError) { weights = try network.pyTorchTensors() } catch {
            throw WeightFormatsError(code: .unsupported, message: error.message)
        }
        var statistics: [String: Tensor<Float>] = [:]
        for statistic in network.statistics { statistics[statistic.name] = statistic.tensor }
        for (index, layer) in network.layers.enumerated() { try add(layer, index, statistics) }
        let (input, output) = (shape(network.inputShape), shape(network.outputShape))
        node("Identity", [current], output: "output")
        var writer = ProtobufWriter()
        writer.integer(1, 8)
        writer.text(2, "tacit")
        writer.text(3, version)
        writer.message(7) { graph in
            for node in nodes { graph.bytes(1, node) }
            graph.text(2, name)
            for initializer in initializers { graph.bytes(5, initializer) }
            graph.bytes(11, Self.value("input", input))
            graph.bytes(12, Self.value("output", output))
        }
        writer.message(8) { $0.integer(2, Self.operatorSet) }
        return writer.bytes
    }

    /// Extents of one row, channels first.
    private func shape(_ own: [Int]) -> [Int] { own.count == 3 ? [own[2], own[0], own[1]] : own }

    private static func value(_ name: String, _ shape: [Int]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, name)
        writer.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, 1)
                tensor.message(2) { extents in
                    extents.message(1) { $0.text(2, "rows") }
                    for extent in shape { extents.message(1) { $0.integer(1, extent) } }
                }
            }
        }
        return writer.bytes
    }

    // MARK: Nodes

    private enum Attribute {
        case integer(Int)
        case integers([Int])
        case float(Float)
    }

    private mutating func fresh() -> String {
        names += 1
        return "t\(names)"
    }

    @discardableResult
    private mutating func node(
        _ type: String, _ inputs: [String], _ attributes: [(String, Attribute)] = [], output: String? = nil
    ) -> String {
        let result = output ?? fresh()
        var writer = ProtobufWriter()
        for input in inputs { writer.text(1, input) }
        writer.text(2, result)
        writer.text(3, "n\(nodes.count)")
        writer.text(4, type)
        for (name, attribute) in attributes {
            writer.message(5) { field in
                field.text(1, name)
                switch attribute {
                case .float(let value):
                    field.float(2, value)
                    field.integer(20, 1)
                case .integer(let value):
                    field.integer(3, value)
                    field.integer(20, 2)
                case .integers(let values):
                    for value in values { field.integer(8, value) }
                    field.integer(20, 7)
                }
            }
        }
        nodes.append(writer.bytes)
        current = result
        return result
    }

    private mutating func constant(_ shape: [Int], _ values: [Float]) -> String {
        let name = fresh()
        var raw: [UInt8] = []
        raw.reserveCapacity(4 * values.count)
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { raw.append(contentsOf: $0) } }
        var writer = ProtobufWriter()
        for extent in shape { writer.integer(1, extent) }
        writer.integer(2, 1)
        writer.text(8, name)
        writer.bytes(9, raw)
        initializers.append(writer.bytes)
        return name
    }

    private mutating func weight(_ index: Int, _ name: String) -> String? {
        guard let tensor = weights["\(index).\(name)"] else { return nil }
        return constant(tensor.shape, tensor.values)
    }

    // MARK: Layers

    private static func window(_ size: Int, _ stride: Int, _ padding: Int) -> [(String, Attribute)] {
        [
            ("kernel_shape", .integers([size, size])), ("strides", .integers([stride, stride])),
            ("pads", .integers([padding, padding, padding, padding])),
        ]
    }

    private mutating func add(
        _ layer: LayerDescription, _ index: Int, _ statistics: [String: Tensor<Float>]
    ) throws(WeightFormatsError) {
        switch layer {
        case .dense:
            let inputs = index == 0 ? network.inputShape : []
            guard inputs.count <= 1, let kernel = weight(index, "weight") else { throw unsupported(layer, index) }
            node(
                "Gemm", [current, kernel] + [weight(index, "bias")].compactMap { $0 }, [("transB", .integer(1))])
        case .convolution(_, let size, let stride, let padding, let groups, _):
            guard let kernel = weight(index, "weight") else { throw unsupported(layer, index) }
            node(
                "Conv", [current, kernel] + [weight(index, "bias")].compactMap { $0 },
                Self.window(size, stride, padding) + [("group", .integer(groups))])
        case .depthwiseConvolution(let size, let stride, let padding, _):
            guard let tensor = weights["\(index).weight"], let kernel = weight(index, "weight") else {
                throw unsupported(layer, index)
            }
            node(
                "Conv", [current, kernel] + [weight(index, "bias")].compactMap { $0 },
                Self.window(size, stride, padding) + [("group", .integer(tensor.shape[0]))])
        case .maximumPooling(let size, let stride, let padding):
            node("MaxPool", [current], Self.window(size, stride, padding))
        case .averagePooling(let size, let stride, let padding):
            node(
                "AveragePool", [current], Self.window(size, stride, padding) + [("count_include_pad", .integer(0))])
        case .globalAveragePooling: node("GlobalAveragePool", [current])
        case .flatten: node("Flatten", [current], [("axis", .integer(1))])
        case .dropout: break
        case .batchNormalization:
            guard let scale = weight(index, "weight"), let shift = weight(index, "bias"),
                let mean = statistics["\(index).mean"], let variance = statistics["\(index).variance"]
            else { throw unsupported(layer, index) }
            node(
                "BatchNormalization",
                [current, scale, shift, constant(mean.shape, mean.values), constant(variance.shape, variance.values)],
                [("epsilon", .float(1e-5))])
        case .activation(let function): activation(function)
        default: throw unsupported(layer, index)
        }
    }

    private mutating func activation(_ function: ActivationFunction) {
        switch function {
        case .relu: node("Relu", [current])
        case .relu6: node("Clip", [current, constant([], [0]), constant([], [6])])
        case .tanh: node("Tanh", [current])
        case .sigmoid: node("Sigmoid", [current])
        case .polynomial(let coefficients):
            let x = current
            let numbers = coefficients.map(Float.init)
            guard numbers.count > 1 else {
                // A constant of the input's shape.
                node("Mul", [x, constant([], [0])])
                node("Add", [current, constant([], [numbers.first ?? 0])])
                return
            }
            node("Mul", [x, constant([], [numbers[numbers.count - 1]])])
            for position in (0..<numbers.count - 1).reversed() {
                node("Add", [current, constant([], [numbers[position]])])
                if position > 0 { node("Mul", [current, x]) }
            }
        }
    }

    private func unsupported(_ layer: LayerDescription, _ index: Int) -> WeightFormatsError {
        WeightFormatsError(
            code: .unsupported,
            message:
                "layer \(index): \(layer) is not written to ONNX; want dense, convolution, pooling, batch normalisation, "
                + "flatten or an activation")
    }
}
