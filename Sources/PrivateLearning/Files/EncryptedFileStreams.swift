import AtomicFiles
import BinaryCoding
import Foundation
import Paillier

/// Tags of the sections of an encrypted file, in the order in which they come.
private enum Tag {
    static let plan: UInt32 = 1
    static let key: UInt32 = 2
    static let description: UInt32 = 3
    static let ciphertexts: UInt32 = 4
}

/// Writes an encrypted file piece by piece; it appears under its name when it is committed.
struct EncryptedFileWriter {
    /// Ciphertexts that make a section of about a megabyte.
    static let batch = 1024

    private var writer: ContainerWriter
    private let publicKey: PaillierPublicKey

    init(
        path: String, kind: ContainerKind, plan: EncodingPlan, publicKey: PaillierPublicKey, description: [UInt8]
    ) throws {
        self.publicKey = publicKey
        let header = ContainerHeader(kind: kind, parameters: try plan.fingerprint, key: publicKey.fingerprint)
        writer = try ContainerWriter(path: path, header: header)
        try writer.write(tag: Tag.plan, plan.encoded)
        try writer.write(tag: Tag.key, publicKey.encoded)
        try writer.write(tag: Tag.description, description)
    }

    /// One section.
    mutating func append(_ ciphertexts: [PaillierCiphertext]) throws {
        var encoder = BinaryEncoder()
        try publicKey.encode(ciphertexts, into: &encoder)
        try writer.write(tag: Tag.ciphertexts, encoder.bytes)
    }

    mutating func commit() throws { try writer.commit() }
}

/// Reads an encrypted file piece by piece. Total: any bytes give values or an error.
struct EncryptedFileReader<Source: ByteSource> {
    let plan: EncodingPlan
    let publicKey: PaillierPublicKey
    let description: [UInt8]
    private var reader: ContainerReader<Source>

    /// - Throws: `wrongFormat`, `mismatch`, and what plan and key throw.
    init(_ source: Source, kind wanted: ContainerKind) throws {
        var reader = try ContainerReader(source, sectionLimit: 1 << 26)
        try reader.header.require(wanted)
        func section(_ tag: UInt32, _ what: String) throws -> [UInt8] {
            guard let section = try reader.next(), section.tag == tag else {
                throw BinaryCodingError(code: .wrongFormat, message: "\(what): missing")
            }
            return section.bytes
        }
        plan = try EncodingPlan(decoding: section(Tag.plan, "plan"))
        publicKey = try PaillierPublicKey(encoded: section(Tag.key, "public key"))
        description = try section(Tag.description, "description")
        guard try plan.fingerprint == reader.header.parameters, publicKey.fingerprint == reader.header.key else {
            throw BinaryCodingError(
                code: .mismatch, message: "header: its fingerprints are not those of the plan and the key in the file")
        }
        self.reader = reader
    }

    /// The ciphertexts of the next section; nil after the last one, when the checksum was found right.
    mutating func next() throws -> [PaillierCiphertext]? {
        guard let section = try reader.next() else { return nil }
        guard section.tag == Tag.ciphertexts else {
            throw BinaryCodingError(
                code: .wrongFormat, message: "section: got tag \(section.tag), want ciphertexts")
        }
        var decoder = BinaryDecoder(section.bytes)
        let ciphertexts = try publicKey.decodeCiphertexts(&decoder)
        try decoder.finish("ciphertexts")
        return ciphertexts
    }
}
