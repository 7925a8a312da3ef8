import BinaryCoding
import Foundation
import Lattice

/// A validated CKKS parameter set: a ring, its primes, and the canonical scale of each level.
public struct CKKSParameters: Hashable, Sendable, CustomStringConvertible {
    /// What a caller writes down; see ``init(_:)`` for what is checked.
    public struct Literal: Hashable, Sendable, Codable {
        /// log₂ N in 11…16.
        public var logDegree: Int
        /// Bits of q₀: with s the scale's bits, values up to about 2^(q₀ − s − 1) fit a ciphertext at level 0.
        public var firstModulusBits: Int
        /// log₂ of the canonical scale, in 20…50: about the bits after the point, noise included.
        public var scaleBits: Int
        /// Rescalings that a fresh ciphertext allows.
        public var depth: Int
        /// Bits of the primes above those, from the lowest up, which bootstrapping consumes.
        public var bootstrappingBits: [Int]
        /// Bits of the special primes; their number is the number of primes in a digit.
        public var specialModuliBits: [Int]
        public var security: RingParameters.Security
        /// Parties whose ternary secrets add up to the secret key, in 1…256. Stated noise grows with it.
        public var keyHolders: Int

        public init(
            logDegree: Int, firstModulusBits: Int = 50, scaleBits: Int = 40, depth: Int, bootstrappingBits: [Int] = [],
            specialModuliBits: [Int] = [50], security: RingParameters.Security = .classical128, keyHolders: Int = 1
        ) {
            self.logDegree = logDegree
            self.firstModulusBits = firstModulusBits
            self.scaleBits = scaleBits
            self.depth = depth
            self.bootstrappingBits = bootstrappingBits
            self.specialModuliBits = specialModuliBits
            self.security = security
            self.keyHolders = keyHolders
        }
    }

    public static let logDegrees = 11...16
    public static let scaleBits = 20...50
    public static let keyHolders = 1...256

    public let literal: Literal
    public let ring: RingParameters
    public let chain: ScaleChain

    public var description: String {
        "CKKS, \(ring), scale 2^\(literal.scaleBits), depth \(literal.depth)"
            + (literal.keyHolders > 1 ? ", \(literal.keyHolders) key holders" : "")
    }
    public var logDegree: Int { ring.logDegree }
    public var maximumSlots: Int { chain.maximumSlots }
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }

    /// Chooses primes and checks everything.
    ///
    /// Going down from the top, q_l is the unused prime nearest to Δ_l²/2^s, which keeps every Δ_l within about 2^−18 of
    /// the scale 2^s however long the chain is.
    /// - Errors: `invalidParameters`, `insecureParameters`.
    public init(_ literal: Literal) throws(CKKSError) {
        func invalid(_ message: String) -> CKKSError { CKKSError(code: .invalidParameters, message: message) }
        guard Self.logDegrees.contains(literal.logDegree) else {
            throw invalid("logDegree: got \(literal.logDegree), want 11...16")
        }
        guard Self.scaleBits.contains(literal.scaleBits) else {
            throw invalid("scaleBits: got \(literal.scaleBits), want 20...50")
        }
        guard (literal.scaleBits...50).contains(literal.firstModulusBits) else {
            throw invalid("firstModulusBits: got \(literal.firstModulusBits), want \(literal.scaleBits)...50")
        }
        guard (0..<RingParameters.maximumPrimes).contains(literal.depth),
            literal.depth + literal.bootstrappingBits.count < RingParameters.maximumPrimes
        else {
            throw invalid("depth: got \(literal.depth), want 0..<\(RingParameters.maximumPrimes) with bootstrapping")
        }
        guard Self.keyHolders.contains(literal.keyHolders) else {
            throw invalid("keyHolders: got \(literal.keyHolders), want 1...256")
        }
        let step = UInt64(2) << UInt64(literal.logDegree)
        var used: Set<UInt64> = []
        func nearest(_ target: Double) throws(CKKSError) -> Modulus {
            guard let found = Self.prime(near: target, step: step, excluding: used) else {
                throw invalid("moduli: no unused prime near 2^\(log2(target)) that is 1 modulo \(step)")
            }
            used.insert(found.value)
            return found
        }
        let nominal = exp2(Double(literal.scaleBits))
        // The widest are chosen first, so that sizes do not take each other's primes.
        let specials = try Self.below(literal.specialModuliBits, step: step, used: &used)
        let first = try Self.below([literal.firstModulusBits], step: step, used: &used)
        var scale = nominal
        var (levels, scales): ([Modulus], [Double]) = ([], [nominal])
        for _ in 0..<literal.depth {
            let q = try nearest(min(scale * scale / nominal, exp2(50) - 1))
            scale = scale * scale / Double(q.value)
            guard abs(log2(scale / nominal)) < 0.5 else {
                throw invalid(
                    "depth: got \(literal.depth), but too few primes near 2^\(literal.scaleBits) are 1 modulo \(step)")
            }
            levels.append(q)
            scales.append(scale)
        }
        let upper = try Self.below(literal.bootstrappingBits, step: step, used: &used)
        let moduli = first + levels.reversed() + upper
        do {
            ring = try RingParameters(
                logDegree: literal.logDegree, moduli: moduli, specialModuli: specials, security: literal.security)
        } catch {
            throw CKKSError(
                code: error.code == .insecureParameters ? .insecureParameters : .invalidParameters,
                message: error.message, cause: error)
        }
        self.literal = literal
        chain = ScaleChain(
            logDegree: literal.logDegree, moduli: moduli.map { Double($0.value) },
            scales: scales.reversed() + upper.map { _ in nominal }, top: literal.depth, log2P: ring.log2P,
            digitSize: ring.digitSize, keyHolders: literal.keyHolders)
    }

    /// The greatest unused primes below 2^b, for each b.
    private static func below(_ bits: [Int], step: UInt64, used: inout Set<UInt64>) throws(CKKSError) -> [Modulus] {
        var result: [Modulus] = []
        for size in bits {
            let exclusion = used
            let found = try wrapping(.invalidParameters) { () throws(LatticeError) in
                try Modulus.primes(bits: size, count: 1, congruentToOneModulo: step, excluding: exclusion)[0]
            }
            used.insert(found.value)
            result.append(found)
        }
        return result
    }

    /// The prime nearest to a target among those that are 1 modulo `step`, at most 50 bits.
    private static func prime(near target: Double, step: UInt64, excluding used: Set<UInt64>) -> Modulus? {
        let middle = UInt64(target) / step * step + 1
        for distance in 0..<UInt64(1 << 16) {
            let above = middle + distance * step
            for candidate in distance == 0 ? [above] : [above, middle &- distance * step] {
                guard candidate >> 50 == 0, candidate > step, !used.contains(candidate) else { continue }
                if let modulus = try? Modulus(candidate) { return modulus }
            }
        }
        return nil
    }
}

extension CKKSParameters {
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(UInt8(literal.logDegree))
        encoder.encode(UInt8(literal.firstModulusBits))
        encoder.encode(UInt8(literal.scaleBits))
        encoder.encode(UInt8(literal.depth))
        encoder.encode(list: literal.bootstrappingBits) { $0.encode(UInt8($1)) }
        encoder.encode(list: literal.specialModuliBits) { $0.encode(UInt8($1)) }
        encoder.encode(UInt8(RingParameters.Security.allCases.firstIndex(of: literal.security)!))
        encoder.encode(UInt16(literal.keyHolders))
    }

    /// - Errors: `invalidEncoding`, and all of the initialiser's.
    public init(decoding decoder: inout BinaryDecoder) throws(CKKSError) {
        try self.init(Literal(decoding: &decoder))
    }
}

extension CKKSParameters.Literal {
    /// What was written down; ``CKKSParameters/init(_:)`` checks it.
    /// - Errors: `invalidEncoding`.
    init(decoding decoder: inout BinaryDecoder) throws(CKKSError) {
        let (read, code) = try CKKS.decoding { () throws(BinaryCodingError) in
            let logDegree = Int(try decoder.decode(UInt8.self, "logDegree"))
            let first = Int(try decoder.decode(UInt8.self, "first modulus"))
            let scale = Int(try decoder.decode(UInt8.self, "scale"))
            let depth = Int(try decoder.decode(UInt8.self, "depth"))
            func sizes(_ what: String) throws(BinaryCodingError) -> [Int] {
                try decoder.decodeList(what, minimumElementSize: 1) { decoder throws(BinaryCodingError) in
                    Int(try decoder.decode(UInt8.self, what))
                }
            }
            let upper = try sizes("bootstrapping moduli")
            let special = try sizes("special moduli")
            let code = Int(try decoder.decode(UInt8.self, "security"))
            let holders = Int(try decoder.decode(UInt16.self, "key holders"))
            return (
                Self(
                    logDegree: logDegree, firstModulusBits: first, scaleBits: scale, depth: depth,
                    bootstrappingBits: upper, specialModuliBits: special, keyHolders: holders), code
            )
        }
        guard RingParameters.Security.allCases.indices.contains(code) else {
            throw CKKSError(code: .invalidEncoding, message: "security: got code \(code), want 0...3")
        }
        guard read.specialModuliBits.count <= RingParameters.maximumPrimes else {
            throw CKKSError(code: .invalidEncoding, message: "special moduli: got too many, want at most 48")
        }
        self = read
        security = RingParameters.Security.allCases[code]
    }
}
