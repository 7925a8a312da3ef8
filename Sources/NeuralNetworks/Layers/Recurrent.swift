/// A recurrent cell run over a sequence [steps, features]; the output is the last state, or all of them.
///
/// With z_t = (x_t, h_{t−1})·W + b:
/// - simple: h_t = tanh(z_t);
/// - LSTM: z_t = (i, f, g, o), c_t = σ(f)·c_{t−1} + σ(i)·tanh(g), h_t = σ(o)·tanh(c_t).
///
/// W is used at every step, so a row's gradient is a sum over steps: ``ProductGradient`` with `steps` positions.
/// - Reference: Hochreiter and Schmidhuber 1997; Gers et al. 2000 (forget gate).
public final class Recurrent<Scalar: NetworkScalar>: Layer {
    public enum Cell: String, Hashable, Sendable, Codable { case simple, lstm }

    public let inputShape: [Int]
    public let outputShape: [Int]
    private let cell: Cell
    private let weight: Parameter<Scalar>
    private let bias: Parameter<Scalar>
    private let rule: ProductGradient<Scalar>
    private let steps: Int
    private let features: Int
    private let units: Int
    private let returnsAll: Bool
    /// Features and state together; numbers of z.
    private var joined: Int { features + units }
    private var gates: Int { cell == .lstm ? 4 * units : units }

    public var workPerRow: Int { steps * weight.count }
    public var parameters: [Parameter<Scalar>] { [weight, bias] }

    init(
        inputShape: [Int], _ cell: Cell, units: Int, returnsAll: Bool, using random: inout SeededGenerator
    ) throws(NeuralNetworksError) {
        guard inputShape.count == 2, inputShape[0] > 0, inputShape[1] > 0, units > 0 else {
            throw .architecture(
                "recurrent: got \(units) units for input \(inputShape), want at least 1 and [steps, features]")
        }
        self.inputShape = inputShape
        self.cell = cell
        steps = inputShape[0]
        features = inputShape[1]
        self.units = units
        self.returnsAll = returnsAll
        outputShape = returnsAll ? [steps, units] : [units]
        let joined = features + units
        let gates = cell == .lstm ? 4 * units : units
        let limit = 1 / Double(units).squareRoot()
        weight = Parameter("weight", shape: [joined, gates], decays: true) { random.uniform(within: limit) }
        bias = Parameter("bias", shape: [gates], decays: false) { random.uniform(within: limit) }
        rule = ProductGradient(
            weight: weight, bias: bias, inputs: joined, outputs: gates,
            positionOffsets: (0..<steps).map { Int32($0 * joined) }, inputOffsets: (0..<joined).map(Int32.init))
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let both = cache.rows(0, count: input.count, width: steps * joined)
        let z = cache.rows(1, count: input.count, width: steps * gates)
        let states = cache.rows(2, count: input.count, width: steps * units)
        let output = cache.rows(3, count: input.count, width: outputWidth)
        cache.input = both
        for row in 0..<input.count {
            (both[row] + features).update(repeating: 0, count: units)
            for t in 0..<steps {
                (both[row] + t * joined).update(from: input[row] + t * features, count: features)
                (z[row] + t * gates).update(from: bias.values, count: gates)
            }
        }
        for t in 0..<steps {
            Scalar.multiply(
                both.base + t * joined, rowStride: both.width, innerStride: 1, weight.values, bStride: gates,
                bTransposed: false, into: z.base + t * gates, cStride: z.width, rows: input.count, columns: gates,
                inner: joined, accumulate: true)
            step(t, both, z, states, output)
        }
        return output
    }

    /// Turns z_t into gate values in place, writes the state and hands h_t to the next step and the output.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func step(
        _ t: Int, _ both: Rows<Scalar>, _ z: Rows<Scalar>, _ states: Rows<Scalar>, _ output: Rows<Scalar>
    ) {
        for row in 0..<both.count {
            let gate = z[row] + t * gates
            let next = t + 1 < steps ? both[row] + (t + 1) * joined + features : nil
            let target = returnsAll ? output[row] + t * units : (t == steps - 1 ? output[row] : nil)
            for u in 0..<units {
                let h: Scalar
                switch cell {
                case .simple:
                    gate[u] = Scalar.hyperbolicTangent(gate[u])
                    h = gate[u]
                case .lstm:
                    gate[u] = logistic(gate[u])
                    gate[units + u] = logistic(gate[units + u])
                    gate[2 * units + u] = Scalar.hyperbolicTangent(gate[2 * units + u])
                    gate[3 * units + u] = logistic(gate[3 * units + u])
                    let state = states[row] + t * units + u
                    let before = t > 0 ? state[-units] : 0
                    state[0] = gate[units + u] * before + gate[u] * gate[2 * units + u]
                    h = gate[3 * units + u] * Scalar.hyperbolicTangent(state[0])
                }
                next?[u] = h
                target?[u] = h
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        let count = outputGradient.count
        cache.unitGradients = [:]
        let z = cache.rows(1, count: count, width: steps * gates)
        let states = cache.rows(2, count: count, width: steps * units)
        let gradient = cache.rows(4, count: count, width: steps * gates)
        let joint = cache.rows(5, count: count, width: joined)
        let stateGradient = cache.rows(6, count: count, width: units)
        let result = cache.rows(7, count: count, width: inputWidth)
        cache.outputGradient = gradient
        joint.clear()
        stateGradient.clear()
        for t in (0..<steps).reversed() {
            differentiate(t, outputGradient, z, states, joint, stateGradient, gradient)
            Scalar.multiply(
                gradient.base + t * gates, rowStride: gradient.width, innerStride: 1, weight.values, bStride: gates,
                bTransposed: true, into: joint.base, cStride: joined, rows: count, columns: joined, inner: gates,
                accumulate: false)
            if needsInput {
                for row in 0..<count { (result[row] + t * features).update(from: joint[row], count: features) }
            }
        }
        return needsInput ? result : outputGradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func differentiate(
        _ t: Int, _ outputGradient: Rows<Scalar>, _ z: Rows<Scalar>, _ states: Rows<Scalar>, _ joint: Rows<Scalar>,
        _ stateGradient: Rows<Scalar>, _ gradient: Rows<Scalar>
    ) {
        for row in 0..<z.count {
            let gate = z[row] + t * gates
            let g = gradient[row] + t * gates
            let arriving = returnsAll ? outputGradient[row] + t * units : (t == steps - 1 ? outputGradient[row] : nil)
            for u in 0..<units {
                let h = joint[row][features + u] + (arriving?[u] ?? 0)
                switch cell {
                case .simple: g[u] = h * (1 - gate[u] * gate[u])
                case .lstm:
                    let state = states[row] + t * units + u
                    let before = t > 0 ? state[-units] : 0
                    let i = gate[u]
                    let f = gate[units + u]
                    let candidate = gate[2 * units + u]
                    let o = gate[3 * units + u]
                    let tanhOfState = Scalar.hyperbolicTangent(state[0])
                    let c = stateGradient[row][u] + h * o * (1 - tanhOfState * tanhOfState)
                    g[u] = c * candidate * i * (1 - i)
                    g[units + u] = c * before * f * (1 - f)
                    g[2 * units + u] = c * i * (1 - candidate * candidate)
                    g[3 * units + u] = h * tanhOfState * o * (1 - o)
                    stateGradient[row][u] = c * f
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        rule.addSquaredNorms(input: cache.input!, gradient: cache.outputGradient!, cache, units: units, to: norms)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into vector: UnsafeMutablePointer<Scalar>
    ) {
        if cache.unitGradients.isEmpty { weights.scale(cache.outputGradient!) }
        rule.accumulate(input: cache.input!, gradient: cache.outputGradient!, cache, weights: weights, into: vector)
    }
}
