import AtomicFiles
import BinaryCoding
import Crypto
import Foundation
import MultipartyCKKS
import Randomness

/// The folder through which holders exchange messages: shared storage, or copied around. It holds nothing secret in the
/// clear; shares of secrets are sealed to their recipient's letter box.
///
/// `group.tacit` is what all agreed on; `holder-2.opening.tacit` and the like are messages, each written once, whole or not
/// at all.
public struct CeremonyFolder: Sendable {
    public let path: String
    public init(path: String) { self.path = path }

    public var groupPath: String { path + "/group.tacit" }
    func path(of slot: MessageSlot) -> String { path + "/" + slot.fileName }
    func exists(_ slot: MessageSlot) -> Bool { FileManager.default.fileExists(atPath: path(of: slot)) }

    private enum Tag {
        static let group: UInt32 = 1
        static let message: UInt32 = 2
        static let letterBox: UInt32 = 3
        static let encapsulated: UInt32 = 4
    }

    /// Begins a ceremony; the folder is made if need be.
    /// - Throws: `changed` when one has begun there; errors of the file system.
    public func begin(_ group: CollectiveGroup) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard !FileManager.default.fileExists(atPath: groupPath) else {
            throw KeyCeremonyError(
                code: .changed, message: "\(groupPath): exists; take another folder for another key")
        }
        var encoder = BinaryEncoder()
        group.encode(into: &encoder)
        var writer = try ContainerWriter(
            path: groupPath, header: ContainerHeader(kind: .collectiveGroup, parameters: group.fingerprint, key: .none))
        try writer.write(tag: Tag.group, encoder.bytes)
        try writer.commit()
    }

    /// What all agreed on.
    /// - Throws: `invalidFile`.
    public func group() throws -> CollectiveGroup {
        try Self.group(FileSource(path: groupPath), name: groupPath)
    }

    /// As ``group()`` from any bytes. Total.
    package static func group(_ source: some ByteSource, name: String) throws -> CollectiveGroup {
        do {
            let (header, sections) = try readContainer(source, limit: 1 << 20)
            try header.require(.collectiveGroup)
            guard sections.count == 1, sections[0].tag == Tag.group else {
                throw KeyCeremonyError(code: .invalidFile, message: "\(name): sections: not those of an agreement")
            }
            var decoder = BinaryDecoder(sections[0].bytes)
            let group = try CollectiveGroup(decoding: &decoder)
            try decoder.finish("group")
            guard group.fingerprint == header.parameters else {
                throw KeyCeremonyError(code: .invalidFile, message: "\(name): is not the group that its header names")
            }
            return group
        } catch let error as MultipartyError {
            throw KeyCeremonyError(error, about: name)
        } catch let error as BinaryCodingError {
            throw error.inFile(name)
        }
    }

    // MARK: Messages

    /// A message as it lies in the folder.
    struct Letter {
        var bytes: [UInt8]
        var letterBox: [UInt8]?
        var encapsulated: [UInt8]?

        var fingerprint: Fingerprint {
            var encoder = BinaryEncoder()
            encoder.encode(bytes: letterBox ?? [])
            encoder.encode(bytes: encapsulated ?? [])
            encoder.encodeRaw(Fingerprint(of: bytes).bytes)
            return Fingerprint(of: encoder.bytes)
        }
    }

    func write(_ letter: Letter, _ slot: MessageSlot, session: Fingerprint) throws {
        var writer = try ContainerWriter(
            path: path(of: slot), header: ContainerHeader(kind: .keyMessage, parameters: session, key: .none))
        try writer.write(tag: Tag.message, letter.bytes)
        if let box = letter.letterBox { try writer.write(tag: Tag.letterBox, box) }
        if let key = letter.encapsulated { try writer.write(tag: Tag.encapsulated, key) }
        try writer.commit()
    }

    /// nil when it is not there yet.
    func read(_ slot: MessageSlot, session: Fingerprint) throws -> Letter? {
        guard exists(slot) else { return nil }
        let name = path(of: slot)
        return try Self.letter(FileSource(path: name), slot, session: session, name: name)
    }

    static func letter(
        _ source: some ByteSource, _ slot: MessageSlot, session: Fingerprint, name: String
    ) throws -> Letter {
        do {
            let (header, sections) = try readContainer(source)
            try header.require(.keyMessage)
            guard header.parameters == session else {
                throw KeyCeremonyError(
                    code: .mismatch,
                    message: "\(name): belongs to the ceremony \(header.parameters), this is \(session)")
            }
            var wanted = [Tag.message]
            if slot.code == MessageSlot.commitment { wanted.append(Tag.letterBox) }
            if slot.code == MessageSlot.secretShare { wanted.append(Tag.encapsulated) }
            guard sections.map(\.tag) == wanted else {
                throw KeyCeremonyError(code: .invalidFile, message: "\(name): sections: not those of such a message")
            }
            var letter = Letter(bytes: sections[0].bytes)
            if slot.code == MessageSlot.commitment { letter.letterBox = sections[1].bytes }
            if slot.code == MessageSlot.secretShare { letter.encapsulated = sections[1].bytes }
            return letter
        } catch let error as BinaryCodingError {
            throw error.inFile(name)
        }
    }
}

/// Sealing of what one holder alone may read: HPKE (RFC 9180) with the sender's key in it, so that nobody else can have
/// sent it.
enum LetterBox {
    private static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly

    private static func info(_ session: Fingerprint, _ sender: Int, _ recipient: Int) -> Data {
        var encoder = BinaryEncoder()
        encoder.encode("tacit share of a collective key")
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(sender))
        encoder.encode(UInt16(recipient))
        return Data(encoder.bytes)
    }

    static func publicKey(_ bytes: [UInt8], of holder: Int) throws -> Curve25519.KeyAgreement.PublicKey {
        guard let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes) else {
            throw KeyCeremonyError(
                code: .misbehaviour, message: "holder \(holder): its letter box is no key of X25519")
        }
        return key
    }

    static func seal(
        _ bytes: [UInt8], from sender: (Int, Curve25519.KeyAgreement.PrivateKey),
        to recipient: (Int, Curve25519.KeyAgreement.PublicKey), session: Fingerprint
    ) throws -> CeremonyFolder.Letter {
        var hpke = try HPKE.Sender(
            recipientKey: recipient.1, ciphersuite: suite, info: info(session, sender.0, recipient.0),
            authenticatedBy: sender.1)
        let sealed = try hpke.seal(bytes)
        return CeremonyFolder.Letter(bytes: Array(sealed), encapsulated: Array(hpke.encapsulatedKey))
    }

    static func open(
        _ letter: CeremonyFolder.Letter, from sender: (Int, Curve25519.KeyAgreement.PublicKey),
        to recipient: (Int, Curve25519.KeyAgreement.PrivateKey), session: Fingerprint
    ) throws -> [UInt8] {
        do {
            var hpke = try HPKE.Recipient(
                privateKey: recipient.1, ciphersuite: suite, info: info(session, sender.0, recipient.0),
                encapsulatedKey: Data(letter.encapsulated ?? []), authenticatedBy: sender.1)
            return Array(try hpke.open(letter.bytes))
        } catch {
            throw KeyCeremonyError(
                code: .misbehaviour,
                message: "holder \(sender.0): its sealed share does not open with the keys of this ceremony")
        }
    }
}
