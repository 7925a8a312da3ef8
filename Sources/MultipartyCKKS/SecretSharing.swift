import Lattice
import Randomness

/// Shamir's sharing of ring elements, prime by prime: shares are values at the points 1…n of a polynomial of degree t − 1
/// with the secret at 0. Everything is linear, so it is done on evaluations of the ring elements.
/// - Reference: Mouchet, Bertrand, Hubaux 2022 (ePrint 2022/780), section 3; differences of points are below every prime,
///   hence invertible.
enum SecretSharing {
    /// Exactly uniform residues in wiped memory.
    static func uniform(_ basis: RNSBasis, using random: inout some SecureRandom) -> RNSPolynomial<Evaluations> {
        var result = RNSPolynomial<Evaluations>(zero: basis, isSecret: true)
        let block = 512
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: block) { words in
            for j in 0..<basis.count {
                let q = basis[j]
                let mask = (UInt64(1) << UInt64(q.bitWidth)) - 1
                result.withMutableLimb(j) { target in
                    var filled = 0
                    while filled < target.count {
                        random.fill(UnsafeMutableRawBufferPointer(words))
                        for word in words where filled < target.count {
                            // Only what is left out influences the time.
                            let candidate = word & mask
                            guard candidate < q.value else { continue }
                            target[filled] = candidate
                            filled += 1
                        }
                    }
                }
            }
            words.update(repeating: 0)
        }
        return result
    }

    /// Shares for the points 1…n.
    static func share(
        _ secret: RNSPolynomial<Evaluations>, threshold: Int, parties: Int, using random: inout some SecureRandom
    ) -> [RNSPolynomial<Evaluations>] {
        var coefficients: [RNSPolynomial<Evaluations>] = []
        for _ in 1..<max(threshold, 1) { coefficients.append(uniform(secret.basis, using: &random)) }
        return (1...parties).map { point in
            // Horner from the highest coefficient down to the secret.
            var value = RNSPolynomial<Evaluations>(zero: secret.basis, isSecret: true)
            for coefficient in coefficients.reversed() {
                value.add(coefficient)
                value.multiply(byInteger: Int64(point))
            }
            value.add(secret)
            return value
        }
    }

    /// λ of a point within a set, by residues: Π m/(m − point) over the other points.
    static func lagrange(_ point: Int, among points: [Int], basis: RNSBasis) -> [UInt64] {
        basis.moduli.map { q in
            points.filter { $0 != point }.reduce(1) { product, other in
                let inverse = q.inverse(q.residue(Int64(other - point)))
                return q.multiply(product, q.multiply(q.residue(Int64(other)), inverse))
            }
        }
    }
}
