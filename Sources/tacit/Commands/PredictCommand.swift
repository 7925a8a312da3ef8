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
            """)

    @Option(help: "Encrypted features, or an encrypted model.") var encrypted: String?
    @Option(help: "A model in the clear.") var model: String?
    @Option(help: "A CSV file with rows in the clear, or the name of a registered data set.") var data: String?
    @OptionGroup var format: TableFormatOptions
    @Option(name: .customLong("evaluation-keys"), help: "For CKKS features encrypted with --single-row.")
    var evaluationKeys: String?
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard [encrypted, model, data].compactMap({ $0 }).count == 2 else {
            throw ValidationError("give two of --encrypted, --model and --data")
        }
    }

    func run() throws {
        common.apply()
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
