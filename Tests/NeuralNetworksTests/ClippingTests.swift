import NeuralNetworks
import Testing

@Suite struct ClippingTests {
    /// The clipped sum without per-unit gradients equals the one that writes each of them down: rows as units, and units
    /// of several rows.
    @Test(arguments: Architecture.privateOnes, [false, true])
    func clippedSumsEqualTheReference(_ architecture: Architecture, areGrouped: Bool) throws {
        let count = 24
        let network = try architecture.network(Float.self)
        let examples = try architecture.examples(count: count, Float.self)
        let starts = areGrouped ? [0, 1, 4, 6, 11, 12, 20, 24] : Array(0...count)
        let gradients = try (0..<starts.count - 1).map { unit -> [Double] in
            let rows = Array(starts[unit]..<starts[unit + 1])
            return try network.sumOfGradients(examples, loss: architecture.loss, rows: rows).gradient.map(Double.init)
        }
        let norms = gradients.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        // Half of them are clipped.
        let bound = norms.sorted()[norms.count / 2] * 1.0001
        for stability in [nil, 0.05] as [Double?] {
            var reference = [Double](repeating: 0, count: network.parameterCount)
            for (gradient, norm) in zip(gradients, norms) {
                let factor = stability.map { bound / (norm + $0) } ?? min(1, bound / norm)
                for index in reference.indices { reference[index] += gradient[index] * factor * (1 - 0x1p-12) }
            }
            let sum = try network.sumOfClippedGradients(
                examples, loss: architecture.loss, rows: Array(0..<count), units: Units(starts: starts), bound: bound,
                stability: stability)
            let size = reference.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let difference = zip(sum, reference).reduce(0) {
                $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1)
            }.squareRoot()
            #expect(difference <= 1e-5 * size, "relative difference \(difference / size)")
        }
    }

    /// A unit's contribution never exceeds the bound, however large its gradient.
    @Test func contributionsStayWithinTheBound() throws {
        let network = try Network<Float>([.dense(outputs: 64), .relu, .dense(outputs: 10)], input: [100], seed: 3)
        var random = SeededGenerator(seed: 1)
        for scale in [1e-3, 1, 1e3, 1e6] as [Float] {
            let features = (0..<20 * 100).map { _ in scale * (Float(random.next() >> 40) * 0x1p-23 - 1) }
            let examples = try Examples(
                features: features, width: 100, targets: .classes((0..<20).map { $0 % 10 }))
            for row in 0..<20 {
                let sum = try network.sumOfClippedGradients(
                    examples, loss: .crossEntropy, rows: [row], units: .rows(1), bound: 0.5)
                let norm = sum.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(norm <= 0.5)
            }
        }
    }
}
