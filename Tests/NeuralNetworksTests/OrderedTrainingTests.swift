import Foundation
import NeuralNetworks
import Testing

/// Correlated noise: what it is made of, and what a run with it does.
@Suite struct OrderedTrainingTests {
    /// The linear map from draws to the noise of steps, found by feeding unit vectors: row t, column k is how much of
    /// draw k is in step t.
    private static func matrix(_ make: () -> some CorrelatedNoise, steps: Int) -> [[Double]] {
        // Each coordinate sees one draw as 1 and all others as 0, so one run with many coordinates shows every column.
        let draws = 4 * steps
        var noise = make()
        var count = 0
        return (0..<steps).map { _ in
            noise.next { vector in
                vector = [Float](repeating: 0, count: draws)
                vector[count] = 1
                count += 1
            }.map(Double.init)
        }
    }

    private static func prefixSums(_ rows: [[Double]]) -> [[Double]] {
        var sum = [Double](repeating: 0, count: rows[0].count)
        return rows.map { row in
            for i in row.indices { sum[i] += row[i] }
            return sum
        }
    }

    /// C·n = z: the noise times C gives back the draws, so the covariance of the noise is (CᵀC)⁻¹.
    @Test(arguments: [1, 2, 3, 8]) func bandedNoiseIsTheInverseOfItsMatrix(_ bands: Int) throws {
        let factorization = try BandedFactorization.squareRoot(bands: bands)
        let steps = 40
        let inverse = Self.matrix({ BandedNoise(factorization, count: 4 * steps) }, steps: steps)
        for t in 0..<steps {
            for k in 0..<steps {
                var value = 0.0
                for j in 0..<min(bands, t + 1) { value += factorization.coefficients[j] * inverse[t - j][k] }
                #expect(abs(value - (t == k ? 1 : 0)) < 1e-5)
            }
        }
        // And the stated error is that of A·C⁻¹, column norm included.
        let sums = Self.prefixSums(inverse)
        let squares = sums.reduce(0.0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
        let want = squares * factorization.columnNorm * factorization.columnNorm / Double(steps)
        #expect(abs(factorization.meanSquaredError(steps: steps) - want) < 1e-4 * want)
    }

    /// How far C·g moves for every pattern of participation of unit vectors at least `bands` apart.
    @Test func sensitivityCoversEveryParticipation() throws {
        var random = SeededGenerator(seed: 1)
        for bands in [1, 3, 5] {
            let c = try BandedFactorization.squareRoot(bands: bands).coefficients
            for _ in 0..<50 {
                let participations = Int(random.next() % 4) + 1
                var at = 0
                var moved = [Double](repeating: 0, count: 80)
                for _ in 0..<participations {
                    at += bands + Int(random.next() % 6)
                    let sign = random.next() % 2 == 0 ? 1.0 : -1
                    for (j, value) in c.enumerated() { moved[at + j] += sign * value }
                }
                let norm = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let bound = try BandedFactorization(coefficients: c).sensitivity(participations: participations)
                #expect(norm <= bound * (1 + 1e-12))
            }
        }
    }

    @Test func optimisedMatricesAreAtLeastAsGood() throws {
        for bands in [2, 4, 8] {
            let root = try BandedFactorization.squareRoot(bands: bands).meanSquaredError(steps: 200)
            let best = try BandedFactorization.optimised(bands: bands, steps: 200).meanSquaredError(steps: 200)
            #expect(best <= root)
            #expect(best < (try BandedFactorization.squareRoot(bands: 1)).meanSquaredError(steps: 200))
        }
        // The whole square root has an error of O(log²): far below that of independent noise, (T + 1)/2.
        #expect(try BandedFactorization.squareRoot(bands: 200).meanSquaredError(steps: 200) < 12)
    }

    /// The variance of the sum up to t is that of its subtrees; nodes that a row is in are ⌊log₂ T⌋ + 1 at most.
    @Test func treeNoiseHasTheStatedVariances() {
        let steps = 37
        let sums = Self.prefixSums(Self.matrix({ TreeNoise(count: 4 * steps) }, steps: steps))
        for t in 1...steps {
            var want = 0.0
            for height in 0..<7 where t >> height & 1 == 1 { want += 1 / (2 - pow(0.5, Double(height))) }
            let got = sums[t - 1].reduce(0) { $0 + $1 * $1 }
            #expect(abs(got - want) < 1e-5, "\(t)")
        }
        #expect(abs(TreeNoise.variance(ofHeight: 3) - 1 / (2 - 0.125)) < 1e-12)
    }

    /// A step that nothing moves, many coordinates: the variance after one step of tree and banded noise, at 6σ.
    @Test(arguments: [OrderedNoise.tree, .banded(try! .squareRoot(bands: 4))])
    func aStepMovesByTheStatedNoise(_ noise: OrderedNoise) throws {
        let network = try Network<Float>([.dense(outputs: 50_000, bias: false)], input: [1])
        network.parameterVector = [Float](repeating: 0, count: 50_000)
        let examples = try Examples<Float>(features: [0], width: 1, targets: .classes([0]))
        let trainer = try OrderedTrainer(
            network, examples, loss: .crossEntropy,
            .init(
                noise: noise, noiseMultiplier: 3, clippingNorm: 0.5, batchSize: 1, passes: 1, optimizer: .sgd(),
                learningRate: 1))
        _ = try trainer.pass()
        var deviation = 1.5
        if case .banded(let factorization) = noise { deviation *= factorization.columnNorm }
        let moves = network.parameterVector.map { Double($0) / deviation }
        let n = Double(moves.count)
        let variance = moves.reduce(0) { $0 + $1 * $1 } / n
        #expect(abs(variance - 1) < 6 * (2 / n).squareRoot())
        #expect(abs(moves.reduce(0, +) / n) < 6 / n.squareRoot())
        #expect(throws: NeuralNetworksError.self) { try trainer.pass() }
    }

    /// A resumed trainer goes on from weights and optimiser with noise that does not know what was drawn before: steps of
    /// one run are correlated, those before and after an interruption are not.
    @Test func resumedNoiseBeginsAnew() throws {
        let count = 50_000
        let noise = OrderedNoise.banded(try .squareRoot(bands: 4))
        func trainer() throws -> OrderedTrainer {
            let network = try Network<Float>([.dense(outputs: count, bias: false)], input: [1])
            network.parameterVector = [Float](repeating: 0, count: count)
            return try OrderedTrainer(
                network, Examples<Float>(features: [0, 0], width: 1, targets: .classes([0, 1])), loss: .crossEntropy,
                .init(
                    noise: noise, noiseMultiplier: 1, clippingNorm: 1, batchSize: 1, passes: 1, optimizer: .sgd(),
                    learningRate: 1))
        }
        func correlation(interrupted: Bool) throws -> Double {
            var run = try trainer()
            try run.step()
            let first = run.network.parameterVector.map(Double.init)
            if interrupted {
                let file = try TensorFile(decoding: run.checkpoint.encoded())
                #expect(file.tensors.values.reduce(0) { $0 + $1.values.count } == count)
                run = try trainer()
                try run.resume(from: file, at: 1)
                #expect(run.steps == 1 && run.network.parameterVector.map(Double.init) == first)
            }
            try run.step()
            let second = zip(run.network.parameterVector, first).map { Double($0) - $1 }
            func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
            #expect(throws: NeuralNetworksError.self) { try run.step() }
            return product(first, second) / (product(first, first) * product(second, second)).squareRoot()
        }
        #expect(try correlation(interrupted: false) < -0.3)
        #expect(abs(try correlation(interrupted: true)) < 6 / Double(count).squareRoot())
    }

    /// Interruptions make blocks of C: for whatever instants, no row moves C·g by more than without them.
    @Test func interruptionsDoNotRaiseTheSensitivity() throws {
        var random = SeededGenerator(seed: 5)
        let bands = 5
        let factorization = try BandedFactorization.squareRoot(bands: bands)
        for _ in 0..<200 {
            let ends = (0..<3).map { _ in Int(random.next() % 60) } + [80]
            var (at, participations) = (Int(random.next() % 6), 0)
            var moved = [Double](repeating: 0, count: 80)
            while at < 70, participations < 4 {
                let end = ends.filter { $0 > at }.min() ?? 80
                for (j, value) in factorization.coefficients.enumerated() where at + j < end { moved[at + j] += value }
                participations += 1
                at += bands + Int(random.next() % 6)
            }
            let norm = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(norm <= factorization.sensitivity(participations: participations) * (1 + 1e-12))
        }
    }

    @Test func tooManyBandsForAPassAreRefused() throws {
        let network = try Network<Float>([.dense(outputs: 2)], input: [4])
        let error = #expect(throws: NeuralNetworksError.self) {
            try OrderedTrainer(
                network, PrivateTrainingTests.examples(count: 30), loss: .crossEntropy,
                .init(
                    noise: .banded(.squareRoot(bands: 8)), noiseMultiplier: 1, clippingNorm: 1, batchSize: 10,
                    passes: 2, optimizer: .sgd(), learningRate: 0.1))
        }
        #expect(error?.code == .invalidParameter)
        #expect(throws: NeuralNetworksError.self) { try BandedFactorization(coefficients: [0, 1]) }
        #expect(throws: NeuralNetworksError.self) { try BandedFactorization.squareRoot(bands: 0) }
    }
}
