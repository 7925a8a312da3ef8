import NeuralNetworks

/// Networks by name, with the training that suits them.
public enum StandardNetwork: Hashable, Sendable {
    /// Convolutional, for small images.
    case cnn
    /// Dense layers of these widths.
    case mlp(hidden: [Int])
    case mobileNet
    /// On scattering features.
    case scattering(ScatteringHead)

    /// What is learnt on scattering features.
    public enum ScatteringHead: String, Hashable, Sendable, CaseIterable {
        case linear
        /// Two small convolutions and two dense layers.
        case cnn
    }

    public static let usualHidden = [64, 32]

    /// - Parameter isPrivate: batch normalisation mixes rows and has no private rule; private models have group
    ///   normalisation in its place.
    public func layers(for task: NetworkTask, isPrivate: Bool) throws(PrivateLearningError) -> [LayerDescription] {
        let outputs = task.target.outputs
        switch self {
        case .cnn, .mobileNet:
            guard task.inputShape.count == 3 else {
                throw .plan("model: reads images; for tables take mlp")
            }
            if case .cnn = self {
                return isPrivate
                    ? .smallImages(classes: outputs, activation: .tanh)
                    : .smallImages(classes: outputs, activation: .relu, dropout: 0.25)
            }
            return .mobileNetV2(classes: outputs, normalization: isPrivate ? .group(8) : .batch)
        case .scattering where task.inputShape.count != 3: throw .plan("model: reads images; for tables take mlp")
        case .scattering(.linear): return [.flatten, .dense(outputs: outputs)]
        case .scattering(.cnn):
            return [
                .convolution(filters: 16, window: 3, padding: 1), .tanh, .maximumPooling(window: 2, stride: 1),
                .convolution(filters: 32, window: 3, padding: 1), .tanh, .maximumPooling(window: 2, stride: 2),
                .flatten,
                .dense(outputs: 32), .tanh, .dense(outputs: outputs),
            ]
        case .mlp(let hidden):
            let dense = [LayerDescription].multilayerPerceptron(
                hidden: hidden, outputs: outputs, activation: isPrivate ? .tanh : .relu)
            return task.inputShape.count == 3 ? [.flatten] + dense : dense
        }
    }
}

/// What private training does unless told otherwise. Found on a part of public training sets that was held out from
/// them; see docs/neural-networks.md.
public struct PrivateTrainingDefaults: Hashable, Sendable {
    public var samplingRate: Double
    public var epochs: Int
    public var clippingNorm: Double
    public var learningRate: Double
    public var optimizer: Optimizer
    public var averaging: Double?
    /// Of ordered training, which takes batches of a fixed size.
    public var batchSize = 512

    /// For data in order.
    public init(ordered network: StandardNetwork) {
        switch network {
        case .scattering:
            self.init(
                samplingRate: 1, epochs: 1, clippingNorm: 0.1, learningRate: 1, optimizer: .sgd(momentum: 0.9),
                averaging: nil)
        default:
            self.init(
                samplingRate: 1, epochs: 1, clippingNorm: 1, learningRate: 0.5, optimizer: .sgd(momentum: 0.9),
                averaging: nil)
        }
    }

    public init(_ network: StandardNetwork, images: Bool) {
        switch (network, images) {
        case (.cnn, _):
            self.init(
                samplingRate: 2048.0 / 60_000, epochs: 30, clippingNorm: 1, learningRate: 0.5,
                optimizer: .sgd(momentum: 0.9), averaging: 0.99)
        case (.mobileNet, _):
            self.init(
                samplingRate: 1024.0 / 60_000, epochs: 20, clippingNorm: 1, learningRate: 1e-3, optimizer: .adam(),
                averaging: 0.99)
        case (.scattering(.linear), _):
            self.init(
                samplingRate: 4096.0 / 60_000, epochs: 40, clippingNorm: 0.1, learningRate: 8,
                optimizer: .sgd(momentum: 0.9), averaging: 0.99)
        case (.scattering(.cnn), _):
            self.init(
                samplingRate: 4096.0 / 60_000, epochs: 40, clippingNorm: 1, learningRate: 0.5,
                optimizer: .sgd(momentum: 0.9), averaging: 0.99)
        case (.mlp, false):
            // Tables are small, so noise is large: at a rate of 0.5 it takes the weights over. Compared on held-out rows of
            // breast cancer (ε of 1 and 3) and readmission (ε = 1).
            self.init(
                samplingRate: 0.05, epochs: 30, clippingNorm: 1, learningRate: 0.02, optimizer: .sgd(momentum: 0.9),
                averaging: 0.99)
        case (.mlp, true):
            self.init(
                samplingRate: 0.05, epochs: 30, clippingNorm: 1, learningRate: 0.5, optimizer: .sgd(momentum: 0.9),
                averaging: 0.99)
        }
    }

    public init(
        samplingRate: Double, epochs: Int, clippingNorm: Double, learningRate: Double, optimizer: Optimizer,
        averaging: Double?
    ) {
        self.samplingRate = samplingRate
        self.epochs = epochs
        self.clippingNorm = clippingNorm
        self.learningRate = learningRate
        self.optimizer = optimizer
        self.averaging = averaging
    }
}

/// What ordinary training does unless told otherwise: the learning rate rises over a twentieth of the steps and falls
/// by a half cosine.
public struct PlainTrainingDefaults: Hashable, Sendable {
    public var epochs: Int
    public var batchSize: Int
    public var learningRate: Double
    public var optimizer: Optimizer

    public init(_ network: StandardNetwork, images: Bool) {
        switch (network, images) {
        case (.mlp, false): (epochs, batchSize, learningRate, optimizer) = (30, 64, 1e-3, .adam())
        default: (epochs, batchSize, learningRate, optimizer) = (20, 128, 2e-3, .adam())
        }
    }

    /// What a trainer of so many rows is given.
    public func parameters(rows: Int, seed: UInt64) -> Trainer<Float>.Parameters {
        // Of sizes that no trainer takes, too: it refuses them.
        let steps = epochs.multipliedReportingOverflow(by: max(0, rows - 1) / max(1, batchSize) + 1).partialValue
        return .init(
            optimizer: optimizer, learningRate: learningRate, schedule: .cosine(steps: steps, warmup: steps / 20),
            batchSize: batchSize, seed: seed)
    }
}
