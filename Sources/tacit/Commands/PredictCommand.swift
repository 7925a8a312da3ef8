import ArgumentParser
import Foundation
import PrivateLearning
import Randomness
import Tabular

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Apply a model: to encrypted rows, encrypted to clear rows, or in the clear.",
        discussion: """
            tacit predict --encrypted features.tacit --model model.safetensors --out scores.tacit
                the rows are encrypted, this machine has the model and no key
            tacit predict --encrypted model.tacit --data rows.csv --out scores.tacit
                the model is encrypted, this machine has the rows and no key
            tacit predict --model model.safetensors --data rows.csv --out predictions.csv
                everything in the clear
            tacit predict --encrypted picture.tacit --model network.safetensors --evaluation-keys me.evaluation --out scores.tacit
                the picture is encrypted, this machine has the network and no secret key
            tacit predict --encrypted --model network.safetensors --image 7.png --out prediction.csv
                encrypts, computes on ciphertexts and decrypts, all on this machine: to see it work and to measure it
            """)

    @Option(help: "Encrypted features, or an encrypted model.") var encrypted: String?
    @Option(help: "A model in the clear.") var model: String?
    @Option(help: "A CSV file with rows in the clear, or the name of a registered data set.") var data: String?
    @OptionGroup var format: TableFormatOptions
    @Flag(name: .customLong(PredictCommand.localFlag), help: .hidden) var isLocal = false
    @Option(help: "A picture, PNG or binary PGM, with --encrypted that names no file.") var image: String?
    @Flag(name: .customLong("invert"), help: "The picture is dark on light; MNIST's are light on dark.")
    var isInverted = false
    @Option(help: "Only this row of --data, from 0, for a network.") var row: Int?
    @Option(
        name: .customLong("evaluation-keys"), help: "For CKKS features encrypted with --single-row, and for networks.")
    var evaluationKeys: String?
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    /// What `--encrypted` without a file is read as.
    static let localFlag = "encrypted-here"

    /// `--encrypted` may stand without a value: then nothing is encrypted yet, and this process does all steps.
    static func normalised(_ arguments: [String]) -> [String] {
        guard arguments.first == configuration.commandName else { return arguments }
        return arguments.indices.map { index in
            let isAlone = index + 1 == arguments.count || arguments[index + 1].hasPrefix("--")
            return arguments[index] == "--encrypted" && isAlone ? "--\(localFlag)" : arguments[index]
        }
    }

    func validate() throws {
        if isLocal {
            guard encrypted == nil, model != nil, (image == nil) != (data == nil) else {
                throw ValidationError("--encrypted without a file needs --model and --image, or --data")
            }
            return
        }
        guard image == nil, row == nil, !isInverted else {
            throw ValidationError("--image, --row, --invert: belong to --encrypted without a file")
        }
        guard [encrypted, model, data].compactMap({ $0 }).count == 2 else {
            throw ValidationError("give two of --encrypted, --model and --data")
        }
    }

    func run() throws {
        common.apply()
        if isLocal, let model { return try predictLocally(model) }
        if try predictCKKS() { return }
        var random = SystemRandom()
        if let encrypted, let model {
            let header = try Containers.header(encrypted)
            guard header.kind == .encryptedFeatures else {
                throw CommandFailure(
                    .data, "\(encrypted): kind: got \(header.kind), want \("encrypted features for prediction")")
            }
            let features = try EncryptedFeatures(path: encrypted)
            let scores = try features.scores(of: ModelFile.read(model), using: &random)
            try scores.write(to: out)
            try done(rows: features.rowCount, target: scores.meaning.target, isEncrypted: true)
        } else if let encrypted, let data {
            let header = try Containers.header(encrypted)
            guard header.kind == .encryptedModel else {
                throw CommandFailure(.data, "\(encrypted): kind: got \(header.kind), want an encrypted model")
            }
            let sealed = try EncryptedModel(path: encrypted)
            let (table, _) = try format.read(data, needsTarget: false)
            let scores = try sealed.scores(of: table, using: &random)
            try scores.write(to: out)
            try done(rows: table.rowCount, target: scores.meaning.target, isEncrypted: true)
        } else if let model, let data, let network = try NetworkUse(path: model) {
            let rows = try network.predict(data, format, out: out)
            try done(rows: rows, target: network.model.task.target.name, isEncrypted: false)
        } else if let model, let data {
            let fitted = try ModelFile.readAny(model)
            let (table, _) = try format.read(data, needsTarget: false)
            if let components = fitted as? ComponentModel {
                try PredictionFile.write(coordinates: components.project(table), to: out)
                return try done(rows: table.rowCount, target: components.target, isEncrypted: false)
            }
            let values = try fitted.predict(table)
            try PredictionFile.write(values, to: out)
            try done(rows: values.count, target: fitted.target, isEncrypted: false)
        }
    }

    struct Made: Encodable {
        var file: String
        var rows: Int
        var target: String
        var encrypted: Bool
    }

    func done(rows: Int, target: String, isEncrypted: Bool) throws {
        try Console.result(
            Made(file: out, rows: rows, target: target, encrypted: isEncrypted), json: common.json,
            "\(out): \(rows) \(isEncrypted ? "encrypted " : "")predictions of \(target)")
    }
}
