import BinaryCoding

/// Sections of files of ciphertexts and of evaluation keys.
enum CKKSFileTag {
    static let parameters: UInt32 = 1
    static let ciphertext: UInt32 = 2
    static let relinearisation: UInt32 = 3
    static let galois: UInt32 = 4
}

/// Writes ciphertexts one by one into a file, all of one key and parameter set; only one is in memory.
public struct CKKSCiphertextWriter {
    public let context: CKKSContext
    public let key: Fingerprint
    private var writer: ContainerWriter
    /// Ciphertexts written so far.
    public private(set) var count = 0
    public var byteCount: Int { writer.byteCount }

    /// - Parameters:
    ///   - kind: what the file is, for messages when it is given where another is wanted.
    ///   - key: identity of the secret key that opens the ciphertexts.
    public init(
        path: String, context: CKKSContext, key: Fingerprint, kind: ContainerKind = .encryptedSlots
    ) throws {
        self.context = context
        self.key = key
        writer = try ContainerWriter(
            path: path, header: ContainerHeader(kind: kind, parameters: context.fingerprint, key: key))
        var encoder = BinaryEncoder()
        context.encodeParameters(into: &encoder)
        try writer.write(tag: CKKSFileTag.parameters, encoder.bytes)
    }

    /// - Errors: `keyMismatch`, `parameterMismatch`, `plannedOnly`; those of the file.
    public mutating func write(_ ciphertext: CKKSCiphertext) throws {
        guard ciphertext.key == key else {
            throw CKKSError(
                code: .keyMismatch, message: "ciphertext \(count): got one of key \(ciphertext.key), want \(key)")
        }
        guard context.matches(ciphertext.context) else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "ciphertext \(count): got one with \(ciphertext.context), want \(context)")
        }
        var encoder = BinaryEncoder()
        try ciphertext.encode(into: &encoder)
        try writer.write(tag: CKKSFileTag.ciphertext, encoder.bytes)
        count += 1
    }

    /// Gives the file its name; before that nothing is there.
    public mutating func commit() throws { try writer.commit() }
}

/// Reads the file of a ``CKKSCiphertextWriter`` one ciphertext at a time.
///
/// What is derived from the ciphertexts counts only after ``next()`` has returned nil: then the file was whole.
public struct CKKSCiphertextReader<Source: ByteSource> {
    public let context: CKKSContext
    public let header: ContainerHeader
    /// Ciphertexts read so far.
    public private(set) var count = 0
    private var reader: ContainerReader<Source>

    /// - Parameters:
    ///   - expected: a context of the same parameters, to share its tables; a new one when nil.
    ///   - kinds: what the file may be.
    /// - Errors: `parameterMismatch`, `invalidEncoding`; `BinaryCodingError`.
    public init(
        _ source: Source, context expected: CKKSContext? = nil, kind: ContainerKind = .encryptedSlots
    ) throws {
        reader = try ContainerReader(source)
        header = reader.header
        try header.require(kind)
        context = try readParameters(&reader, expected: expected)
    }

    /// The next ciphertext, or nil after the last when the checksum was right.
    /// - Errors: name the number of the ciphertext, from 0.
    public mutating func next() throws -> CKKSCiphertext? {
        guard let section = try reader.next() else { return nil }
        guard section.tag == CKKSFileTag.ciphertext else {
            throw CKKSError(
                code: .invalidEncoding, message: "section: got tag \(section.tag), want ciphertexts only")
        }
        var decoder = BinaryDecoder(section.bytes)
        do throws(CKKSError) {
            let result = try CKKSCiphertext(decoding: &decoder, context: context, key: header.key)
            try decoding { () throws(BinaryCodingError) in try decoder.finish("ciphertext") }
            count += 1
            return result
        } catch {
            throw CKKSError(
                code: error.code, message: "ciphertext \(count): \(error.message)", cause: error.cause)
        }
    }
}

extension CKKSCiphertextReader where Source == FileSource {
    public init(path: String, context: CKKSContext? = nil, kind: ContainerKind = .encryptedSlots) throws {
        try self.init(FileSource(path: path), context: context, kind: kind)
    }
}

/// The parameter section of a file, checked against its header.
func readParameters<Source>(
    _ reader: inout ContainerReader<Source>, expected: CKKSContext?
) throws -> CKKSContext {
    guard let first = try reader.next(), first.tag == CKKSFileTag.parameters else {
        throw CKKSError(code: .invalidEncoding, message: "parameters: missing at the start of the file")
    }
    var decoder = BinaryDecoder(first.bytes)
    let context = try CKKSContext.decoded(&decoder, expected: expected)
    try decoding { () throws(BinaryCodingError) in try decoder.finish("parameters") }
    guard context.fingerprint == reader.header.parameters else {
        throw CKKSError(
            code: .parameterMismatch,
            message: "parameters: got \(context.fingerprint), want \(reader.header.parameters) as the header says")
    }
    return context
}
