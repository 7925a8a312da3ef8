import ArgumentParser
import AtomicFiles
import BinaryCoding
import CKKS
import Foundation
import KeyFiles
import PrivateScoring
import Randomness
import TextClassification

struct SpamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spam", abstract: "Score a mail that stays at home by a model that stays encrypted.",
        discussion: """
            The model's owner trains and encrypts, and gives NAME.model away. The mail's holder asks with it; the owner \
            answers; the holder opens.

                tacit spam train mails --out spam.text
                tacit spam encrypt spam.text --out owner
                tacit spam ask mail.txt --model owner.model --out mine
                tacit spam answer mine.question --model owner.model --key owner.secret --out mine.answer
                tacit spam open mine.answer --model owner.model --blinding mine.blinding
            """,
        subcommands: [
            SpamTrainCommand.self, SpamEncryptCommand.self, SpamAskCommand.self, SpamAnswerCommand.self,
            SpamOpenCommand.self, SpamPredictCommand.self,
        ])
}

/// Mails on disk.
enum MailFile {
    /// A mail has at most 16 MiB.
    static func read(_ path: String) throws -> [UInt8] { try readFile(path, limit: 1 << 24) }

    static func features(_ path: String, _ vocabulary: Vocabulary) throws -> [Int32] {
        let content = try read(path)
        do { return try vocabulary.checkedFeatures(content) } catch {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }
}

struct SpamTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Naive Bayes from a folder with the subfolders spam and ham, a file a mail.")

    @Argument(help: "The folder.") var folder: String
    @Option(name: .customLong("least-mails"), help: "A word that fewer mails have is no feature.") var leastMails = 3
    @Option(help: "The model to write, in the clear (mode 0600).") var out: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...1 << 20).contains(leastMails) else {
            throw ValidationError("--least-mails: got \(leastMails), want 1...1048576")
        }
    }

    private struct Made: Encodable { var file: String, spam: Int, ham: Int, features: Int }

    func run() throws {
        common.apply()
        let spam = try mails("spam")
        let ham = try mails("ham")
        let file = try TextModelFile(
            naiveBayes: spam.map { ($0, true) } + ham.map { ($0, false) }, leastTexts: leastMails)
        try file.write(to: out)
        try Console.result(
            Made(file: out, spam: spam.count, ham: ham.count, features: file.vocabulary.count), json: common.json,
            "\(out): naive Bayes from \(spam.count) spam and \(ham.count) ham mails, \(file.vocabulary.count) features")
    }

    /// Mails without words and in encodings that are not read are left out, and named.
    private func mails(_ kind: String) throws -> [[UInt8]] {
        let place = URL(fileURLWithPath: folder).appending(path: kind).path
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: place) else {
            throw CommandFailure(.noInput, "\(folder)/\(kind): not found; want a folder with one file a mail")
        }
        let mails = try names.sorted().filter { !$0.hasPrefix(".") }.compactMap { name in
            let content = try MailFile.read("\(place)/\(name)")
            if content.contains(0) || WordReader.distinctWords(content).isEmpty {
                Console.warn("\(folder)/\(kind)/\(name): no words that can be read; left out")
                return nil as [UInt8]?
            }
            return content
        }
        guard !mails.isEmpty else { throw CommandFailure(.data, "\(folder)/\(kind): has no mails") }
        return mails
    }
}

struct SpamEncryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt", abstract: "Encrypt a model under a key of its own: NAME.model, NAME.secret, NAME.answers.")

    @Argument(help: "The model that `tacit spam train` wrote.") var model: String
    @Option(help: "NAME of the files to write.") var out: String
    @Option(help: "Answers that the owner will give; each can tell one weight or more.") var answers = 1000
    @OptionGroup var passphrase: PassphraseOptions
    @Flag(help: "Write the secret without a passphrase.") var unprotected = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...1_000_000).contains(answers) else {
            throw ValidationError("--answers: got \(answers), want 1...1000000")
        }
    }

    private struct Made: Encodable {
        var files: [String], answers: Int, features: Int, statedError: Double, threatModel: String
    }

    func run() throws {
        common.apply()
        let plain = try TextModelFile(path: model)
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        let files = ["\(out).model", writer.secretPath, SpamAnswerCommand.countPath(writer.secretPath)]
        try writer.requireNew(files)
        let phrase = try writer.secretPassphrase
        var random = SystemRandom()
        let owner = try ScoringOwner(
            weights: plain.model.weights, intercept: plain.model.intercept, queries: answers, using: &random)
        let encrypted = try EncryptedTextModel(owner, plain.vocabulary)
        var encoder = BinaryEncoder()
        encrypted.model.publicKey.encode(into: &encoder)
        let identity = encrypted.model.publicKey.identity
        let description = KeyDescription(
            scheme: SpamAnswerCommand.scheme,
            modulusBits: Int(try EncryptedLinearModel.parameters().ring.log2QP.rounded(.up)),
            label: writer.label(), created: Date().formatted(.iso8601))
        _ = try writer.writeAll(files) {
            try KeyFile.writeSecret(
                owner.encodedSecret(SecretAccess("writing the secret key file")), kind: .secretKey,
                publicKey: encoder.bytes, description: description, parameters: encrypted.identity, key: identity,
                passphrase: phrase, to: writer.secretPath, using: &random)
            try ScoringCountFile.write(0, key: identity, to: files[2])
            try encrypted.write(to: files[0])
        }
        if answers > plain.vocabulary.count {
            Console.warn(
                "\(answers) answers are enough to know the whole model of \(plain.vocabulary.count) features")
        }
        try Console.result(
            Made(
                files: files, answers: answers, features: plain.vocabulary.count, statedError: owner.errorBound,
                threatModel: encrypted.threatModel), json: common.json,
            "\(files[0]): to give away; \(files[1]), \(files[2]): to keep\n  adversary: \(encrypted.threatModel)")
    }
}

struct SpamAskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Make a question from a mail: NAME.question to send, NAME.blinding to keep.")

    @Argument(help: "The mail, one file.") var mail: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "NAME of the files to write.") var out: String
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable { var question: String, blinding: String, features: Int, threatModel: String }

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let features = try MailFile.features(mail, encrypted.vocabulary)
        var random = SystemRandom()
        let asked = try encrypted.model.ask(features, using: &random)
        let question = ScoringQuestionFile(asked.question)
        let (sent, kept) = ("\(out).question", "\(out).blinding")
        try ScoringBlindingFile(asked.blinding, of: question).write(encrypted, to: kept)
        try question.write(encrypted, to: sent)
        try Console.result(
            Made(question: sent, blinding: kept, features: features.count, threatModel: encrypted.threatModel),
            json: common.json,
            "\(sent): to send to the owner; \(kept): to keep\n  adversary: \(encrypted.threatModel)")
    }
}

struct SpamAnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "The owner's part: answer a question, as long as answers are left.")

    /// A name of its own: `tacit decrypt` would open without the noise that hides the key.
    static let scheme = "private-scoring"
    static func countPath(_ key: String) -> String {
        (key.hasSuffix(".secret") ? String(key.dropLast(7)) : key) + ".answers"
    }

    @Argument(help: "The question.") var question: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "The key, NAME.secret; NAME.answers stands beside it.") var key: String
    @Option(help: "The answer to write.") var out: String
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable { var file: String, answered: Int, answers: Int, threatModel: String }

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let asked = try ScoringQuestionFile(path: question, encrypted)
        let file = try KeyFile(path: key)
        guard file.description.scheme == Self.scheme, file.header.kind == .secretKey else {
            throw CommandFailure(
                .data,
                "\(key): got a \(file.header.kind) of \(file.description.scheme), want the secret of `tacit spam encrypt`")
        }
        guard file.header.parameters == encrypted.identity else {
            throw CommandFailure(.data, "\(key): is the key of another model than \(model)")
        }
        if !file.needsPassphrase { Console.warn("\(key): the secret is not protected by a passphrase") }
        let secret = try file.openSecret(
            passphrase: file.needsPassphrase ? passphrase.read(for: key, isNew: false) : nil)
        let path = Self.countPath(key)
        let identity = encrypted.model.publicKey.identity
        // Two answers at once must not both count as one.
        let (answered, answers) = try KeyWriter.lockingFolder(of: key) {
            let count = try ScoringCountFile.read(path: path, key: identity)
            var owner: ScoringOwner
            do { owner = try ScoringOwner(model: encrypted.model, encoded: secret, answered: count) } catch {
                throw CommandFailure(.data, "\(key): \(error.message)")
            }
            var random = SystemRandom()
            let answer = try owner.answer(asked.question, using: &random)
            try ScoringCountFile.write(owner.answered, key: identity, to: path)
            try ScoringAnswerFile(answer, to: asked).write(encrypted, to: out)
            return (owner.answered, owner.queries)
        }
        try Console.result(
            Made(file: out, answered: answered, answers: answers, threatModel: encrypted.threatModel),
            json: common.json,
            "\(out): answer \(answered) of \(answers), to send back\n  adversary: \(encrypted.threatModel)")
    }
}

struct SpamScore: Encodable {
    var isSpam: Bool, score: Double, statedError: Double?, threatModel: String?

    var words: String {
        let error = statedError.map { String(format: " ± %.4f", $0) } ?? ""
        let doubt = abs(score) <= statedError ?? 0 ? "; too near 0 to be certain" : ""
        let adversary = threatModel.map { "\n  adversary: \($0)" } ?? ""
        return (isSpam ? "spam" : "ham") + String(format: ", score %.4f", score) + error + doubt + adversary
    }
}

struct SpamOpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "The holder's last part: spam or ham, and the score.")

    @Argument(help: "The answer.") var answer: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "What `tacit spam ask` kept, NAME.blinding.") var blinding: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let given = try ScoringAnswerFile(path: answer, encrypted)
        let kept = try ScoringBlindingFile(path: blinding, encrypted)
        let score: Double
        do { score = try kept.score(given) } catch { throw CommandFailure(.data, "\(answer): \(error.message)") }
        let result = SpamScore(
            isSpam: score > 0, score: score, statedError: try ScoringOwner.errorBound(queries: encrypted.queries),
            threatModel: encrypted.threatModel)
        try Console.result(result, json: common.json, result.words)
    }
}

struct SpamPredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Score a mail by a model in the clear; hides nothing.")

    @Argument(help: "The mail, one file.") var mail: String
    @Option(help: "The model that `tacit spam train` wrote.") var model: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let plain = try TextModelFile(path: model)
        let score = plain.model.score(try MailFile.features(mail, plain.vocabulary)[...])
        let result = SpamScore(isSpam: score > 0, score: score, statedError: nil, threatModel: nil)
        try Console.result(result, json: common.json, result.words)
    }
}
