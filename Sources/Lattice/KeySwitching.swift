import CKernels
import Foundation

/// A polynomial's digits over Q_l·P, ready to be multiplied with any number of key-switching keys (hoisting).
public struct DecomposedPolynomial: Sendable {
    /// q₀ … q_l of the polynomial.
    public let basis: RNSBasis
    /// D_d: the residue modulo digit d nearest to zero, over q₀ … q_l and the special primes.
    let digits: [RNSPolynomial<Evaluations>]
}

extension RNSPolynomial<Evaluations> {
    /// Splits into digits. The costly half of a key switch; do it once for several rotations of one ciphertext.
    /// - Errors: `noSpecialPrimes`.
    /// - Cost: l + 1 inverse and (digits − 1)(l + 1) + digits · K forward transforms.
    public func decomposed() throws(LatticeError) -> DecomposedPolynomial {
        let (ring, n) = (basis.ring, degree)
        let size = ring.parameters.digitSize
        guard size > 0 else {
            throw LatticeError(
                code: .noSpecialPrimes, message: "special moduli: got none, want at least 1 for switching keys")
        }
        precondition(basis.specialPrimes == 0, "decomposed: want a polynomial without special primes")
        let coefficients = self.transformed()
        let extended = basis.withSpecialPrimes
        let digits = KeySwitchKey.digits(of: basis.ciphertextPrimes, size: size).map { digit in
            let others = (0..<extended.count).filter { !digit.contains($0) }
            let conversion = ring.conversion(from: Array(digit), to: others.map { extended.index($0) })
            var result = Self(uninitialized: extended, isSecret: isSecret)
            nonisolated(unsafe) let words = result.unique()
            conversion.apply(
                digit.map { coefficients.limb($0) }, to: others.map { words + $0 * n }, degree: n, ring: ring)
            ring.forEachLimb(extended.count, cost: 4) { j in
                if digit.contains(j) {
                    // The digit is congruent to the polynomial itself here.
                    (words + j * n).update(from: self.limb(j), count: n)
                } else {
                    extended.tables(j).forward(words + j * n)
                }
            }
            return result
        }
        withExtendedLifetime((coefficients, self)) {}
        return DecomposedPolynomial(basis: basis, digits: digits)
    }
}

extension KeySwitchKey {
    /// Σ_d D_d·(b_d, a_d) over Q_l·P, before the division by P.
    ///
    /// Sums of such pairs may be divided once at their end (double hoisting).
    public func product(_ decomposed: DecomposedPolynomial) -> (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)
    {
        let basis = decomposed.basis.withSpecialPrimes
        precondition(basis.ring == ring, "key switching: want a polynomial of the key's ring")
        let (ring, n, digits) = (basis.ring, basis.ring.degree, decomposed.digits)
        let shift = ring.parameters.moduli.count - basis.ciphertextPrimes  // the key's limbs skip the primes dropped
        var first = RNSPolynomial<Evaluations>(uninitialized: basis)
        var second = RNSPolynomial<Evaluations>(uninitialized: basis)
        nonisolated(unsafe) let (out0, out1) = (first.unique(), second.unique())
        ring.forEachLimb(basis.count, cost: 0.6 * Double(digits.count)) { j in
            let k = j < basis.ciphertextPrimes ? j : j + shift
            let a = digits.map { Optional($0.limb(j)) }
            let b0 = digits.indices.map { Optional(self.bodies[$0].limb(k)) }
            let b1 = digits.indices.map { Optional(self.uniforms[$0].limb(k)) }
            tacit_vector_dot_pair(out0 + j * n, out1 + j * n, a, b0, b1, digits.count, n, basis.constants(j))
        }
        withExtendedLifetime(digits) {}
        return (first, second)
    }

    /// (u₀, u₁) with u₀ + u₁·s ≈ c·s′.
    ///
    /// The same as decomposing first, but a few primes at a time: all digits of a limb are made, used and forgotten
    /// while they are still in the cache.
    public func switching(
        _ c: RNSPolynomial<Evaluations>
    ) -> (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>) {
        let (first, second) = accumulated(c, adding: [])
        return (first.divided(dropping: 0), second.divided(dropping: 0))
    }

    /// (c₀ + u₀, u₁)
    func switching(
        _ c: RNSPolynomial<Evaluations>, adding c0: RNSPolynomial<Evaluations>
    ) -> (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>) {
        let (first, second) = accumulated(c, adding: [c0])
        return (first.divided(dropping: 0), second.divided(dropping: 0))
    }

    /// Two parts out of three: c₀ + u₀ and c₁ + u₁ for u from c₂.
    public func relinearised(_ ciphertext: RLWECiphertext) -> RLWECiphertext { reduced(ciphertext, dropping: 0) }

    /// Relinearised and divided by the last prime, with one rounding.
    ///
    /// (P·c + u)/(P·q_l) takes one division instead of two.
    /// - Cost: 2(l + 1) forward transforms less than one after the other.
    public func relinearisedAndRescaled(_ ciphertext: RLWECiphertext) -> RLWECiphertext {
        precondition(ciphertext.basis.ciphertextPrimes > 1, "rescale: want at least 2 primes")
        return reduced(ciphertext, dropping: 1)
    }

    private func reduced(_ ciphertext: RLWECiphertext, dropping count: Int) -> RLWECiphertext {
        precondition(ciphertext.parts.count == 3, "ciphertext: got \(ciphertext.parts.count) parts, want 3")
        let (first, second) = accumulated(ciphertext.parts[2], adding: Array(ciphertext.parts[..<2]))
        return RLWECiphertext(parts: [first.divided(dropping: count), second.divided(dropping: count)])
    }

    /// P·(u₀, u₁) over Q_l·P, and P·c for each of the `adding` parts (none, c₀, or c₀ and c₁).
    private func accumulated(
        _ c: RNSPolynomial<Evaluations>, adding parts: [RNSPolynomial<Evaluations>]
    ) -> (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>) {
        precondition(c.basis.ring == ring && c.basis.specialPrimes == 0, "key switching: want ciphertext primes only")
        let (ring, n, basis) = (c.basis.ring, c.degree, c.basis.withSpecialPrimes)
        let shift = ring.parameters.moduli.count - basis.ciphertextPrimes
        let digits = Self.digits(of: c.basis.ciphertextPrimes, size: ring.parameters.digitSize)
        for part in parts { c.basis.require(part.basis, "relinearise") }
        // P modulo each ciphertext prime
        let special = (0..<basis.ciphertextPrimes).map { j in
            ring.parameters.specialModuli.reduce(1) { basis[j].multiply($0, $1.value % basis[j].value) }
        }
        let (coefficients, quotients) = Self.prepared(c, digits)
        var first = RNSPolynomial<Evaluations>(uninitialized: basis)
        var second = RNSPolynomial<Evaluations>(uninitialized: basis)
        nonisolated(unsafe) let (out0, out1) = (first.unique(), second.unique())
        // As many primes at a time as a digit has: then a conversion reads as much as it writes.
        let step = digits[0].count
        let stride = LimbStorage.staggeredStride(n)
        let groups = Swift.stride(from: 0, to: basis.count, by: step).map { $0..<min($0 + step, basis.count) }
        ring.forEachLimb(groups.count, cost: 5 * Double(step * digits.count)) { number in
            let group = groups[number]
            let buffers = LimbStorage(count: digits.count * group.count * stride, isSecret: c.isSecret)
            // Position of digit d of limb j.
            let place = { (d: Int, j: Int) in buffers.words + (d * group.count + j - group.lowerBound) * stride }
            for (d, digit) in digits.enumerated() {
                let others = group.filter { !digit.contains($0) }
                guard !others.isEmpty else { continue }
                let conversion = ring.conversion(from: Array(digit), to: others.map { basis.index($0) })
                conversion.finish(
                    digit.map { coefficients.limb($0) }, quotient: quotients.words + (step == 1 ? 0 : d * n),
                    to: others.map { place(d, $0) }, degree: n)
                for j in others { basis.tables(j).forward(place(d, j)) }
            }
            for j in group {
                let k = j < basis.ciphertextPrimes ? j : j + shift
                // A digit is congruent to the polynomial itself modulo its own primes.
                let factors = digits.enumerated().map { d, digit in
                    digit.contains(j) ? Optional(c.limb(j)) : UnsafePointer(place(d, j))
                }
                let b0 = digits.indices.map { Optional(self.bodies[$0].limb(k)) }
                let b1 = digits.indices.map { Optional(self.uniforms[$0].limb(k)) }
                let q = basis.constants(j)
                tacit_vector_dot_pair(out0 + j * n, out1 + j * n, factors, b0, b1, digits.count, n, q)
                // Modulo a special prime P is zero.
                guard j < basis.ciphertextPrimes else { continue }
                for (part, out) in zip(parts, [out0 + j * n, out1 + j * n]) {
                    tacit_vector_scale_add(out, part.limb(j), special[j], out, n, q)
                }
            }
            withExtendedLifetime(buffers) {}
        }
        withExtendedLifetime((c, coefficients, quotients)) {}
        return (first, second)
    }

    /// The digits' coefficients prepared for conversion to any prime, and the quotients of that.
    private static func prepared(
        _ c: RNSPolynomial<Evaluations>, _ digits: [Range<Int>]
    ) -> (RNSPolynomial<Coefficients>, LimbStorage) {
        let (ring, n) = (c.basis.ring, c.degree)
        var coefficients = c.transformed()
        // With one prime in a digit there is nothing to prepare.
        let single = digits[0].count == 1
        let quotients = LimbStorage(count: single ? 8 : digits.count * n, isSecret: c.isSecret)
        guard !single else { return (coefficients, quotients) }
        let words = coefficients.unique()
        for (d, digit) in digits.enumerated() {
            ring.conversion(from: Array(digit), to: []).prepare(
                digit.map { words + $0 * n }, quotient: quotients.words + d * n, degree: n, ring: ring)
        }
        return (coefficients, quotients)
    }

    /// The same for digits made before.
    public func switching(
        _ decomposed: DecomposedPolynomial
    ) -> (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>) {
        let (u0, u1) = product(decomposed)
        return (u0.dividedByDroppedPrimes(), u1.dividedByDroppedPrimes())
    }

    /// The standard deviation of one coefficient of the noise that switching adds over the first `count` primes, for a
    /// ternary s: √(N·σ²·Σ_d Q_d²/12 / P² + (1 + 2N/3)/12).
    ///
    /// The first term are the digits (nearly uniform on ±Q_d/2) times the key's errors, the second the rounding of the two
    /// halves. Coefficients are close to Gaussian: 6.5 deviations hold for all N ≤ 2¹⁷ but with probability 2⁻¹⁶.
    public static func noiseDeviation(_ ring: Ring, ciphertextPrimes count: Int) -> Double {
        let parameters = ring.parameters
        let n = Double(ring.degree)
        var digits = 0.0
        for digit in digitsOf(ring, count) {
            let log = digit.reduce(0.0) { $0 + log2(Double(parameters.moduli[$1].value)) } - parameters.log2P
            digits += exp2(2 * log) / 12
        }
        return (n * SmallPolynomial.sigma * SmallPolynomial.sigma * digits + (1 + 2 * n / 3) / 12).squareRoot()
    }

    private static func digitsOf(_ ring: Ring, _ count: Int) -> [Range<Int>] {
        digits(of: count, size: ring.parameters.digitSize)
    }
}

extension GaloisKey {
    /// The ciphertext of m(X^g) from that of m(X), two parts.
    public func applying(to ciphertext: RLWECiphertext) -> RLWECiphertext {
        precondition(ciphertext.parts.count == 2, "ciphertext: got \(ciphertext.parts.count) parts, want 2")
        let (u0, u1) = key.switching(ciphertext.parts[1], adding: ciphertext.parts[0])
        return RLWECiphertext(parts: [u0.applying(element), u1.applying(element)])
    }

    /// The same when the second part has been split into digits already, for many rotations of one ciphertext.
    public func applying(to ciphertext: RLWECiphertext, decomposed: DecomposedPolynomial) -> RLWECiphertext {
        finish(ciphertext, key.switching(decomposed))
    }

    private func finish(
        _ ciphertext: RLWECiphertext, _ switched: (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)
    ) -> RLWECiphertext {
        precondition(ciphertext.parts.count == 2, "ciphertext: got \(ciphertext.parts.count) parts, want 2")
        var (u0, u1) = switched
        u0.add(ciphertext.parts[0])
        return RLWECiphertext(parts: [u0.applying(element), u1.applying(element)])
    }
}
