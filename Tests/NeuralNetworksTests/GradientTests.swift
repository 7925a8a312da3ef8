import NeuralNetworks
import Testing

@Suite struct GradientTests {
    /// Gradients in double precision agree with central differences, for every layer and every parameter.
    @Test(arguments: Architecture.all)
    func agreeWithFiniteDifferences(_ architecture: Architecture) throws {
        let network = try architecture.network(Double.self)
        let examples = try architecture.examples(count: 5, Double.self)
        let rows = Array(0..<5)
        func loss() throws -> Double {
            try network.sumOfGradients(examples, loss: architecture.loss, rows: rows, dropoutSeed: 3).loss
        }
        let (_, gradient) = try network.sumOfGradients(examples, loss: architecture.loss, rows: rows, dropoutSeed: 3)
        #expect(gradient.contains { abs($0) > 1e-3 }, "nothing to compare")
        let start = network.parameterVector
        let step = 1e-5
        for index in start.indices {
            var moved = start
            moved[index] += step
            network.parameterVector = moved
            let above = try loss()
            moved[index] -= 2 * step
            network.parameterVector = moved
            let below = try loss()
            let expected = (above - below) / (2 * step)
            #expect(
                abs(gradient[index] - expected) <= 1e-7 * (1 + abs(expected)),
                "parameter \(index): got \(gradient[index]), want \(expected)")
        }
    }

    /// Single precision agrees with double.
    @Test(arguments: Architecture.all)
    func singleAgreesWithDouble(_ architecture: Architecture) throws {
        let double = try architecture.network(Double.self)
        let single = try architecture.network(Float.self)
        single.parameterVector = double.parameterVector.map(Float.init)
        let rows = Array(0..<40)
        let wide = try double.sumOfGradients(
            architecture.examples(count: 40, Double.self), loss: architecture.loss, rows: rows)
        let narrow = try single.sumOfGradients(
            architecture.examples(count: 40, Float.self), loss: architecture.loss, rows: rows)
        #expect(abs(wide.loss - narrow.loss) < 1e-4 * (1 + wide.loss))
        #expect(distance(narrow.gradient.map(Double.init), wide.gradient) < 2e-5)
    }

    /// ‖a − b‖ / ‖b‖.
    func distance(_ a: [Double], _ b: [Double]) -> Double {
        let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (difference / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
}
