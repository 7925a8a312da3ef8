import AtomicFiles
import NeuralNetworks

/// Weights in files of other software, by the ending of the name.
public enum WeightFile {
    static func read(_ path: String) throws(WeightFormatsError) -> [UInt8] {
        do throws(AtomicFilesError) { return try readFile(path, limit: 1 << 32) } catch {
            throw WeightFormatsError(code: .inputOutput, message: error.message)
        }
    }

    /// Replaces a network's weights by those of a file: .safetensors or .npz with our own names and layout or PyTorch's
    /// (`0.weight`, dense [outputs, inputs], images channels first), .h5 of Keras.
    ///
    /// Our own names are tried first where shapes fit both; a square dense layer fits both layouts, so say which it is.
    /// - Parameters:
    ///   - isPyTorch: the file has PyTorch's layout.
    ///   - readsKeras: reads an HDF5 file: in this process, or by ``IsolatedHDF5``.
    /// - Throws: ``WeightFormatsError``; nothing is changed then.
    public static func load(
        _ path: String, into network: Network<Float>, isPyTorch: Bool,
        readsKeras: (String) throws(WeightFormatsError) -> KerasWeights = { path throws(WeightFormatsError) in
            try KerasWeights(path: path)
        }
    ) throws(WeightFormatsError) {
        let tensors: [String: Tensor<Float>]
        if path.hasSuffix(".h5") || path.hasSuffix(".hdf5") {
            return try readsKeras(path).load(into: network)
        } else if path.hasSuffix(".npz") {
            tensors = try NumPyArchive(path: path).tensors
        } else if path.hasSuffix(".safetensors") {
            do throws(NeuralNetworksError) { tensors = try TensorFile(path: path).tensors } catch {
                throw WeightFormatsError(code: .invalidFile, message: "\(path): \(error.message)")
            }
        } else {
            throw WeightFormatsError(
                code: .unsupported, message: "\(path): want a name that ends in .safetensors, .npz or .h5")
        }
        do throws(NeuralNetworksError) {
            if isPyTorch { try network.loadPyTorch(tensors) } else { try network.load(tensors) }
        } catch {
            throw WeightFormatsError(code: .mismatch, message: "\(path): \(error.message)")
        }
    }
}
