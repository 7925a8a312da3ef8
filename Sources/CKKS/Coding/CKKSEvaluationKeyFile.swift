import BinaryCoding

/// Evaluation keys on disk, one section for each, so that sets larger than memory's spare can be written.
public enum CKKSEvaluationKeyFile {
    /// Writes all keys of a set.
    /// - Returns: the bytes written.
    @discardableResult
    public static func write(_ keys: CKKSEvaluationKeys, to path: String) throws -> Int {
        let header = ContainerHeader(
            kind: .evaluationKeys, parameters: keys.context.fingerprint, key: keys.identity)
        var writer = try ContainerWriter(path: path, header: header)
        func write(_ tag: UInt32, _ body: (inout BinaryEncoder) -> Void) throws {
            var encoder = BinaryEncoder()
            body(&encoder)
            try writer.write(tag: tag, encoder.bytes)
        }
        try write(CKKSFileTag.parameters) { keys.context.encodeParameters(into: &$0) }
        if let key = keys.relinearisation { try write(CKKSFileTag.relinearisation) { key.encode(into: &$0) } }
        for exponent in keys.galois.keys.sorted() {
            try write(CKKSFileTag.galois) { keys.galois[exponent]!.encode(into: &$0) }
        }
        try writer.commit()
        return writer.byteCount
    }

    /// - Parameter context: of the same parameters, to share its tables; a new one when nil.
    /// - Errors: `parameterMismatch`, `invalidEncoding`; `BinaryCodingError`.
    public static func read(
        _ source: some ByteSource, context expected: CKKSContext? = nil
    ) throws -> CKKSEvaluationKeys {
        var reader = try ContainerReader(source)
        try reader.header.require(.evaluationKeys)
        let context = try readParameters(&reader, expected: expected)
        var keys = CKKSEvaluationKeys(
            context: context, identity: reader.header.key, relinearisation: nil, galois: [:])
        var number = 0
        while let section = try reader.next() {
            var decoder = BinaryDecoder(section.bytes)
            do throws(CKKSError) {
                switch section.tag {
                case CKKSFileTag.relinearisation where keys.relinearisation == nil:
                    keys.relinearisation = try CKKSEvaluationKeys.relinearisation(decoding: &decoder, context)
                case CKKSFileTag.galois:
                    let key = try CKKSEvaluationKeys.galois(decoding: &decoder, context)
                    guard keys.galois.updateValue(key, forKey: key.element.exponent) == nil else {
                        throw CKKSError(code: .invalidEncoding, message: "got \(key.element) twice")
                    }
                default:
                    throw CKKSError(
                        code: .invalidEncoding,
                        message: "got tag \(section.tag), want one relinearisation key and Galois keys")
                }
                try decoding { () throws(BinaryCodingError) in try decoder.finish("key") }
            } catch {
                throw CKKSError(code: error.code, message: "key \(number): \(error.message)", cause: error.cause)
            }
            number += 1
        }
        return keys
    }

    public static func read(path: String, context: CKKSContext? = nil) throws -> CKKSEvaluationKeys {
        try read(FileSource(path: path), context: context)
    }
}
