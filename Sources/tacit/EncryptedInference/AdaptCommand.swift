import ArgumentParser
import Datasets
import Foundation
import NeuralNetworks
import PrivateLearning
import Tabular

struct AdaptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapt", abstract: "Make a trained network one that can predict on encrypted inputs.",
        discussion: """
            ReLU and other activations become polynomials, fitted to the numbers that occur on the data; max pooling becomes \
            average pooling. With --epochs the network is then trained on, to win back what that cost. At last the \
            greatest numbers before each polynomial are measured and written into the model: the parameters of encryption \
            follow from them.

            A network that has polynomials only is measured (and trained on, with --epochs). --fresh starts with new weights: \
            for cnn a network made for encryption.

                tacit adapt --fresh cnn --data mnist --epochs 20 --out mnist-cnn.safetensors
            """)

    enum Fresh: String, ExpressibleByArgument, CaseIterable { case cnn, mlp }

    @Option(help: "The network to adapt.") var model: String?
    @Option(help: "Instead of --model: a new network, cnn for pictures or mlp for tables.") var fresh: Fresh?
    @Option(help: "Training data: mnist, a registered data set, or a CSV file with its schema.") var data: String
    @OptionGroup var format: TableFormatOptions
    @Option(help: "Overrides the schema's target.") var target: String?
    @Option(help: "Degree of the polynomials, 2 to 7. 2 takes one level, 3 two, 4 to 7 three.") var degree = 2
    @Option(help: "Passes over the data after the replacement.") var epochs = 0
    @Option(name: .customLong("learning-rate"), help: "Of these passes.") var learningRate = 0.002
    @Option(name: .customLong("batch-size"), help: "Rows in a batch.") var batchSize = 64
    @Option(help: "Measured magnitudes are multiplied by this.") var margin = ActivationBounds.standardMargin
    @Option(name: .customLong("held-out"), help: "The part of a table that is measured on and not trained.")
    var heldOut = 0.2
    @Option(help: "Seed of initial weights and shuffles; reaches nothing secret.") var seed: UInt64 = 1
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (model == nil) != (fresh == nil) else { throw ValidationError("give either --model or --fresh") }
        guard NetworkAdaptation.degrees.contains(degree) else {
            throw ValidationError("--degree: got \(degree), want 2 to 7")
        }
        guard (0...1 << 16).contains(epochs) else { throw ValidationError("--epochs: got \(epochs), want 0 to 65536") }
        guard fresh == nil || epochs > 0 else { throw ValidationError("--fresh needs --epochs") }
        guard learningRate > 0, learningRate.isFinite, batchSize > 0 else {
            throw ValidationError("--learning-rate, --batch-size: want positive numbers")
        }
        guard margin >= 1, margin < 1000 else { throw ValidationError("--margin: got \(margin), want 1 to 1000") }
        guard (0..<1).contains(heldOut) else {
            throw ValidationError("--held-out: got \(heldOut), want a number in [0, 1)")
        }
    }

    private struct Made: Encodable {
        var file: String
        var replacements: [NetworkAdaptation.Replacement]
        var levels: Int
        var bounds: ActivationBounds
        var accuracyBefore: Double?
        var accuracy: Double?
    }

    func run() throws {
        common.apply()
        let given = try model.map(NetworkFile.model)
        let (task, training, held) = try examples(given?.task)
        if given?.guarantee != nil {
            Console.warn(
                "\(model ?? ""): was trained privately; what is fitted and measured here is not, and the result has no "
                    + "guarantee")
        }
        let (network, replacements) = try adapted(given, task, training)
        // Refuses what ciphertexts cannot run before any training.
        let levels = try PolynomialNetwork(network).depth
        let before = try given.flatMap { try accuracy($0.network, task, held) }
        for one in replacements {
            Console.log(
                one.coefficients.isEmpty
                    ? "layer \(one.layer): \(one.was) became average pooling"
                    : "layer \(one.layer): \(one.was) became a polynomial of degree \(one.coefficients.count - 1) on "
                        + "±\(Quantities.figure(one.interval)), root of the mean squared difference "
                        + Quantities.figure(one.error))
        }
        if epochs > 0 { try train(network, task, training, held) }
        let result = try NetworkModel(network: network, task: task, guarantee: nil)
        let bounds = try ActivationBounds(
            measuring: PolynomialNetwork(network), on: training.features, margin: margin)
        try result.file(bounds: bounds).write(to: out)
        let after = try accuracy(network, task, held)
        let words =
            after.map { after in
                String(format: ", accuracy %.4f", after) + (before.map { String(format: " (%.4f before)", $0) } ?? "")
            } ?? ""
        try Console.result(
            Made(
                file: out, replacements: replacements, levels: levels, bounds: bounds, accuracyBefore: before,
                accuracy: after), json: common.json,
            "\(out): network for encrypted predictions of \(task.target.name), \(levels) levels\(words)")
    }

    private func adapted(
        _ given: NetworkModel?, _ task: NetworkTask, _ training: Examples<Float>
    ) throws -> (Network<Float>, [NetworkAdaptation.Replacement]) {
        if let given {
            let result = try NetworkAdaptation.adapted(given.network, on: training.features, degree: degree)
            return (result.network, result.replacements)
        }
        let kind = fresh == .cnn ? StandardNetwork.cnn : .mlp(hidden: StandardNetwork.usualHidden)
        let layers = try kind.encryptedLayers(for: task)
        return (try Network<Float>(layers, input: task.inputShape, seed: seed), [])
    }

    private func examples(_ known: NetworkTask?) throws -> (NetworkTask, Examples<Float>, Examples<Float>?) {
        if data == MNIST.name {
            let task = known ?? .mnist
            let (training, test) = try MNIST.load(from: DatasetStore(dataDirectory: format.dataDirectory))
            return (task, try task.examples(training), try task.examples(test))
        }
        let (table, schema) = try format.read(data, target: target)
        let task = try known ?? NetworkTask(schema: schema)
        guard heldOut > 0 else { return (task, try task.examples(table), nil) }
        let split = try table.split(testShare: heldOut, seed: seed, groupBy: nil)
        return (task, try task.examples(table.rows(split.training)), try task.examples(table.rows(split.test)))
    }

    private func accuracy(_ network: Network<Float>, _ task: NetworkTask, _ held: Examples<Float>?) throws -> Double? {
        guard let held, case .classes = task.target else { return nil }
        return try network.evaluate(held, loss: task.loss).accuracy
    }

    private func train(
        _ network: Network<Float>, _ task: NetworkTask, _ training: Examples<Float>, _ held: Examples<Float>?
    ) throws {
        let steps = epochs * ((training.count + batchSize - 1) / batchSize)
        let trainer = try Trainer(
            network, training, loss: task.loss,
            .init(
                optimizer: .adamW(), learningRate: learningRate,
                schedule: .cosine(steps: steps, warmup: max(1, steps / 20)), batchSize: batchSize, seed: seed))
        for epoch in 1...epochs {
            let progress = try trainer.epoch()
            let shown = try accuracy(network, task, held).map { String(format: ", held-out accuracy %.4f", $0) } ?? ""
            Console.log("epoch \(epoch) of \(epochs): loss \(String(format: "%.4f", progress.loss))\(shown)")
        }
    }
}
