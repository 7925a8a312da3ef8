import BinaryCoding
import DifferentialPrivacy
import Foundation
import MultipartyCKKS
import Paillier
import Randomness
import SecureAggregation

/// A site's state between two sessions, in the place of all records before it. As secret as they are: it holds the site's
/// share of a key.
public struct SiteSnapshot: Sendable {
    let site: Site

    /// Worked out when it is asked for, since it holds every line of the journal.
    public var encoded: [UInt8] { site.snapshot }
}

/// What a site keeps when a session is over and the records of it go: the journal, what was not acknowledged, key shares and
/// control variates, what noise was paid for. The plain updates and the seeds of masks and noise are gone.
extension Site {
    private static let magic: [UInt8] = Array("TSS1".utf8)
    /// Longer messages are not kept only to be repeated: the first one, which is short, serves as well.
    private static let repetitionLimit = 1 << 16

    /// Opens a commitment of the journal, together with the update that the site committed to.
    public struct Opening: Hashable, Sendable {
        public let session: Int
        public let attempt: Int
        /// 32 bytes, hashed before the update; says nothing about masks or noise.
        public let nonce: [UInt8]
    }

    var snapshot: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.fingerprint.bytes)
        encoder.encode(identity.name)
        encoder.encode(list: journal) { $1.encode(into: &$0) }
        encoder.encode(list: outbox) {
            $0.encode(UInt32($1.sequence))
            $0.encode(bytes: $1.bytes)
        }
        encoder.encode(bytes: firstMessage)
        encoder.encode(bytes: lastMessage.flatMap { $0.count <= Self.repetitionLimit ? $0 : nil } ?? firstMessage)
        encoder.encode(latest != nil)
        encoder.encode(UInt32(latest?.session ?? 0))
        encoder.encode(UInt32(latest?.attempt ?? 0))
        encoder.encode(maskJournal != nil)
        maskJournal?.encode(into: &encoder)
        WordCoding.encode(control.map { $0.bitPattern }, into: &encoder)
        encoder.encode(UInt32(nextControl?.round ?? 0))
        WordCoding.encode((nextControl?.values ?? []).map { $0.bitPattern }, into: &encoder)
        encoder.encode(bytes: (try? JSONEncoder().encode(events)).map { Array($0) } ?? [])
        encoder.encode(list: openings) {
            $0.encode(UInt32($1.session))
            $0.encode(UInt32($1.attempt))
            $0.encodeRaw($1.nonce)
        }
        encoder.encode(share != nil)
        if let share {
            let access = SecretAccess("state of a site")
            share.encoded(access).withBytes(access) { encoder.encode(bytes: Array($0)) }
        }
        if study.kind == .paillier {
            // A dealer's share comes from outside.
            let made = paillier.flatMap { $0.sharing.isJoint ? $0 : nil }
            encoder.encode(made != nil)
            let access = SecretAccess("state of a site")
            made?.encoded(access).withBytes(access) { encoder.encode(bytes: Array($0)) }
        }
        return encoder.bytes
    }

    /// - Throws: `store`.
    mutating func restore(_ bytes: [UInt8]) throws(FederationError) {
        do {
            var decoder = BinaryDecoder(bytes)
            func mismatch(_ what: String) -> BinaryCodingError {
                BinaryCodingError(code: .mismatch, message: "snapshot: \(what)")
            }
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(code: .wrongFormat, message: "snapshot: not one of this version")
            }
            guard try decoder.decodeRaw(32, "study") == study.fingerprint.bytes else {
                throw mismatch("belongs to another study")
            }
            guard try decoder.decodeString("site", limit: 128) == identity.name else {
                throw mismatch("belongs to another site")
            }
            func number(_ what: String) throws(BinaryCodingError) -> Int { Int(try decoder.decode(UInt32.self, what)) }
            journal = try decoder.decodeList("journal", minimumElementSize: 32) { decoder throws(BinaryCodingError) in
                try Envelope.Entry(decoding: &decoder)
            }
            var previous = Fingerprint.none
            for (index, entry) in journal.enumerated() {
                guard entry.sequence == index, entry.previous == previous else {
                    throw mismatch("entry \(index) of the journal does not follow the one before")
                }
                previous = entry.hash
            }
            outbox = try decoder.decodeList("messages", minimumElementSize: 8) { decoder throws(BinaryCodingError) in
                (
                    sequence: Int(try decoder.decode(UInt32.self, "sequence")),
                    bytes: try decoder.decodeBytes("message")
                )
            }
            firstMessage = try decoder.decodeBytes("first message")
            lastMessage = try decoder.decodeBytes("last message")
            let hasLatest = try decoder.decodeBool("session")
            let found = (session: try number("session"), attempt: try number("attempt"))
            latest = hasLatest ? found : nil
            guard try decoder.decodeBool("masks") == (study.kind == .secagg) else {
                throw mismatch("is of another protection")
            }
            if study.kind == .secagg { maskJournal = try SiteJournal(decoding: &decoder) }
            func doubles(_ what: String) throws(BinaryCodingError) -> [Double] {
                try WordCoding.decode(UInt64.self, what, &decoder).map { Double(bitPattern: $0) }
            }
            control = try doubles("control variate")
            let round = try number("round")
            let values = try doubles("next control variate")
            nextControl = values.isEmpty ? nil : (round, values)
            let count = tensors.reduce(0) { $0 + $1.count }
            guard [control, values].allSatisfy({ $0.isEmpty || $0.count == count }) else {
                throw mismatch("holds a control variate of another length")
            }
            events = try JSONDecoder().decode([PrivacyEvent].self, from: Data(try decoder.decodeBytes("events")))
            openings = try decoder.decodeList("openings", minimumElementSize: 40) {
                decoder throws(BinaryCodingError) in
                Opening(
                    session: Int(try decoder.decode(UInt32.self, "session")),
                    attempt: Int(try decoder.decode(UInt32.self, "attempt")), nonce: try decoder.decodeRaw(32, "nonce"))
            }
            if try decoder.decodeBool("key share") {
                guard let collective else { throw mismatch("is of another protection") }
                let restored = try CollectiveKeyShare(
                    encoded: SecretBytes(copying: try decoder.decodeBytes("key share")),
                    SecretAccess("state of a site"), context: collective.setting.context)
                guard restored.group == collective.group, try study.parties([identity.name]) == [restored.party] else {
                    throw mismatch("holds the key share of another group or site")
                }
                share = restored
            }
            if study.kind == .paillier, try decoder.decodeBool("share of the made key") {
                let restored = try PaillierKeyShare(encoded: try decoder.decodeBytes("share of the made key"))
                guard restored.sharing.shareCount == study.sites.count,
                    try study.parties([identity.name]) == [restored.index]
                else { throw mismatch("holds the key share of another group or site") }
                paillier = restored
            }
            try decoder.finish("snapshot")
        } catch { throw FederationError(code: .store, message: "\(error)") }
    }
}
