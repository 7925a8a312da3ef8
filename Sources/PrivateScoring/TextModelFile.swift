import BinaryCoding
import TextClassification

/// A linear model of texts with the vocabulary that turns a text into its features; in the clear, so mode 0600.
public struct TextModelFile: Sendable {
    public let vocabulary: Vocabulary
    public let model: LinearTextModel

    /// Of ``WordHashing/logBuckets``: every bucket is a feature of the encrypted model.
    public static let logBucketsRange = 10...18

    /// - Errors: `invalidArgument` when there is not one weight for each feature, and for a hashing outside
    ///   ``logBucketsRange``.
    public init(vocabulary: Vocabulary, model: LinearTextModel) throws(PrivateScoringError) {
        try Self.check(vocabulary.hashing)
        guard model.weights.count == vocabulary.count else {
            throw PrivateScoringError(
                .invalidArgument, "weights: got \(model.weights.count), want \(vocabulary.count), one a feature")
        }
        self.vocabulary = vocabulary
        self.model = model
    }

    static func check(_ hashing: WordHashing) throws(PrivateScoringError) {
        guard logBucketsRange.contains(hashing.logBuckets) else {
            throw PrivateScoringError(.invalidArgument, "logBuckets: got \(hashing.logBuckets), want 10...18")
        }
    }

    /// A weight for each bucket, 0 for those that are no feature: with them all, an encrypted model does not say which words
    /// it knows.
    public var bucketWeights: [Double] {
        var weights = [Double](repeating: 0, count: vocabulary.hashing.bucketCount)
        for (bucket, weight) in zip(vocabulary.buckets, model.weights) { weights[Int(bucket)] = weight }
        return weights
    }

    public func score(_ text: [UInt8]) throws(PrivateScoringError) -> Double {
        model.score(
            try vocabulary.hashing.checkedBuckets(text).compactMap { vocabulary.feature(ofBucket: $0) }[...])
    }

    public func write(to path: String) throws {
        var encoder = BinaryEncoder()
        encoder.encode(UInt8(vocabulary.hashing.logBuckets))
        encoder.encode(UInt32(vocabulary.count))
        for bucket in vocabulary.buckets { encoder.encode(bucket) }
        for weight in model.weights + [model.intercept] { encoder.encode(weight) }
        try ScoringContainer.write(
            encoder.bytes, ContainerHeader(kind: .textModel, parameters: .none, key: .none), permissions: 0o600,
            to: path)
    }

    public init(path: String) throws { try self.init(FileSource(path: path), name: path) }

    /// - Parameter name: stands for the file in messages.
    public init(_ source: some ByteSource, name: String) throws {
        self = try ScoringContainer.read(source, name, .textModel) { _, decoder in
            let hashing = try WordHashing(logBuckets: Int(decoder.decode(UInt8.self, "hashing")))
            let count = Int(try decoder.decode(UInt32.self, "features"))
            guard decoder.remaining == 12 * count + 8 else {
                throw PrivateScoringError(
                    .invalidEncoding, "features: got \(decoder.remaining) bytes for \(count), want \(12 * count + 8)")
            }
            var buckets: [Int32] = []
            for _ in 0..<count { buckets.append(try decoder.decode(Int32.self, "bucket")) }
            var weights: [Double] = []
            for _ in 0...count {
                let weight = try decoder.decodeDouble("weight")
                guard weight.isFinite else {
                    throw PrivateScoringError(.invalidEncoding, "weight \(weights.count): is not finite")
                }
                weights.append(weight)
            }
            let intercept = weights.removeLast()
            return try TextModelFile(
                vocabulary: Vocabulary(hashing: hashing, buckets: buckets),
                model: LinearTextModel(weights: weights, intercept: intercept))
        }
    }
}

extension WordHashing {
    /// The features of a text for an encrypted model: the buckets of its words.
    /// - Errors: ``PrivateScoringError`` `invalidEncoding` for a text without words, or in an encoding of two or four bytes a
    ///   letter.
    public func checkedBuckets(_ text: [UInt8]) throws(PrivateScoringError) -> [Int32] {
        guard !text.seemsWide else {
            throw PrivateScoringError(
                .invalidEncoding,
                "mail: has many zero bytes, as in UTF-16; want text in UTF-8, Latin-1 or another extension of ASCII")
        }
        let buckets = buckets(text)
        guard !buckets.isEmpty else { throw PrivateScoringError(.invalidEncoding, "mail: has no words") }
        return buckets
    }
}

extension [UInt8] {
    /// More than a quarter of zeros: letters of two or four bytes. A few stray ones occur in mails and separate words.
    var seemsWide: Bool { 4 * count { $0 == 0 } > count }
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
            throw PrivateScoringError(.invalidEncoding, "\(name): \(error.message)")
        } catch let error as TextClassificationError {
            throw PrivateScoringError(.invalidEncoding, "\(name): \(error.message)")
        }
    }
}
