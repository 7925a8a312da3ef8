import Foundation
import NeuralNetworks

/// How a site trains on its rows in a round, the same for all sites.
public struct TrainingParameters: Hashable, Sendable, Codable {
    /// Passes over the rows; a part of one is allowed.
    public var epochs: Double
    public var batchSize: Int
    public var learningRate: Double
    /// The learning rate of round r is learningRate·decay^r.
    public var decay: Double?
    /// λ of a ridge penalty on weights (not biases).
    public var ridge: Double?

    public init(
        epochs: Double = 1, batchSize: Int = 32, learningRate: Double = 0.1, decay: Double? = nil, ridge: Double? = nil
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.decay = decay
        self.ridge = ridge
    }

    func check() throws(FederationError) {
        guard epochs > 0, epochs <= 1000 else {
            throw .study("training.epochs: got \(epochs), want a number in (0, 1000]")
        }
        guard (1...1 << 20).contains(batchSize) else {
            throw .study("training.batchSize: got \(batchSize), want 1...1048576")
        }
        guard learningRate > 0, learningRate.isFinite else {
            throw .study("training.learningRate: got \(learningRate), want a number above 0")
        }
        guard (decay ?? 1) > 0, (decay ?? 1) <= 1 else {
            throw .study("training.decay: got \(decay ?? 1), want (0, 1]")
        }
        guard (ridge ?? 0) >= 0, (ridge ?? 0).isFinite else {
            throw .study("training.ridge: got \(ridge ?? 0), want 0 or more")
        }
    }

    /// Steps for so many rows, at least one.
    func steps(rows: Int) -> Int {
        let batches = Double((rows + batchSize - 1) / batchSize)
        return max(1, Int((epochs * batches).rounded()))
    }

    func rate(round: Int) -> Double {
        decay.map { learningRate * pow($0, Double(round)) } ?? learningRate
    }
}

/// What a site's training gives.
public struct LocalResult: Sendable {
    /// New weights less the global ones.
    public var change: [Double]
    /// cᵢ⁺ − cᵢ, for SCAFFOLD; empty otherwise.
    public var controlChange: [Double]
    /// The mean loss over the rows seen.
    public var loss: Double
}

/// Stochastic gradient descent from the global model, with the correction that the strategy asks for.
public struct LocalTraining: Sendable {
    public let network: StudyNetwork
    public let parameters: TrainingParameters
    public let correction: LocalCorrection

    public init(network: StudyNetwork, parameters: TrainingParameters, correction: LocalCorrection) {
        self.network = network
        self.parameters = parameters
        self.correction = correction
    }

    /// - Parameters:
    ///   - control: for SCAFFOLD, the coordinator's c and the site's cᵢ.
    ///   - seed: of the order of the rows.
    /// - Throws: `diverged`, `invalidData`.
    public func run(
        from model: GlobalModel, _ data: SiteData, scaling: ColumnScaling?, round: Int, seed: UInt64,
        control: (global: [Double], own: [Double])? = nil
    ) throws(FederationError) -> LocalResult {
        let count = data.training.count
        guard count > 0 else { throw .data("training rows: got none, want at least 1") }
        let net = try network.makeNetwork()
        guard net.parameterCount == model.count else {
            throw .data("model: got \(model.count) weights, the architecture has \(net.parameterCount)")
        }
        let start = model.floats
        net.parameterVector = start
        let examples = try data.examples(data.training, scaling)
        let rate = parameters.rate(round: round)
        let steps = parameters.steps(rows: count)
        var lossSum = 0.0
        do {
            let trainer = try Trainer(
                net, examples, loss: network.task.loss,
                .init(
                    optimizer: .sgd(decay: parameters.ridge ?? 0), learningRate: rate,
                    batchSize: min(count, parameters.batchSize), seed: seed))
            var extra: [Float] = []
            if case .controlVariates = correction, let control {
                extra = zip(control.global, control.own).map { Float(rate * ($0 - $1)) }
            }
            for _ in 0..<steps {
                switch correction {
                case .none: lossSum += try trainer.step().loss
                case .proximal(let mu):
                    let before = net.parameterVector
                    lossSum += try trainer.step().loss
                    var after = net.parameterVector
                    let pull = Float(rate * mu)
                    for index in after.indices { after[index] -= pull * (before[index] - start[index]) }
                    net.parameterVector = after
                case .controlVariates:
                    lossSum += try trainer.step().loss
                    if !extra.isEmpty {
                        var after = net.parameterVector
                        for index in after.indices { after[index] -= extra[index] }
                        net.parameterVector = after
                    }
                }
            }
        } catch {
            throw FederationError(code: error.code == .diverged ? .diverged : .invalidData, message: error.message)
        }
        let change = zip(net.parameterVector, start).map { Double($0) - Double($1) }
        guard change.allSatisfy({ $0.isFinite }) else {
            throw FederationError(
                code: .diverged, message: "training: got weights that are not finite; lower the learning rate")
        }
        var controlChange: [Double] = []
        if case .controlVariates = correction {
            let scale = 1 / (Double(steps) * rate)
            let global = control?.global ?? [Double](repeating: 0, count: change.count)
            controlChange = zip(change, global).map { -$1 - $0 * scale }
        }
        return LocalResult(change: change, controlChange: controlChange, loss: lossSum / Double(steps))
    }
}
