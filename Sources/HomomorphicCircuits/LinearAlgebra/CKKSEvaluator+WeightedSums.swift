import CKKS
import Foundation
import Lattice

// Sums of ciphertexts with weights in the clear.
extension CKKSEvaluator {
    /// Σ weight·ciphertext, not rescaled, for ciphertexts of one level and scale: less than a third of the time of separate
    /// products and sums.
    /// - Parameter assumptions: what is known of the result beyond the worst case.
    /// - Errors: `invalidValue` for weights that are not finite; `parameterMismatch` for several levels or scales, products
    ///   that are not settled among them; `exhaustedLevels` at level 0; `overflow`.
    /// - Cost: (level + 1)·2 multiplications of constants per term.
    public func weightedSum(
        _ terms: [(ciphertext: CKKSCiphertext, weight: Double)], assumptions: LinearTransform.Assumptions? = nil
    ) throws(CKKSError) -> CKKSCiphertext {
        precondition(!terms.isEmpty, "terms: want at least one")
        let first = terms[0].ciphertext
        guard first.level > 0 else {
            throw CKKSError(
                code: .exhaustedLevels, message: "weighted sum: needs level 1, got 0; use parameters of more depth")
        }
        let scale = factorScale(first)
        let isUncorrelated = assumptions?.hasUncorrelatedErrors ?? false
        var (magnitude, deviation, slots) = (0.0, 0.0, 1)
        for (ciphertext, weight) in terms {
            try check("weighted sum", first, ciphertext)
            guard weight.isFinite else {
                throw CKKSError(code: .invalidValue, message: "weighted sum: got \(weight), want a finite number")
            }
            guard ciphertext.level == first.level, ciphertext.scale == first.scale, ciphertext.size == first.size else {
                throw CKKSError(
                    code: .parameterMismatch,
                    message: "weighted sum: got ciphertexts of several levels or scales, want one")
            }
            // A constant is rounded to a multiple of 1/scale.
            let error = abs(weight) * ciphertext.deviation + 0.5 / scale * ciphertext.magnitude
            deviation = isUncorrelated ? hypot(deviation, error) : deviation + error
            magnitude += abs(weight) * ciphertext.magnitude
            slots = max(slots, ciphertext.slots)
        }
        record?.note(.scale, level: first.level, times: terms.count)
        var parts: [RNSPolynomial<Evaluations>] = []
        if !first.isPlanned {
            let moduli = context.ring.moduli[...first.level]
            let weights = terms.map { term in
                let rounded = Int64((term.weight * scale).rounded(.toNearestOrEven))
                return moduli.map { $0.residue(rounded) }
            }
            parts = first.parts.indices.map { index in
                RNSPolynomial.weightedSum(terms.map { $0.ciphertext.parts[index] }, weights: weights)
            }
        }
        return try finish(
            "weighted sum",
            CKKSCiphertext(
                context: context, parts: parts, size: first.size, level: first.level, scale: first.scale * scale,
                slots: slots, magnitude: assumptions?.magnitude ?? magnitude, deviation: deviation, key: first.key))
    }
}
