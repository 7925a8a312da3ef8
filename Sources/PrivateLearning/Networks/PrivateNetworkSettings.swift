import NeuralNetworks

/// How a network is trained privately. All of it is chosen without looking at the private rows.
public struct PrivateNetworkSettings: Hashable, Sendable, Codable {
    public var plan: DescentPlan
    public var clipping: Clipping
    public var optimizer: Optimizer
    public var learningRate: Double
    public var schedule: Schedule
    /// The model is a moving average of the weights after every step: average ← d·average + (1 − d)·weights, d rising
    /// from 0 to this. nil takes the last weights. Averaging is post-processing and costs no privacy.
    /// - Reference: De et al. 2022, section 3.4 of "Unlocking high-accuracy differentially private image classification".
    public var averaging: Double?
    /// Of initial weights and dropout; reaches neither sampling nor noise.
    public var seed: UInt64

    public init(
        plan: DescentPlan, clipping: Clipping, optimizer: Optimizer, learningRate: Double,
        schedule: Schedule = .constant, averaging: Double? = nil, seed: UInt64 = 0
    ) {
        self.plan = plan
        self.clipping = clipping
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.schedule = schedule
        self.averaging = averaging
        self.seed = seed
    }

    var trainer: PrivateTrainingParameters {
        PrivateTrainingParameters(
            samplingRate: plan.samplingRate, noiseMultiplier: plan.noiseMultiplier, clipping: clipping,
            optimizer: optimizer, learningRate: learningRate, schedule: schedule, seed: seed)
    }

    /// Steps in which every unit is expected to be sampled once.
    public var stepsPerEpoch: Int { max(1, Int((1 / plan.samplingRate).rounded())) }
}

/// How far a run has come, after each epoch and at its end.
public struct TrainingEpoch: Hashable, Sendable, Codable {
    /// From 1.
    public var number: Int
    /// Steps so far; of a private run, those that are paid for.
    public var steps: Int
    /// Mean loss of the rows seen in the epoch, before the steps that they caused.
    public var loss: Double
    /// On the held-out rows.
    public var heldOutLoss: Double?
    /// The part of the held-out rows that is classified correctly; nil for regression.
    public var heldOutAccuracy: Double?
    /// Spent so far; nil without privacy.
    public var epsilon: Double?
    /// Units whose gradients needed no clipping, as a part of the sampled.
    public var unclipped: Double?

    public init(
        number: Int, steps: Int, loss: Double, heldOutLoss: Double? = nil, heldOutAccuracy: Double? = nil,
        epsilon: Double? = nil, unclipped: Double? = nil
    ) {
        self.number = number
        self.steps = steps
        self.loss = loss
        self.heldOutLoss = heldOutLoss
        self.heldOutAccuracy = heldOutAccuracy
        self.epsilon = epsilon
        self.unclipped = unclipped
    }
}
