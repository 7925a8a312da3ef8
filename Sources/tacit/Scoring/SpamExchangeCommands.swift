import ArgumentParser
import Foundation
import PrivateScoring
import Randomness

struct SpamAskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Make a question from a mail: NAME.question to send, NAME.blinding to keep.")

    @Argument(help: "The mail, one file.") var mail: String
    @Option(help: "The encrypted model, NAME.model.") var model: String
    @Option(help: "NAME of the files to write.") var out: String
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable {
        var question: String
        var blinding: String
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
        let asked = try MailInput.with(mail) { text throws(PrivateScoringError) in
            try encrypted.ask(text, using: &random)
        }
        try KeyWriter.writeAll(files, reason) {
            try asked.blinding.write(encrypted, to: files[1])
            try asked.question.write(encrypted, to: files[0])
        }
        try Console.result(
            Made(
                question: files[0], blinding: files[1], bytes: asked.question.byteCount,
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
                model: encrypted, side: .owner(answered: answered), seconds: seconds, questionBytes: asked.byteCount,
                inputs: [model, question]))
        try Console.result(
            Made(file: out, answered: answered, answers: answers, threatModel: adversary),
            json: common.json,
            "\(out): answer \(answered) of \(answers), to send back\n  adversary: \(adversary)")
    }
}

struct SpamOpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "The reader's last part: spam or ham, and the score.")

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
        let score: Double
        do throws(PrivateScoringError) { score = try kept.score(given) } catch {
            throw CommandFailure(.data, "\(answer): \(error.message); give the NAME.blinding of its question")
        }
        let result = SpamScore(score, statedError: try encrypted.errorBound, threatModel: try encrypted.threatModel)
        try report.write(SpamScoringReport(model: encrypted, side: .reader, inputs: [model, answer]))
        try Console.result(result, json: common.json, result.words)
    }
}
