import Foundation

/// The size of a Paillier modulus, checked.
///
/// Security rests on factoring n; the estimate is that of NIST SP 800-57 part 1 revision 5, table 2 (2048 bits: 112,
/// 3072 bits: 128), and between its rows the formula of the FIPS 140 implementation guidance from which the table was
/// made, rounded to a multiple of 8 (4096 bits: 152).
public struct PaillierParameters: Hashable, Sendable, CustomStringConvertible {
    /// Whether sizes below 112-bit security are meant.
    public enum Security: String, Hashable, Sendable, Codable {
        /// At least 2048 bits.
        case standard
        /// Any size from 256 bits: for tests, and for keys made elsewhere. Shows in `description` and `warning`.
        case insecure
    }

    /// What anyone can write down; may be wrong.
    public struct Literal: Hashable, Sendable, Codable {
        public var modulusBits: Int
        public var security: Security

        public init(modulusBits: Int, security: Security = .standard) {
            self.modulusBits = modulusBits
            self.security = security
        }
    }

    public let modulusBits: Int
    public let security: Security

    /// - Throws: `invalidParameters` for an odd number of bits, for more than 16384, for fewer than 2048 without the
    ///   `insecure` case, and for fewer than 256 in any case.
    public init(_ literal: Literal) throws(PaillierError) {
        let least = literal.security == .standard ? 2048 : 256
        guard literal.modulusBits >= least else {
            let hint = literal.security == .standard && literal.modulusBits >= 256 ? " (or the case insecure)" : ""
            throw PaillierError(
                code: .invalidParameters,
                message: "modulusBits: got \(literal.modulusBits), want at least \(least)\(hint)")
        }
        guard literal.modulusBits <= 16384, literal.modulusBits % 2 == 0 else {
            throw PaillierError(
                code: .invalidParameters,
                message: "modulusBits: got \(literal.modulusBits), want an even number of at most 16384")
        }
        modulusBits = literal.modulusBits
        security = literal.security
    }

    private init(modulusBits: Int, security: Security) {
        self.modulusBits = modulusBits
        self.security = security
    }

    /// 112-bit security: acceptable to NIST until 2030 only, see ``warning``.
    public static let bits2048 = Self(modulusBits: 2048, security: .standard)
    /// 128-bit security; the default.
    public static let bits3072 = Self(
        modulusBits: 3072,  // the smallest modulus that table 2 puts at 128 bits
        security: .standard)
    /// About 152-bit security.
    public static let bits4096 = Self(modulusBits: 4096, security: .standard)

    /// Any even size from 256 bits, for tests. Never for data.
    public static func insecure(bits: Int) throws(PaillierError) -> Self {
        try Self(Literal(modulusBits: bits, security: .insecure))
    }

    /// Estimated classical security in bits; a modulus of fewer than 1024 bits counts as 0.
    public var estimatedSecurityBits: Int {
        guard modulusBits >= 1024 else { return 0 }
        let x = Double(modulusBits) * M_LN2
        let bits = (1.923 * cbrt(x) * cbrt(log(x) * log(x)) - 4.69) / M_LN2
        return Int((bits / 8).rounded()) * 8
    }

    /// What a caller must show to the user, nil when there is nothing to say.
    public var warning: String? {
        if estimatedSecurityBits < 112 {
            return "INSECURE: a modulus of \(modulusBits) bits can be factored; for tests only"
        }
        if estimatedSecurityBits < 128 {
            return "a modulus of \(modulusBits) bits gives about \(estimatedSecurityBits)-bit security, which NIST "
                + "accepts until 2030 only; prefer 3072 bits"
        }
        return nil
    }

    public var description: String {
        let label = security == .insecure ? ", insecure" : ""
        return "Paillier \(modulusBits) bits (about \(estimatedSecurityBits)-bit security\(label))"
    }

    /// Bytes of a residue modulo n, and of a ciphertext.
    public var modulusByteCount: Int { (modulusBits + 7) / 8 }
    public var ciphertextByteCount: Int { (2 * modulusBits + 7) / 8 }
    /// Bits of the exponent that makes a randomiser: half the modulus, as Goldreich and Rosen's theorem asks.
    var randomiserBits: Int { (modulusBits + 1) / 2 }
}
