import BigIntegers
import BinaryCoding
import ModularArithmetic
import Parallelism
import Randomness

/// The secret half of a Paillier key: the factors of n.
///
/// Its numbers live in memory that is wiped when released, and are never printed. Decryption exponentiates modulo p² and
/// q² in a time that does not depend on the exponents' bits; the divisions around that (by p, by q, by n) are GMP's and
/// may vary slightly with their operands.
public final class PaillierSecretKey: Sendable, CustomStringConvertible {
    public let publicKey: PaillierPublicKey
    /// Whether p ≡ q ≡ 3 mod 4, gcd(p − 1, q − 1) = 2, and (p − 1)/2, (q − 1)/2 have no prime factor below 2¹⁶, which
    /// sharing the key requires. Keys made elsewhere usually lack it.
    public let canBeShared: Bool

    let p: BigInteger, q: BigInteger
    private let modPSquared: ModularContext, modQSquared: ModularContext
    /// (L_p((1 + n)^(p−1) mod p²))⁻¹ mod p = (−q)⁻¹ mod p, and likewise for q.
    private let scaleP: BigInteger, scaleQ: BigInteger
    /// p⁻¹ mod q.
    private let inverseP: BigInteger

    public var description: String { "\(publicKey.parameters), secret key of \(publicKey.fingerprint)" }

    /// For factors that are known to form a key.
    private init(unchecked publicKey: PaillierPublicKey, p: BigInteger, q: BigInteger) {
        self.publicKey = publicKey
        self.p = p
        self.q = q
        modPSquared = ModularContext(modulus: p * p)
        modQSquared = ModularContext(modulus: q * q)
        // p and q are different primes, so each is invertible modulo the other.
        scaleP = (-q).inverse(modulo: p)!
        scaleQ = (-p).inverse(modulo: q)!
        inverseP = p.inverse(modulo: q)!
        canBeShared = Self.isShareable(p, q)
    }

    private static func isShareable(_ p: BigInteger, _ q: BigInteger) -> Bool {
        let halfP = (p - 1) >> 1
        let halfQ = (q - 1) >> 1
        return p.lowBits(2) == 3 && q.lowBits(2) == 3 && halfP.greatestCommonDivisor(halfQ) == 1
            && SmallPrimes.product.greatestCommonDivisor(halfP) == 1
            && SmallPrimes.product.greatestCommonDivisor(halfQ) == 1
    }

    /// A new key.
    ///
    /// p and q have half the modulus's bits each and differ in one of their upper 100 bits (FIPS 186-5, A.1.1); their
    /// further properties are those of ``canBeShared``.
    /// - Cost: about 90 primality tests of half-size numbers; 0.1 s for 3072 bits on one core on average. The time depends on the
    ///   key: generate keys where nobody measures.
    public static func generate(
        _ parameters: PaillierParameters, using random: inout some SecureRandom
    ) -> PaillierSecretKey {
        let bits = parameters.modulusBits / 2
        while true {
            let p = PrimeGeneration.prime(bits: bits, using: &random)
            let q = PrimeGeneration.prime(bits: bits, using: &random)
            guard (p - q).bitWidth > bits - 100, p != q, isShareable(p, q) else { continue }
            let n = p * q
            let nSquared = n * n
            var x = BigInteger.random(below: n, using: &random)
            while x.greatestCommonDivisor(n) != 1 { x = BigInteger.random(below: n, using: &random) }
            // −1 has Jacobi symbol 1 here, so −x² generates, but for few x, all residues of Jacobi symbol 1.
            let h = n - (x * x).modulo(n)
            let base = ModularContext(modulus: nSquared).powers(of: [h], exponent: .variableTime(n))[0]
            let publicKey = PaillierPublicKey(unchecked: parameters, modulus: n, randomiserBase: base)
            return PaillierSecretKey(unchecked: publicKey, p: p, q: q)
        }
    }

    /// As ``generate(_:using:)`` with the system's randomness.
    public static func generate(_ parameters: PaillierParameters = .bits3072) -> PaillierSecretKey {
        var random = SystemRandom()
        return generate(parameters, using: &random)
    }

    /// A key from its factors, made here or elsewhere.
    ///
    /// - Throws: `invalidKey` unless p and q are different primes whose product is the public key's modulus and is coprime
    ///   to (p − 1)(q − 1).
    /// - Cost: two primality tests.
    public convenience init(publicKey: PaillierPublicKey, p: BigInteger, q: BigInteger) throws(PaillierError) {
        func refuse(_ message: String) -> PaillierError { PaillierError(code: .invalidKey, message: message) }
        guard p > 2, q > 2, p != q, p * q == publicKey.modulus else {
            throw refuse("secret key: its factors do not belong to the public key's modulus")
        }
        guard p.isProbablePrime(rounds: 32, variableTime: true), q.isProbablePrime(rounds: 32, variableTime: true)
        else {
            throw refuse("secret key: got a factor that is not prime")
        }
        guard publicKey.modulus.greatestCommonDivisor((p - 1) * (q - 1)) == 1 else {
            throw refuse("secret key: want a modulus that is coprime to (p − 1)(q − 1)")
        }
        self.init(unchecked: publicKey, p: p, q: q)
    }

    /// The plaintexts, in [−n/2, n/2].
    ///
    /// m_p = L_p(c^(p−1) mod p²)·(−q)⁻¹ mod p with L_p(x) = (x − 1)/p, likewise m_q, and the Chinese remainder of both.
    /// Any g = 1 + n ciphertext is accepted, whoever made its randomiser.
    /// - Throws: `keyMismatch`.
    /// - Cost: two constant-time exponentiations of half-size exponents modulo half-size squares each, on all cores.
    /// - Reference: Paillier 1999, section 7.
    public func decrypt(_ ciphertexts: [PaillierCiphertext]) throws(PaillierError) -> [BigInteger] {
        try publicKey.check(ciphertexts)
        let sides = [(modPSquared, p), (modQSquared, q)]
        let powers = parallelMap(2) { side in
            let (context, prime) = sides[side]
            let residues = ciphertexts.map { $0.value.modulo(context.modulus) }
            return context.powers(of: residues, exponent: .secret(prime - 1))
        }
        return parallelMap(ciphertexts.count, chunk: 16) { index in
            let mP = ((powers[0][index] - 1).dividedFloor(by: self.p) * self.scaleP).modulo(self.p)
            let mQ = ((powers[1][index] - 1).dividedFloor(by: self.q) * self.scaleQ).modulo(self.q)
            let lift = ((mQ - mP) * self.inverseP).modulo(self.q)
            return self.publicKey.signed(mP + self.p * lift)
        }
    }

    // MARK: Bytes

    private static let form: UInt8 = 1

    /// The key's bytes, to be wrapped before they are stored.
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode(Self.form)
        publicKey.encode(into: &encoder)
        return SecretBytes(after: encoder.bytes, [p, q], width: publicKey.parameters.modulusByteCount)
    }

    /// Reads what ``encoded(_:)`` gave, with all checks of ``init(publicKey:p:q:)``.
    /// - Throws: `BinaryCodingError`, ``PaillierError``.
    public convenience init(encoded bytes: [UInt8]) throws {
        var decoder = BinaryDecoder(bytes)
        let form = try decoder.decode(UInt8.self, "secret key form")
        guard form == Self.form else {
            throw BinaryCodingError(code: .wrongFormat, message: "secret key form: got \(form), want \(Self.form)")
        }
        let publicKey = try PaillierPublicKey(decoding: &decoder)
        let count = publicKey.parameters.modulusByteCount
        let p = try decoder.decodeSecret(count, "p")
        let q = try decoder.decodeSecret(count, "q")
        try decoder.finish("secret key")
        try self.init(publicKey: publicKey, p: p, q: q)
    }
}
