import AtomicFiles
import BinaryCoding
import Foundation
import Randomness

/// A key on disk: a container with a description in the clear and the key itself, wrapped when it is secret.
public struct KeyFile: Sendable {
    private static let descriptionTag: UInt32 = 1
    private static let publicTag: UInt32 = 2
    private static let wrappedTag: UInt32 = 3
    private static let unprotectedTag: UInt32 = 4
    /// Public keys of lattice schemes have some megabytes.
    private static let sizeLimit = 1 << 26

    public let path: String
    public let header: ContainerHeader
    public let description: KeyDescription
    /// The encoded public key; secret files carry it too, so that each is enough by itself.
    public let publicKey: [UInt8]
    private let secret: (isWrapped: Bool, bytes: [UInt8])?

    /// Whether a passphrase is needed to read the secret.
    public var needsPassphrase: Bool { secret?.isWrapped ?? false }
    /// Whether the file holds a secret at all.
    public var isSecret: Bool { secret != nil }

    /// Writes a public key, mode 0644.
    public static func writePublic(
        _ publicKey: [UInt8], description: KeyDescription, parameters: Fingerprint, key: Fingerprint, to path: String
    ) throws {
        let header = ContainerHeader(kind: .publicKey, parameters: parameters, key: key)
        var writer = try ContainerWriter(path: path, header: header)
        try writer.write(tag: descriptionTag, description.encoded)
        try writer.write(tag: publicTag, publicKey)
        try writer.commit()
    }

    /// Writes a secret key or share, mode 0600.
    /// - Parameter passphrase: nil leaves the secret unprotected but for the file's mode; callers say so loudly.
    public static func writeSecret(
        _ secret: SecretBytes, kind: ContainerKind, publicKey: [UInt8], description: KeyDescription,
        parameters: Fingerprint, key: Fingerprint, passphrase: SecretBytes?, cost: ScryptCost = .interactive,
        to path: String, using random: inout some SecureRandom
    ) throws {
        precondition(kind == .secretKey || kind == .secretShare, "kind: want a secret kind")
        if let passphrase, passphrase.count < 8 {
            throw KeyFilesError(
                code: .invalidParameters, message: "passphrase: got \(passphrase.count) bytes, want at least 8")
        }
        let header = ContainerHeader(kind: kind, parameters: parameters, key: key)
        let descriptionBytes = try description.encoded
        let sealed: [UInt8]
        if let passphrase {
            sealed = try PassphraseWrapping.wrap(
                secret, passphrase: passphrase,
                authenticating: context(header, descriptionBytes, publicKey), cost: cost, using: &random)
        } else {
            sealed = secret.withBytes(SecretAccess("writing an unprotected key file")) { Array($0) }
        }
        var writer = try ContainerWriter(path: path, header: header, permissions: 0o600)
        try writer.write(tag: descriptionTag, descriptionBytes)
        try writer.write(tag: publicTag, publicKey)
        try writer.write(tag: passphrase == nil ? unprotectedTag : wrappedTag, sealed)
        try writer.commit()
    }

    /// Reads description and public part; the secret stays wrapped until ``openSecret(passphrase:)``.
    public init(path: String) throws {
        try self.init(FileSource(path: path), name: path)
    }

    /// As ``init(path:)`` from any source of bytes; `name` stands for the file in messages.
    public init(_ source: some ByteSource, name: String) throws {
        path = name
        do {
            let (header, sections) = try readContainer(source, limit: Self.sizeLimit)
            try header.require(.publicKey, .secretKey, .secretShare)
            self.header = header
            let isSecret = header.kind != .publicKey
            guard sections.count == (isSecret ? 3 : 2), sections[0].tag == Self.descriptionTag,
                sections[1].tag == Self.publicTag
            else { throw KeyFilesError(code: .invalidFile, message: "sections: not those of a \(header.kind)") }
            description = try KeyDescription(decoding: sections[0].bytes)
            publicKey = sections[1].bytes
            if isSecret {
                guard [Self.wrappedTag, Self.unprotectedTag].contains(sections[2].tag) else {
                    throw KeyFilesError(code: .invalidFile, message: "secret: neither wrapped nor unprotected")
                }
                secret = (sections[2].tag == Self.wrappedTag, sections[2].bytes)
            } else {
                secret = nil
            }
        } catch let error as BinaryCodingError {
            throw error.inFile(name)
        } catch let error as KeyFilesError {
            throw KeyFilesError(code: error.code, message: "\(name): \(error.message)")
        }
    }

    /// The secret part.
    /// - Throws: `wrongPassphrase`, `passphraseNeeded`; `invalidFile` for a public key.
    public func openSecret(passphrase: SecretBytes?) throws -> SecretBytes {
        guard let secret else {
            throw KeyFilesError(code: .invalidFile, message: "\(path): is a public key, want a secret key or share")
        }
        do {
            if !secret.isWrapped {
                var copy = secret.bytes
                return SecretBytes(wiping: &copy)
            }
            guard let passphrase, passphrase.count > 0 else {
                throw KeyFilesError(code: .passphraseNeeded, message: "passphrase: needed to open this file")
            }
            return try PassphraseWrapping.unwrap(
                secret.bytes, passphrase: passphrase,
                authenticating: Self.context(header, description.encoded, publicKey))
        } catch let error as KeyFilesError {
            throw KeyFilesError(code: error.code, message: "\(path): \(error.message)")
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        }
    }

    /// Everything in the clear is authenticated with the secret, so none of it can be exchanged unnoticed.
    private static func context(_ header: ContainerHeader, _ description: [UInt8], _ publicKey: [UInt8]) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit key file")
        encoder.encode(header.kind.code)
        encoder.encodeRaw(header.parameters.bytes)
        encoder.encodeRaw(header.key.bytes)
        encoder.encode(bytes: description)
        encoder.encode(bytes: publicKey)
        return encoder.bytes
    }
}
