import CKernels

extension RNSPolynomial {
    /// Σ weight · polynomial, in one pass over stretches that stay in the cache.
    /// - Parameter weights: for each polynomial its residues, one per limb, each in [0, q_j).
    package static func weightedSum(_ polynomials: [Self], weights: [[UInt64]]) -> Self {
        precondition(
            !polynomials.isEmpty && polynomials.count == weights.count, "weights: want one for each polynomial")
        let basis = polynomials[0].basis
        for (polynomial, weight) in zip(polynomials, weights) {
            basis.require(polynomial.basis, "weighted sum")
            precondition(weight.count == basis.count, "weights: got \(weight.count) residues, want \(basis.count)")
        }
        var result = Self(uninitialized: basis)
        let n = basis.ring.degree
        nonisolated(unsafe) let out = result.unique()
        let length = min(n, 1024)
        basis.ring.forEachLimb(basis.count, cost: 0.5 * Double(polynomials.count)) { j in
            let q = basis.constants(j)
            for first in stride(from: 0, to: n, by: length) {
                let target = out + j * n + first
                for index in polynomials.indices {
                    let own = polynomials[index].limb(j) + first
                    if index == 0 {
                        tacit_vector_scale(target, own, weights[index][j], length, q)
                    } else {
                        tacit_vector_scale_add(target, own, weights[index][j], target, length, q)
                    }
                }
            }
        }
        withExtendedLifetime(polynomials) {}
        return result
    }
}
