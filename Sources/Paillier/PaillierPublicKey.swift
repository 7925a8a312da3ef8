import BigIntegers
import BinaryCoding
import ModularArithmetic

/// The public half of a Paillier key: n, and the base h_s of the randomisers.
///
/// A plaintext m ∈ (−n/2, n/2) is encrypted as (1 + n)^m · h_s^α mod n², α uniform in [0, 2^⌈|n|/2⌉), where
/// h_s = hⁿ mod n² and h = −x² mod n (Damgård, Jurik, Nielsen 2010, section 4.2). Keys made elsewhere may lack h_s; under
/// them the classical randomiser rⁿ is used, which costs several times as much.
public struct PaillierPublicKey: Sendable {
    public let parameters: PaillierParameters
    /// n.
    public let modulus: BigInteger
    /// h_s, nil for keys made elsewhere.
    public let randomiserBase: BigInteger?
    /// Of the encoded key.
    public let fingerprint: Fingerprint

    package let modulusSquared: BigInteger
    /// ⌊n/2⌋: plaintexts lie in [−half, half].
    let half: BigInteger
    package let keyTag: UInt64
    /// Arithmetic modulo n².
    package let context: ModularContext

    /// For numbers that are known to form a key.
    init(unchecked parameters: PaillierParameters, modulus: BigInteger, randomiserBase: BigInteger?) {
        self.parameters = parameters
        self.modulus = modulus
        self.randomiserBase = randomiserBase
        modulusSquared = modulus * modulus
        half = modulus >> 1
        context = ModularContext(modulus: modulusSquared)
        fingerprint = Fingerprint(of: Self.encode(parameters, modulus, randomiserBase))
        let digest = Fingerprint(of: modulus.bigEndianBytes(count: parameters.modulusByteCount)).bytes
        keyTag = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// - Parameters:
    ///   - modulus: n; its length decides the parameters.
    ///   - randomiserBase: h_s, or nil when the key's maker has none.
    /// - Throws: `invalidParameters` for a length that is not allowed; `invalidKey` for an n that is even, prime, a
    ///   square or has a factor below 2¹⁶, and for an h_s out of range or not invertible. That n is the product of two
    ///   primes of one length, and that h_s is an n-th power, cannot be seen without the secret key.
    /// - Cost: one primality test of n.
    public init(
        modulus: BigInteger, randomiserBase: BigInteger?, security: PaillierParameters.Security = .standard
    ) throws(PaillierError) {
        let parameters = try PaillierParameters(.init(modulusBits: modulus.bitWidth, security: security))
        func refuse(_ message: String) -> PaillierError { PaillierError(code: .invalidKey, message: message) }
        guard modulus.signum > 0, modulus.isOdd else { throw refuse("modulus: want a positive odd number") }
        guard SmallPrimes.product.greatestCommonDivisor(modulus) == 1 else {
            throw refuse("modulus: got a number with a prime factor below 65536, want a product of two large primes")
        }
        if let randomiserBase {
            guard randomiserBase > 1, randomiserBase < modulus * modulus,
                randomiserBase.greatestCommonDivisor(modulus) == 1
            else { throw refuse("randomiser base: want a number between 1 and n² that is coprime to n") }
        }
        guard !modulus.isPerfectSquare else { throw refuse("modulus: got a square, want a product of two primes") }
        guard !modulus.isProbablePrime(rounds: 25, variableTime: true) else {
            throw refuse("modulus: got a prime, want a product of two primes")
        }
        self.init(unchecked: parameters, modulus: modulus, randomiserBase: randomiserBase)
    }

    /// Whether m has a ciphertext that decrypts to it.
    public func canEncrypt(_ plaintext: BigInteger) -> Bool { plaintext.magnitude <= half }

    /// The element of [0, n) as an element of [−n/2, n/2].
    func signed(_ residue: BigInteger) -> BigInteger { residue > half ? residue - modulus : residue }
}

extension PaillierPublicKey: Hashable, CustomStringConvertible {
    public static func == (left: Self, right: Self) -> Bool { left.fingerprint == right.fingerprint }
    public func hash(into hasher: inout Hasher) { hasher.combine(keyTag) }
    public var description: String { "\(parameters), public key \(fingerprint)" }
}

extension PaillierPublicKey {
    private static let form: UInt8 = 1

    private static func encode(
        _ parameters: PaillierParameters, _ modulus: BigInteger, _ randomiserBase: BigInteger?
    ) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(form)
        encoder.encode(UInt16(parameters.modulusBits))
        encoder.encode(parameters.security == .insecure)
        encoder.encodeRaw(modulus.bigEndianBytes(count: parameters.modulusByteCount))
        encoder.encode(randomiserBase != nil)
        if let randomiserBase {
            encoder.encodeRaw(randomiserBase.bigEndianBytes(count: parameters.ciphertextByteCount))
        }
        return encoder.bytes
    }

    /// The key's bytes; equal keys have equal bytes.
    public var encoded: [UInt8] { Self.encode(parameters, modulus, randomiserBase) }

    public func encode(into encoder: inout BinaryEncoder) { encoder.encodeRaw(encoded) }

    /// Reads what ``encode(into:)`` wrote, with all checks of the initialiser.
    /// - Throws: `BinaryCodingError`, ``PaillierError``.
    public init(decoding decoder: inout BinaryDecoder) throws {
        let form = try decoder.decode(UInt8.self, "public key form")
        guard form == Self.form else {
            throw BinaryCodingError(
                code: .wrongFormat, message: "public key form: got \(form), want \(Self.form)")
        }
        let bits = Int(try decoder.decode(UInt16.self, "modulus bits"))
        let isInsecure = try decoder.decodeBool("insecure")
        let parameters = try PaillierParameters(
            .init(modulusBits: bits, security: isInsecure ? .insecure : .standard))
        let modulus = BigInteger(bigEndianBytes: try decoder.decodeRaw(parameters.modulusByteCount, "modulus"))
        guard modulus.bitWidth == bits else {
            throw PaillierError(code: .invalidKey, message: "modulus: got \(modulus.bitWidth) bits, want \(bits)")
        }
        let hasBase = try decoder.decodeBool("randomiser base")
        let base =
            hasBase
            ? BigInteger(bigEndianBytes: try decoder.decodeRaw(parameters.ciphertextByteCount, "randomiser base")) : nil
        try self.init(modulus: modulus, randomiserBase: base, security: parameters.security)
    }

    /// As ``init(decoding:)`` for bytes that hold nothing else.
    public init(encoded bytes: [UInt8]) throws {
        var decoder = BinaryDecoder(bytes)
        try self.init(decoding: &decoder)
        try decoder.finish("public key")
    }
}
