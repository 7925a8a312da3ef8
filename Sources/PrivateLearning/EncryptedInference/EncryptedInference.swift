import BinaryCoding
import CKKS
import Foundation
import Lattice
import NeuralNetworks

/// A trained network made ready to run on ciphertexts: the server's side.
///
///     let inference = try EncryptedInference(path: "mnist-cnn.safetensors")  // refuses what ciphertexts cannot compute
///     let plan = try inference.plan()                                        // parameters, cost, error
///     let description = try inference.description(plan)                      // for clients, who make keys by it
///     let scores = try inference.scores(of: inputs, keys: keys)              // no secret here
public struct EncryptedInference: Sendable {
    public let circuit: InferenceCircuit
    public let task: NetworkTask
    /// Of the weights and the activation bounds.
    public let fingerprint: Fingerprint

    /// Metadata of a model file that holds its activation bounds.
    public static let boundsKey = "activation_bounds"

    /// - Parameter measured: bounds measured on training rows; without them bounds are proven from the weights, which
    ///   for deep networks makes larger parameters.
    /// - Throws: `invalidParameter` for layers that ciphertexts cannot run, `mismatch` for bounds of another network.
    public init(_ model: NetworkModel, bounds measured: ActivationBounds? = nil) throws {
        let network = try PolynomialNetwork(model.network)
        let range = model.task.inputRange
        var bounds = ActivationBounds(proving: network, inputs: range)
        if let measured {
            guard measured.magnitudes.count == bounds.magnitudes.count else {
                throw PrivateLearningError(
                    code: .mismatch,
                    message: "activation bounds: got \(measured.magnitudes.count), want \(bounds.magnitudes.count)")
            }
            bounds = measured.limited(by: bounds)
        }
        circuit = try InferenceCircuit(
            network, inputBound: max(abs(range.lowerBound), abs(range.upperBound)), bounds: bounds)
        task = model.task
        fingerprint = Fingerprint(of: try model.network.file.encoded() + EncryptedFile.encode(bounds))
    }

    /// From a model file, with the bounds that it holds.
    public init(path: String) throws {
        let file = try TensorFile(path: path)
        do {
            let bounds = try file.metadata[Self.boundsKey].map {
                try NetworkModel.value(ActivationBounds.self, Self.boundsKey, $0)
            }
            try self.init(NetworkModel(file), bounds: bounds)
        } catch let error as PrivateLearningError {
            throw PrivateLearningError(code: error.code, message: "\(path): \(error.message)")
        }
    }

    /// The smallest ring with the security, and the scale for the error.
    /// - Parameters:
    ///   - errorBound: the greatest error of a score, in units of the score bound.
    ///   - insecure: allow parameters below 128 bits.
    /// - Throws: CKKS's `noParameters`.
    public func plan(
        _ layout: InferenceLayout = .single, errorBound: Double = InferenceCircuit.standardErrorBound,
        insecure: Bool = false
    ) throws -> CircuitPlan {
        let security: RingParameters.Security = insecure ? .insecureForTestsOnly : .classical128
        switch layout {
        case .single: return try circuit.plan(errorBound: errorBound, security: security)
        case .batched:
            return try BatchedInferenceCircuit(circuit).plan(errorBound: errorBound, security: security)
        }
    }

    /// What clients have to know.
    public func description(_ plan: CircuitPlan, _ layout: InferenceLayout = .single) -> InferenceDescription {
        InferenceDescription(
            task: task, parameters: plan.parameters.literal, keys: plan.keys,
            inputShape: circuit.network.inputShape, layout: layout, inputStride: circuit.inputStride,
            inputBound: circuit.inputBound, scoreBound: circuit.scoreBound,
            errorBound: plan.errorBound * circuit.scoreBound, measuredRows: circuit.bounds.measuredRows,
            model: fingerprint)
    }

    /// Encrypted scores of every input.
    /// - Parameter progress: called after each input.
    /// - Throws: `mismatch` for inputs that were made for another model; CKKS's `missingKey`, `keyMismatch`,
    ///   `exhaustedLevels` for keys that were not made for this network.
    public func scores(
        of inputs: EncryptedInputs, keys: CKKSEvaluationKeys, progress: (Int) throws -> Void = { _ in }
    ) throws -> EncryptedNetworkScores {
        guard inputs.meaning.model == fingerprint else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "inputs: were encrypted for model \(inputs.meaning.model), this is \(fingerprint)")
        }
        let (context, count, size) = (inputs.context, inputs.meaning.count, inputs.context.maximumSlots)
        let layout = circuit.inputLayout(maximumSlots: size)
        let isBatched = inputs.meaning.layout == .batched
        let wanted = inputs.meaning.layout.ciphertexts(
            count: count, width: circuit.network.inputCount, single: layout.ciphertexts, maximumSlots: size)
        guard inputs.ciphertexts.count == wanted,
            inputs.ciphertexts.allSatisfy({
                $0.level == context.chain.top && $0.slots == (isBatched ? size : layout.slots)
            })
        else {
            throw PrivateLearningError(
                code: .mismatch,
                message:
                    "inputs: got \(inputs.ciphertexts.count) ciphertexts for \(count) inputs, want \(wanted) fresh ones"
            )
        }
        let evaluator = CKKSEvaluator(context, keys: keys)
        var scores: [CKKSCiphertext] = []
        let (step, each) = isBatched ? (circuit.network.inputCount, size) : (layout.ciphertexts, 1)
        for (number, start) in stride(from: 0, to: inputs.ciphertexts.count, by: step).enumerated() {
            let group = inputs.ciphertexts[start..<start + step].map { $0.declaring(magnitude: 1) }
            scores +=
                try isBatched
                ? BatchedInferenceCircuit(circuit).run(group, with: evaluator) : circuit.run(group, with: evaluator)
            try progress(min(count, (number + 1) * each))
        }
        return EncryptedNetworkScores(
            meaning: .init(
                count: count, layout: inputs.meaning.layout, target: task.target, scoreBound: circuit.scoreBound,
                description: inputs.meaning.description), context: context, key: inputs.key, ciphertexts: scores)
    }
}

extension NetworkTask {
    /// Where inputs lie, by public numbers.
    public var inputRange: ClosedRange<Double> {
        switch input {
        case .image(_, _, let mean, let deviation):
            let ends = [(0 - Double(mean)) / Double(deviation), (1 - Double(mean)) / Double(deviation)]
            return min(ends[0], ends[1])...max(ends[0], ends[1])
        case .scattering(let features):
            // m values of mean 0 and variance 1 lie within ±√(m − 1).
            let values = features.outputShape.reduce(1, *) / max(1, features.groups)
            let end = Double(max(0, values - 1)).squareRoot()
            return -end...end
        case .table: return -1...1
        }
    }
}

extension EncryptedInference {
    /// A line for each group of layers: what it is and what it costs.
    public func stageLines(maximumSlots: Int) throws -> [String] {
        let counts = try circuit.diagonalCounts(maximumSlots: maximumSlots)
        return zip(circuit.network.stages, counts).enumerated().map { index, item in
            let (stage, count) = item
            let names = stage.layers.isEmpty ? "scaling" : stage.layers.joined(separator: ", ")
            let after: String
            switch stage.nonlinearity {
            case nil: after = ""
            case .square: after = ", then a polynomial of degree 2"
            case .polynomial(let coefficients): after = ", then a polynomial of degree \(coefficients.count - 1)"
            }
            return "group \(index + 1)".padding(toLength: 15, withPad: " ", startingAt: 0) + names + after
                + ": \(count) diagonals"
        }
    }
}
