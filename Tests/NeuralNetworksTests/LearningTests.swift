import Datasets
import Foundation
import NeuralNetworks
import TacitTestSupport
import Testing

/// Whole runs on real data. Thresholds lie well below what the runs reach, and far above what a broken pass would.
@Suite(.serialized) struct LearningTests {
    /// 569 patients, every fourth held out, features scaled by their public bounds.
    static func breastCancer() throws -> (training: Examples<Float>, test: Examples<Float>) {
        let loaded = try Dataset.breastCancer.load()
        let columns = loaded.schema.columns.filter(\.role.isInput)
        let values = try columns.map { try loaded.table.numeric($0.name).values }
        let codes = try loaded.table.categorical("diagnosis").codes
        func part(_ isHeld: Bool) throws -> Examples<Float> {
            let rows = (0..<loaded.table.rowCount).filter { ($0 % 4 == 3) == isHeld }
            let features = rows.flatMap { row in
                columns.indices.map { index in
                    let bounds = columns[index].bounds!
                    return Float(4 * (values[index][row] - bounds.lower) / bounds.width - 1)
                }
            }
            return try Examples(
                features: features, width: columns.count, targets: .classes(rows.map { Int(codes[$0]) }))
        }
        return (try part(false), try part(true))
    }

    @Test func perceptronOnBreastCancer() throws {
        let (training, test) = try Self.breastCancer()
        let network = try Network<Float>(
            .multilayerPerceptron(hidden: [64, 32], outputs: 2), input: [training.width], seed: 1)
        let trainer = try Trainer(
            network, training, loss: .crossEntropy, .init(optimizer: .adam(), learningRate: 0.003, batchSize: 32))
        for _ in 0..<60 { try trainer.epoch() }
        let accuracy = try network.evaluate(test, loss: .crossEntropy).accuracy
        #expect(accuracy > 0.93, "got \(accuracy)")
    }

    @Test func privatePerceptronOnBreastCancer() throws {
        let (training, test) = try Self.breastCancer()
        let network = try Network<Float>(
            .multilayerPerceptron(hidden: [64, 32], outputs: 2, activation: .tanh), input: [training.width], seed: 1)
        let trainer = try PrivateTrainer(
            network, training, loss: .crossEntropy, unitOfRow: nil,
            PrivateTrainingParameters(
                samplingRate: 0.15, noiseMultiplier: 1.5, clipping: .automatic(norm: 1), optimizer: .sgd(momentum: 0.9),
                learningRate: 0.1))
        for _ in 0..<300 { try trainer.step() }
        let accuracy = try network.evaluate(test, loss: .crossEntropy).accuracy
        #expect(accuracy > 0.85, "got \(accuracy)")
    }

    /// One pass over the 60,000 digits, skipped with a note where the files are not.
    @Test func tutorialNetworkOnMNIST() throws {
        guard let folder = RealData.directory, RealData.path("mnist") != nil else { return }
        let images = try MNIST.load(from: DatasetStore(dataDirectory: folder))
        #expect(images.training.count == 60_000 && images.test.count == 10_000)
        func examples(_ images: LabelledImages) throws -> Examples<Float> {
            try Examples(
                features: images.scaled(mean: MNIST.pixelMean, deviation: MNIST.pixelDeviation),
                width: images.height * images.width, targets: .classes(images.labels))
        }
        let training = try examples(images.training)
        let test = try examples(images.test)
        let network = try Network<Float>(.mnistTutorial, input: [28, 28, 1], seed: 1)
        #expect(network.parameterCount == 26_010)
        try Trainer(
            network, training, loss: .crossEntropy,
            .init(optimizer: .sgd(momentum: 0.9), learningRate: 0.02, batchSize: 64)
        ).epoch()
        let plain = try network.evaluate(test, loss: .crossEntropy).accuracy
        #expect(plain > 0.96, "got \(plain)")

        let privateNetwork = try Network<Float>(.mnistTutorial, input: [28, 28, 1], seed: 1)
        let trainer = try PrivateTrainer(
            privateNetwork, training, loss: .crossEntropy, unitOfRow: nil,
            PrivateTrainingParameters(
                samplingRate: 256.0 / 60_000, noiseMultiplier: 0.8, clipping: .fixed(norm: 1), learningRate: 0.5))
        for _ in 0..<235 { try trainer.step() }
        let accuracy = try privateNetwork.evaluate(test, loss: .crossEntropy).accuracy
        #expect(accuracy > 0.85, "got \(accuracy)")
    }
}
