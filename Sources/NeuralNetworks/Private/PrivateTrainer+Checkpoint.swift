/// A run of private training as far as it has come: parameters, the optimiser's memory, the clipping norm and what has
/// been released. Sampling and noise have no state worth keeping: a resumed run draws afresh.
extension PrivateTrainer {
    private static var checkpointFormat: String { "tacit-private-training" }

    /// Written beside, flushed and renamed by ``TensorFile/write(to:)``; between two steps only.
    public var checkpoint: TensorFile {
        get throws(NeuralNetworksError) {
            var file = try network.file
            state.store(in: &file)
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
        try network.requireSame(as: file)
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
        let memory = try state.memory(in: file)
        try network.load(file.tensors)
        state.load(memory, step: releases.steps)
        clippingNorm = norms[0]
        // Dropout goes on with masks of its own.
        seeds = SeededGenerator(seed: parameters.seed &+ UInt64(releases.steps) &* 0x9E37_79B9_7F4A_7C15)
    }
}
