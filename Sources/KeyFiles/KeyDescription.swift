import BinaryCoding
import Foundation

/// What a key file says about itself in the clear.
public struct KeyDescription: Codable, Hashable, Sendable {
    /// The scheme's name, for example "paillier".
    public var scheme: String
    /// Bits of the modulus.
    public var modulusBits: Int
    /// A name for people, for example "hospital".
    public var label: String
    /// Day of creation, ISO 8601.
    public var created: String
    /// For a threshold key: how many shares open something, of how many.
    public var threshold: Int?
    public var shares: Int?
    /// For a share: its number, 1 to `shares`.
    public var shareIndex: Int?

    public init(
        scheme: String, modulusBits: Int, label: String, created: String, threshold: Int? = nil, shares: Int? = nil,
        shareIndex: Int? = nil
    ) {
        self.scheme = scheme
        self.modulusBits = modulusBits
        self.label = label
        self.created = created
        self.threshold = threshold
        self.shares = shares
        self.shareIndex = shareIndex
    }

    var encoded: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return Array(try encoder.encode(self))
        }
    }

    init(decoding bytes: [UInt8]) throws(KeyFilesError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw KeyFilesError(code: .invalidFile, message: "key description: not readable")
        }
    }
}
