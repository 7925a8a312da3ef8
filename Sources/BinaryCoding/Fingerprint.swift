import Crypto

/// The SHA-256 of public bytes, by which keys and parameter sets are recognised.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    public init(of content: some Sequence<UInt8>) {
        var hash = SHA256()
        hash.update(data: Array(content))
        bytes = Array(hash.finalize())
    }

    /// - Parameter bytes: exactly 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// For files that have no key or no parameter set.
    public static let none = Fingerprint(bytes: [UInt8](repeating: 0, count: 32))!

    /// Sixteen hexadecimal digits in groups of four, enough to tell keys apart by eye; compare `bytes` in programs.
    public var description: String {
        let digits = Array("0123456789abcdef")
        let text = bytes.prefix(8).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return stride(from: 0, to: 16, by: 4).map { String(text[$0..<$0 + 4]) }.joined(separator: "-")
    }

    /// All 64 hexadecimal digits.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
