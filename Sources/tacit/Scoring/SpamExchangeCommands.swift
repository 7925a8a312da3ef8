import ArgumentParser
import Foundation
import PrivateScoring
import Randomness

struct SpamAskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Make a question from mails: NAME.question to send, NAME.blinding to keep.",
        discussion: "Each mail costs the owner one answer. The owner sees how many mails there are.")

    @Argument(help: "The mails, one a file.") var mails: [String]
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "NAME of the files to write.") var out: String
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable {
        var question: String
        var blinding: String
        var mails: Int
        var bytes: Int
        var threatModel: String
    }

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let adversary = try encrypted.threatModel
        let files = ["\(out).question", "\(out).blinding"]
        let reason = "an answer to the question there needs the blinding there"
        try KeyWriter.requireNew(files, reason)
        var random = SystemRandom()
        let texts = try MailInput.read(mails)
        let progress = Progress("asking", total: texts.count, unit: "mails")
        defer { progress.finish() }
        let asked = try encrypted.ask(texts, using: &random) { progress.reach($0) }
        progress.finish()
        try KeyWriter.writeAll(files, reason) {
            try asked.blinding.write(encrypted, to: files[1])
            try asked.question.write(encrypted, to: files[0])
        }
        try Console.result(
            Made(
                question: files[0], blinding: files[1], mails: texts.count, bytes: asked.question.byteCount,
                threatModel: adversary), json: common.json,
            "\(files[0]): to send to the owner; \(files[1]): to keep\n  adversary: \(adversary)")
    }
}

/// A privacy report beside the result.
struct ScoringReportOptions: ParsableArguments {
    @Option(help: "Write a privacy report, NAME.json and NAME.html, with this NAME.") var report: String?

    func write(_ made: @autoclosure () throws -> SpamScoringReport) throws {
        guard let report else { return }
        try ReportFile.write(made().make(), stem: report)
        Console.log("privacy report: \(report).html and .json")
    }
}

struct SpamAnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "The owner's part: answer a question, as long as answers are left.",
        discussion: """
            The answer is counted in NAME.answers, beside the key, before it is written. Never set that file back to an \
            earlier copy, and keep no second copy of the key in use: answers would be counted twice from the same start.
            """)

    @Argument(help: "The question.") var question: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "The key, NAME.secret; NAME.answers stands beside it.") var key: String
    @Option(help: "The answer to write.") var out: String
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var report: ScoringReportOptions
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable {
        var file: String
        var mails: Int
        var answered: Int
        var answers: Int
        var threatModel: String
    }

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let adversary = try encrypted.threatModel
        let asked = try ScoringQuestionFile(path: question, encrypted)
        let secret = try ScoringKeyFile.open(key, of: encrypted, passphrase)
        var random = SystemRandom()
        let clock = ContinuousClock()
        let start = clock.now
        let (answered, answers) = try StoredScoringOwner(
            model: encrypted, secret: secret, countPath: ScoringKeyFile.countPath(key)
        ).answer(asked, to: out, using: &random)
        let seconds = (clock.now - start).inSeconds
        try report.write(
            SpamScoringReport(
                model: encrypted, side: .owner(answered: answered), mails: asked.questions.count, seconds: seconds,
                questionBytes: asked.byteCount, inputs: [model, question]))
        try Console.result(
            Made(
                file: out, mails: asked.questions.count, answered: answered, answers: answers, threatModel: adversary),
            json: common.json,
            "\(out): to send back; \(answered) of \(answers) answers are given\n  adversary: \(adversary)")
    }
}

struct SpamOpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "The reader's last part: spam or ham, and the scores.")

    @Argument(help: "The answer.") var answer: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "What `tacit spam ask` kept, NAME.blinding.") var blinding: String
    @OptionGroup var report: ScoringReportOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let encrypted = try EncryptedTextModel(path: model)
        let given = try ScoringAnswerFile(path: answer, encrypted)
        let kept = try ScoringBlindingFile(path: blinding, encrypted)
        let scores: [Double]
        do throws(PrivateScoringError) { scores = try kept.scores(given) } catch {
            throw CommandFailure(.data, "\(answer): \(error.message); give the NAME.blinding of its question")
        }
        let result = SpamScores(
            Array(zip(kept.names, scores)), statedError: try encrypted.errorBound,
            threatModel: try encrypted.threatModel)
        try report.write(
            SpamScoringReport(model: encrypted, side: .reader, mails: scores.count, inputs: [model, answer]))
        try Console.result(result, json: common.json, result.words)
    }
}
