extension Network {
    /// The sum over the given rows of loss and gradient, for tests.
    package func sumOfGradients(
        _ examples: Examples<Scalar>, loss: Loss, rows: [Int], dropoutSeed: UInt64 = 0
    ) throws(NeuralNetworksError) -> (loss: Double, gradient: [Scalar]) {
        try sums(examples, loss, rows, .rows(rows.count), .plain, dropoutSeed)
    }

    /// The sum over units of their gradients, clipped to `bound` by the rules of private training, for tests.
    package func sumOfClippedGradients(
        _ examples: Examples<Scalar>, loss: Loss, rows: [Int], units: Units, bound: Double, stability: Double? = nil
    ) throws(NeuralNetworksError) -> [Scalar] {
        let rule = Clipping.Rule(bound: bound, stability: stability)
        return try sums(examples, loss, rows, units, .clipped(rule), 0).gradient
    }

    private func sums(
        _ examples: Examples<Scalar>, _ loss: Loss, _ rows: [Int], _ units: Units,
        _ mode: GradientEngine<Scalar>.Mode, _ dropoutSeed: UInt64
    ) throws(NeuralNetworksError) -> (loss: Double, gradient: [Scalar]) {
        try check(examples, loss: loss)
        let engine = GradientEngine(self, examples, loss)
        let summary = try engine.run(rows: rows, units: units, mode: mode, dropoutSeed: dropoutSeed)
        let gradient = engine.combined(0..<parameterCount)
        return (summary.loss, Array(UnsafeBufferPointer(start: gradient, count: parameterCount)))
    }
}
