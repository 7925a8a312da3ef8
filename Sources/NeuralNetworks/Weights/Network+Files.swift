import Foundation

extension Network where Scalar == Float {
    static var formatName: String { "tacit-network" }

    /// Parameters and running averages by name, with the architecture in the metadata.
    public var file: TensorFile {
        get throws(NeuralNetworksError) {
            var tensors: [String: Tensor<Float>] = [:]
            for parameter in parameters { tensors[parameter.name] = parameter.tensor }
            for statistic in statistics { tensors[statistic.name] = statistic.tensor }
            return TensorFile(
                tensors: tensors,
                metadata: [
                    "format": Self.formatName, "version": "1", "input": try Self.text(inputShape),
                    "layers": try Self.text(layers),
                ])
        }
    }

    /// The network that a file describes, with its weights.
    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` or `invalidArchitecture`.
    public convenience init(_ file: TensorFile) throws(NeuralNetworksError) {
        guard file.metadata["format"] == Self.formatName, file.metadata["version"] == "1" else {
            throw .file(
                "network: got format \(file.metadata["format"] ?? "none") version "
                    + "\(file.metadata["version"] ?? "none"), want \(Self.formatName) version 1")
        }
        let layers = try Self.value([LayerDescription].self, "layers", file)
        let input = try Self.value([Int].self, "input", file)
        // The weights must be there before memory is taken for them.
        let held = file.tensors.values.reduce(0) { $0 + $1.values.count }
        guard LayerDescription.parameterLowerBound(layers) <= held else {
            throw .file("network: got \(held) weights, fewer than its layers need")
        }
        try self.init(layers, input: input)
        try load(file.tensors)
    }

    /// Replaces all parameters and running averages.
    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` when a tensor is missing, has another shape, or is not
    ///   finite; nothing is changed then.
    public func load(_ tensors: [String: Tensor<Float>]) throws(NeuralNetworksError) {
        for parameter in parameters + statistics {
            guard let tensor = tensors[parameter.name] else { throw .file("weights: \(parameter.name): is missing") }
            guard tensor.shape == parameter.shape else {
                throw .file("weights: \(parameter.name): got shape \(tensor.shape), want \(parameter.shape)")
            }
            guard tensor.values.allSatisfy(\.isFinite) else {
                throw .file("weights: \(parameter.name): got a number that is infinite or not a number")
            }
        }
        for parameter in parameters + statistics { parameter.set(tensors[parameter.name]!.values) }
    }

    static func text(_ value: some Encodable) throws(NeuralNetworksError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(value) else { throw .file("network: cannot be written as JSON") }
        return String(decoding: data, as: UTF8.self)
    }

    static func value<Value: Decodable>(
        _ type: Value.Type, _ name: String, _ file: TensorFile
    ) throws(NeuralNetworksError) -> Value {
        guard let text = file.metadata[name] else { throw .file("\(name): is missing in the metadata") }
        guard let value = try? JSONDecoder().decode(type, from: Data(text.utf8)) else {
            throw .file("\(name): cannot be understood")
        }
        return value
    }
}

extension LayerDescription {
    /// A bound from below on the number of parameters, from what each layer says of itself: outputs and filters have at
    /// least one weight each. It keeps a hostile description from taking memory that its file does not pay for.
    static func parameterLowerBound(_ layers: [LayerDescription]) -> Int {
        layers.reduce(0) { total, layer in
            let own: Int
            switch layer {
            case .dense(let outputs, _): own = max(0, outputs)
            case .convolution(let filters, let window, _, _, _, _):
                own = clampedProduct([filters, window, window])
            case .depthwiseConvolution(let window, _, _, _): own = clampedProduct([window, window])
            case .embedding(let count, let dimension), .embeddingBag(let count, let dimension):
                own = clampedProduct([count, dimension])
            case .recurrent(let units, _), .lstm(let units, _): own = clampedProduct([units, units])
            case .residual(let branch, let projection):
                own = parameterLowerBound(branch) + parameterLowerBound(projection ?? [])
            default: own = 0
            }
            return min(1 << 40, total + own)
        }
    }

    private static func clampedProduct(_ factors: [Int]) -> Int {
        factors.reduce(1) {
            min(1 << 40, $0.multipliedReportingOverflow(by: max(0, $1)).overflow ? 1 << 40 : $0 * max(0, $1))
        }
    }
}
