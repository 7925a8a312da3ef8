import CKernels

// Steps of bootstrapping: more primes for the same integers, and products with P.

extension RNSPolynomial<Coefficients> {
    /// The integers in (−q/2, q/2) with these residues modulo the one prime q there is, over another basis, of this ring
    /// or of another of the same degree (modulus raising).
    package func raised(to target: RNSBasis) -> Self {
        precondition(count == 1 && target.ring.degree == degree, "raised: want one prime and rings of one degree")
        let conversion = BasisConversion(sources: [basis[0]], targets: target.moduli)
        var result = Self(uninitialized: target, isSecret: isSecret)
        let n = degree
        nonisolated(unsafe) let words = result.unique()
        conversion.apply([limb(0)], to: (0..<target.count).map { words + $0 * n }, degree: n, ring: target.ring)
        return result
    }
}

extension RNSPolynomial {
    /// The same residues read over a basis of another ring that has the same primes in the same order.
    package func rebased(to target: RNSBasis) -> Self {
        precondition(target.moduli == basis.moduli && target.ring.degree == degree, "rebased: want the same primes")
        var result = Self(uninitialized: target, isSecret: isSecret)
        let words = result.unique()
        for j in 0..<count { (words + j * degree).update(from: limb(j), count: degree) }
        return result
    }
}

extension RNSPolynomial<Evaluations> {
    /// self + P·a, where self is over the special primes too and a is not.
    package mutating func addTimesSpecialPrimes(_ a: Self) {
        basis.require(a.basis.withSpecialPrimes, "addTimesSpecialPrimes")
        let (n, factors) = (degree, basis.ring.specialProductResidues)
        let ordinary = basis.ciphertextPrimes
        update(cost: 1) { words, q, j in
            if j < ordinary { tacit_vector_scale_add(words, a.limb(j), factors[j], words, n, q) }
        }
    }

    /// P·self over the special primes too, where it is zero.
    package func timesSpecialPrimes() -> Self {
        let factors = basis.ring.specialProductResidues
        var result = Self(uninitialized: basis.withSpecialPrimes, isSecret: isSecret)
        let (n, ordinary) = (degree, basis.ciphertextPrimes)
        result.update { words, q, j in
            if j < ordinary {
                tacit_vector_scale(words, self.limb(j), factors[j], n, q)
            } else {
                words.update(repeating: 0, count: n)
            }
        }
        return result
    }

    /// Product with X^(N/2), which is i in every slot of a canonical embedding: evaluations in the first half have
    /// exponents that are 1 modulo 4, those in the second half 3.
    package mutating func multiplyByImaginaryUnit() {
        let (n, basis) = (degree, basis)
        update { words, q, j in
            let root = basis[j].power(basis.ring.root(basis.index(j)), UInt64(n / 2))
            tacit_vector_scale(words, words, root, n / 2, q)
            tacit_vector_scale(words + n / 2, words + n / 2, basis[j].negate(root), n / 2, q)
        }
    }
}

extension Ring {
    /// P modulo each ciphertext prime.
    package var specialProductResidues: [UInt64] {
        parameters.moduli.map { q in parameters.specialModuli.reduce(1) { q.multiply($0, $1.value % q.value) } }
    }
}

extension RLWESecretKey {
    /// The same small polynomial in another ring of the same degree.
    package func transported(to other: Ring) -> RLWESecretKey {
        precondition(other.degree == ring.degree, "transported: want a ring of the same degree")
        return RLWESecretKey(ring: other, distribution: distribution, coefficients: coefficients)
    }
}

extension RNSPolynomial {
    /// Over a part of the primes, special ones included.
    package func restricted(to target: RNSBasis) -> Self { target == basis ? self : selecting(target) }

    /// The same residues without the secret mark, for what is public by construction: an encryption.
    package func published() -> Self { declassified() }
}
