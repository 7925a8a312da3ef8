import NeuralNetworks

/// Weights of a Keras model: `model.save_weights("x.weights.h5")` of Keras 3, or the HDF5 files of Keras 2.
///
/// Keras lays images out as height, width, channels, dense kernels as [inputs, outputs] and convolutions as [height, width,
/// channels, filters], as we do: numbers are taken as they are, layer for layer. Keras layers of a kind are taken in the
/// order of the numbers that Keras gives their names (conv2d, conv2d_1, …).
public struct KerasWeights: Sendable {
    /// Arrays of a layer by what they are: kernel, bias, gamma, …, or their number in Keras 3.
    struct Layer: Sendable {
        var name: String
        var arrays: [String: Tensor<Float>]
        /// Position in the file's order of names.
        var number: Int

        func array(_ names: String..., at position: Int) -> Tensor<Float>? {
            for name in names { if let found = arrays[name] { return found } }
            return arrays["\(position)"]
        }
    }
    let layers: [Layer]

    public var layerNames: [String] { layers.map(\.name) }

    /// Read in this process: of files from where you would run programs from, see ``IsolatedHDF5``.
    /// - Throws: ``WeightFormatsError`` with code `invalidFile`.
    public init(decoding bytes: [UInt8], name: String = "weights") throws(WeightFormatsError) {
        try self.init(arrays: HDF5File(bytes, name: name).arrays, name: name)
    }

    /// - Parameter arrays: by their paths in the file.
    init(arrays: [String: Tensor<Float>], name: String) throws(WeightFormatsError) {
        var found: [String: [String: Tensor<Float>]] = [:]
        for (path, array) in arrays {
            var parts = path.split(separator: "/").map(String.init)
            if parts.first?.hasPrefix("optimizer") == true { continue }
            if ["layers", "_layer_checkpoint_dependencies", "model_weights"].contains(parts.first) {
                parts.removeFirst()
            }
            guard parts.count >= 2 else { continue }
            // "kernel:0" is how Keras 2 numbers copies.
            let role = String(parts[parts.count - 1].split(separator: ":")[0])
            found[parts[0], default: [:]][role] = array
        }
        layers = found.keys.sorted(by: Self.precedes).enumerated().map { number, name in
            Layer(name: name, arrays: found[name] ?? [:], number: number)
        }
        guard !layers.isEmpty else { throw .file("\(name): Keras: got no layers with weights, want at least one") }
    }

    public init(path: String) throws(WeightFormatsError) {
        try self.init(decoding: WeightFile.read(path), name: path)
    }

    /// conv2d_2 before conv2d_10.
    private static func precedes(_ a: String, _ b: String) -> Bool {
        func split(_ name: String) -> (stem: String, number: Int) {
            guard let mark = name.lastIndex(of: "_"), let number = Int(name[name.index(after: mark)...]) else {
                return (name, -1)
            }
            return (String(name[..<mark]), number)
        }
        let (left, right) = (split(a), split(b))
        return left.stem == right.stem ? left.number < right.number : left.stem < right.stem
    }

    /// Replaces the weights of a network of the same layers.
    /// - Throws: ``WeightFormatsError``: `mismatch` when a layer finds no weights of its shape, when it cannot be said which
    ///   are its own, or when some are left over; `unsupported` for layers that are not mapped. Nothing is changed then.
    public func load(into network: Network<Float>) throws(WeightFormatsError) {
        var left = layers
        var tensors: [String: Tensor<Float>] = [:]
        var known: [String: Tensor<Float>] = [:]
        for parameter in network.parameters + network.statistics { known[parameter.name] = parameter.tensor }
        for (index, description) in network.layers.enumerated() {
            let prefix = "\(index)."
            let own = known.filter { $0.key.hasPrefix(prefix) }
            guard !own.isEmpty else { continue }
            let wanted: [(own: String, keras: [String], position: Int)]
            switch description {
            case .dense, .convolution(_, _, _, _, 1, _):
                wanted = [("weight", ["kernel"], 0), ("bias", ["bias"], 1)]
            case .depthwiseConvolution:
                wanted = [("weight", ["depthwise_kernel", "kernel"], 0), ("bias", ["bias"], 1)]
            case .batchNormalization:
                wanted = [
                    ("scale", ["gamma"], 0), ("shift", ["beta"], 1), ("mean", ["moving_mean"], 2),
                    ("variance", ["moving_variance"], 3),
                ]
            default:
                throw WeightFormatsError(
                    code: .unsupported,
                    message:
                        "layer \(index): \(description) is not mapped from Keras, want dense, convolution, depth-wise "
                        + "convolution or batch normalisation")
            }
            func arrays(_ layer: Layer) -> [String: Tensor<Float>]? {
                var result: [String: Tensor<Float>] = [:]
                for (name, keras, position) in wanted {
                    guard let mine = own[prefix + name] else { continue }
                    let candidates =
                        keras.compactMap { layer.arrays[$0] } + [layer.arrays["\(position)"]].compactMap { $0 }
                    guard let array = candidates.first else { return nil }
                    // Keras has one more extent of 1 on depth-wise kernels.
                    guard array.shape == mine.shape || array.shape == mine.shape + [1] else { return nil }
                    result[prefix + name] = Tensor(shape: mine.shape, values: array.values)
                }
                return layer.arrays.count == result.count ? result : nil
            }
            guard let place = left.firstIndex(where: { arrays($0) != nil }), let chosen = arrays(left[place]) else {
                let shapes = own.keys.sorted().map { "\($0.dropFirst(prefix.count)) \(own[$0]!.shape)" }
                throw WeightFormatsError(
                    code: .mismatch,
                    message: "layer \(index): got no Keras layer with \(shapes.joined(separator: ", ")) among "
                        + left.map(\.name).joined(separator: ", "))
            }
            tensors.merge(chosen) { first, _ in first }
            left.remove(at: place)
        }
        guard left.isEmpty else {
            throw WeightFormatsError(
                code: .mismatch,
                message: "Keras layers \(left.map(\.name).joined(separator: ", ")): have no counterpart in the network")
        }
        do throws(NeuralNetworksError) { try network.load(tensors) } catch {
            throw WeightFormatsError(code: .mismatch, message: error.message)
        }
    }
}
