import BinaryCoding
import Randomness

/// What a site wrote down of an event before anything left. It holds the seed of masks and noise and the plain update: as
/// secret as the data, and as a key.
struct SiteRecord: Sendable {
    enum Kind: UInt8 { case joined = 1, left, answered, acknowledged, finished }
    /// In the byte of the kind: the vector is in words of 32 bits.
    private static let shortVector: UInt8 = 0x80
    /// In the byte of the kind: the name of a charge follows at the end.
    private static let hasCharge: UInt8 = 0x40

    var kind: Kind
    /// The instruction that was answered or that finished the study.
    var instruction: [UInt8] = []
    /// Of a session's randomness, in its first record.
    var seed: [UInt8] = []
    /// The integers that were uploaded; empty when the stage needed none.
    var vector: [Int64] = []
    /// SCAFFOLD: what the site's control variate becomes when the round is over.
    var control: [Double] = []
    /// What left.
    var envelope: [UInt8] = []
    /// The number that was acknowledged.
    var sequence = 0
    /// Name of the charge for the update, in the site's ledger; empty without one.
    var charge = ""

    init(_ kind: Kind) { self.kind = kind }

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        // Most vectors have words of 32 bits, and half of them would be zeros on the disk.
        let isShort = vector.allSatisfy { Int64(Int32(truncatingIfNeeded: $0)) == $0 }
        encoder.encode(
            kind.rawValue | (isShort ? Self.shortVector : 0) | (charge.isEmpty ? 0 : Self.hasCharge))
        encoder.encode(bytes: instruction)
        encoder.encode(bytes: seed)
        if isShort {
            WordCoding.encode(vector.map { Int32(truncatingIfNeeded: $0) }, into: &encoder)
        } else {
            WordCoding.encode(vector, into: &encoder)
        }
        WordCoding.encode(control.map { $0.bitPattern }, into: &encoder)
        encoder.encode(bytes: envelope)
        encoder.encode(UInt32(sequence))
        if !charge.isEmpty { encoder.encode(charge) }
        return encoder.bytes
    }

    init(decoding bytes: [UInt8]) throws(FederationError) {
        do throws(BinaryCodingError) {
            var decoder = BinaryDecoder(bytes)
            let code = try decoder.decode(UInt8.self, "record kind")
            guard let kind = Kind(rawValue: code & ~(Self.shortVector | Self.hasCharge)) else {
                throw BinaryCodingError(code: .invalidValue, message: "record kind: got \(code), want 1...5")
            }
            self.kind = kind
            instruction = try decoder.decodeBytes("instruction")
            seed = try decoder.decodeBytes("seed", limit: 32)
            vector =
                code & Self.shortVector != 0
                ? try WordCoding.decode(Int32.self, "vector", &decoder).map { Int64($0) }
                : try WordCoding.decode(Int64.self, "vector", &decoder)
            control = try WordCoding.decode(UInt64.self, "control", &decoder).map { Double(bitPattern: $0) }
            envelope = try decoder.decodeBytes("message")
            sequence = Int(try decoder.decode(UInt32.self, "sequence"))
            if code & Self.hasCharge != 0 { charge = try decoder.decodeString("charge", limit: 128) }
            try decoder.finish("record")
        } catch { throw FederationError(code: .store, message: error.message) }
    }
}

/// What happens to a site.
public enum SiteEvent: Sendable {
    /// Asks to take part.
    case join
    /// Bytes from the coordinator.
    case message([UInt8])
    /// The connection is new, or nothing was heard for long: what may have been lost is said again.
    case retry
    /// Takes no part any more.
    case leave
}

/// First store snapshot and record, then send the messages.
public struct SiteTransition: Sendable {
    public var record: [UInt8]?
    /// The state before this event: with it, records before ``record`` need not be replayed. To be stored before the record
    /// or in one step with it.
    public var snapshot: SiteSnapshot?
    public var messages: [[UInt8]] = []
    public var notices: [Notice] = []

    /// Whether the site did not do what it was told.
    public var isRefusal: Bool {
        record == nil
            && notices.contains {
                if case .declined = $0 { true } else { false }
            }
    }

    public enum Notice: Sendable {
        /// Trained in a round, and how.
        case trained(round: Int, rows: Int, loss: Double, clippedShare: Double)
        case answered(purpose: SessionPurpose, stage: Int, byteCount: Int)
        /// The coordinator did not take a message.
        case refused(reason: String)
        /// The site did not do what it was told.
        case declined(reason: String)
        case finished
    }
}
