import BinaryCoding
import CKKS
import Lattice

/// The keys of the encapsulation on disk, with the parameters that say how levels are used. Public.
///
/// Sections: the literal of the parameters; the key to the ephemeral secret; the one back, its uniform half a seed. The
/// header carries the fingerprint of the CKKS parameters and the identity of the secret key, as files of evaluation keys
/// do, which hold the relinearisation and Galois keys that a refresh uses besides.
public enum BootstrappingKeyFile {
    private enum Tag {
        static let parameters: UInt32 = 1
        static let toEphemeral: UInt32 = 2
        static let fromEphemeral: UInt32 = 3
    }

    /// - Returns: the bytes written.
    @discardableResult
    public static func write(_ keys: BootstrappingKeys, to path: String) throws -> Int {
        var writer = try ContainerWriter(
            path: path,
            header: ContainerHeader(
                kind: .bootstrappingKeys, parameters: keys.parameters.ckks.fingerprint, key: keys.identity))
        func write(_ tag: UInt32, _ body: (inout BinaryEncoder) -> Void) throws {
            var encoder = BinaryEncoder()
            body(&encoder)
            try writer.write(tag: tag, encoder.bytes)
        }
        try write(Tag.parameters) { keys.parameters.encode(into: &$0) }
        try write(Tag.toEphemeral) { keys.toEphemeral.encode(into: &$0) }
        try write(Tag.fromEphemeral) {
            SeededCiphertext(body: keys.fromEphemeral.parts[0], seed: keys.seed).encode(into: &$0)
        }
        try writer.commit()
        return writer.byteCount
    }

    /// Reads keys. Total: any bytes give keys or an error, and no ring is made before its polynomials are there.
    /// - Parameter context: of the ciphertexts that shall be refreshed, to share its tables.
    /// - Errors: `parameterMismatch` for other parameters than the context's; `invalidEncoding`; `insecureParameters`;
    ///   `BinaryCodingError`.
    public static func read(_ source: some ByteSource, context: CKKSContext) throws -> BootstrappingKeys {
        var reader = try ContainerReader(source)
        try reader.header.require(.bootstrappingKeys)
        func section(_ tag: UInt32, _ name: String) throws -> BinaryDecoder {
            guard let section = try reader.next(), section.tag == tag else {
                throw CKKSError(code: .invalidEncoding, message: "\(name): missing")
            }
            return BinaryDecoder(section.bytes)
        }
        func key<Value>(
            _ decoder: BinaryDecoder, _ name: String, _ body: (inout BinaryDecoder) throws(LatticeError) -> Value
        ) throws -> Value {
            var decoder = decoder
            do {
                let value = try body(&decoder)
                try decoder.finish(name)
                return value
            } catch let error as LatticeError {
                throw CKKSError(code: .invalidEncoding, message: "\(name): \(error.message)", cause: error)
            }
        }
        var decoder = try section(Tag.parameters, "parameters")
        let parameters = try BootstrappingParameters(decoding: &decoder)
        try decoder.finish("parameters")
        guard parameters.ckks.fingerprint == reader.header.parameters else {
            throw CKKSError(
                code: .parameterMismatch, message: "parameters: are not those that the header's fingerprint names")
        }
        guard context.parameters == parameters.ckks else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "parameters: got \(parameters.ckks), want \(context); use files of one key")
        }
        let first = try section(Tag.toEphemeral, "key to the ephemeral secret")
        let wanted = (parameters.encapsulation.degree / 8) * 2 * parameters.encapsulation.moduli[0].bitWidth
        guard first.remaining >= wanted else {
            throw CKKSError(
                code: .invalidEncoding,
                message: "key to the ephemeral secret: got \(first.remaining) bytes, want at least \(wanted)")
        }
        let small = Ring(parameters.encapsulation)
        let down = try key(first, "key to the ephemeral secret") { decoder throws(LatticeError) in
            try KeySwitchKey(decoding: &decoder, ring: small)
        }
        let second = try section(Tag.fromEphemeral, "key from the ephemeral secret")
        let least = parameters.ckks.ciphertextBytes(level: parameters.ckks.ring.moduli.count - 1, seeded: true)
        guard second.remaining >= least else {
            throw CKKSError(
                code: .invalidEncoding,
                message: "key from the ephemeral secret: got \(second.remaining) bytes, want at least \(least)")
        }
        let up = try key(second, "key from the ephemeral secret") { decoder throws(LatticeError) in
            try SeededCiphertext(decoding: &decoder, ring: context.ring)
        }
        guard up.body.basis == context.ring.keyBasis else {
            throw CKKSError(
                code: .invalidEncoding,
                message: "key from the ephemeral secret: got \(up.body.count) primes, want all of the ring")
        }
        guard try reader.next() == nil else {
            throw CKKSError(code: .invalidEncoding, message: "section: got one too many")
        }
        return BootstrappingKeys(
            parameters: parameters, identity: reader.header.key, toEphemeral: down, fromEphemeral: up)
    }

    public static func read(path: String, context: CKKSContext) throws -> BootstrappingKeys {
        try read(FileSource(path: path), context: context)
    }
}

extension BootstrappingParameters {
    /// All numbers of the literal, a byte each but for lists and the weight.
    func encode(into encoder: inout BinaryEncoder) {
        func put(_ number: Int) { encoder.encode(UInt8(number)) }
        func put(_ list: [Int]) { encoder.encode(list: list) { $0.encode(UInt8($1)) } }
        put(literal.logDegree)
        put(literal.firstModulusBits)
        put(literal.scaleBits)
        put(literal.depth)
        for groups in [literal.coefficientsToSlots, literal.modularReduction, literal.slotsToCoefficients] {
            put(groups.count)
            for group in groups { put(group) }
        }
        put(literal.reductionScaleBits)
        put(literal.messageRatioBits)
        put(literal.interval)
        encoder.encode(UInt32(literal.ephemeralWeight))
        put(literal.encapsulationBits)
        put(literal.specialModuliBits)
        put(RingParameters.Security.allCases.firstIndex(of: literal.security) ?? 0)
    }

    /// - Errors: `invalidEncoding`, and all of the initialiser's.
    init(decoding decoder: inout BinaryDecoder) throws(CKKSError) {
        let read: (literal: Literal, security: Int)
        do {
            read = try Self.literal(&decoder)
        } catch {
            throw CKKSError(code: .invalidEncoding, message: "parameters: \(error.message)")
        }
        guard RingParameters.Security.allCases.indices.contains(read.security) else {
            throw CKKSError(code: .invalidEncoding, message: "security: got code \(read.security), want 0...3")
        }
        var literal = read.literal
        literal.security = RingParameters.Security.allCases[read.security]
        // What the other checks compute with.
        guard (20...80).contains(literal.reductionScaleBits), literal.ephemeralWeight <= 1 << 16 else {
            throw CKKSError(
                code: .invalidEncoding,
                message: "reductionScaleBits, ephemeralWeight: got \(literal.reductionScaleBits) and "
                    + "\(literal.ephemeralWeight), want 20...80 and at most 2^16")
        }
        try self.init(literal)
    }

    private static func literal(
        _ decoder: inout BinaryDecoder
    ) throws(BinaryCodingError) -> (literal: Literal, security: Int) {
        func number(_ name: String) throws(BinaryCodingError) -> Int { Int(try decoder.decode(UInt8.self, name)) }
        func list(_ name: String) throws(BinaryCodingError) -> [Int] {
            try decoder.decodeList(name, minimumElementSize: 1) { decoder throws(BinaryCodingError) in
                Int(try decoder.decode(UInt8.self, name))
            }
        }
        let sizes = (try number("ring"), try number("first modulus"), try number("scale"), try number("depth"))
        var levels: [[[Int]]] = []
        for name in ["coefficients to slots", "modular reduction", "slots to coefficients"] {
            var groups: [[Int]] = []
            for _ in 0..<(try number(name)) { groups.append(try list(name)) }
            levels.append(groups)
        }
        let literal = Literal(
            logDegree: sizes.0, firstModulusBits: sizes.1, scaleBits: sizes.2, depth: sizes.3,
            coefficientsToSlots: levels[0], modularReduction: levels[1], slotsToCoefficients: levels[2],
            reductionScaleBits: try number("reduction scale"), messageRatioBits: try number("message ratio"),
            interval: try number("interval"), ephemeralWeight: Int(try decoder.decode(UInt32.self, "weight")),
            encapsulationBits: try list("encapsulation"), specialModuliBits: try list("special moduli"))
        return (literal, try number("security"))
    }
}
