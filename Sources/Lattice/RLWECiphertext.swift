import Randomness

/// c₀ + c₁·s + … + c_d·s^d = message + noise, by evaluations; fresh ciphertexts have two parts.
public struct RLWECiphertext: Sendable {
    public var parts: [RNSPolynomial<Evaluations>]
    public var basis: RNSBasis { parts[0].basis }

    /// - Parameter parts: at least one, all over one basis.
    public init(parts: [RNSPolynomial<Evaluations>]) {
        precondition(!parts.isEmpty, "parts: want at least one")
        for part in parts { part.basis.require(parts[0].basis, "ciphertext") }
        self.parts = parts
    }
}

/// A fresh ciphertext whose second half is a seed: half the size.
public struct SeededCiphertext: Sendable {
    /// c₀
    public var body: RNSPolynomial<Evaluations>
    public let seed: UniformSeed

    public init(body: RNSPolynomial<Evaluations>, seed: UniformSeed) {
        self.body = body
        self.seed = seed
    }

    /// Both halves.
    public func expanded() -> RLWECiphertext {
        RLWECiphertext(parts: [body, seed.polynomial(body.basis, label: .ciphertext)])
    }
}

/// (b, a) = (−a·s + e, a) over the ciphertext primes, a from a seed.
public struct RLWEPublicKey: Sendable {
    public let body: RNSPolynomial<Evaluations>
    public let seed: UniformSeed
    /// a, expanded.
    let uniform: RNSPolynomial<Evaluations>

    public var ring: Ring { body.basis.ring }

    public init(_ key: RLWESecretKey, using random: inout some SecureRandom) {
        let basis = key.ring.ciphertextBasis
        let seed = UniformSeed(using: &random)
        let s = key.evaluations(SecretAccess("public key"), over: basis)
        let uniform = seed.polynomial(basis, label: .publicKey)
        var body = SmallPolynomial.gaussian(count: key.ring.degree, using: &random).polynomial(basis).transformed()
        body.subtract(uniform * s)
        self.init(body: body.declassified(), seed: seed, uniform: uniform)
    }

    /// From its parts, as decoders and protocols between several key holders make it.
    /// - Errors: `basisMismatch` unless the body is over all ciphertext primes and no special ones.
    public init(body: RNSPolynomial<Evaluations>, seed: UniformSeed) throws(LatticeError) {
        guard body.basis == body.basis.ring.ciphertextBasis else {
            throw LatticeError(
                code: .basisMismatch,
                message: "public key: got \(body.basis), want all ciphertext primes and no special ones")
        }
        self.init(body: body, seed: seed, uniform: seed.polynomial(body.basis, label: .publicKey))
    }

    private init(body: RNSPolynomial<Evaluations>, seed: UniformSeed, uniform: RNSPolynomial<Evaluations>) {
        self.body = body
        self.seed = seed
        self.uniform = uniform
    }

    /// (b·v + e₀, a·v + e₁) with v ternary: an encryption of zero.
    /// - Cost: three transforms per prime.
    public func encryptZero(over basis: RNSBasis, using random: inout some SecureRandom) -> RLWECiphertext {
        precondition(basis.ring == ring && basis.specialPrimes == 0, "basis: want ciphertext primes of the key's ring")
        let n = ring.degree
        let v = SmallPolynomial.ternary(count: n, using: &random).polynomial(basis).transformed()
        var parts: [RNSPolynomial<Evaluations>] = []
        for half in [body, uniform] {
            var part = SmallPolynomial.gaussian(count: n, using: &random).polynomial(basis).transformed()
            part.addProduct(half.dropping(toCiphertextPrimes: basis.ciphertextPrimes), v)
            parts.append(part.declassified())
        }
        return RLWECiphertext(parts: parts)
    }
}
