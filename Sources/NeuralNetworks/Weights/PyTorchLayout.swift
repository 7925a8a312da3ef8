/// Weights as PyTorch lays them out: dense [outputs, inputs], convolutions [filters, channels, height, width], images
/// channels first. Names are those of an `nn.Sequential` with the same list of layers (`0.weight`, `0.bias`, …), in which
/// flatten, activations, pooling and dropout count as layers.
extension Network where Scalar == Float {
    /// How one parameter is found in the other layout.
    private struct Mapping {
        var parameter: Parameter<Float>
        var name: String
        var shape: [Int]
        /// For each of our numbers, the place of the same number there.
        var places: [Int]
    }

    /// Replaces the weights by those of a PyTorch model, saved for example with `safetensors.torch.save_file`.
    /// - Throws: ``NeuralNetworksError``: `invalidFile` when a tensor is missing or has another shape,
    ///   `invalidArchitecture` for residual and recurrent layers and grouped convolutions, which are not mapped; nothing
    ///   is changed then.
    public func loadPyTorch(_ tensors: [String: Tensor<Float>]) throws(NeuralNetworksError) {
        var own: [String: Tensor<Float>] = [:]
        for statistic in statistics { own[statistic.name] = statistic.tensor }
        for mapping in try pyTorchMappings() {
            guard let tensor = tensors[mapping.name] else { throw .file("weights: \(mapping.name): is missing") }
            guard tensor.shape == mapping.shape else {
                throw .file("weights: \(mapping.name): got shape \(tensor.shape), want \(mapping.shape)")
            }
            own[mapping.parameter.name] = Tensor(
                shape: mapping.parameter.shape, values: mapping.places.map { tensor.values[$0] })
        }
        try load(own)
    }

    /// The weights under the names and in the layout of an `nn.Sequential`.
    /// - Throws: as ``loadPyTorch(_:)``.
    public func pyTorchTensors() throws(NeuralNetworksError) -> [String: Tensor<Float>] {
        var result: [String: Tensor<Float>] = [:]
        for mapping in try pyTorchMappings() {
            var values = [Float](repeating: 0, count: mapping.places.count)
            for (value, place) in zip(mapping.parameter.tensor.values, mapping.places) { values[place] = value }
            result[mapping.name] = Tensor(shape: mapping.shape, values: values)
        }
        return result
    }

    private func pyTorchMappings() throws(NeuralNetworksError) -> [Mapping] {
        var mappings: [Mapping] = []
        // The shape of the image that a flatten layer made into the vector that is passed on, until the next dense layer.
        var flattened: [Int]?
        for (index, layer) in root.layers.enumerated() {
            func plain(_ parameter: Parameter<Float>, _ name: String) -> Mapping {
                Mapping(
                    parameter: parameter, name: "\(index).\(name)", shape: [parameter.count],
                    places: Array(0..<parameter.count))
            }
            let parameters = layer.parameters
            switch layers[index] {
            case .flatten: if layer.inputShape.count == 3 { flattened = layer.inputShape }
            case .dense:
                let inputs = parameters[0].shape[0]
                let outputs = parameters[0].shape[1]
                let order = flattened.map(Self.channelsFirst) ?? Array(0..<inputs)
                mappings.append(
                    Mapping(
                        parameter: parameters[0], name: "\(index).weight", shape: [outputs, inputs],
                        places: (0..<inputs).flatMap { i in (0..<outputs).map { $0 * inputs + order[i] } }))
                if parameters.count > 1 { mappings.append(plain(parameters[1], "bias")) }
                flattened = nil
            case .convolution(let filters, let window, _, _, 1, _):
                let channels = parameters[0].shape[2]
                var places: [Int] = []
                for y in 0..<window {
                    for x in 0..<window {
                        for c in 0..<channels {
                            for f in 0..<filters { places.append(((f * channels + c) * window + y) * window + x) }
                        }
                    }
                }
                mappings.append(
                    Mapping(
                        parameter: parameters[0], name: "\(index).weight", shape: [filters, channels, window, window],
                        places: places))
                if parameters.count > 1 { mappings.append(plain(parameters[1], "bias")) }
            case .depthwiseConvolution(let window, _, _, _):
                let channels = parameters[0].shape[2]
                mappings.append(
                    Mapping(
                        parameter: parameters[0], name: "\(index).weight", shape: [channels, 1, window, window],
                        places: (0..<window * window).flatMap { p in (0..<channels).map { $0 * window * window + p } }))
                if parameters.count > 1 { mappings.append(plain(parameters[1], "bias")) }
            case .groupNormalization, .layerNormalization, .batchNormalization:
                guard flattened == nil else {
                    throw .architecture("layer \(index): normalisation between flatten and dense has no PyTorch layout")
                }
                mappings += [plain(parameters[0], "weight"), plain(parameters[1], "bias")]
            default:
                guard parameters.isEmpty else {
                    throw .architecture(
                        "layer \(index): has no PyTorch layout, want dense, convolution or normalisation")
                }
            }
        }
        return mappings
    }

    /// For each number of an image with channels last, its place with channels first.
    private static func channelsFirst(_ shape: [Int]) -> [Int] {
        let pixels = shape[0] * shape[1]
        return (0..<pixels).flatMap { p in (0..<shape[2]).map { $0 * pixels + p } }
    }
}
