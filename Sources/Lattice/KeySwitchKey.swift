import Randomness

/// Lets whoever holds it turn a multiple of s′ into a ciphertext under s (hybrid key switching).
///
/// For each digit d of `digitSize` ciphertext primes with product Q_d: (b_d, a_d) over QP with
/// b_d = −a_d·s + e_d + P·g_d·s′, where g_d is 1 modulo the primes of digit d and 0 modulo the other ciphertext primes.
/// The a_d come from one seed.
/// - Reference: Han, Ki 2020 (ePrint 2019/688), section 3; digits as in Gentry, Halevi, Smart 2012.
public struct KeySwitchKey: Sendable {
    /// b_d, one per digit.
    public let bodies: [RNSPolynomial<Evaluations>]
    public let seed: UniformSeed
    /// a_d, expanded.
    let uniforms: [RNSPolynomial<Evaluations>]

    public var ring: Ring { bodies[0].basis.ring }

    /// From s′ to s.
    /// - Parameter source: s′ over all primes of the ring.
    /// - Errors: `noSpecialPrimes`.
    public init(
        from source: RNSPolynomial<Evaluations>, to key: RLWESecretKey, using random: inout some SecureRandom
    ) throws(LatticeError) {
        let ring = key.ring
        try Self.requireSpecialPrimes(ring)
        let basis = ring.keyBasis
        source.basis.require(basis, "key switching key")
        let s = key.evaluations(SecretAccess("key switching key"), over: basis)
        let seed = UniformSeed(using: &random)
        let parameters = ring.parameters
        var bodies: [RNSPolynomial<Evaluations>] = []
        var uniforms: [RNSPolynomial<Evaluations>] = []
        for (d, digit) in Self.digits(of: parameters.moduli.count, size: parameters.digitSize).enumerated() {
            let uniform = seed.polynomial(basis, label: .keySwitchKey, index: d)
            var body = SmallPolynomial.gaussian(count: ring.degree, using: &random).polynomial(basis).transformed()
            body.subtract(uniform * s)
            let factors = basis.moduli.enumerated().map { j, q in
                guard digit.contains(j) else { return 0 as UInt64 }
                return parameters.specialModuli.reduce(1) { q.multiply($0, $1.value % q.value) }
            }
            body.addProduct(source, byResidues: factors)
            bodies.append(body.declassified())
            uniforms.append(uniform)
        }
        self.init(bodies: bodies, seed: seed, uniforms: uniforms)
    }

    /// From its parts, as decoders and protocols between several key holders make it.
    /// - Errors: `noSpecialPrimes`; `basisMismatch` unless there is one body per digit over all primes.
    public init(bodies: [RNSPolynomial<Evaluations>], seed: UniformSeed, ring: Ring) throws(LatticeError) {
        try Self.requireSpecialPrimes(ring)
        let wanted = Self.digits(of: ring.parameters.moduli.count, size: ring.parameters.digitSize).count
        guard bodies.count == wanted, bodies.allSatisfy({ $0.basis == ring.keyBasis }) else {
            throw LatticeError(
                code: .basisMismatch,
                message: "key switching key: got \(bodies.count) bodies, want \(wanted) over all primes of the ring")
        }
        self.init(
            bodies: bodies, seed: seed,
            uniforms: bodies.indices.map { seed.polynomial(ring.keyBasis, label: .keySwitchKey, index: $0) })
    }

    private init(bodies: [RNSPolynomial<Evaluations>], seed: UniformSeed, uniforms: [RNSPolynomial<Evaluations>]) {
        self.bodies = bodies
        self.seed = seed
        self.uniforms = uniforms
    }

    private static func requireSpecialPrimes(_ ring: Ring) throws(LatticeError) {
        guard ring.parameters.digitSize > 0 else {
            throw LatticeError(
                code: .noSpecialPrimes, message: "special moduli: got none, want at least 1 for switching keys")
        }
    }

    /// Ranges of consecutive primes that form the digits of the first `count` ciphertext primes.
    static func digits(of count: Int, size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    /// From s² to s: turns the three parts of a product into two.
    public static func relinearisation(
        _ key: RLWESecretKey, using random: inout some SecureRandom
    ) throws(LatticeError) -> KeySwitchKey {
        let s = key.evaluations(SecretAccess("relinearisation key"), over: key.ring.keyBasis)
        return try KeySwitchKey(from: s * s, to: key, using: &random)
    }
}

/// What it takes to apply one automorphism to ciphertexts.
///
/// Holds a key from s to σ⁻¹(s): switching first and permuting afterwards leaves only the two results to permute, not
/// every digit.
public struct GaloisKey: Sendable {
    public let element: GaloisElement
    public let key: KeySwitchKey

    public init(element: GaloisElement, key: KeySwitchKey) {
        self.element = element
        self.key = key
    }

    public init(
        _ element: GaloisElement, for key: RLWESecretKey, using random: inout some SecureRandom
    ) throws(LatticeError) {
        let ring = key.ring
        let inverse = element.inverse(logDegree: ring.logDegree)
        let s = key.evaluations(SecretAccess("Galois key"), over: ring.keyBasis)
        let rotated = key.applying(inverse)
        self.element = element
        self.key = try KeySwitchKey(from: s, to: rotated, using: &random)
    }
}

extension RLWESecretKey {
    /// σ(s)
    func applying(_ element: GaloisElement) -> RLWESecretKey {
        let n = ring.degree
        let rotated = coefficients.withValues(SecretAccess("automorphism of a key")) { source in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: n) { target in
                for i in 0..<n {
                    let position = i &* Int(element.exponent) & (2 * n - 1)
                    target[position & (n - 1)] = position < n ? source[i] : -source[i]
                }
                let copy = SmallPolynomial(copying: UnsafeBufferPointer(target))
                target.update(repeating: 0)
                return copy
            }
        }
        return RLWESecretKey(ring: ring, distribution: distribution, coefficients: rotated)
    }
}
