import BinaryCoding
import Randomness
import TextClassification

/// What the owner of a text model gives away: a weight under its key for every bucket, most of them 0, so that nothing tells
/// which words the model knows.
public struct EncryptedTextModel: Sendable {
    public let hashing: WordHashing
    public let model: EncryptedLinearModel
    /// Answers that the owner gives in the key's life.
    public let queries: Int
    /// Of what the file holds; by it questions and answers name their model.
    public let identity: Fingerprint
    private let encoded: [UInt8]

    public var byteCount: Int { encoded.count }

    /// - Parameter owner: of ``TextModelFile/bucketWeights``.
    /// - Errors: `invalidArgument` for an owner of another number of weights.
    public init(_ owner: ScoringOwner, _ hashing: WordHashing) throws(PrivateScoringError) {
        try TextModelFile.check(hashing)
        guard owner.model.featureCount == hashing.bucketCount else {
            throw PrivateScoringError(
                .invalidArgument,
                "weights: got \(owner.model.featureCount), want \(hashing.bucketCount), one a bucket")
        }
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(owner.queries))
        encoder.encode(UInt8(hashing.logBuckets))
        owner.model.encode(into: &encoder)
        self.init(hashing: hashing, model: owner.model, queries: owner.queries, encoded: encoder.bytes)
    }

    private init(hashing: WordHashing, model: EncryptedLinearModel, queries: Int, encoded: [UInt8]) {
        self.hashing = hashing
        self.model = model
        self.queries = queries
        self.encoded = encoded
        identity = Fingerprint(of: encoded)
    }

    public func write(to path: String) throws {
        try ScoringContainer.write(encoded, header(.encryptedTextModel), permissions: 0o644, to: path)
    }

    public init(path: String) throws { try self.init(FileSource(path: path), name: path) }

    /// - Parameter name: stands for the file in messages.
    public init(_ source: some ByteSource, name: String) throws {
        self = try ScoringContainer.read(source, name, .encryptedTextModel) { header, decoder in
            let bytes = try decoder.decodeRaw(decoder.remaining, "model")
            var inner = BinaryDecoder(bytes)
            let queries = Int(try inner.decode(UInt32.self, "answers"))
            guard ScoringOwner.queriesRange.contains(queries) else {
                throw PrivateScoringError(.invalidEncoding, "answers: got \(queries), want 1...1000000")
            }
            let hashing = try WordHashing(logBuckets: Int(inner.decode(UInt8.self, "hashing")))
            try TextModelFile.check(hashing)
            let model = try EncryptedLinearModel(decoding: &inner)
            guard model.featureCount == hashing.bucketCount else {
                throw PrivateScoringError(
                    .invalidEncoding, "model: got \(model.featureCount) weights, want \(hashing.bucketCount)")
            }
            let read = EncryptedTextModel(hashing: hashing, model: model, queries: queries, encoded: bytes)
            try read.require(header, "model")
            return read
        }
    }

    func header(_ kind: ContainerKind) -> ContainerHeader {
        ContainerHeader(kind: kind, parameters: identity, key: model.publicKey.identity)
    }

    func require(_ header: ContainerHeader, _ what: String) throws(PrivateScoringError) {
        guard header.parameters == identity, header.key == model.publicKey.identity else {
            throw PrivateScoringError(
                .invalidEncoding, "\(what): belongs to model \(header.parameters), this one is \(identity)")
        }
    }

    /// A question about texts, with what opens its answer.
    ///
    /// - Parameters:
    ///   - texts: 1 to ``ScoringQuestionFile/mostMails`` of them; each costs the owner an answer.
    ///   - progress: told the number of texts done.
    /// - Errors: `invalidEncoding` for a text without words, `invalidArgument` for one with too many, and for too many texts.
    public func ask(
        _ texts: [(name: String, content: [UInt8])], using random: inout some SecureRandom,
        progress: (Int) -> Void = { _ in }
    ) throws(PrivateScoringError) -> (question: ScoringQuestionFile, blinding: ScoringBlindingFile) {
        try ScoringQuestionFile.check(count: texts.count)
        var questions: [ScoringQuestion] = []
        var blindings: [EncryptedLinearModel.Blinding] = []
        for text in texts {
            do {
                let asked = try model.ask(try hashing.checkedBuckets(text.content), using: &random)
                questions.append(asked.question)
                blindings.append(asked.blinding)
            } catch { throw PrivateScoringError(error.code, "\(text.name): \(error.message)") }
            progress(questions.count)
        }
        let question = try ScoringQuestionFile(questions)
        return (question, ScoringBlindingFile(blindings, names: texts.map(\.name), of: question))
    }

    /// Bound on |opened − true score|.
    public var errorBound: Double { get throws(PrivateScoringError) { try ScoringOwner.errorBound(queries: queries) } }

    /// The adversary model in a sentence or two.
    public var threatModel: String {
        get throws(PrivateScoringError) {
            "the owner, even one that deviates, sees a uniform number and an RLWE sample: neither the mail nor its score; "
                + "it can send a false score. Readers follow the protocol: they see scores, and nothing else of model and key "
                + "in \(queries) answers; scores are sums of weights, and \(model.featureCount + 1) of them are the whole model. "
                + "A reader that deviates takes the key, and with it the model, from "
                + "\(try ScoringOwner.answersForTheKey(queries: queries)) answers"
        }
    }
}
