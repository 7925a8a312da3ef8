import BinaryCoding
import Foundation
import Lattice

extension CKKSCiphertext {
    /// How the polynomials follow: c₀ and the seed of c₁, or two or three polynomials.
    private enum Form: UInt8 {
        case seeded = 1
        case pair = 2
        case triple = 3
    }
    /// The greatest scale that is accepted, as a power of two: products of two canonical scales are below 2^101, and
    /// with this limit no product of scales leaves the doubles.
    private static let maximumScaleBits = 256.0

    /// Bytes of ``encode(into:)``.
    public var encodedByteCount: Int {
        guard let first = parts.first else { return 0 }
        let polynomial = RNSPolynomial<Evaluations>.byteCount(first.basis)
        return Self.headByteCount + (seed == nil ? parts.count * polynomial : 32 + polynomial)
    }
    private static let headByteCount = 1 + 32 + 32 + 1 + 1 + 3 * 8

    /// Form, fingerprint of the parameters, key, level, log₂ of the slots, scale, magnitude, deviation; then the seed and
    /// c₀ while the ciphertext is as fresh as a key owner made it, else all parts.
    /// - Errors: `plannedOnly`.
    public func encode(into encoder: inout BinaryEncoder) throws(CKKSError) {
        try requireParts("encode")
        let form: Form = seed != nil ? .seeded : size == 2 ? .pair : .triple
        encoder.encode(form.rawValue)
        encoder.encodeRaw(context.fingerprint.bytes)
        encoder.encodeRaw(key.bytes)
        encoder.encode(UInt8(level))
        encoder.encode(UInt8(slots.trailingZeroBitCount))
        encoder.encode(scale)
        encoder.encode(magnitude)
        encoder.encode(deviation)
        if let seed { seed.encode(into: &encoder) }
        for part in seed == nil ? parts : [parts[0]] { part.encode(into: &encoder) }
    }

    /// Reads one ciphertext. What is public about it was stated by whoever sent it.
    ///
    /// A `magnitude`, `deviation` or `scale` that lies makes ``errorBound`` wrong, lets values overflow into other values
    /// and weakens the flooding of a release that relies on the bound, exactly as ``declaring(magnitude:)`` would; it
    /// cannot make any operation trap. Take these numbers from parties only whom you trust to compute, or state your own.
    /// - Errors: `parameterMismatch`, `keyMismatch` when `key` is given and another; `invalidEncoding`.
    public init(
        decoding decoder: inout BinaryDecoder, context: CKKSContext, key wanted: Fingerprint? = nil
    ) throws(CKKSError) {
        guard context.parameters != nil else { preconditionFailure("decode: want a context with a ring") }
        let head = try CKKS.decoding { () throws(BinaryCodingError) in
            (
                form: try decoder.decode(UInt8.self, "form"),
                parameters: Fingerprint(bytes: try decoder.decodeRaw(32, "parameters"))!,
                key: Fingerprint(bytes: try decoder.decodeRaw(32, "key"))!,
                level: Int(try decoder.decode(UInt8.self, "level")), logSlots: try decoder.decode(UInt8.self, "slots"),
                scale: try decoder.decodeDouble("scale"), magnitude: try decoder.decodeDouble("magnitude"),
                deviation: try decoder.decodeDouble("deviation")
            )
        }
        func invalid(_ message: String) -> CKKSError { CKKSError(code: .invalidEncoding, message: message) }
        guard let form = Form(rawValue: head.form) else { throw invalid("form: got \(head.form), want 1...3") }
        guard head.parameters == context.fingerprint else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "parameters: got a ciphertext of \(head.parameters), want \(context.fingerprint)")
        }
        if let wanted, wanted != head.key {
            throw CKKSError(code: .keyMismatch, message: "key: got a ciphertext of \(head.key), want \(wanted)")
        }
        let chain = context.chain
        guard chain.moduli.indices.contains(head.level) else {
            throw invalid("level: got \(head.level), want 0...\(chain.moduli.count - 1)")
        }
        guard head.logSlots < chain.logDegree else {
            throw invalid("slots: got 2^\(head.logSlots), want at most \(chain.maximumSlots)")
        }
        let capacity = min(chain.log2Q(level: head.level), 1000)
        guard head.scale.isFinite, head.scale >= 1, log2(head.scale) < min(capacity, Self.maximumScaleBits) else {
            throw invalid("scale: got \(head.scale), want one that level \(head.level) holds")
        }
        guard head.magnitude.isFinite, head.magnitude >= 0 else {
            throw invalid("magnitude: got \(head.magnitude), want a finite number from 0")
        }
        guard head.deviation.isFinite, head.deviation >= 0 else {
            throw invalid("deviation: got \(head.deviation), want a finite number from 0")
        }
        let reach = log2(max(head.magnitude + Self.boundFactor * head.deviation, 1e-300)) + log2(head.scale)
        guard reach < capacity - 1 else {
            throw invalid("magnitude: got values that may reach 2^\(reach), want what level \(head.level) holds")
        }
        let ring = context.ring
        let basis = ring.basis(head.level + 1)
        func part(_ number: Int) throws(CKKSError) -> RNSPolynomial<Evaluations> {
            let polynomial = try wrapping(.invalidEncoding) { () throws(LatticeError) in
                try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
            }
            guard polynomial.basis == basis else {
                throw invalid(
                    "part \(number): got \(polynomial.count) primes, want \(basis.count) at level \(head.level)")
            }
            return polynomial
        }
        var seed: UniformSeed?
        var parts: [RNSPolynomial<Evaluations>] = []
        if form == .seeded {
            let read = try wrapping(.invalidEncoding) { () throws(LatticeError) in try UniformSeed(decoding: &decoder) }
            parts.append(try part(0))
            parts.append(read.polynomial(basis, label: .ciphertext))
            seed = read
        } else {
            for number in 0..<Int(form.rawValue) { parts.append(try part(number)) }
        }
        self.init(
            context: context, parts: parts, size: parts.count, level: head.level, scale: head.scale,
            slots: 1 << Int(head.logSlots), magnitude: head.magnitude, deviation: head.deviation, key: head.key,
            seed: seed)
    }
}
