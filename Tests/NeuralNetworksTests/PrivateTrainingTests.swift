import Foundation
import NeuralNetworks
import Randomness
import TacitTestSupport
import Testing

@Suite struct PrivateTrainingTests {
    static func parameters(
        rate: Double = 0.1, noise: Double = 1, clipping: Clipping = .fixed(norm: 1)
    ) -> PrivateTrainingParameters {
        PrivateTrainingParameters(samplingRate: rate, noiseMultiplier: noise, clipping: clipping, learningRate: 0.1)
    }

    static func examples(count: Int, width: Int = 4) throws -> Examples<Float> {
        var random = SeededGenerator(seed: 2)
        return try Examples(
            features: (0..<count * width).map { _ in Float(random.next() >> 40) * 0x1p-23 - 1 }, width: width,
            targets: .classes((0..<count).map { $0 % 2 }))
    }

    @Test func batchNormalizationIsRefusedWithTheWayOut() throws {
        let network = try Network<Float>([.dense(outputs: 4), .batchNormalization, .dense(outputs: 2)], input: [4])
        let error = #expect(throws: NeuralNetworksError.self) {
            try PrivateTrainer(
                network, Self.examples(count: 10), loss: .crossEntropy, unitOfRow: nil, Self.parameters())
        }
        #expect(error?.code == .notPrivate)
        #expect(error?.message.contains("group normalisation") == true)
    }

    @Test(arguments: [(0.0, 1.0), (1.5, 1.0), (-0.1, 1.0), (.nan, 1.0), (0.1, 0.0), (0.1, -1.0), (0.1, .nan)])
    func parametersOutOfRangeAreRefused(_ rate: Double, _ noise: Double) throws {
        let network = try Network<Float>([.dense(outputs: 2)], input: [4])
        let error = #expect(throws: NeuralNetworksError.self) {
            try PrivateTrainer(
                network, Self.examples(count: 10), loss: .crossEntropy, unitOfRow: nil,
                Self.parameters(rate: rate, noise: noise))
        }
        #expect(error?.code == .invalidParameter)
    }

    /// With a sampling rate so small that the sample is empty, a step of plain SGD moves each parameter by
    /// rate·N(0, (σC)²)/(q·n): the mean and variance of 100,000 moves, at false-alarm rates below 1e-9 (6σ).
    @Test func noiseHasTheStatedScale() throws {
        let network = try Network<Float>([.dense(outputs: 100_000, bias: false)], input: [1])
        network.parameterVector = [Float](repeating: 0, count: 100_000)
        let examples = try Examples<Float>(features: [1], width: 1, targets: .classes([0]))
        let trainer = try PrivateTrainer(
            network, examples, loss: .crossEntropy, unitOfRow: nil,
            PrivateTrainingParameters(
                samplingRate: 1e-12, noiseMultiplier: 2, clipping: .fixed(norm: 0.5), learningRate: 1e-12))
        #expect(try trainer.step().sampledUnits == 0)
        let moves = network.parameterVector.map(Double.init)
        let n = Double(moves.count)
        let mean = moves.reduce(0, +) / n
        let variance = moves.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
        #expect(abs(mean) < 6 / n.squareRoot())
        #expect(abs(variance - 1) < 6 * (2 / n).squareRoot())
        #expect(trainer.releases == PrivateReleases(samplingRate: 1e-12, noiseMultiplier: 2, steps: 1))
    }

    /// Chi-square over 128 cells of 2²² draws against the normal distribution; fixed seed, so that it cannot flicker.
    @Test func gridNoiseIsNormal() {
        var random = SeededRandom(seed: 7)
        let count = 1 << 22
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer {
            GridGaussianNoise().add(deviation: 4, to: $0.baseAddress!, count: count, using: &random)
        }
        var counts = [Double](repeating: 0, count: 128)
        // Cells of 1/16 between grid points: the grid is 2⁻¹² deviations.
        for value in values {
            let cell = Int(((Double(value) / 4 + 0x1p-13) * 16).rounded(.down)) + 64
            if counts.indices.contains(cell) { counts[cell] += 1 }
        }
        var statistic = 0.0
        for cell in counts.indices {
            let low = (Double(cell) - 64) / 16 - 0x1p-13
            let expected = Double(count) * (normal(low + 1.0 / 16) - normal(low))
            statistic += (counts[cell] - expected) * (counts[cell] - expected) / expected
        }
        // The 1 − 1e-9 quantile for 128 degrees of freedom is about 239.
        #expect(statistic < 239)
        #expect(values.allSatisfy { ($0 * 1024).rounded() == $0 * 1024 }, "a value off the grid")
    }

    /// The two numbers of a pair lie sixteen places apart: their angle is uniform (chi-square over 64 sectors, fixed seed) and
    /// does not depend on their distance from zero.
    @Test func gridNoiseHasNoDirection() {
        var random = SeededRandom(seed: 8)
        let count = 1 << 21
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer {
            GridGaussianNoise().add(deviation: 1, to: $0.baseAddress!, count: count, using: &random)
        }
        var counts = [Double](repeating: 0, count: 128)
        var total = [0.0, 0.0]
        for index in 0..<count where index % 32 < 16 {
            let (x, y) = (Double(values[index]), Double(values[index + 16]))
            let far = x * x + y * y > 2 * log(2.0) ? 1 : 0
            total[far] += 1
            counts[64 * far + min(63, Int((atan2(y, x) / .pi + 1) * 32))] += 1
        }
        #expect(abs(total[0] / (total[0] + total[1]) - 0.5) < 6 * 0.5 / (total[0] + total[1]).squareRoot())
        let statistic = (0..<128).reduce(0.0) { sum, cell in
            let expected = total[cell / 64] / 64
            return sum + (counts[cell] - expected) * (counts[cell] - expected) / expected
        }
        // The 1 − 1e-9 quantile for 126 degrees of freedom is about 236.
        #expect(statistic < 236)
    }

    /// Every length, and sums too large for the grid, which only receive noise that is on it.
    @Test func gridNoiseOfEveryLength() {
        for count in 1...100 {
            var random = SeededRandom(seed: UInt64(count))
            var values = [Float](repeating: 1.3, count: count + 2)
            values[0] = -7
            values[count + 1] = -7
            if count > 40 { values[33] = 0x1p30 }
            values.withUnsafeMutableBufferPointer {
                GridGaussianNoise().add(deviation: 4, to: $0.baseAddress! + 1, count: count, using: &random)
            }
            #expect(values[0] == -7 && values[count + 1] == -7)
            for (index, value) in values.enumerated().dropFirst().dropLast() {
                let base: Float = count > 40 && index == 33 ? 0x1p30 : 1.3
                #expect((value * 1024).rounded() == value * 1024)
                #expect(abs(value - base) < (base > 2 ? 256 : 48) && (value != 1.3))
            }
        }
    }

    private func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    /// Sizes are binomial, members uniform, and pairs independent.
    @Test func samplesArePoisson() throws {
        var random = SeededRandom(seed: 11)
        let sampler = try PoissonSampler(count: 5000, rate: 0.0043)
        let rounds = 4000
        var hits = [Double](repeating: 0, count: 5000)
        var sizes: [Double] = []
        var pairs = 0.0
        for _ in 0..<rounds {
            let sample = sampler.sample(using: &random)
            sizes.append(Double(sample.count))
            for unit in sample { hits[unit] += 1 }
            for (first, second) in zip(sample, sample.dropFirst()) where second == first + 1 { pairs += 1 }
            #expect(zip(sample, sample.dropFirst()).allSatisfy { $0 < $1 })
        }
        let mean = sizes.reduce(0, +) / Double(rounds)
        let variance = sizes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rounds - 1)
        let expected = 5000 * 0.0043
        #expect(abs(mean - expected) < 6 * (expected / Double(rounds)).squareRoot())
        #expect(abs(variance / expected - 1) < 6 * (2 / Double(rounds)).squareRoot())
        // Each unit's hits: chi-square with 5000 degrees of freedom, 6σ.
        let each = Double(rounds) * 0.0043
        let statistic = hits.reduce(0) { $0 + ($1 - each) * ($1 - each) / (each * (1 - 0.0043)) }
        #expect(abs(statistic - 5000) < 6 * (2.0 * 5000 * (1 + 0.5 / each)).squareRoot())
        let neighbours = Double(rounds) * 4999 * 0.0043 * 0.0043
        #expect(abs(pairs - neighbours) < 6 * neighbours.squareRoot())
        #expect(try PoissonSampler(count: 3, rate: 1).sample(using: &random) == [0, 1, 2])
    }

    /// Adding all rows of one patient moves the clipped sum by at most the norm.
    @Test func unitsOfSeveralRowsAreClippedTogether() throws {
        let network = try Network<Float>([.dense(outputs: 2)], input: [4])
        let examples = try Self.examples(count: 30)
        let trainer = try PrivateTrainer(
            network, examples, loss: .crossEntropy, unitOfRow: (0..<30).map { [7, -1, 3][$0 % 3] },
            Self.parameters(clipping: .fixed(norm: 0.25)))
        #expect(trainer.unitCount == 3)
        for unit in 0..<3 {
            let sum = try trainer.insecureClippedSum(of: [unit])
            let norm = sum.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(norm <= 0.25 && norm > 0.249)
        }
    }

    /// An adaptive bound finds the median of the norms.
    @Test func adaptiveBoundFindsItsQuantile() throws {
        let network = try Network<Float>([.dense(outputs: 2)], input: [4])
        let parameters = PrivateTrainingParameters(
            samplingRate: 0.5, noiseMultiplier: 1,
            clipping: .adaptive(initialNorm: 100, quantile: 0.5, rate: 0.2, countNoise: 5), learningRate: 1e-9)
        let trainer = try PrivateTrainer(
            network, Self.examples(count: 2000), loss: .crossEntropy, unitOfRow: nil, parameters)
        for _ in 0..<150 { try trainer.step() }
        let unclipped = try trainer.step().unclipped
        #expect(abs(unclipped - 0.5) < 0.15, "got \(unclipped) at \(trainer.clippingNorm)")
    }

    @Test func infiniteFeaturesAreRefused() throws {
        let network = try Network<Float>([.dense(outputs: 2)], input: [1])
        let examples = try Examples<Float>(features: [1, .infinity], width: 1, targets: .classes([0, 1]))
        #expect(throws: NeuralNetworksError.self) { try network.check(examples, loss: .crossEntropy) }
    }

    /// A run that overflows stops before it releases anything of the step.
    @Test func divergenceIsAnError() throws {
        let network = try Network<Float>([.dense(outputs: 3), .dense(outputs: 2)], input: [1])
        network.parameterVector = [Float](repeating: 1e30, count: network.parameterCount)
        let before = network.parameterVector
        let examples = try Examples<Float>(
            features: [Float](repeating: 1e30, count: 4), width: 1, targets: .classes([0, 1, 0, 1]))
        let trainer = try PrivateTrainer(
            network, examples, loss: .crossEntropy, unitOfRow: nil, Self.parameters(rate: 1))
        let error = #expect(throws: NeuralNetworksError.self) { try trainer.step() }
        #expect(error?.code == .diverged)
        #expect(network.parameterVector == before && trainer.releases.steps == 0)
    }
}
