import BinaryCoding
import CKKS
import Lattice
import Randomness

/// The two keys of the sparse-secret encapsulation: from the secret to an ephemeral sparse one over q₀·P′, and back over
/// all primes. Public.
///
/// The ephemeral secret exists while the keys are made and never afterwards; the keys from the sparse to the dense
/// secret are encrypted under the dense one, so the sparse one is only exposed at the small modulus q₀·P′.
/// - Reference: Bossuat, Troncoso-Pastoriza, Hubaux 2022 (ePrint 2022/024), section 3.
public struct BootstrappingKeys: Sendable {
    public let parameters: BootstrappingParameters
    public let identity: Fingerprint
    /// Over q₀·P′.
    let toEphemeral: KeySwitchKey
    /// (b, a) = (−a·s + e + P·s̃, a) over all primes.
    let fromEphemeral: RLWECiphertext
    /// What a expands from.
    let seed: UniformSeed

    /// - Errors: `parameterMismatch` when the secret belongs to other parameters.
    public init(
        _ secret: CKKSSecretKey, parameters: BootstrappingParameters, using random: inout some SecureRandom
    ) throws(CKKSError) {
        guard secret.context.parameters == parameters.ckks else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "bootstrapping keys: the secret key was made with \(secret.context), want \(parameters.ckks)")
        }
        self.parameters = parameters
        identity = secret.identity
        let ring = secret.context.ring
        let small = Ring(parameters.encapsulation)
        let made: (KeySwitchKey, SeededCiphertext)
        do {
            let ephemeral = try RLWESecretKey(
                ring: ring, distribution: .sparseTernary(weight: parameters.literal.ephemeralWeight), using: &random)
            let access = SecretAccess("bootstrapping keys")
            let source = secret.lattice.transported(to: small).evaluations(access, over: small.keyBasis)
            let down = try KeySwitchKey(from: source, to: ephemeral.transported(to: small), using: &random)
            var up = secret.lattice.encryptZero(over: ring.keyBasis, using: &random)
            let sparse = ephemeral.evaluations(access, over: ring.ciphertextBasis)
            up.body.addTimesSpecialPrimes(sparse)
            up.body = up.body.published()
            made = (down, up)
        } catch {
            throw CKKSError(code: .invalidParameters, message: error.message, cause: error)
        }
        toEphemeral = made.0
        fromEphemeral = made.1.expanded()
        seed = made.1.seed
    }

    /// Of parts read from a file.
    init(
        parameters: BootstrappingParameters, identity: Fingerprint, toEphemeral: KeySwitchKey,
        fromEphemeral: SeededCiphertext
    ) {
        self.parameters = parameters
        self.identity = identity
        self.toEphemeral = toEphemeral
        self.fromEphemeral = fromEphemeral.expanded()
        seed = fromEphemeral.seed
    }

    /// With the system's randomness.
    public init(_ secret: CKKSSecretKey, parameters: BootstrappingParameters) throws(CKKSError) {
        var random = SystemRandom()
        try self.init(secret, parameters: parameters, using: &random)
    }

    /// The ciphertext of the same message under the ephemeral secret modulo q₀, raised to the first `primes` primes and
    /// back under the secret: Δ·m + q₀·I.
    func raised(_ ciphertext: RawCiphertext, ring: Ring, primes: Int) -> RawCiphertext {
        let small = toEphemeral.ring
        let basis = small.basis(1)
        let (u0, u1) = toEphemeral.switching(ciphertext.c1.rebased(to: basis))
        let c0 = (u0 + ciphertext.c0.rebased(to: basis)).transformed()
        let c1 = u1.transformed()
        let target = ring.basis(primes)
        // |c₁| ≤ q₀/2 is small against every digit, so one product with the whole key switches it.
        let wide = c1.raised(to: target.withSpecialPrimes).transformed()
        var v0 = wide * fromEphemeral.parts[0].restricted(to: target.withSpecialPrimes)
        let v1 = wide * fromEphemeral.parts[1].restricted(to: target.withSpecialPrimes)
        v0.addTimesSpecialPrimes(c0.raised(to: target).transformed())
        return RawCiphertext(c0: v0.dividedByDroppedPrimes(), c1: v1.dividedByDroppedPrimes())
    }
}
