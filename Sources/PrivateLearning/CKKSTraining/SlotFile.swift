import BinaryCoding
import CKKS
import Foundation

/// A file of CKKS ciphertexts with what is public about them as JSON: a header with the fingerprints of parameters and key,
/// the parameters, the description, ciphertexts of sealed notes, and the ciphertexts themselves.
public struct SlotFile: Sendable {
    private enum Tag {
        static let parameters: UInt32 = 1
        static let ciphertext: UInt32 = 2
        static let description: UInt32 = 3
        static let note: UInt32 = 4
    }

    let context: CKKSContext
    let key: Fingerprint
    let description: [UInt8]
    let note: [CKKSCiphertext]
    let ciphertexts: [CKKSCiphertext]

    init(
        context: CKKSContext, key: Fingerprint, description: some Encodable, note: [CKKSCiphertext],
        ciphertexts: [CKKSCiphertext]
    ) throws {
        self.context = context
        self.key = key
        self.description = try EncryptedFile.encode(description)
        self.note = note
        self.ciphertexts = ciphertexts
    }

    /// - Returns: the bytes written.
    func write(to path: String, kind: ContainerKind) throws -> Int {
        guard let parameters = context.parameters else { preconditionFailure("write: want a context with a ring") }
        var writer = try ContainerWriter(
            path: path, header: ContainerHeader(kind: kind, parameters: context.fingerprint, key: key))
        var encoder = BinaryEncoder()
        parameters.encode(into: &encoder)
        try writer.write(tag: Tag.parameters, encoder.bytes)
        try writer.write(tag: Tag.description, description)
        for (tag, list) in [(Tag.note, note), (Tag.ciphertext, ciphertexts)] {
            for ciphertext in list {
                var encoder = BinaryEncoder()
                try ciphertext.encode(into: &encoder)
                try writer.write(tag: tag, encoder.bytes)
            }
        }
        try writer.commit()
        return writer.byteCount
    }

    /// Total: any bytes give a value or an error.
    /// - Parameters:
    ///   - expected: of the same parameters, to share its tables; a new one when nil.
    ///   - headOnly: whether to stop before the ciphertexts.
    init(
        reading source: some ByteSource, kind: ContainerKind, context expected: CKKSContext?, headOnly: Bool = false
    ) throws {
        var reader = try ContainerReader(source)
        try reader.header.require(kind)
        func invalid(_ message: String) -> PrivateLearningError {
            PrivateLearningError(code: .invalidFile, message: message)
        }
        guard let first = try reader.next(), first.tag == Tag.parameters else { throw invalid("parameters: missing") }
        var decoder = BinaryDecoder(first.bytes)
        let parameters = try CKKSParameters(decoding: &decoder)
        try decoder.finish("parameters")
        guard parameters.fingerprint == reader.header.parameters else {
            throw PrivateLearningError(
                code: .mismatch, message: "parameters: are not those that the header's fingerprint names")
        }
        if let expected, expected.parameters != parameters {
            throw PrivateLearningError(
                code: .mismatch, message: "parameters: got \(parameters), want \(expected); use files of one key")
        }
        context = expected ?? CKKSContext(parameters)
        key = reader.header.key
        guard let second = try reader.next(), second.tag == Tag.description else {
            throw invalid("description: missing")
        }
        description = second.bytes
        var (note, ciphertexts): ([CKKSCiphertext], [CKKSCiphertext]) = ([], [])
        while !headOnly, let section = try reader.next() {
            guard section.tag == Tag.ciphertext || section.tag == Tag.note && ciphertexts.isEmpty else {
                throw invalid("section: got tag \(section.tag), want notes, then ciphertexts")
            }
            var decoder = BinaryDecoder(section.bytes)
            let ciphertext = try CKKSCiphertext(decoding: &decoder, context: context, key: key)
            try decoder.finish("ciphertext")
            if section.tag == Tag.note { note.append(ciphertext) } else { ciphertexts.append(ciphertext) }
        }
        self.note = note
        self.ciphertexts = ciphertexts
    }

    /// Reads a file; errors begin with its name.
    static func read<Value>(
        _ path: String, kind: ContainerKind, context: CKKSContext?, headOnly: Bool = false,
        _ make: (SlotFile) throws -> Value
    ) throws -> Value {
        do {
            return try EncryptedFile.naming(path) {
                try make(
                    SlotFile(reading: FileSource(path: path), kind: kind, context: context, headOnly: headOnly))
            }
        } catch let error as CKKSError {
            throw PrivateLearningError(
                code: error.code == .parameterMismatch || error.code == .keyMismatch ? .mismatch : .invalidFile,
                message: "\(path): \(error.message)")
        }
    }
}

/// What is kept in a ``SlotFile`` of its own kind. A conforming type says what the file holds and checks what one held;
/// reading and writing are the same for all.
public protocol SlotStored: Sendable {
    static var fileKind: ContainerKind { get }

    /// - Errors: of the encoding of what is public.
    var slotFile: SlotFile { get throws }

    /// Total: any file gives a value or an error.
    /// - Errors: `invalidFile` when its parts do not fit each other.
    init(_ file: SlotFile) throws
}

extension SlotStored {
    /// - Returns: the bytes written.
    @discardableResult
    public func write(to path: String) throws -> Int { try slotFile.write(to: path, kind: Self.fileKind) }

    /// - Parameter context: of the same parameters, to share its tables; a new one when nil.
    /// - Throws: `invalidFile`, `mismatch`, with the file's name.
    public init(path: String, context: CKKSContext? = nil) throws {
        self = try SlotFile.read(path, kind: Self.fileKind, context: context) { try Self($0) }
    }

    /// As ``init(path:context:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8], context: CKKSContext? = nil) throws {
        try self.init(SlotFile(reading: MemorySource(bytes), kind: Self.fileKind, context: context))
    }
}

/// Bytes in the slots of ciphertexts: what only the key owner may read but has to travel with a file, such as the means
/// and deviations behind scaled rows. A byte takes a slot and is rounded back exactly.
enum SealedNote {
    /// The longest note that is opened.
    static let byteLimit = 1 << 22
    /// Bytes lie 1/256 apart; an error below half of that leaves them as they are.
    static let tolerance = 1.0 / 512

    static func seal(
        _ bytes: [UInt8], with encryptor: CKKSEncryptor, encrypt: (_ values: [Double]) throws -> CKKSCiphertext
    ) throws -> [CKKSCiphertext] {
        let size = encryptor.context.maximumSlots
        return try stride(from: 0, to: bytes.count, by: size).map { start in
            try encrypt(bytes[start..<min(start + size, bytes.count)].map { Double($0) / 256 })
        }
    }

    /// - Parameters:
    ///   - vectors: decrypted slots of each ciphertext.
    ///   - count: of the bytes, as the file says.
    /// - Errors: `invalidFile` when the slots do not hold bytes.
    static func bytes(of vectors: [[Double]], count: Int) throws(PrivateLearningError) -> [UInt8] {
        guard (0...byteLimit).contains(count) else {
            throw PrivateLearningError(
                code: .invalidFile, message: "note: got \(count) bytes, want at most \(byteLimit)")
        }
        var bytes: [UInt8] = []
        for vector in vectors {
            for value in vector where bytes.count < count {
                let number = (value * 256).rounded()
                guard number >= 0, number <= 255 else {
                    throw PrivateLearningError(
                        code: .invalidFile, message: "note: not readable with this key; the file was made under another"
                    )
                }
                bytes.append(UInt8(number))
            }
        }
        guard bytes.count == count else {
            throw PrivateLearningError(code: .invalidFile, message: "note: got \(bytes.count) bytes, want \(count)")
        }
        return bytes
    }
}
