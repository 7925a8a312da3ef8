import CKKS
import Foundation
import HomomorphicCircuits
import Synchronization

/// A network on ciphertexts: what the server computes, and what parameters are chosen from.
///
/// Every number is scaled into ±1 by public bounds: inputs by the interval they come from, the values before each
/// polynomial and the scores by ``ActivationBounds``. The scale factors go into the weights.
///
/// The stated error takes errors of different slots as uncorrelated, which is the usual heuristic, and is sixteen
/// deviations of what then follows for inputs within the bounds.
public final class InferenceCircuit: CKKSCircuit, Sendable {
    public let network: PolynomialNetwork
    public let bounds: ActivationBounds
    /// No input is greater.
    public let inputBound: Double
    /// Scores are decrypted as score/scoreBound.
    public var scoreBound: Double { bounds.magnitudes[bounds.magnitudes.count - 1] }
    let steps: [Step]
    private let placedMaps = Mutex<[Int: [SlotMap]]>([:])

    enum Function: Sendable {
        case square
        case polynomial(ChebyshevPolynomial)
    }

    struct Step: Sendable {
        /// Of numbers within ±1.
        let map: AffineMap
        let function: Function?
    }

    /// The error of a score in units of the score bound that parameters are chosen for; sixteen deviations.
    public static let standardErrorBound = 0x1p-6

    /// - Throws: `invalidParameter` when the bounds are not those of such a network.
    public init(
        _ network: PolynomialNetwork, inputBound: Double, bounds: ActivationBounds
    ) throws(PrivateLearningError) {
        guard bounds.magnitudes.count == network.stages.count,
            bounds.magnitudes.allSatisfy({ $0 > 0 && $0.isFinite }), inputBound > 0, inputBound.isFinite
        else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "activation bounds: got \(bounds.magnitudes.count), want \(network.stages.count) positive "
                    + "numbers")
        }
        self.network = network
        self.bounds = bounds
        self.inputBound = inputBound
        var steps: [Step] = []
        // What the slots before a map have to be multiplied by to be its inputs.
        var unit = inputBound
        for (stage, bound) in zip(network.stages, bounds.magnitudes) {
            let map = stage.map.scaled(weights: unit / bound, bias: 1 / bound)
            var function: Function?
            switch stage.nonlinearity {
            case nil: break
            case .square:
                function = .square
                unit = bound * bound
            case .polynomial(let coefficients):
                let reach = (0...4096).reduce(0.0) {
                    max($0, abs(stage.nonlinearity!.value(bound * (Double($1) / 2048 - 1))))
                }
                // A little more than the greatest sample, for what lies between samples.
                unit = max(reach * 1.001, 0x1p-40)
                let scaled = coefficients.enumerated().map { $1 * pow(bound, Double($0)) / unit }
                do { function = .polynomial(try ChebyshevPolynomial(powers: scaled)) } catch {
                    throw PrivateLearningError(code: .invalidParameter, message: "activation: \(error.message)")
                }
            }
            guard map.weightsAreFinite else {
                throw PrivateLearningError(code: .invalidParameter, message: "network: want finite weights")
            }
            steps.append(Step(map: map, function: function))
        }
        self.steps = steps
    }

    // MARK: Layouts

    /// With how many phases, in each direction, the input and every map's output are read: a map that slides with stride s
    /// and whose output is read with stride t reads with s·t.
    private var readingStrides: [Int] {
        var strides = [1]
        for stage in network.stages.reversed() {
            let read = strides[strides.count - 1]
            strides.append(stage.stride.map { $0 * read } ?? 1)
        }
        let shapes = [network.inputShape] + network.stages.map(\.outputShape)
        return zip(shapes, strides.reversed()).map { min($1, $0.first ?? 1) }
    }

    var inputStride: Int { readingStrides[0] }

    /// Layouts of the input and of every map's output.
    private func layouts(maximumSlots: Int) -> [SlotLayout] {
        let shapes = [network.inputShape] + network.stages.map(\.outputShape)
        return zip(shapes, readingStrides).map { SlotLayout(shape: $0, stride: $1, maximumSlots: maximumSlots) }
    }

    func inputLayout(maximumSlots: Int) -> SlotLayout { layouts(maximumSlots: maximumSlots)[0] }
    func scoreLayout(maximumSlots: Int) -> SlotLayout { layouts(maximumSlots: maximumSlots)[steps.count] }

    private func maps(maximumSlots: Int) throws(CKKSError) -> [SlotMap] {
        if let found = placedMaps.withLock({ $0[maximumSlots] }) { return found }
        let layouts = layouts(maximumSlots: maximumSlots)
        var made: [SlotMap] = []
        for (index, step) in steps.enumerated() {
            do {
                made.append(try SlotMap(step.map, from: layouts[index], to: layouts[index + 1], magnitude: 1))
            } catch { throw CKKSError(code: .invalidParameters, message: error.message) }
        }
        placedMaps.withLock { $0[maximumSlots] = made }
        return made
    }

    /// Products with plaintexts that each group of layers takes.
    public func diagonalCounts(maximumSlots: Int) throws(CKKSError) -> [Int] {
        try maps(maximumSlots: maximumSlots).map(\.diagonalCount)
    }

    /// Encodes all weights, which otherwise happens with the first input.
    public func prepare(_ context: CKKSContext) throws(CKKSError) {
        var level = context.chain.top
        for (map, stage) in zip(try maps(maximumSlots: context.maximumSlots), network.stages) {
            try map.prepare(context, level: level)
            level -= 1 + (stage.nonlinearity?.depth ?? 0)
        }
    }

    // MARK: Running

    public func inputs(maximumSlots: Int) -> [CircuitInput] {
        let layout = inputLayout(maximumSlots: maximumSlots)
        return [CircuitInput](
            repeating: CircuitInput(slots: layout.slots, magnitude: 1), count: layout.ciphertexts)
    }

    /// Scores, divided by ``scoreBound``.
    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let maps = try maps(maximumSlots: evaluator.context.maximumSlots)
        guard inputs.count == maps[0].input.ciphertexts else {
            throw CKKSError(
                code: .invalidParameters,
                message: "network: got \(inputs.count) ciphertexts, want \(maps[0].input.ciphertexts)")
        }
        var values = inputs
        for (map, step) in zip(maps, steps) {
            values = try map.apply(values, evaluator)
            for index in values.indices { values[index] = try apply(step.function, to: values[index], evaluator) }
        }
        return values
    }

    func apply(
        _ function: Function?, to value: CKKSCiphertext, _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> CKKSCiphertext {
        switch function {
        case nil: value
        case .square: try evaluator.square(value).declaring(magnitude: 1)
        case .polynomial(let polynomial): try evaluator.evaluate(polynomial, on: value).declaring(magnitude: 1)
        }
    }
}

extension AffineMap {
    var weightsAreFinite: Bool { weights.allSatisfy(\.isFinite) && bias.allSatisfy(\.isFinite) }
}

extension ChebyshevPolynomial {
    /// Σ powers[i]·tⁱ on [−1, 1], by t·T_k = (T_(k+1) + T_|k−1|)/2.
    init(powers: [Double]) throws(HomomorphicCircuitsError) {
        var coefficients: [Double] = [0]
        for power in powers.reversed() {
            var next = [Double](repeating: 0, count: coefficients.count + 1)
            for (k, coefficient) in coefficients.enumerated() {
                next[k + 1] += k == 0 ? coefficient : coefficient / 2
                if k > 0 { next[k - 1] += coefficient / 2 }
            }
            next[0] += power
            coefficients = next
        }
        try self.init(coefficients: coefficients)
    }
}
