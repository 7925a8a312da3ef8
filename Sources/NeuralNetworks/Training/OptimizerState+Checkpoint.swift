/// What the checkpoints of private training have in common.
extension OptimizerState<Float> {
    func store(in file: inout TensorFile) {
        for (index, slot) in slots.enumerated() {
            file.tensors["optimizer.\(index)"] = Tensor(
                shape: [slot.capacity], values: Array(UnsafeBufferPointer(start: slot.base, count: slot.capacity)))
        }
    }

    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` when it is not that of this optimiser.
    func memory(in file: TensorFile) throws(NeuralNetworksError) -> [[Float]] {
        var memory: [[Float]] = []
        for (index, slot) in slots.enumerated() {
            guard let tensor = file.tensors["optimizer.\(index)"], tensor.shape == [slot.capacity],
                tensor.values.allSatisfy(\.isFinite)
            else { throw .file("checkpoint: the optimiser's memory is missing or does not fit") }
            memory.append(tensor.values)
        }
        return memory
    }

    /// - Parameter memory: of ``memory(in:)``.
    func load(_ memory: [[Float]], step: Int) {
        for (slot, numbers) in zip(slots, memory) {
            for (index, number) in numbers.enumerated() { slot.base[index] = number }
        }
        self.step = step
    }
}

extension Network<Float> {
    /// - Throws: ``NeuralNetworksError`` with code `invalidFile` for the file of a network with other layers.
    func requireSame(as file: TensorFile) throws(NeuralNetworksError) {
        guard try Self.value([LayerDescription].self, "layers", file) == layers,
            try Self.value([Int].self, "input", file) == inputShape
        else { throw .file("checkpoint: belongs to another network") }
    }
}
