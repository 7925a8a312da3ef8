import Foundation

func checkRate(_ rate: Double) throws(FederationError) {
    guard rate.isFinite, rate > 0 else { throw .study("strategy.rate: got \(rate), want a number above 0") }
}

private func checkShare(_ name: String, _ value: Double) throws(FederationError) {
    guard value >= 0, value < 1 else { throw .study("strategy.\(name): got \(value), want a number in [0, 1)") }
}

/// w ← w + η·Δ̄, Δ̄ the mean change weighted by rows; with μ > 0 the sites' training has a proximal term (FedProx).
/// - Reference: McMahan et al. 2017; Li et al. 2020.
public struct FederatedAveraging: FederationStrategy {
    let rate: Double
    let mu: Double

    public init(rate: Double = 1, mu: Double = 0) throws(FederationError) {
        try checkRate(rate)
        guard mu.isFinite, mu >= 0 else { throw .study("strategy.mu: got \(mu), want a number from 0") }
        self.rate = rate
        self.mu = mu
    }

    public var correction: LocalCorrection { mu > 0 ? .proximal(mu: mu) : .none }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        state.round += 1
        return zip(model, aggregate.meanChange).map { $0 + rate * $1 }
    }
}

/// v ← β·v + Δ̄, w ← w + η·v.
/// - Reference: Hsu, Qi, Brown 2019, section 4.3.
public struct ServerMomentum: FederationStrategy {
    let rate: Double
    let momentum: Double

    public init(rate: Double, momentum: Double) throws(FederationError) {
        try checkRate(rate)
        try checkShare("momentum", momentum)
        self.rate = rate
        self.momentum = momentum
    }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        let velocity = zip(state.vector(0, count: model.count), aggregate.meanChange).map { momentum * $0 + $1 }
        state.vectors = [velocity]
        state.round += 1
        return zip(model, velocity).map { $0 + rate * $1 }
    }
}

/// m ← β₁·m + (1 − β₁)·Δ̄ and w ← w + η·m/(√v + τ), where v is
/// v + Δ̄² (Adagrad), v − (1 − β₂)·Δ̄²·sign(v − Δ̄²) (Yogi), or β₂·v + (1 − β₂)·Δ̄² (Adam); m and v begin at 0 and τ²,
/// as the algorithm says; no bias is corrected, as there.
/// - Reference: Reddi et al. 2021, algorithm 2.
public struct AdaptiveServer: FederationStrategy {
    public enum Rule: Hashable, Sendable { case adagrad, adam, yogi }

    let rule: Rule
    let rate: Double
    let beta1: Double
    let beta2: Double
    let tau: Double

    init(_ rule: Rule, _ literal: StrategyLiteral) throws(FederationError) {
        try self.init(
            rule, rate: literal.rate ?? 0.1, beta1: literal.beta1 ?? (rule == .adagrad ? 0 : 0.9),
            beta2: literal.beta2 ?? 0.99, tau: literal.tau ?? 1e-3)
    }

    public init(
        _ rule: Rule, rate: Double, beta1: Double, beta2: Double = 0.99, tau: Double
    ) throws(FederationError) {
        try checkRate(rate)
        try checkShare("beta1", beta1)
        try checkShare("beta2", beta2)
        guard tau.isFinite, tau > 0 else { throw .study("strategy.tau: got \(tau), want a number above 0") }
        self.rule = rule
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.tau = tau
    }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        let count = model.count
        var m = state.vector(0, count: count)
        var v = state.vectors.count > 1 ? state.vectors[1] : [Double](repeating: tau * tau, count: count)
        var next = model
        for index in 0..<count {
            let change = aggregate.meanChange[index]
            let square = change * change
            m[index] = beta1 * m[index] + (1 - beta1) * change
            switch rule {
            case .adagrad: v[index] += square
            case .adam: v[index] = beta2 * v[index] + (1 - beta2) * square
            case .yogi:
                let sign: Double = v[index] > square ? 1 : v[index] < square ? -1 : 0
                v[index] -= (1 - beta2) * square * sign
            }
            next[index] += rate * m[index] / (v[index].squareRoot() + tau)
        }
        state.vectors = [m, v]
        state.round += 1
        return next
    }
}

/// w ← w + η·mean(Δᵢ), c ← c + (|S|/N)·mean(Δcᵢ). A site with K steps of rate η_l takes
/// cᵢ⁺ = cᵢ − c − Δᵢ/(K·η_l) and uploads cᵢ⁺ − cᵢ beside Δᵢ. The state's vector is c.
/// - Reference: Karimireddy et al. 2020, algorithm 1, option II.
public struct Scaffold: FederationStrategy {
    let rate: Double

    public init(rate: Double) throws(FederationError) {
        try checkRate(rate)
        self.rate = rate
    }

    public var correction: LocalCorrection { .controlVariates }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        let share = Double(aggregate.contributors) / Double(max(1, aggregate.population))
        state.vectors = [
            zip(state.vector(0, count: model.count), aggregate.meanControl).map { $0 + share * $1 }
        ]
        state.round += 1
        return zip(model, aggregate.meanChange).map { $0 + rate * $1 }
    }
}

/// Each time that K updates have come: w ← w + η·Σ s(τᵢ)·Δᵢ/K with s(τ) = 1/√(1 + τ) and τ the steps that were made since
/// the site took the model it trained on. The coordinator multiplies by s when an update comes.
/// - Reference: Nguyen et al. 2022, algorithm 1 and section 5 for s.
public struct BufferedAsynchronous: FederationStrategy {
    let rate: Double
    let buffer: Int

    public init(rate: Double, buffer: Int) throws(FederationError) {
        try checkRate(rate)
        guard (1...1 << 20).contains(buffer) else { throw .study("strategy.buffer: got \(buffer), want 1...2^20") }
        self.rate = rate
        self.buffer = buffer
    }

    public var needsIndividualUpdates: Bool { true }
    public var bufferSize: Int? { buffer }

    public static func discount(staleness: Int) -> Double { 1 / (1 + Double(staleness)).squareRoot() }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        state.round += 1
        return zip(model, aggregate.meanChange).map { $0 + rate * $1 }
    }
}
