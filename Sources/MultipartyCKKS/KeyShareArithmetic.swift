import CKKS
import Lattice
import Randomness

/// One party's contributions to the collective keys, from its secret sᵢ and the common seeds.
///
/// Each is an RLWE sample under sᵢ (or the ephemeral uᵢ); sums over the parties are the keys of s = Σ sᵢ.
/// - Reference: Mouchet, Troncoso-Pastoriza, Bossuat, Hubaux 2021 (ePrint 2020/304), section 4.
struct KeyShareArithmetic {
    let context: CKKSContext
    let secret: RLWESecretKey
    let reference: CommonReference
    var ring: Ring { context.ring }

    private func s(_ basis: RNSBasis) -> RNSPolynomial<Evaluations> {
        secret.evaluations(SecretAccess("share of a collective key"), over: basis)
    }

    private func error(
        _ basis: RNSBasis, using random: inout some SecureRandom
    ) -> RNSPolynomial<Evaluations> {
        SmallPolynomial.gaussian(count: ring.degree, using: &random).polynomial(basis).transformed()
    }

    /// −a·sᵢ + eᵢ
    func publicKey(using random: inout some SecureRandom) -> RNSPolynomial<Evaluations> {
        let basis = ring.ciphertextBasis
        var share = error(basis, using: &random)
        share.subtract(reference.publicKey.polynomial(basis, label: .publicKey) * s(basis))
        return share.declassified()
    }

    /// Digits of switching keys, as ranges of ciphertext primes.
    private var digits: [Range<Int>] {
        let (count, size) = (ring.parameters.moduli.count, ring.parameters.digitSize)
        return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    /// P·g_d by residues: P modulo the primes of the digit, 0 elsewhere.
    private func gadget(_ digit: Range<Int>) -> [UInt64] {
        ring.keyBasis.moduli.enumerated().map { j, q in
            guard digit.contains(j) else { return 0 }
            return ring.parameters.specialModuli.reduce(1) { q.multiply($0, $1.value % q.value) }
        }
    }

    /// −a_d·σ⁻¹(sᵢ) + e_d + P·g_d·sᵢ per digit.
    func galois(
        _ element: GaloisElement, using random: inout some SecureRandom
    ) -> [RNSPolynomial<Evaluations>] {
        let basis = ring.keyBasis
        let source = s(basis)
        let target = source.applying(element.inverse(logDegree: ring.logDegree))
        let seed = reference.galois(element)
        var bodies: [RNSPolynomial<Evaluations>] = []
        for (d, digit) in digits.enumerated() {
            var body = error(basis, using: &random)
            body.subtract(seed.polynomial(basis, label: .keySwitchKey, index: d) * target)
            body.addProduct(source, byResidues: gadget(digit))
            bodies.append(body.declassified())
        }
        return bodies
    }

    /// Round 1 with an ephemeral uᵢ: h₀ = −uᵢ·a_d + P·g_d·sᵢ + e₀ and h₁ = sᵢ·a_d + e₁.
    func relinearisationFirst(
        ephemeral: SmallPolynomial, using random: inout some SecureRandom
    ) -> (first: [RNSPolynomial<Evaluations>], second: [RNSPolynomial<Evaluations>]) {
        let basis = ring.keyBasis
        let (s, u) = (s(basis), ephemeral.polynomial(basis).transformed())
        var (first, second): ([RNSPolynomial<Evaluations>], [RNSPolynomial<Evaluations>]) = ([], [])
        for (d, digit) in digits.enumerated() {
            let a = reference.relinearisationFirst.polynomial(basis, label: .commonReference, index: d)
            var h0 = error(basis, using: &random)
            h0.subtract(a * u)
            h0.addProduct(s, byResidues: gadget(digit))
            first.append(h0.declassified())
            var h1 = error(basis, using: &random)
            h1.addProduct(a, s)
            second.append(h1.declassified())
        }
        return (first, second)
    }

    /// Round 2, from the sums H₀ and H₁ of round 1 and a fresh common a′: sᵢ·H₀ + uᵢ·H₁ − a′·sᵢ + e₂ + e₃.
    ///
    /// The sum is −a′·s + P·g·s² + s·e₀ + u·e₁ + e₂ + e₃. Published protocols leave H₁ as the key's second half; sending the
    /// second half to the common a′ within the same message lets the key be a seed and one body per digit, and halves the
    /// message. It is the sum of an RLWE sample of sᵢ for H₀ − a′, with e₂, and one of uᵢ for H₁, with e₃.
    func relinearisationSecond(
        ephemeral: SmallPolynomial, sums: (first: [RNSPolynomial<Evaluations>], second: [RNSPolynomial<Evaluations>]),
        using random: inout some SecureRandom
    ) -> [RNSPolynomial<Evaluations>] {
        let basis = ring.keyBasis
        let (s, u) = (s(basis), ephemeral.polynomial(basis).transformed())
        return digits.indices.map { d in
            var body = error(basis, using: &random)
            body.add(error(basis, using: &random))
            let own = reference.relinearisation.polynomial(basis, label: .keySwitchKey, index: d)
            body.addProduct(sums.first[d] - own, s)
            body.addProduct(sums.second[d], u)
            return body.declassified()
        }
    }
}
