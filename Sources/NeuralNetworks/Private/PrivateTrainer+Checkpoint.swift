/// A run of private training as far as it has come: parameters, the optimiser's memory, the clipping norm and what has
/// been released. Sampling and noise have no state worth keeping: a resumed run draws afresh.
extension PrivateTrainer {
    private static var checkpointFormat: String { "tacit-private-training" }

    /// Written beside, flushed and renamed by ``TensorFile/write(to:)``; between two steps only.
    public var checkpoint: TensorFile {
        get throws(NeuralNetworksError) {
            var file = try network.file
            for (index, slot) in state.slots.enumerated() {
                file.tensors["optimizer.\(index)"] = Tensor(
                    shape: [network.parameterCount],
                    values: Array(UnsafeBufferPointer(start: slot.base, count: network.parameterCount)))
            }
            file.metadata["checkpoint"] = Self.checkpointFormat
            file.metadata["training"] = try Network<Float>.text(parameters)
            file.metadata["releases"] = try Network<Float>.text(releases)
            file.metadata["clipping_norm"] = try Network<Float>.text([clippingNorm])
            file.metadata["units"] = try Network<Float>.text([unitCount])
            return file
        }
    }

    /// Continues a run: everything becomes as it was when the checkpoint was taken, the released steps included.
    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` for a file that is not a checkpoint or belongs to
    ///   another network, other parameters or another number of units; nothing is changed then.
    public func resume(from file: TensorFile) throws(NeuralNetworksError) {
        guard file.metadata["checkpoint"] == Self.checkpointFormat else { throw .file("checkpoint: is none") }
        guard try Network<Float>.value([LayerDescription].self, "layers", file) == network.layers,
            try Network<Float>.value([Int].self, "input", file) == network.inputShape
        else { throw .file("checkpoint: belongs to another network") }
        guard try Network<Float>.value(PrivateTrainingParameters.self, "training", file) == parameters else {
            throw .file("checkpoint: was made with other training parameters")
        }
        guard try Network<Float>.value([Int].self, "units", file) == [unitCount] else {
            throw .file("checkpoint: was made on another number of privacy units than \(unitCount)")
        }
        let releases = try Network<Float>.value(PrivateReleases.self, "releases", file)
        let norms = try Network<Float>.value([Double].self, "clipping_norm", file)
        guard releases.steps >= 0, releases.steps < 1 << 40, norms.count == 1, norms[0] > 0, norms[0].isFinite else {
            throw .file("checkpoint: got \(releases.steps) steps, want a number in [0, 2⁴⁰), and one clipping norm")
        }
        var memory: [[Float]] = []
        for index in state.slots.indices {
            guard let tensor = file.tensors["optimizer.\(index)"], tensor.shape == [network.parameterCount],
                tensor.values.allSatisfy(\.isFinite)
            else { throw .file("checkpoint: the optimiser's memory is missing or does not fit") }
            memory.append(tensor.values)
        }
        try network.load(file.tensors)
        for (slot, numbers) in zip(state.slots, memory) {
            for (index, number) in numbers.enumerated() { slot.base[index] = number }
        }
        state.step = releases.steps
        clippingNorm = norms[0]
        // Dropout goes on with masks of its own.
        seeds = SeededGenerator(seed: parameters.seed &+ UInt64(releases.steps) &* 0x9E37_79B9_7F4A_7C15)
    }
}
