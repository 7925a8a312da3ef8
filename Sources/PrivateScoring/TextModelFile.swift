import BinaryCoding
import Randomness
import TextClassification

/// A linear model of texts with the vocabulary that turns a text into its features; in the clear, so mode 0600.
public struct TextModelFile: Sendable {
    public let vocabulary: Vocabulary
    public let model: LinearTextModel

    /// - Errors: `invalidArgument` when there is not one weight for each feature.
    public init(vocabulary: Vocabulary, model: LinearTextModel) throws(PrivateScoringError) {
        guard model.weights.count == vocabulary.count else {
            throw PrivateScoringError(
                .invalidArgument, "weights: got \(model.weights.count), want \(vocabulary.count), one a feature")
        }
        self.vocabulary = vocabulary
        self.model = model
    }

    public func write(to path: String) throws {
        var encoder = BinaryEncoder()
        VocabularyCoding.encode(vocabulary, into: &encoder)
        for weight in model.weights + [model.intercept] { encoder.encode(weight) }
        try ScoringContainer.write(
            encoder.bytes, ContainerHeader(kind: .textModel, parameters: .none, key: .none), permissions: 0o600,
            to: path)
    }

    public init(path: String) throws { try self.init(FileSource(path: path), name: path) }

    /// - Parameter name: stands for the file in messages.
    public init(_ source: some ByteSource, name: String) throws {
        self = try ScoringContainer.read(source, name, .textModel) { _, decoder in
            let vocabulary = try VocabularyCoding.decode(&decoder)
            guard decoder.remaining == 8 * (vocabulary.count + 1) else {
                throw PrivateScoringError(
                    .invalidEncoding, "weights: got \(decoder.remaining) bytes for \(vocabulary.count) features")
            }
            var weights: [Double] = []
            for _ in 0...vocabulary.count {
                let weight = try decoder.decodeDouble("weight")
                guard weight.isFinite else {
                    throw PrivateScoringError(.invalidEncoding, "weight \(weights.count): is not finite")
                }
                weights.append(weight)
            }
            let intercept = weights.removeLast()
            return try TextModelFile(
                vocabulary: vocabulary, model: LinearTextModel(weights: weights, intercept: intercept))
        }
    }
}

/// What the owner of a text model gives away: its weights under a key, its vocabulary in the clear.
public struct EncryptedTextModel: Sendable {
    public let vocabulary: Vocabulary
    public let model: EncryptedLinearModel
    /// Answers that the owner gives in the key's life.
    public let queries: Int
    private let encoded: [UInt8]
    /// By which questions and answers name their model.
    public let identity: Fingerprint

    /// - Errors: `invalidArgument` for a vocabulary of another size.
    public init(_ owner: ScoringOwner, _ vocabulary: Vocabulary) throws(PrivateScoringError) {
        guard owner.model.featureCount == vocabulary.count else {
            throw PrivateScoringError(.invalidArgument, "vocabulary: has not one feature for each weight")
        }
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(owner.queries))
        VocabularyCoding.encode(vocabulary, into: &encoder)
        owner.model.encode(into: &encoder)
        self.vocabulary = vocabulary
        model = owner.model
        queries = owner.queries
        encoded = encoder.bytes
        identity = Fingerprint(of: encoded)
    }

    public func write(to path: String) throws {
        let header = ContainerHeader(kind: .encryptedTextModel, parameters: identity, key: model.publicKey.identity)
        try ScoringContainer.write(encoded, header, permissions: 0o644, to: path)
    }

    public init(path: String) throws { try self.init(FileSource(path: path), name: path) }

    /// - Parameter name: stands for the file in messages.
    public init(_ source: some ByteSource, name: String) throws {
        self = try ScoringContainer.read(source, name, .encryptedTextModel) { header, decoder in
            let bytes = try decoder.decodeRaw(decoder.remaining, "model")
            guard Fingerprint(of: bytes) == header.parameters else {
                throw PrivateScoringError(.invalidEncoding, "model: is not the one that the header names")
            }
            decoder = BinaryDecoder(bytes)
            let queries = Int(try decoder.decode(UInt32.self, "answers"))
            let vocabulary = try VocabularyCoding.decode(&decoder)
            let model = try EncryptedLinearModel(decoding: &decoder)
            guard model.featureCount == vocabulary.count, model.publicKey.identity == header.key else {
                throw PrivateScoringError(.invalidEncoding, "model: vocabulary, weights and key do not fit together")
            }
            return EncryptedTextModel(
                vocabulary: vocabulary, model: model, queries: queries, encoded: bytes, identity: header.parameters)
        }
    }

    private init(
        vocabulary: Vocabulary, model: EncryptedLinearModel, queries: Int, encoded: [UInt8], identity: Fingerprint
    ) {
        self.vocabulary = vocabulary
        self.model = model
        self.queries = queries
        self.encoded = encoded
        self.identity = identity
    }

    /// The adversary model in a sentence.
    public var threatModel: String {
        "the owner, even one that deviates, sees a uniform number and an RLWE sample, neither features nor score; "
            + "the mail's holder, semi-honest, sees the vocabulary's hashes, scores and nothing of the key for "
            + "\(queries) answers, but \(vocabulary.count + 1) answers are enough to know the whole model"
    }
}

enum VocabularyCoding {
    static func encode(_ vocabulary: Vocabulary, into encoder: inout BinaryEncoder) {
        encoder.encode(UInt8(vocabulary.hashing.logBuckets))
        encoder.encode(UInt32(vocabulary.count))
        for bucket in vocabulary.buckets { encoder.encode(bucket) }
    }

    static func decode(_ decoder: inout BinaryDecoder) throws -> Vocabulary {
        let hashing = try WordHashing(logBuckets: Int(decoder.decode(UInt8.self, "hashing")))
        let count = Int(try decoder.decode(UInt32.self, "features"))
        guard decoder.remaining / 4 >= count else {
            throw PrivateScoringError(
                .invalidEncoding, "vocabulary: got \(decoder.remaining) bytes for \(count) features")
        }
        var buckets: [Int32] = []
        buckets.reserveCapacity(count)
        for _ in 0..<count { buckets.append(try decoder.decode(Int32.self, "bucket")) }
        return try Vocabulary(hashing: hashing, buckets: buckets)
    }
}

/// Containers of one section.
enum ScoringContainer {
    static func write(
        _ bytes: [UInt8], _ header: ContainerHeader, permissions: UInt16, to path: String
    ) throws {
        var writer = try ContainerWriter(path: path, header: header, permissions: permissions)
        try writer.write(tag: 1, bytes)
        try writer.commit()
    }

    static func read<Value>(
        _ source: some ByteSource, _ name: String, _ kind: ContainerKind,
        _ body: (ContainerHeader, inout BinaryDecoder) throws -> Value
    ) throws -> Value {
        do {
            let (header, sections) = try readContainer(source)
            try header.require(kind)
            guard sections.count == 1, sections[0].tag == 1 else {
                throw PrivateScoringError(.invalidEncoding, "sections: not those of a file of this kind")
            }
            var decoder = BinaryDecoder(sections[0].bytes)
            let value = try body(header, &decoder)
            try decoder.finish(kind.name)
            return value
        } catch let error as BinaryCodingError {
            throw error.inFile(name)
        } catch let error as PrivateScoringError {
            throw PrivateScoringError(error.code, "\(name): \(error.message)")
        } catch let error as TextClassificationError {
            throw PrivateScoringError(.invalidEncoding, "\(name): \(error.message)")
        }
    }
}
