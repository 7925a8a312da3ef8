import BinaryCoding
import CKernels
import Foundation

/// A validated choice of ring and primes: Z_QP[X]/(X^N + 1) with Q = q₀ ⋯ q_L for ciphertexts and P = p₀ ⋯ p_{K−1}
/// for key switching.
public struct RingParameters: Hashable, Sendable, CustomStringConvertible {
    /// What a caller writes down; see ``init(_:)`` for what is checked.
    public struct Literal: Hashable, Sendable, Codable {
        /// log₂ N in 10…17.
        public var logDegree: Int
        /// Sizes in bits of the ciphertext primes, first the one that stays longest.
        public var moduliBits: [Int]
        /// Sizes in bits of the special primes; their number is also the number of ciphertext primes in a digit.
        public var specialModuliBits: [Int]
        public var security: Security

        public init(logDegree: Int, moduliBits: [Int], specialModuliBits: [Int], security: Security) {
            self.logDegree = logDegree
            self.moduliBits = moduliBits
            self.specialModuliBits = specialModuliBits
            self.security = security
        }
    }

    /// The classical security that the parameters must reach by ``SecurityTable``.
    public enum Security: String, Hashable, Sendable, Codable, CaseIterable {
        case classical128, classical192, classical256
        /// Anything goes; shows in descriptions and reports.
        case insecureForTestsOnly

        /// nil for the insecure case.
        public var level: SecurityTable.Level? {
            switch self {
            case .classical128: .bits128
            case .classical192: .bits192
            case .classical256: .bits256
            case .insecureForTestsOnly: nil
            }
        }
    }

    public static let logDegrees = 10...17
    /// The most ciphertext primes, and the most special primes.
    public static let maximumPrimes = 48

    public let logDegree: Int
    /// q₀, q₁, …
    public let moduli: [Modulus]
    /// p₀, p₁, …
    public let specialModuli: [Modulus]
    public let security: Security
    /// The row of the published table that these parameters satisfy; nil when they reach none.
    public let securityRow: SecurityTable.Row?

    /// N
    public var degree: Int { 1 << logDegree }
    /// Ciphertext primes in one digit of a key-switching decomposition.
    public var digitSize: Int { specialModuli.count }
    public var log2Q: Double { moduli.reduce(0) { $0 + log2(Double($1.value)) } }
    public var log2P: Double { specialModuli.reduce(0) { $0 + log2(Double($1.value)) } }
    public var log2QP: Double { log2Q + log2P }

    public var description: String {
        let level = security == .insecureForTestsOnly ? "INSECURE" : "\(security.level!.rawValue)-bit security"
        let q = String(format: "%.1f", log2Q)
        let p = String(format: "%.1f", log2P)
        return
            "N = \(degree), \(moduli.count) primes (log2 Q = \(q)), \(specialModuli.count) special (log2 P = \(p)), \(level)"
    }

    /// Finds primes of the given sizes (the greatest that are 1 modulo 2N, all different) and checks everything.
    ///
    /// - Errors: `invalidDegree`; `invalidModulus` for sizes that have too few primes, for none or too many, and when P
    ///   is below the product of one digit; `insecureParameters` when log₂(QP) exceeds the published limit.
    public init(_ literal: Literal) throws(LatticeError) {
        try Self.checkDegree(literal.logDegree)
        try Self.checkCounts(literal.moduliBits.count, literal.specialModuliBits.count)
        let sizes = literal.moduliBits + literal.specialModuliBits
        var bySize: [Int: [Modulus]] = [:]
        for bits in Set(sizes) {
            bySize[bits] = try Modulus.primes(
                bits: bits, count: sizes.count { $0 == bits }, congruentToOneModulo: 2 << UInt64(literal.logDegree)
            ).reversed()
        }
        let all = sizes.map { bySize[$0]!.removeLast() }
        try self.init(
            logDegree: literal.logDegree, moduli: Array(all.prefix(literal.moduliBits.count)),
            specialModuli: Array(all.dropFirst(literal.moduliBits.count)), security: literal.security)
    }

    /// The same for primes chosen by the caller.
    public init(
        logDegree: Int, moduli: [Modulus], specialModuli: [Modulus], security: Security
    ) throws(LatticeError) {
        try Self.checkDegree(logDegree)
        try Self.checkCounts(moduli.count, specialModuli.count)
        let all = moduli + specialModuli
        let step = UInt64(2) << UInt64(logDegree)
        for modulus in all where modulus.value % step != 1 {
            throw LatticeError(
                code: .invalidModulus, message: "modulus: got \(modulus), want a prime that is 1 modulo 2N = \(step)")
        }
        guard Set(all).count == all.count else {
            throw LatticeError(code: .invalidModulus, message: "moduli: got one prime twice, want all different")
        }
        self.logDegree = logDegree
        self.moduli = moduli
        self.specialModuli = specialModuli
        self.security = security
        var log2QP = 0.0
        for modulus in all { log2QP += log2(Double(modulus.value)) }
        securityRow = SecurityTable.highestLevel(logDegree: logDegree, log2QP: log2QP)
        try checkDigits()
        if let level = security.level { try checkSecurity(level) }
    }

    private static func checkDegree(_ logDegree: Int) throws(LatticeError) {
        guard logDegrees.contains(logDegree) else {
            throw LatticeError(
                code: .invalidDegree,
                message: "logDegree: got \(logDegree), want \(logDegrees.lowerBound)...\(logDegrees.upperBound)")
        }
    }

    private static func checkCounts(_ ciphertext: Int, _ special: Int) throws(LatticeError) {
        guard (1...maximumPrimes).contains(ciphertext) else {
            throw LatticeError(code: .invalidModulus, message: "moduli: got \(ciphertext), want 1...\(maximumPrimes)")
        }
        guard (0...maximumPrimes).contains(special) else {
            throw LatticeError(
                code: .invalidModulus, message: "special moduli: got \(special), want 0...\(maximumPrimes)")
        }
    }

    /// Key switching adds noise in proportion to digit/P, so P must not be below any digit.
    private func checkDigits() throws(LatticeError) {
        guard digitSize > 0 else { return }
        for first in stride(from: 0, to: moduli.count, by: digitSize) {
            let digit = moduli[first..<min(first + digitSize, moduli.count)]
            let size = digit.reduce(0) { $0 + log2(Double($1.value)) }
            guard size <= log2P + 0.01 else {
                throw LatticeError(
                    code: .invalidModulus,
                    message: "special moduli: got log2(P) = \(log2P), want at least \(size), the size of a digit of "
                        + "\(digit.count) primes from number \(first)")
            }
        }
    }

    private func checkSecurity(_ level: SecurityTable.Level) throws(LatticeError) {
        let row = SecurityTable.strictest(logDegree: logDegree, level: level)
        guard let row, log2QP <= Double(row.limit) else {
            let wanted = row.map { "at most \($0.limit) by \($0.table)" } ?? "another ring: no table has this one"
            throw LatticeError(
                code: .insecureParameters,
                message:
                    "log2(QP): got \(String(format: "%.2f", log2QP)) with N = \(degree) for \(level.rawValue) bits, "
                    + "want \(wanted)")
        }
    }

    /// SHA-256 of the encoded parameters.
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }
}
