import ArgumentParser
import BinaryCoding
import Datasets
import Foundation
import KeyFiles
import PrivateScoring
import Randomness

struct SpamTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "A spam filter from your own mails: naive Bayes, then logistic regression.",
        discussion: """
            Mails are files in the subfolders spam and ham; Internet messages are taken apart (subject, text parts, HTML \
            without tags), anything else is read as text. What has the same words in the same order counts once.
            """)

    @Argument(help: "A folder with the subfolders spam and ham, or enron-spam, the registered data set.") var mails:
        String
    @Option(name: .customLong("data-dir"), help: "A folder with local copies of the registered data sets.")
    var dataDirectory: String?
    @Option(name: .customLong("held-out"), help: "Share of the mails that measure the model instead of training it.")
    var heldOut = TextTraining().heldOutShare
    @Option(name: .customLong("least-mails"), help: "A word that fewer mails have is no feature.")
    var leastMails = TextTraining().leastTexts
    @Option(
        name: .customLong("log-buckets"),
        help:
            "Words are hashed into 2^this buckets, 10...18; more make fewer words share one, and a larger encrypted model."
    )
    var logBuckets = TextTraining().logBuckets
    @Option(help: "Passes of logistic regression; 0 leaves naive Bayes as it is.") var passes = TextTraining().passes
    @Option(help: "The model to write, in the clear (mode 0600).") var out: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (0...TextTraining.mostPasses).contains(passes) else {
            throw ValidationError("--passes: got \(passes), want 0...\(TextTraining.mostPasses)")
        }
        guard (1...1 << 20).contains(leastMails) else {
            throw ValidationError("--least-mails: got \(leastMails), want 1...1048576")
        }
        guard (0...0.9).contains(heldOut) else {
            throw ValidationError("--held-out: got \(heldOut), want 0...0.9")
        }
        guard TextModelFile.logBucketsRange.contains(logBuckets) else {
            throw ValidationError("--log-buckets: got \(logBuckets), want 10...18")
        }
    }

    private struct Made: Encodable {
        var file: String
        var spam: Int
        var ham: Int
        var duplicates: Int
        var features: Int
        var heldOut: TextTraining.Judgement?
        var accuracy: Double?
    }

    func run() throws {
        common.apply()
        var training = TextTraining()
        training.logBuckets = logBuckets
        training.leastTexts = leastMails
        training.heldOutShare = heldOut
        training.passes = passes
        let texts = try MailInput.labelled(mails, dataDirectory: dataDirectory)
        let outcome: TextTraining.Outcome
        let progress = Progress("training", total: passes, unit: "passes")
        defer { progress.finish() }
        do { outcome = try training.run(texts) { progress.reach($0) } } catch let error as PrivateScoringError {
            throw CommandFailure(
                .data, "\(mails): \(error.message); give more mails or smaller --held-out and --least-mails")
        }
        progress.finish()
        let features = outcome.file.vocabulary.count
        try outcome.file.write(to: out)
        let measured = outcome.heldOut.map { one in
            String(format: "\n  %.2f %% right of ", 100 * one.accuracy)
                + "\(one.count) mails held out: \(one.missed) of \(one.positives) spam missed, "
                + "\(one.falseAlarms) of \(one.negatives) ham called spam"
        }
        try Console.result(
            Made(
                file: out, spam: outcome.positives, ham: outcome.negatives, duplicates: outcome.duplicates,
                features: features, heldOut: outcome.heldOut, accuracy: outcome.heldOut?.accuracy), json: common.json,
            "\(out): from \(outcome.positives) spam and \(outcome.negatives) ham mails, \(features) features; "
                + "\(outcome.duplicates) duplicates left out" + (measured ?? ""))
    }
}

struct SpamEncryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt",
        abstract: "Encrypt a model under a key of its own: NAME.model, NAME.secret, NAME.answers.")

    @Argument(help: "The model of `tacit spam train`, or of a federated study with --model text:16 (.safetensors).")
    var model: String
    @Option(help: "NAME of the files to write.") var out: String
    @Option(help: "Answers that the owner will give in the key's life, to all readers together.") var answers = 64
    @OptionGroup var passphrase: PassphraseOptions
    @Flag(help: "Write the secret without a passphrase.") var unprotected = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard ScoringOwner.queriesRange.contains(answers) else {
            throw ValidationError("--answers: got \(answers), want 1...1000000")
        }
    }

    private struct Made: Encodable {
        var files: [String]
        var answers: Int
        var features: Int
        var bytes: Int
        var statedError: Double
        var threatModel: String
    }

    func run() throws {
        common.apply()
        let plain = try FilterInput.read(model)
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        let files = ["\(out).model", writer.secretPath, ScoringKeyFile.countPath(writer.secretPath)]
        try writer.requireNew(files)
        let phrase = try writer.secretPassphrase
        var random = SystemRandom()
        let owner: ScoringOwner
        do throws(PrivateScoringError) {
            owner = try ScoringOwner(
                weights: plain.bucketWeights, intercept: plain.model.intercept, queries: answers, using: &random)
        } catch { throw CommandFailure(.data, "\(model): \(error.message)") }
        let encrypted = try EncryptedTextModel(owner, plain.vocabulary.hashing)
        let adversary = try encrypted.threatModel
        var encoder = BinaryEncoder()
        encrypted.model.publicKey.encode(into: &encoder)
        let identity = encrypted.model.publicKey.identity
        let description = KeyDescription(
            scheme: ScoringKeyFile.scheme,
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
        let enough = try ScoringOwner.answersForTheKey(queries: answers)
        if answers >= enough {
            Console.warn(
                "\(answers) answers: a reader that does not follow the protocol takes the key from \(enough); give the model to "
                    + "readers that you trust with that, or fewer answers")
        }
        try Console.result(
            Made(
                files: files, answers: answers, features: encrypted.model.featureCount, bytes: encrypted.byteCount,
                statedError: owner.errorBound, threatModel: adversary), json: common.json,
            "\(files[0]): to give away; \(files[1]), \(files[2]): to keep\n  adversary: \(adversary)")
    }
}

struct SpamPredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Score mails by a model in the clear; hides nothing.")

    @Argument(help: "The mails, one a file.") var mails: [String]
    @Option(help: "The model of `tacit spam train`, or of a federated study with --model text:16 (.safetensors).")
    var model: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let plain = try FilterInput.read(model)
        let scores = try MailInput.read(mails).map { name, text in
            do throws(PrivateScoringError) { return (name, try plain.score(text)) } catch {
                throw CommandFailure(.data, "\(name): \(error.message)")
            }
        }
        let result = SpamScores(scores)
        try Console.result(result, json: common.json, result.words)
    }
}
