import CKKS
import Foundation

/// What a refresh adds to a slot's error, from the parameters alone.
struct BootstrappingErrors: Sendable {
    struct Step: Sendable {
        let plan: TransformPlan
        /// Layers of the transform in this matrix.
        let layers: Int
        let primes: Int
        let divisor: Double
    }

    /// Of a slot, without what depends on its magnitude.
    let fixed: Double
    /// Per unit of magnitude.
    let relative: Double
    let accuracy: ModularReduction.Accuracy
    /// Parts of `fixed`, by name, for those who choose parameters.
    let parts: [(name: String, deviation: Double)]

    func deviation(magnitude: Double) -> Double { fixed + relative * magnitude }

    init(
        parameters: BootstrappingParameters, slots n: Int, reduction: ModularReduction, reductionScale: Double,
        forward: [Step], backward: [Step]
    ) {
        let chain = parameters.ckks.chain
        let literal = parameters.literal
        let degree = Double(chain.degree)
        let (q0, messageScale) = (chain.moduli[0], parameters.messageScale)
        let weight = Double(literal.ephemeralWeight)
        let gap = Double(chain.maximumSlots / n)
        func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        // Coefficients of the 2n that matter, in units of q₀, become slots in units of the message.
        let toSlot = Double(2 * n).squareRoot() * q0 / messageScale

        // Switching to the ephemeral secret and raising.
        let special = parameters.encapsulation.log2P
        let sigma = 3.2
        let ephemeral = (degree * sigma * sigma * exp2(2 * (log2(q0) - special)) / 12 + (1 + weight) / 12).squareRoot()
        let top = chain.moduli.count - 1
        let raise = norm([chain.roundingDeviation, gap > 1 ? chain.keySwitchDeviation(level: top) : 0])

        // CoeffsToSlots: x has the deviation of a sum of uniform numbers. `unit` is what 1 in x has become.
        let spread = ((weight + 1) / 12).squareRoot()
        let slotNoise = degree.squareRoot() * chain.roundingDeviation
        var unit = gap * q0 * Double(n).squareRoot()
        var transform: [Double] = []
        for step in forward {
            let rounding = (2 * Double(step.plan.period) / 12).squareRoot() / step.plan.scale
            let growth = exp2(Double(step.layers) / 2)
            transform.append(spread * Double(step.plan.count).squareRoot() * rounding / growth)
            let switching = degree.squareRoot() * chain.keySwitchDeviation(level: step.primes - 1)
            transform.append(switching / 2.0.squareRoot() / unit)
            unit *= step.plan.scale * growth / step.divisor
            transform.append(slotNoise / 2.0.squareRoot() / unit)
        }
        let conjugation = degree.squareRoot() * chain.keySwitchDeviation(level: forward.last!.primes - 1)
        let start = norm(
            transform + [ephemeral / q0, raise / q0, conjugation * parameters.range / reductionScale])

        // The reduction, by simulation; then one more key switch.
        accuracy = reduction.accuracy(
            scale: reductionScale, inputDeviation: start, slotNoise: slotNoise, weight: literal.ephemeralWeight,
            message: exp2(-Double(literal.messageRatioBits)), bound: literal.interval)
        let reduced = reduction.outputScale(from: reductionScale)
        let level = backward[0].primes - 1
        let last = degree.squareRoot() * chain.keySwitchDeviation(level: level) / (4 * Double.pi * reduced)

        // SlotsToCoeffs, in units of the message.
        unit = reduced * 4 * Double.pi * messageScale / q0 / Double(n).squareRoot()
        var noise: [Double] = []
        var proportional: [Double] = [accuracy.relative]
        for step in backward {
            let rounding = (2 * Double(step.plan.period) / 12).squareRoot() / step.plan.scale
            let growth = exp2(Double(step.layers) / 2)
            proportional.append(Double(step.plan.count).squareRoot() * rounding / growth)
            noise.append(degree.squareRoot() * chain.keySwitchDeviation(level: step.primes - 1) / unit)
            unit *= step.plan.scale * growth / step.divisor
            noise.append(slotNoise / unit)
        }
        parts = [
            ("ephemeral", toSlot * ephemeral / q0), ("raise", toSlot * raise / q0),
            ("CoeffsToSlots", toSlot * norm(transform)), ("start", toSlot * start),
            ("reduction", toSlot * accuracy.deviation), ("conjugation", toSlot * last), ("SlotsToCoeffs", norm(noise)),
        ]
        fixed = norm([toSlot * accuracy.deviation, toSlot * last] + noise)
        relative = proportional.reduce(0, +)
    }
}
