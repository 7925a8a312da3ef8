import CKKS
import Foundation
import HomomorphicCircuits
import Parallelism

/// A network on many inputs at once: a ciphertext holds one number of N/2 inputs, and every weight is a constant.
///
/// No rotations, so no keys but the one for squares. An input alone would take as long as N/2 of them.
/// - Reference: the layout of Gilad-Bachrach et al. 2016 (CryptoNets).
public struct BatchedInferenceCircuit: CKKSCircuit, Sendable {
    let circuit: InferenceCircuit

    init(_ circuit: InferenceCircuit) { self.circuit = circuit }

    public func inputs(maximumSlots: Int) -> [CircuitInput] {
        [CircuitInput](
            repeating: CircuitInput(slots: maximumSlots, magnitude: 1), count: circuit.network.inputCount)
    }

    /// Scores, divided by the score bound: a ciphertext for each.
    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        guard inputs.count == circuit.network.inputCount else {
            throw CKKSError(
                code: .invalidParameters,
                message: "network: got \(inputs.count) ciphertexts, want \(circuit.network.inputCount)")
        }
        var values = inputs
        for step in circuit.steps {
            let current = values
            values = try parallelMap(
                step.map.outputCount,
                throwing: { row throws(CKKSError) in
                    let linear = try Self.row(row, of: step.map, current, evaluator)
                    return try circuit.apply(step.function, to: linear, evaluator)
                })
        }
        return values
    }

    private static func row(
        _ row: Int, of map: AffineMap, _ values: [CKKSCiphertext], _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> CKKSCiphertext {
        var terms: [(ciphertext: CKKSCiphertext, weight: Double)] = []
        map.forEachEntry(row: row) { column, weight in terms.append((values[column], weight)) }
        if terms.isEmpty { terms.append((values[0], 0)) }
        let assumptions = LinearTransform.Assumptions(
            magnitude: 1 + abs(map.bias[row]), hasUncorrelatedErrors: true)
        let sum = try evaluator.settled(evaluator.weightedSum(terms, assumptions: assumptions))
        let shifted = try evaluator.add(sum, map.bias[row])
        return shifted.stating(magnitude: 1, deviation: shifted.deviation)
    }
}
