import NeuralNetworks

extension GlobalModel {
    /// The model as the file of a network, which `Network(_:)` reads; mean and deviation of the columns, where the study has
    /// them, are the tensors `input.mean` and `input.deviation`.
    /// - Throws: `invalidStudy`, `diverged`.
    public func file(_ study: Study, scaling: ColumnScaling?) throws(FederationError) -> TensorFile {
        let network = try study.network.makeNetwork()
        guard network.parameterCount == count else { throw .data("model: has another architecture than the study") }
        network.parameterVector = floats
        do {
            var file = try network.file
            if let scaling {
                for (name, values) in [("input.mean", scaling.means), ("input.deviation", scaling.deviations)] {
                    file.tensors[name] = Tensor(shape: [values.count], values: values.map(Float.init))
                }
            }
            file.metadata["federation"] = study.literal.name
            file.metadata["study"] = study.fingerprint.hexadecimal
            file.metadata["target"] = study.literal.target
            return file
        } catch { throw .data(error.message) }
    }
}

extension Study {
    /// The weights in a file that ``GlobalModel/file(_:scaling:)`` made, in the order of the model.
    /// - Throws: `invalidData`.
    public func weights(in file: TensorFile) throws(FederationError) -> [Float] {
        var result: [Float] = []
        for tensor in try network.initialModel().tensors {
            guard let found = file.tensors[tensor.name], found.shape == tensor.shape else {
                throw .data("model: \(tensor.name): is missing or has another shape")
            }
            result += found.values
        }
        return result
    }
}
