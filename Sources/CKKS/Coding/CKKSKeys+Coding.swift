import BinaryCoding
import Lattice
import Randomness

extension CKKSContext {
    /// Reads a parameter set and gives a context for it.
    /// - Parameter expected: used itself when its parameters are these.
    /// - Errors: `parameterMismatch` when `expected` has others; `invalidEncoding` and all of ``CKKSParameters``.
    static func decoded(
        _ decoder: inout BinaryDecoder, expected: CKKSContext?
    ) throws(CKKSError) -> CKKSContext {
        let literal = try CKKSParameters.Literal(decoding: &decoder)
        // The literal decides; primes are looked for only where nobody has them yet.
        if let expected, expected.parameters?.literal == literal { return expected }
        let parameters = try CKKSParameters(literal)
        guard let expected else { return CKKSContext(parameters) }
        guard expected.parameters == parameters else {
            throw CKKSError(
                code: .parameterMismatch, message: "parameters: got \(parameters), want \(expected)")
        }
        return expected
    }

    func encodeParameters(into encoder: inout BinaryEncoder) {
        guard let parameters else { preconditionFailure("encode: want a context with a ring") }
        parameters.encode(into: &encoder)
    }

    /// Tables of a ring take much more memory than its name: they are made only when that many bytes are there.
    func require(_ bytes: Int, in decoder: BinaryDecoder, _ what: String) throws(CKKSError) {
        guard decoder.remaining >= bytes else {
            throw CKKSError(
                code: .invalidEncoding, message: "\(what): got \(decoder.remaining) bytes, want \(bytes)")
        }
    }

    /// Bytes of a polynomial over all ciphertext primes, and over all primes.
    var encodedPolynomialBytes: (ciphertext: Int, key: Int) {
        guard let parameters else { preconditionFailure("encode: want a context with a ring") }
        func bytes(_ moduli: [Modulus]) -> Int {
            moduli.reduce(0) { $0 + chain.degree / 8 * $1.bitWidth }
        }
        let ciphertext = bytes(parameters.ring.moduli)
        return (3 + ciphertext, 3 + ciphertext + bytes(parameters.ring.specialModuli))
    }
}

private func decodeIdentity(_ decoder: inout BinaryDecoder) throws(CKKSError) -> Fingerprint {
    try decoding { () throws(BinaryCodingError) in Fingerprint(bytes: try decoder.decodeRaw(32, "key identity"))! }
}

extension CKKSSecretKey {
    private static let form: UInt8 = 1

    /// Parameters, identity and coefficients of two bits, to be wrapped before they are stored.
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode(Self.form)
        context.encodeParameters(into: &encoder)
        encoder.encodeRaw(identity.bytes)
        let weight: UInt32 =
            switch lattice.distribution {
            case .ternary: 0
            case .sparseTernary(let weight): UInt32(weight)
            }
        encoder.encode(weight)
        let head = encoder.bytes
        return SecretBytes(count: head.count + context.chain.degree / 4) { target in
            target.copyBytes(from: head)
            lattice.smallCoefficients(access).withValues(access) { values in
                for start in stride(from: 0, to: values.count, by: 4) {
                    var byte: UInt8 = 0
                    for k in 0..<4 { byte |= UInt8(truncatingIfNeeded: values[start + k] &+ 1) << UInt8(2 * k) }
                    target[head.count + start / 4] = byte
                }
            }
        }
    }

    /// Reads what ``encoded(_:)`` gave.
    /// - Parameter context: of the same parameters, to share its tables; a new one when nil.
    /// - Errors: `invalidEncoding`, `parameterMismatch`.
    public convenience init(
        encoded bytes: SecretBytes, _ access: SecretAccess, context expected: CKKSContext? = nil
    ) throws(CKKSError) {
        var copy = bytes.withBytes(access) { Array($0) }
        var decoder = BinaryDecoder(copy)
        defer {
            decoder = BinaryDecoder([])  // ours alone again, so that the copy itself is wiped
            zeroise(&copy)
        }
        let form = try decoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "secret key form") }
        guard form == Self.form else {
            throw CKKSError(code: .invalidEncoding, message: "secret key form: got \(form), want \(Self.form)")
        }
        let context = try CKKSContext.decoded(&decoder, expected: expected)
        let identity = try decodeIdentity(&decoder)
        try context.require(4 + context.chain.degree / 4, in: decoder, "secret key")
        let lattice = try wrapping(.invalidEncoding) { () throws(LatticeError) in
            try RLWESecretKey(decoding: &decoder, ring: context.ring)
        }
        try decoding { () throws(BinaryCodingError) in try decoder.finish("secret key") }
        self.init(context: context, lattice: lattice, identity: identity)
    }
}

extension CKKSPublicKey {
    /// Parameters, identity, seed and body.
    public func encode(into encoder: inout BinaryEncoder) {
        context.encodeParameters(into: &encoder)
        encoder.encodeRaw(identity.bytes)
        lattice.encode(into: &encoder)
    }

    /// - Parameter context: of the same parameters, to share its tables; a new one when nil.
    /// - Errors: `invalidEncoding`, `parameterMismatch`.
    public init(decoding decoder: inout BinaryDecoder, context expected: CKKSContext? = nil) throws(CKKSError) {
        let context = try CKKSContext.decoded(&decoder, expected: expected)
        let identity = try decodeIdentity(&decoder)
        try context.require(32 + context.encodedPolynomialBytes.ciphertext, in: decoder, "public key")
        let lattice = try wrapping(.invalidEncoding) { () throws(LatticeError) in
            try RLWEPublicKey(decoding: &decoder, ring: context.ring)
        }
        self.init(context: context, lattice: lattice, identity: identity)
    }
}

extension CKKSEvaluationKeys {
    /// Parameters, identity, whether there is a relinearisation key, that key, and the Galois keys in the order of their
    /// exponents. Uniform halves are seeds. Large sets: rather a file, with ``CKKSEvaluationKeyFile``.
    public func encode(into encoder: inout BinaryEncoder) {
        context.encodeParameters(into: &encoder)
        encoder.encodeRaw(identity.bytes)
        encoder.encode(relinearisation != nil)
        relinearisation?.encode(into: &encoder)
        encoder.encode(list: galois.keys.sorted()) { galois[$1]!.encode(into: &$0) }
    }

    /// - Parameter context: of the same parameters, to share its tables; a new one when nil.
    /// - Errors: `invalidEncoding`, `parameterMismatch`.
    public init(decoding decoder: inout BinaryDecoder, context expected: CKKSContext? = nil) throws(CKKSError) {
        let context = try CKKSContext.decoded(&decoder, expected: expected)
        let identity = try decodeIdentity(&decoder)
        let hasRelinearisation = try CKKS.decoding { () throws(BinaryCodingError) in
            try decoder.decodeBool("relinearisation key")
        }
        var relinearisation: KeySwitchKey?
        if hasRelinearisation { relinearisation = try Self.relinearisation(decoding: &decoder, context) }
        let count = try CKKS.decoding { () throws(BinaryCodingError) in
            Int(try decoder.decode(UInt32.self, "Galois keys"))
        }
        try context.require(
            count * (Self.switchingKeyBytes(context) + 4), in: decoder, "Galois keys")
        var galois: [UInt32: GaloisKey] = [:]
        var last: UInt32 = 0
        for _ in 0..<count {
            let key = try Self.galois(decoding: &decoder, context)
            guard key.element.exponent > last else {
                throw CKKSError(
                    code: .invalidEncoding,
                    message: "Galois keys: got \(key.element) after \(last), want ascending exponents")
            }
            last = key.element.exponent
            galois[last] = key
        }
        self.init(context: context, identity: identity, relinearisation: relinearisation, galois: galois)
    }

    private static func switchingKeyBytes(_ context: CKKSContext) -> Int {
        let chain = context.chain
        guard chain.digitSize > 0 else { return 32 }
        let digits = (chain.moduli.count + chain.digitSize - 1) / chain.digitSize
        return 32 + digits * context.encodedPolynomialBytes.key
    }

    static func relinearisation(
        decoding decoder: inout BinaryDecoder, _ context: CKKSContext
    ) throws(CKKSError) -> KeySwitchKey {
        try context.require(switchingKeyBytes(context), in: decoder, "relinearisation key")
        return try wrapping(.invalidEncoding) { () throws(LatticeError) in
            try KeySwitchKey(decoding: &decoder, ring: context.ring)
        }
    }

    static func galois(decoding decoder: inout BinaryDecoder, _ context: CKKSContext) throws(CKKSError) -> GaloisKey {
        try context.require(switchingKeyBytes(context) + 4, in: decoder, "Galois key")
        return try wrapping(.invalidEncoding) { () throws(LatticeError) in
            try GaloisKey(decoding: &decoder, ring: context.ring)
        }
    }
}
