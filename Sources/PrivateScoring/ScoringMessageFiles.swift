import BinaryCoding
import Lattice
import Randomness

/// A question on disk; its header names the model and the key.
public struct ScoringQuestionFile: Sendable {
    public let question: ScoringQuestion
    /// By which an answer names its question.
    public let identity: Fingerprint
    private let encoded: [UInt8]

    public var byteCount: Int { encoded.count }

    public init(_ question: ScoringQuestion) {
        var encoder = BinaryEncoder()
        question.encode(into: &encoder)
        self.question = question
        encoded = encoder.bytes
        identity = Fingerprint(of: encoded)
    }

    public func write(_ model: EncryptedTextModel, to path: String) throws {
        try ScoringContainer.write(
            encoded, model.header(.scoringQuestion), permissions: 0o644, to: path)
    }

    public init(path: String, _ model: EncryptedTextModel) throws {
        try self.init(FileSource(path: path), name: path, model)
    }

    public init(_ source: some ByteSource, name: String, _ model: EncryptedTextModel) throws {
        self = try ScoringContainer.read(source, name, .scoringQuestion) { header, decoder in
            try model.require(header, "question")
            return ScoringQuestionFile(try ScoringQuestion(decoding: &decoder, ring: model.model.context.ring))
        }
    }
}

/// What takes the blinding off one question's answer; it stays at home, mode 0600.
public struct ScoringBlindingFile: Sendable {
    public let blinding: EncryptedLinearModel.Blinding
    /// Of the question it belongs to.
    public let question: Fingerprint

    public init(_ blinding: EncryptedLinearModel.Blinding, of question: ScoringQuestionFile) {
        self.blinding = blinding
        self.question = question.identity
    }

    public func write(_ model: EncryptedTextModel, to path: String) throws {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(question.bytes)
        blinding.encode(into: &encoder)
        try ScoringContainer.write(
            encoder.bytes, model.header(.scoringBlinding), permissions: 0o600, to: path)
    }

    public init(path: String, _ model: EncryptedTextModel) throws {
        try self.init(FileSource(path: path), name: path, model)
    }

    public init(_ source: some ByteSource, name: String, _ model: EncryptedTextModel) throws {
        (question, blinding) = try ScoringContainer.read(source, name, .scoringBlinding) { header, decoder in
            try model.require(header, "blinding")
            let identity = try ScoringIdentity.decode(&decoder)
            return (identity, try EncryptedLinearModel.Blinding(decoding: &decoder, basis: model.model.basis))
        }
    }

    /// The score in an answer.
    /// - Errors: `invalidEncoding` when it answers another question.
    public func score(_ file: ScoringAnswerFile) throws(PrivateScoringError) -> Double {
        guard file.question == question else {
            throw PrivateScoringError(.invalidEncoding, "answer: is that of another question")
        }
        return blinding.score(file.answer)
    }
}

/// An answer on disk.
public struct ScoringAnswerFile: Sendable {
    public let answer: ScoringAnswer
    public let question: Fingerprint

    public init(_ answer: ScoringAnswer, to question: ScoringQuestionFile) {
        self.answer = answer
        self.question = question.identity
    }

    public func write(_ model: EncryptedTextModel, to path: String) throws { try begin(model, path).finish() }

    /// A file that has its name and content when it is finished.
    func begin(_ model: EncryptedTextModel, _ path: String) throws -> Unfinished {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(question.bytes)
        answer.encode(into: &encoder)
        return Unfinished(
            writer: try ContainerWriter(path: path, header: model.header(.scoringAnswer)), bytes: encoder.bytes)
    }

    struct Unfinished {
        var writer: ContainerWriter
        let bytes: [UInt8]

        consuming func finish() throws {
            try writer.write(tag: 1, bytes)
            try writer.commit()
        }
    }

    public init(path: String, _ model: EncryptedTextModel) throws {
        try self.init(FileSource(path: path), name: path, model)
    }

    public init(_ source: some ByteSource, name: String, _ model: EncryptedTextModel) throws {
        (question, answer) = try ScoringContainer.read(source, name, .scoringAnswer) { header, decoder in
            try model.require(header, "answer")
            let identity = try ScoringIdentity.decode(&decoder)
            return (identity, try ScoringAnswer(decoding: &decoder, ring: model.model.context.ring))
        }
    }
}

/// How many answers a key has given. ``StoredScoringOwner`` writes it before an answer.
public enum ScoringCountFile {
    public static func write(_ answered: Int, key: Fingerprint, to path: String) throws {
        var encoder = BinaryEncoder()
        encoder.encode(UInt64(answered))
        try ScoringContainer.write(
            encoder.bytes, ContainerHeader(kind: .scoringCount, parameters: .none, key: key), permissions: 0o600,
            to: path)
    }

    public static func read(path: String, key: Fingerprint) throws -> Int {
        try read(FileSource(path: path), name: path, key: key)
    }

    public static func read(_ source: some ByteSource, name: String, key: Fingerprint) throws -> Int {
        try ScoringContainer.read(source, name, .scoringCount) { header, decoder in
            guard header.key == key else {
                throw PrivateScoringError(.invalidEncoding, "count: is that of another key")
            }
            return Int(clamping: try decoder.decode(UInt64.self, "answers"))
        }
    }
}

enum ScoringIdentity {
    static func decode(_ decoder: inout BinaryDecoder) throws -> Fingerprint {
        guard let identity = Fingerprint(bytes: try decoder.decodeRaw(32, "question's identity")) else {
            throw PrivateScoringError(.invalidEncoding, "question's identity: want 32 bytes")
        }
        return identity
    }
}
