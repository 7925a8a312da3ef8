import BinaryCoding
import CKernels
import Randomness

extension SeededCiphertext {
    public func encode(into encoder: inout BinaryEncoder) {
        seed.encode(into: &encoder)
        body.encode(into: &encoder)
    }

    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let seed = try UniformSeed(decoding: &decoder)
        self.init(body: try RNSPolynomial(decoding: &decoder, ring: ring), seed: seed)
    }
}

extension RLWECiphertext {
    /// The most parts that decoders accept.
    public static let maximumParts = 8

    public func encode(into encoder: inout BinaryEncoder) {
        precondition(parts.count <= Self.maximumParts, "parts: got \(parts.count), want at most \(Self.maximumParts)")
        encoder.encode(UInt8(parts.count))
        for part in parts { part.encode(into: &encoder) }
    }

    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let count = Int(
            try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "parts") })
        guard (1...Self.maximumParts).contains(count) else {
            throw LatticeError(
                code: .invalidEncoding, message: "parts: got \(count), want 1...\(Self.maximumParts)")
        }
        var parts: [RNSPolynomial<Evaluations>] = []
        for index in 0..<count {
            let part = try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
            guard parts.isEmpty || part.basis == parts[0].basis else {
                throw LatticeError(
                    code: .invalidEncoding, message: "part \(index): got other primes than part 0, want the same")
            }
            parts.append(part)
        }
        self.init(parts: parts)
    }
}

extension RLWEPublicKey {
    public func encode(into encoder: inout BinaryEncoder) {
        seed.encode(into: &encoder)
        body.encode(into: &encoder)
    }

    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let seed = try UniformSeed(decoding: &decoder)
        try self.init(body: try RNSPolynomial(decoding: &decoder, ring: ring), seed: seed)
    }
}

extension KeySwitchKey {
    public func encode(into encoder: inout BinaryEncoder) {
        seed.encode(into: &encoder)
        for body in bodies { body.encode(into: &encoder) }
    }

    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let seed = try UniformSeed(decoding: &decoder)
        let parameters = ring.parameters
        guard parameters.digitSize > 0 else {
            throw LatticeError(
                code: .noSpecialPrimes, message: "special moduli: got none, want at least 1 for switching keys")
        }
        var bodies: [RNSPolynomial<Evaluations>] = []
        for _ in Self.digits(of: parameters.moduli.count, size: parameters.digitSize) {
            bodies.append(try RNSPolynomial(decoding: &decoder, ring: ring))
        }
        try self.init(bodies: bodies, seed: seed, ring: ring)
    }
}

extension GaloisKey {
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(element.exponent)
        key.encode(into: &encoder)
    }

    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let exponent = try Lattice.decoding { () throws(BinaryCodingError) in
            try decoder.decode(UInt32.self, "Galois element")
        }
        let element = try GaloisElement(exponent: exponent, logDegree: ring.logDegree)
        self.init(element: element, key: try KeySwitchKey(decoding: &decoder, ring: ring))
    }
}

extension RLWESecretKey {
    /// The coefficients, two bits each, for a key file that is itself encrypted. Wipe the encoder's bytes after use.
    public func encode(_ access: SecretAccess, into encoder: inout BinaryEncoder) {
        let weight: UInt32 =
            switch distribution {
            case .ternary: 0
            case .sparseTernary(let weight): UInt32(weight)
            }
        encoder.encode(weight)
        coefficients.withValues(access) { values in
            for start in stride(from: 0, to: values.count, by: 4) {
                var byte: UInt8 = 0
                for k in 0..<4 { byte |= UInt8(truncatingIfNeeded: values[start + k] + 1) << UInt8(2 * k) }
                encoder.encode(byte)
            }
        }
    }

    /// - Errors: `invalidEncoding` for a coefficient outside −1…1 or a Hamming weight other than the stated one.
    public convenience init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let n = ring.degree
        let weight = Int(
            try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decode(UInt32.self, "Hamming weight") })
        var bytes = try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decodeRaw(n / 4, "secret key") }
        defer { zeroise(&bytes) }
        let values = UnsafeMutableBufferPointer<Int64>.allocate(capacity: n)
        defer {
            tacit_zeroise(values.baseAddress, n * 8)
            values.deallocate()
        }
        var invalid: UInt8 = 0
        var nonzero = 0
        for i in 0..<n {
            let code = bytes[i / 4] >> UInt8(2 * (i % 4)) & 3
            invalid |= code & (code >> 1)
            nonzero &+= Int(~code & 1)
            values[i] = Int64(code) &- 1
        }
        guard invalid == 0, weight == 0 || nonzero == weight else {
            throw LatticeError(
                code: .invalidEncoding, message: "secret key: want coefficients in -1...1 and the stated Hamming weight"
            )
        }
        self.init(
            ring: ring, distribution: weight == 0 ? .ternary : .sparseTernary(weight: weight),
            coefficients: SmallPolynomial(copying: UnsafeBufferPointer(values)))
    }
}
