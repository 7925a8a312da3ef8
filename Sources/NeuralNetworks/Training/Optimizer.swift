import Foundation

/// How parameters follow a gradient.
public enum Optimizer: Hashable, Sendable, Codable {
    /// v ← momentum·v + g, w ← w − rate·v, with g including `decay`·w.
    case sgd(momentum: Double = 0, decay: Double = 0)
    /// Kingma and Ba 2015; `decay`·w is part of the gradient.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0)
    /// Loshchilov and Hutter 2019: weights shrink by rate·`decay` beside the step.
    case adamW(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0.01)

    func check() throws(NeuralNetworksError) {
        switch self {
        case .sgd(let momentum, let decay):
            guard (0..<1).contains(momentum), decay >= 0, decay.isFinite else {
                throw .parameter("sgd: got momentum \(momentum), decay \(decay), want [0, 1) and at least 0")
            }
        case .adam(let beta1, let beta2, let epsilon, let decay), .adamW(let beta1, let beta2, let epsilon, let decay):
            guard (0..<1).contains(beta1), (0..<1).contains(beta2), epsilon > 0, decay >= 0, decay.isFinite else {
                throw .parameter(
                    "adam: got betas \(beta1) and \(beta2), epsilon \(epsilon), decay \(decay), want [0, 1), above 0, "
                        + "at least 0")
            }
        }
    }

    var slotCount: Int {
        switch self {
        case .sgd(let momentum, _): momentum > 0 ? 1 : 0
        case .adam, .adamW: 2
        }
    }
}

/// The learning rate as a factor of the step.
public enum Schedule: Hashable, Sendable, Codable {
    case constant
    /// Linear from 0 over `warmup` steps, then a half cosine down to `final` at `steps`.
    case cosine(steps: Int, warmup: Int = 0, final: Double = 0)
    /// Multiplied by `factor` every `every` steps.
    case steps(every: Int, factor: Double)

    public func factor(at step: Int) -> Double {
        switch self {
        case .constant: return 1
        case .cosine(let steps, let warmup, let final):
            if step < warmup { return Double(step + 1) / Double(warmup) }
            let progress = min(1, Double(step - warmup) / Double(max(1, steps - warmup)))
            return final + (1 - final) * 0.5 * (1 + cos(Double.pi * progress))
        case .steps(let every, let factor): return pow(factor, Double(step / max(1, every)))
        }
    }
}

/// An optimiser's memory for one network.
final class OptimizerState<Scalar: NetworkScalar>: @unchecked Sendable {
    let optimizer: Optimizer
    let slots: [Buffer<Scalar>]
    /// Steps taken.
    var step = 0
    private let segments: [(range: Range<Int>, decays: Bool)]
    private let count: Int

    init(_ optimizer: Optimizer, for network: Network<Scalar>) {
        self.optimizer = optimizer
        count = network.parameterCount
        slots = (0..<optimizer.slotCount).map { [count] _ in Buffer(count: count) }
        segments = network.parameters.map { ($0.offset..<$0.offset + $0.count, $0.decays) }
    }

    /// Moves the part `range` of `w`; `g` is the gradient multiplied by `gradientScale`⁻¹.
    func apply(
        _ range: Range<Int>, _ w: UnsafeMutablePointer<Scalar>, _ g: UnsafePointer<Scalar>, gradientScale: Double,
        rate: Double
    ) {
        for segment in segments where segment.range.overlaps(range) {
            let part = segment.range.clamped(to: range)
            apply(part, decays: segment.decays, w, g, Scalar(gradientScale), rate)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func apply(
        _ part: Range<Int>, decays: Bool, _ w: UnsafeMutablePointer<Scalar>, _ g: UnsafePointer<Scalar>,
        _ scale: Scalar, _ rate: Double
    ) {
        let time = Double(step + 1)
        let w = w + part.lowerBound
        let g = g + part.lowerBound
        let count = part.count
        switch optimizer {
        case .sgd(let momentum, let decay):
            let lambda = decays ? Scalar(decay) : 0
            let eta = Scalar(rate)
            guard momentum > 0 else {
                for i in 0..<count { w[i] -= eta * (g[i] * scale + lambda * w[i]) }
                return
            }
            let mu = Scalar(momentum)
            let v = slots[0].base + part.lowerBound
            for i in 0..<count {
                v[i] = mu * v[i] + g[i] * scale + lambda * w[i]
                w[i] -= eta * v[i]
            }
        case .adam(let beta1, let beta2, let epsilon, let decay),
            .adamW(let beta1, let beta2, let epsilon, let decay):
            var lambda: Scalar = 0
            var shrink: Scalar = 1
            if decays {
                if case .adam = optimizer { lambda = Scalar(decay) } else { shrink = Scalar(1 - rate * decay) }
            }
            let b1 = Scalar(beta1)
            let b2 = Scalar(beta2)
            let eta = Scalar(rate / (1 - pow(beta1, time)))
            let correction = Scalar(1 / (1 - pow(beta2, time)))
            let small = Scalar(epsilon)
            let m = slots[0].base + part.lowerBound
            let v = slots[1].base + part.lowerBound
            for i in 0..<count {
                let gradient = g[i] * scale + lambda * w[i]
                m[i] = b1 * m[i] + (1 - b1) * gradient
                v[i] = b2 * v[i] + (1 - b2) * gradient * gradient
                w[i] = w[i] * shrink - eta * m[i] / ((v[i] * correction).squareRoot() + small)
            }
        }
    }
}
