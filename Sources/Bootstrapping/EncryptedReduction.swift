import CKKS
import Foundation
import Lattice

/// The reduction on ciphertexts.
struct EncryptedReduction: ReductionArithmetic {
    let relinearisation: KeySwitchKey
    let ring: Ring
    /// Ciphertext primes at each depth.
    let primes: [Int]

    func evaluate(_ step: ReductionStep<RawCiphertext>) -> RawCiphertext {
        let count = primes[step.depth]
        let basis = ring.basis(count)
        var c0 = RNSPolynomial<Evaluations>(zero: basis)
        var c1 = c0
        var c2: RNSPolynomial<Evaluations>?
        for product in step.products {
            let a = product.left.value.dropping(to: count)
            let tensor: (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)
            if let right = product.right {
                let b = right.value.dropping(to: count)
                tensor = (a.c0 * b.c0, RNSPolynomial.innerProduct([(a.c0, b.c1), (a.c1, b.c0)]), a.c1 * b.c1)
            } else {
                var middle = a.c0 * a.c1
                middle.add(middle)
                tensor = (a.c0 * a.c0, middle, a.c1 * a.c1)
            }
            let m = residues(product.multiplier, count)
            c0.addProduct(tensor.0, byResidues: m)
            c1.addProduct(tensor.1, byResidues: m)
            if c2 == nil { c2 = RNSPolynomial(zero: basis) }
            c2!.addProduct(tensor.2, byResidues: m)
        }
        for multiple in step.multiples {
            let m = residues(multiple.multiplier, count)
            let v = multiple.node.value.dropping(to: count)
            c0.addProduct(v.c0, byResidues: m)
            c1.addProduct(v.c1, byResidues: m)
        }
        if step.constant != 0 { c0.addConstant(residues: residues(step.constant, count)) }
        if let c2 {
            let (u0, u1) = relinearisation.switching(c2)
            c0.add(u0)
            c1.add(u1)
        }
        return RawCiphertext(c0: c0, c1: c1).rescaled(count - primes[step.depth + 1])
    }

    /// An integer held in a double, modulo each of the first primes.
    private func residues(_ x: Double, _ count: Int) -> [UInt64] {
        if abs(x) < exp2(62) { return (0..<count).map { ring.moduli[$0].residue(Int64(x)) } }
        let mantissa = Int64(x.significand * exp2(52)) * (x < 0 ? -1 : 1)
        let exponent = UInt64(x.exponent) - 52
        return (0..<count).map { j in
            let q = ring.moduli[j]
            return q.multiply(q.residue(mantissa), q.power(2, exponent))
        }
    }
}
