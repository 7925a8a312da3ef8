import BinaryCoding
import Lattice
import Randomness

/// Questions about one or more mails on disk; the header names the model and the key.
public struct ScoringQuestionFile: Sendable {
    public let questions: [ScoringQuestion]
    /// By which an answer names its question.
    public let identity: Fingerprint
    private let encoded: [UInt8]

    /// Mails that one file can ask about.
    public static let mostMails = 4096

    public var byteCount: Int { encoded.count }

    /// - Errors: `invalidArgument` for none and for more than ``mostMails``.
    public init(_ questions: [ScoringQuestion]) throws(PrivateScoringError) {
        try Self.check(count: questions.count)
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(questions.count))
        for question in questions { question.encode(into: &encoder) }
        self.questions = questions
        encoded = encoder.bytes
        identity = Fingerprint(of: encoded)
    }

    static func check(count: Int) throws(PrivateScoringError) {
        guard (1...mostMails).contains(count) else {
            throw PrivateScoringError(.invalidArgument, "mails: got \(count), want 1...\(mostMails)")
        }
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
            let ring = model.model.context.ring
            return try ScoringQuestionFile(
                ScoringCounts.decodeList(&decoder) { decoder throws(PrivateScoringError) in
                    try ScoringQuestion(decodingOneOf: &decoder, ring: ring)
                })
        }
    }
}

/// What takes the blinding off the answers to a question; it stays at home, mode 0600.
public struct ScoringBlindingFile: Sendable {
    /// One for each mail.
    public let blindings: [EncryptedLinearModel.Blinding]
    /// What the reader calls the mails.
    public let names: [String]
    /// Of the question it belongs to.
    public let question: Fingerprint

    /// Bytes of a name that are kept.
    static let longestName = 4096

    /// - Parameter names: of the mails, one for each; a precondition.
    public init(_ blindings: [EncryptedLinearModel.Blinding], names: [String], of question: ScoringQuestionFile) {
        precondition(names.count == blindings.count, "names: want one for each mail")
        self.blindings = blindings
        self.names = names.map { name in
            name.utf8.count <= Self.longestName
                ? name : String(decoding: name.utf8.prefix(Self.longestName), as: UTF8.self)
        }
        self.question = question.identity
    }

    public func write(_ model: EncryptedTextModel, to path: String) throws {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(question.bytes)
        encoder.encode(UInt32(blindings.count))
        for (name, blinding) in zip(names, blindings) {
            encoder.encode(name)
            blinding.encode(into: &encoder)
        }
        try ScoringContainer.write(
            encoder.bytes, model.header(.scoringBlinding), permissions: 0o600, to: path)
    }

    public init(path: String, _ model: EncryptedTextModel) throws {
        try self.init(FileSource(path: path), name: path, model)
    }

    public init(_ source: some ByteSource, name: String, _ model: EncryptedTextModel) throws {
        self = try ScoringContainer.read(source, name, .scoringBlinding) { header, decoder in
            try model.require(header, "blinding")
            let question = try ScoringCounts.decodeIdentity(&decoder)
            let basis = model.model.basis
            let list = try ScoringCounts.decodeList(&decoder) { decoder throws(PrivateScoringError) in
                let name: String
                do throws(BinaryCodingError) {
                    name = try decoder.decodeString("name", limit: 4 * Self.longestName)
                } catch {
                    throw PrivateScoringError(.invalidEncoding, error.message)
                }
                return (name, try EncryptedLinearModel.Blinding(decoding: &decoder, basis: basis))
            }
            return ScoringBlindingFile(blindings: list.map(\.1), names: list.map(\.0), question: question)
        }
    }

    private init(blindings: [EncryptedLinearModel.Blinding], names: [String], question: Fingerprint) {
        self.blindings = blindings
        self.names = names
        self.question = question
    }

    /// The scores in an answer, one for each of ``names``.
    /// - Errors: `invalidEncoding` when it answers another question.
    public func scores(_ file: ScoringAnswerFile) throws(PrivateScoringError) -> [Double] {
        guard file.question == question, file.answers.count == blindings.count else {
            throw PrivateScoringError(.invalidEncoding, "answer: is that of another question")
        }
        return zip(blindings, file.answers).map { $0.score($1) }
    }
}

/// Answers to the questions of a file.
public struct ScoringAnswerFile: Sendable {
    public let answers: [ScoringAnswer]
    public let question: Fingerprint

    public init(_ answers: [ScoringAnswer], to question: ScoringQuestionFile) {
        self.answers = answers
        self.question = question.identity
    }

    public func write(_ model: EncryptedTextModel, to path: String) throws { try begin(model, path).finish() }

    /// A file that has its name and content when it is finished.
    func begin(_ model: EncryptedTextModel, _ path: String) throws -> Unfinished {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(question.bytes)
        encoder.encode(UInt32(answers.count))
        for answer in answers { answer.encode(into: &encoder) }
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
        (question, answers) = try ScoringContainer.read(source, name, .scoringAnswer) { header, decoder in
            try model.require(header, "answer")
            let identity = try ScoringCounts.decodeIdentity(&decoder)
            let ring = model.model.context.ring
            return (
                identity,
                try ScoringCounts.decodeList(&decoder) { decoder throws(PrivateScoringError) in
                    try ScoringAnswer(decodingOneOf: &decoder, ring: ring)
                }
            )
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

enum ScoringCounts {
    static func decodeIdentity(_ decoder: inout BinaryDecoder) throws -> Fingerprint {
        guard let identity = Fingerprint(bytes: try decoder.decodeRaw(32, "question's identity")) else {
            throw PrivateScoringError(.invalidEncoding, "question's identity: want 32 bytes")
        }
        return identity
    }

    /// A number of mails and something for each.
    static func decodeList<Value>(
        _ decoder: inout BinaryDecoder, _ one: (inout BinaryDecoder) throws(PrivateScoringError) -> Value
    ) throws -> [Value] {
        let count = Int(try decoder.decode(UInt32.self, "mails"))
        try ScoringQuestionFile.check(count: count)
        var list: [Value] = []
        for _ in 0..<count { list.append(try one(&decoder)) }
        return list
    }
}
