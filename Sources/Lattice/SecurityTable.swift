import Foundation

/// Published limits of log₂(QP) for RLWE with uniform ternary secrets and error of standard deviation about 3.2.
///
/// Two tables are held and the lower of the two entries is the limit. Sparse secrets are in neither.
/// - Reference: Albrecht et al., Homomorphic Encryption Standard, 2018 (ePrint 2019/939), Table 1, rows (−1, 1).
/// - Reference: Bossuat et al., Security Guidelines for Implementing Homomorphic Encryption, 2024 (ePrint 2024/463),
///   Table 5.2, ternary secret, classical.
public struct SecurityTable: Sendable {
    /// Bits of classical security.
    public enum Level: Int, Hashable, Sendable, Codable, CaseIterable {
        case bits128 = 128, bits192 = 192, bits256 = 256
    }

    /// Where a limit comes from.
    public struct Row: Hashable, Sendable, CustomStringConvertible {
        public let table: String
        public let degree: Int
        public let level: Level
        /// The greatest log₂(QP) that the table allows.
        public let limit: Int
        public var description: String { "\(table), N = \(degree), \(level.rawValue) bits: log2(QP) ≤ \(limit)" }
    }

    private let name: String
    /// Degree exponent to limits at 128, 192 and 256 bits.
    private let limits: [Int: [Level: Int]]

    public static let standard2018 = SecurityTable(
        name: "HomomorphicEncryption.org standard 2018, Table 1 (ternary, classical)",
        limits: [
            10: [.bits128: 27, .bits192: 19, .bits256: 14],
            11: [.bits128: 54, .bits192: 37, .bits256: 29],
            12: [.bits128: 109, .bits192: 75, .bits256: 58],
            13: [.bits128: 218, .bits192: 152, .bits256: 118],
            14: [.bits128: 438, .bits192: 305, .bits256: 237],
            15: [.bits128: 881, .bits192: 611, .bits256: 476],
        ])

    public static let guidelines2024 = SecurityTable(
        name: "Security Guidelines for Implementing HE 2024, Table 5.2 (ternary, classical)",
        limits: [
            10: [.bits128: 26],
            11: [.bits128: 53, .bits192: 36, .bits256: 27],
            12: [.bits128: 106, .bits192: 73, .bits256: 56],
            13: [.bits128: 214, .bits192: 147, .bits256: 114],
            14: [.bits128: 430, .bits192: 297, .bits256: 230],
            15: [.bits128: 868, .bits192: 597, .bits256: 462],
            16: [.bits128: 1747, .bits192: 1199, .bits256: 929],
            17: [.bits128: 3523, .bits192: 2411, .bits256: 1866],
        ])

    /// The row of this table, if it has one.
    public func row(logDegree: Int, level: Level) -> Row? {
        limits[logDegree]?[level].map { Row(table: name, degree: 1 << logDegree, level: level, limit: $0) }
    }

    /// The stricter of the two tables' rows; nil when neither has one.
    public static func strictest(logDegree: Int, level: Level) -> Row? {
        [guidelines2024, standard2018].compactMap { $0.row(logDegree: logDegree, level: level) }
            .min { $0.limit < $1.limit }
    }

    /// The highest level that these parameters reach, with the row that says so; nil below 128 bits.
    public static func highestLevel(logDegree: Int, log2QP: Double) -> Row? {
        Level.allCases.reversed().lazy.compactMap { strictest(logDegree: logDegree, level: $0) }
            .first { log2QP <= Double($0.limit) }
    }
}
