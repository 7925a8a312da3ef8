import CKernels
import Randomness

/// A small secret s of the ring, and its evaluations over all primes. Wiped when released, never printed.
public final class RLWESecretKey: Sendable, CustomStringConvertible {
    public let ring: Ring
    /// How the coefficients were drawn.
    public enum Distribution: Hashable, Sendable {
        /// Uniform on {−1, 0, 1}; what the security tables are about.
        case ternary
        /// Exactly this many ±1. In no published table: security must be argued separately.
        case sparseTernary(weight: Int)
    }
    public let distribution: Distribution
    let coefficients: SmallPolynomial
    private let evaluations: RNSPolynomial<Evaluations>

    public var description: String { "RLWESecretKey(\(ring), \(distribution))" }

    /// - Errors: `invalidHammingWeight`.
    public init(
        ring: Ring, distribution: Distribution, using random: inout some SecureRandom
    ) throws(LatticeError) {
        let small =
            switch distribution {
            case .ternary: SmallPolynomial.ternary(count: ring.degree, using: &random)
            case .sparseTernary(let weight):
                try SmallPolynomial.sparseTernary(count: ring.degree, weight: weight, using: &random)
            }
        self.ring = ring
        self.distribution = distribution
        coefficients = small
        evaluations = small.polynomial(ring.keyBasis).transformed()
    }

    /// A uniform ternary key, which has no weight that could be wrong.
    public convenience init(ring: Ring, using random: inout some SecureRandom) {
        self.init(
            ring: ring, distribution: .ternary, coefficients: .ternary(count: ring.degree, using: &random))
    }

    public convenience init(ring: Ring) {
        var random = SystemRandom()
        self.init(ring: ring, using: &random)
    }

    init(ring: Ring, distribution: Distribution, coefficients: SmallPolynomial) {
        self.ring = ring
        self.distribution = distribution
        self.coefficients = coefficients
        evaluations = coefficients.polynomial(ring.keyBasis).transformed()
    }

    /// s over a basis.
    public func evaluations(_ access: SecretAccess, over basis: RNSBasis) -> RNSPolynomial<Evaluations> {
        precondition(basis.ring == ring, "basis: want one of the key's ring")
        return basis == evaluations.basis ? evaluations : evaluations.selecting(basis)
    }

    /// The signed coefficients, for protocols that share the key.
    public func smallCoefficients(_ access: SecretAccess) -> SmallPolynomial { coefficients }

    /// An encryption of zero whose uniform half is a seed: (−a·s + e, a).
    public func encryptZero(
        over basis: RNSBasis, using random: inout some SecureRandom
    ) -> SeededCiphertext {
        let seed = UniformSeed(using: &random)
        let s = evaluations(SecretAccess("symmetric encryption"), over: basis)
        var body = SmallPolynomial.gaussian(count: ring.degree, using: &random).polynomial(basis).transformed()
        let product = seed.polynomial(basis, label: .ciphertext) * s
        body.subtract(product)
        return SeededCiphertext(body: body.declassified(), seed: seed)
    }

    /// c₀ + c₁·s + c₂·s² + …, the message with its noise.
    public func decrypt(_ ciphertext: RLWECiphertext) -> RNSPolynomial<Evaluations> {
        let basis = ciphertext.basis
        let s = evaluations(SecretAccess("decryption"), over: basis)
        // Horner: ((c_d · s + c_{d−1}) · s + …) + c₀
        var result = ciphertext.parts[ciphertext.parts.count - 1]
        for part in ciphertext.parts.dropLast().reversed() {
            result.multiply(by: s)
            result.add(part)
        }
        result.makeSecret()  // also when there is one part, which no secret has touched
        return result
    }
}

extension RNSPolynomial {
    /// The same residues without the secret mark, for values that may be published.
    package func declassified() -> Self {
        guard isSecret else { return self }
        var result = Self(uninitialized: basis)
        let target = result.unique()
        for j in 0..<count { (target + j * degree).update(from: limb(j), count: degree) }
        return result
    }
}
