import Foundation
import NeuralNetworks
import PrivateLearning

/// `tacit train --plain` of a network.
struct PlainNetworkTraining {
    var request: PrivateTrainingRequest
    var json: Bool

    struct Made: Encodable {
        var file: String
        var epochs: Int
        var metrics: [String: Double]
        var seconds: Double
    }

    func run() throws {
        let kind = try StandardNetwork(request)
        var usual = PlainTrainingDefaults(kind, images: NetworkData.isImages(request.data))
        let began = Date()
        let data = try NetworkData(request, unit: request.privacy.unit ?? NetworkData.row)
        let isForEncryption = request.network.activation == .polynomial
        let network = try network(kind, data.task)
        usual.batchSize = request.network.batchSize ?? usual.batchSize
        usual.epochs = request.network.epochs ?? usual.epochs
        usual.optimizer = request.network.optimizer?.plain ?? usual.optimizer
        usual.learningRate = request.network.learningRate ?? usual.learningRate
        var run = try PlainNetworkRun(
            network, data.training, loss: data.task.loss,
            parameters: usual.parameters(rows: data.training.count, seed: request.seed), heldOut: data.heldOut)
        try run.run(epochs: usual.epochs, onEpoch: { Console.log($0.line(of: data)) })
        let model = try NetworkModel(network: network, task: data.task, guarantee: nil)
        let bounds =
            try isForEncryption
            ? ActivationBounds(measuring: PolynomialNetwork(network), on: data.training.features) : nil
        try (bounds.map { try model.file(bounds: $0) } ?? model.file).write(to: request.out)
        let metrics = data.metrics(run.history.last)
        let seconds = -began.timeIntervalSinceNow
        let words = metrics.map { ", \($0.name) \(String(format: "%.4f", $0.value))" }.joined()
        try Console.result(
            Made(
                file: request.out, epochs: run.history.count,
                metrics: Dictionary(metrics.map { ($0.name, $0.value) }) { first, _ in first }, seconds: seconds),
            json: json, "\(request.out): \(kind.title) for \(data.task.target.name)\(words), no privacy")
    }

    /// The untrained network; what cannot become a model, or cannot run on ciphertexts when that is wanted, is refused.
    private func network(_ kind: StandardNetwork, _ task: NetworkTask) throws -> Network<Float> {
        let isForEncryption = request.network.activation == .polynomial
        guard let path = request.network.layers else {
            return try Network(
                isForEncryption ? kind.encryptedLayers(for: task) : kind.layers(for: task, isPrivate: false),
                input: task.inputShape, seed: request.seed)
        }
        do {
            let network = try Network<Float>(
                NetworkFile.layers(path), input: task.inputShape, seed: request.seed)
            guard network.outputWidth == task.target.outputs else {
                throw CommandFailure(
                    .data,
                    "\(path): layers: got \(network.outputWidth) outputs, want \(task.target.outputs) for \(task.target.name)"
                )
            }
            if isForEncryption { _ = try PolynomialNetwork(network) }
            return network
        } catch let error as NeuralNetworksError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        } catch let error as PrivateLearningError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }
}

extension NetworkTrainingOptions.OptimizerName {
    var plain: Optimizer { self == .sgd ? .sgd(momentum: 0.9) : .adam() }
}
