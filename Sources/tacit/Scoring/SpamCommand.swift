import ArgumentParser
import Foundation
import KeyFiles
import PrivateScoring
import Randomness

struct SpamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spam", abstract: "Score a mail that stays at home by a model that stays encrypted.",
        discussion: """
            The model's owner trains on its mails, encrypts, and gives NAME.model away. Whoever has a mail asks with it; the \
            owner answers; the one who asked opens the score. Neither shows the other mail or model.

                tacit spam train mails --out filter.text
                tacit spam encrypt filter.text --out owner
                tacit spam ask mail.eml --model owner.model --out mine
                tacit spam answer mine.question --model owner.model --key owner.secret --out mine.answer
                tacit spam open mine.answer --model owner.model --blinding mine.blinding
            """,
        subcommands: [
            SpamTrainCommand.self, SpamEncryptCommand.self, SpamAskCommand.self, SpamAnswerCommand.self,
            SpamOpenCommand.self, SpamPredictCommand.self,
        ])
}

/// The owner's files besides the model.
enum ScoringKeyFile {
    /// A name of its own: `tacit decrypt` would open without the noise that hides the key.
    static let scheme = "private-scoring"

    /// The count of answers stands beside the key.
    static func countPath(_ key: String) -> String {
        (key.hasSuffix(".secret") ? String(key.dropLast(7)) : key) + ".answers"
    }

    /// The key of a model, as ``StoredScoringOwner`` wants it.
    static func open(_ path: String, of model: EncryptedTextModel, _ passphrase: PassphraseOptions) throws
        -> SecretBytes
    {
        let file = try KeyFile(path: path)
        guard file.description.scheme == scheme, file.header.kind == .secretKey else {
            throw CommandFailure(
                .data,
                "\(path): got a \(file.header.kind) of \(file.description.scheme), want the secret that `tacit spam encrypt` "
                    + "wrote")
        }
        guard file.header.parameters == model.identity else {
            throw CommandFailure(
                .data, "\(path): is the key of model \(file.header.parameters), the model given is \(model.identity)")
        }
        guard file.needsPassphrase else {
            Console.warn("\(path): the secret is not protected by a passphrase")
            return try file.openSecret(passphrase: nil)
        }
        return try file.openSecret(passphrase: passphrase.read(for: path, isNew: false))
    }
}

/// Scores as they are shown.
struct SpamScores: Encodable {
    struct One: Encodable {
        var mail: String
        var isSpam: Bool
        var score: Double
        /// False when the error could change the decision.
        var isDecided: Bool
    }

    var scores: [One]
    /// Scores in the clear are within this.
    var statedError: Double?
    var threatModel: String?

    init(_ scores: [(mail: String, score: Double)], statedError: Double? = nil, threatModel: String? = nil) {
        self.scores = scores.map { mail, score in
            One(mail: mail, isSpam: score > 0, score: score, isDecided: abs(score) > statedError ?? 0)
        }
        self.statedError = statedError
        self.threatModel = threatModel
    }

    var words: String {
        let error = statedError.map { String(format: " ± %.4f", $0) } ?? ""
        let lines = scores.map { one in
            "\(one.mail): \(one.isSpam ? "spam" : "ham"), score " + String(format: "%.4f", one.score) + error
                + (one.isDecided ? "" : "; too near 0 to be certain")
        }
        return (lines + (threatModel.map { ["  adversary: \($0)"] } ?? [])).joined(separator: "\n")
    }
}
