import BinaryCoding
import Crypto
import Foundation
import MultipartyCKKS
import Randomness

/// What one holder keeps between its turns, in secret: the seed of all it draws, the key of its letter box, and which
/// messages it has taken in.
///
/// A turn works out the whole past again from the seed and the messages, so nothing else needs to be kept; a message that
/// differs from the one taken in before is refused, or the same noise would meet other inputs. Store the state before the
/// messages of a turn leave.
public struct CeremonyState: Sendable, CustomStringConvertible {
    public let group: CollectiveGroup
    /// 1…n
    public let holder: Int
    let seed: SecretBytes
    let letterBox: Curve25519.KeyAgreement.PrivateKey
    /// Messages taken in, in this order.
    var taken: [(slot: MessageSlot, fingerprint: Fingerprint)] = []

    public var description: String { "holder \(holder) of \(group.parties), \(taken.count) messages taken in" }

    /// - Errors: `wrongHolders`.
    public init(
        _ group: CollectiveGroup, holder: Int, using random: inout some SecureRandom
    ) throws(KeyCeremonyError) {
        guard (1...group.parties).contains(holder) else {
            throw KeyCeremonyError(
                code: .wrongHolders, message: "holder: got \(holder), want 1...\(group.parties)")
        }
        self.group = group
        self.holder = holder
        seed = SecretBytes.random(count: DerivedRandom.seedBytes, using: &random)
        letterBox = Curve25519.KeyAgreement.PrivateKey()
    }

    // MARK: Bytes

    private static let form: UInt8 = 1

    /// To be wrapped before it is stored.
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode(Self.form)
        group.encode(into: &encoder)
        encoder.encode(UInt16(holder))
        encoder.encode(list: taken) { encoder, entry in
            encoder.encode(UInt16(entry.slot.sender))
            encoder.encode(entry.slot.code)
            encoder.encode(entry.slot.exponent)
            encoder.encodeRaw(entry.fingerprint.bytes)
        }
        seed.withBytes(access) { encoder.encodeRaw(Array($0)) }
        encoder.encodeRaw(Array(letterBox.rawRepresentation))
        var bytes = encoder.bytes
        encoder = BinaryEncoder()  // ours alone, so that it is wiped and not a copy
        return SecretBytes(wiping: &bytes)
    }

    /// Reads what ``encoded(_:)`` gave.
    /// - Errors: `invalidFile`.
    public init(encoded secret: SecretBytes, _ access: SecretAccess) throws(KeyCeremonyError) {
        var bytes = secret.withBytes(access) { Array($0) }
        var decoder = BinaryDecoder(bytes)
        defer {
            decoder = BinaryDecoder([])
            zeroise(&bytes)
        }
        do {
            let form = try decoder.decode(UInt8.self, "form")
            guard form == Self.form else {
                throw KeyCeremonyError(code: .invalidFile, message: "form: got \(form), want \(Self.form)")
            }
            let group = try CollectiveGroup(decoding: &decoder)
            let holder = Int(try decoder.decode(UInt16.self, "holder"))
            let list = try decoder.decodeList("messages taken in", minimumElementSize: 39) {
                decoder throws(BinaryCodingError) in
                (
                    sender: Int(try decoder.decode(UInt16.self, "sender")),
                    code: try decoder.decode(UInt8.self, "kind"),
                    exponent: try decoder.decode(UInt32.self, "Galois element"),
                    fingerprint: Fingerprint(bytes: try decoder.decodeRaw(32, "fingerprint"))
                )
            }
            var seed = try decoder.decodeRaw(DerivedRandom.seedBytes, "seed")
            defer { zeroise(&seed) }
            let box = try decoder.decodeRaw(32, "letter box")
            try decoder.finish("state of a holder")
            guard (1...group.parties).contains(holder) else {
                throw KeyCeremonyError(
                    code: .invalidFile, message: "holder: got \(holder), want 1...\(group.parties)")
            }
            self.group = group
            self.holder = holder
            self.seed = SecretBytes(wiping: &seed)
            letterBox = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: box)
            taken = list.map { entry in
                (
                    MessageSlot(
                        sender: entry.sender, code: entry.code, exponent: entry.exponent,
                        recipient: entry.code == MessageSlot.secretShare ? holder : nil),
                    entry.fingerprint ?? .none
                )
            }
        } catch let error as KeyCeremonyError {
            throw error
        } catch {
            throw KeyCeremonyError(code: .invalidFile, message: "state of a holder: \(error)")
        }
    }
}
