import BinaryCoding
import CKernels

extension RingParameters {
    /// log N, the security case, the primes.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(UInt8(logDegree))
        encoder.encode(UInt8(security.code))
        encoder.encode(list: moduli) { $0.encode($1.value) }
        encoder.encode(list: specialModuli) { $0.encode($1.value) }
    }

    /// - Errors: `invalidEncoding`, and all of the initialiser's.
    public init(decoding decoder: inout BinaryDecoder) throws(LatticeError) {
        let logDegree = try Lattice.decoding { () throws(BinaryCodingError) in
            try decoder.decode(UInt8.self, "logDegree")
        }
        let code = try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "security") }
        guard let security = Security.allCases.first(where: { $0.code == code }) else {
            throw LatticeError(code: .invalidEncoding, message: "security: got code \(code), want 0...3")
        }
        func primes(_ what: String) throws(LatticeError) -> [Modulus] {
            let values = try Lattice.decoding { () throws(BinaryCodingError) in
                try decoder.decodeList(what, minimumElementSize: 8) { decoder throws(BinaryCodingError) in
                    try decoder.decode(UInt64.self, what)
                }
            }
            guard values.count <= Self.maximumPrimes else {
                throw LatticeError(
                    code: .invalidModulus, message: "\(what): got \(values.count), want at most \(Self.maximumPrimes)")
            }
            var moduli: [Modulus] = []
            for value in values { moduli.append(try Modulus(value)) }
            return moduli
        }
        let moduli = try primes("moduli")
        try self.init(
            logDegree: Int(logDegree), moduli: moduli, specialModuli: try primes("special moduli"), security: security)
    }
}

extension RingParameters.Security {
    var code: UInt8 {
        switch self {
        case .insecureForTestsOnly: 0
        case .classical128: 1
        case .classical192: 2
        case .classical256: 3
        }
    }
}

extension RNSPolynomial {
    /// Bytes of the encoding over a basis: each residue takes as many bits as its prime.
    public static func byteCount(_ basis: RNSBasis) -> Int {
        3 + basis.moduli.reduce(0) { $0 + basis.ring.degree / 8 * $1.bitWidth }
    }

    /// Form, number of ciphertext primes, special primes or not, then the residues packed bit by bit, limb by limb.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(Form.code)
        encoder.encode(UInt8(basis.ciphertextPrimes))
        encoder.encode(basis.specialPrimes > 0)
        for j in 0..<count {
            let size = degree / 8 * basis[j].bitWidth
            encoder.encodeRaw(
                [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
                    tacit_pack_bits(buffer.baseAddress, limb(j), degree, Int32(basis[j].bitWidth))
                    filled = size
                })
        }
    }

    /// - Errors: `invalidEncoding` for another form, too many primes, too few bytes or a residue that is not below its
    ///   prime.
    public init(decoding decoder: inout BinaryDecoder, ring: Ring) throws(LatticeError) {
        let form = try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "form") }
        guard form == Form.code else {
            throw LatticeError(code: .invalidEncoding, message: "form: got \(form), want \(Form.code), \(Form.self)")
        }
        let primes = Int(
            try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "ciphertext primes") }
        )
        let hasSpecial = try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decodeBool("special primes")
        }
        let limit = ring.parameters.moduli.count
        guard (1...limit).contains(primes) else {
            throw LatticeError(code: .invalidEncoding, message: "ciphertext primes: got \(primes), want 1...\(limit)")
        }
        let basis = hasSpecial ? ring.basis(primes).withSpecialPrimes : ring.basis(primes)
        guard hasSpecial == (basis.specialPrimes > 0) else {
            throw LatticeError(code: .invalidEncoding, message: "special primes: got some, the ring has none")
        }
        let needed = Self.byteCount(basis) - 3
        guard decoder.remaining >= needed else {
            throw LatticeError(
                code: .invalidEncoding, message: "polynomial: got \(decoder.remaining) bytes, want \(needed)")
        }
        self.init(uninitialized: basis)
        let words = unique()
        let n = degree
        for j in 0..<basis.count {
            let modulus = basis[j]
            let bytes = try Lattice.decoding { () throws(BinaryCodingError) in
                try decoder.decodeRaw(n / 8 * modulus.bitWidth, "limb \(j)")
            }
            guard tacit_unpack_bits(words + j * n, bytes, n, Int32(modulus.bitWidth), modulus.value) == 1 else {
                throw LatticeError(
                    code: .invalidEncoding, message: "limb \(j): got a residue that is not below its prime \(modulus)")
            }
        }
    }
}

extension UniformSeed {
    public func encode(into encoder: inout BinaryEncoder) { encoder.encodeRaw(bytes) }

    public init(decoding decoder: inout BinaryDecoder) throws(LatticeError) {
        try self.init(
            bytes: try Lattice.decoding { () throws(BinaryCodingError) in try decoder.decodeRaw(32, "seed") })
    }
}
