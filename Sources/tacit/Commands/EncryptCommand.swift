import ArgumentParser
import Foundation
import Paillier
import PrivateLearning
import Randomness
import Tabular

struct EncryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt", abstract: "Encrypt a table, or a model, under a public key.",
        discussion: """
            What is made, by --as:
              sums      (default) the table's exact sums and sums of products; smallest, for training over several owners
              rows      every row with its products; the server can then train on any subset, fold or weighting
              features  columns without products, for predictions by a server that has a model
            With --model instead of --data a model is encrypted, for predictions on rows in the clear.

            Under a CKKS key, --as rows makes scaled rows for training by gradients (a logistic model where the target has \
            two values, a linear one elsewhere; --for says otherwise), and features are for predictions. The secret key in \
            place of the public one makes half the bytes.

            For a network's prediction: --image FILE, or --data with --row, by the description NAME.circuit beside the key (or \
            --like a network or its description).

            All owners of one study need the same schema, --max-rows and --min-cohort.
            """)

    enum Form: String, ExpressibleByArgument, CaseIterable { case sums, rows, features }

    @Option(help: "A CSV file, or the name of a registered data set.") var data: String?
    @Option(help: "A model to encrypt instead of a table.") var model: String?
    @Option(help: "ckks: a picture to encrypt for a network, PNG or binary PGM.") var image: String?
    @Flag(name: .customLong("invert"), help: "The picture is dark on light; MNIST's are light on dark.")
    var isInverted = false
    @Option(help: "ckks: only this row of --data, from 0, for a network.") var row: Int?
    @OptionGroup var format: TableFormatOptions
    @Option(help: "The public key file.") var key: String
    @Option(help: "The file to write.") var out: String
    @Option(name: .customLong("as"), help: "sums, rows or features; without it sums under Paillier, rows under CKKS.")
    var requestedForm: Form?
    @Option(help: "Who these rows belong to; the server adds each owner once.") var owner: String?
    @Option(help: "Overrides the schema's target.") var target: String?
    @Option(help: "The scheme; the key says it too.") var scheme: String?
    @Option(name: .customLong("for"), help: "ckks: what is to be trained on the rows, logistic, linear or ridge.")
    var purpose: CircuitOptions.Model?
    @Option(help: "ckks: parts of the rows that take turns in training, one an iteration.") var batches = 1
    @Option(help: "ckks: values farther from the mean than so many deviations are cut off.")
    var clip = FeatureScaling.standardClip
    @Option(help: "ckks: a scaling that all owners of a study share, as `tacit decrypt --scaling` writes it.")
    var scaling: String?
    @Option(help: "ckks: a model whose encoding features shall have, cut-off values included.") var like: String?
    @Flag(name: .customLong("single-row"), help: "ckks: features a ciphertext a row, for the shortest wait.")
    var isSingleRow = false
    @OptionGroup var passphrase: PassphraseOptions
    @Option(name: .customLong("max-rows"), help: "Most rows that all owners together may have.") var maximumRows =
        1 << 20
    @Option(name: .customLong("min-cohort"), help: "Fewest rows over which sums are formed or opened.")
    var minimumCohort = 10
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard [data, model, image].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("give one of --data, --model and --image")
        }
    }

    func run() throws {
        common.apply()
        let isCKKS = try CKKSKeyFiles.isOne(key)
        guard scheme == nil || scheme == (isCKKS ? CKKSKeyFiles.scheme : "paillier") else {
            throw CommandFailure(.usage, "--scheme: got \(scheme!), the key is for \(isCKKS ? "ckks" : "paillier")")
        }
        if isCKKS { return try encryptCKKS() }
        let (_, publicKey) = try KeyInput.publicKey(key)
        var random = SystemRandom()
        if let model {
            let encryptor = PaillierEncryptor(publicKey)
            let encrypted = try EncryptedModel.encrypt(ModelFile.read(model), with: encryptor, using: &random)
            try encrypted.write(to: out)
            return try done("model", rows: nil, ciphertexts: encrypted.featureNames.count + 1)
        }
        guard let data else { return }
        let (table, schema) = try format.read(data, target: target, needsTarget: requestedForm != .features)
        let plan = try EncodingPlan(
            schema: requestedForm == .features ? TableFormatOptions.withoutTargets(schema) : schema,
            maximumRows: maximumRows,
            minimumCohort: minimumCohort)
        let label = owner ?? URL(fileURLWithPath: data).deletingPathExtension().lastPathComponent
        let form = requestedForm ?? .sums
        switch form {
        case .sums:
            let layout = try EncryptedMoments.layout(plan: plan, modulusBits: publicKey.parameters.modulusBits)
            let encrypted = try EncryptedMoments.encrypt(
                table, plan: plan, owner: label,
                with: PaillierEncryptor(publicKey, expectedCount: layout.plaintextCount), using: &random)
            try encrypted.write(to: out)
            try done("sums", rows: table.rowCount, ciphertexts: layout.plaintextCount)
        case .rows:
            let layout = try EncryptedMoments.layout(plan: plan, modulusBits: publicKey.parameters.modulusBits)
            let count = layout.plaintextCount * table.rowCount
            let progress = Progress("encrypting", total: table.rowCount, unit: "rows")
            defer { progress.finish() }
            try EncryptedRowsFile.write(
                table, plan: plan, owner: label, with: PaillierEncryptor(publicKey, expectedCount: count), to: out,
                using: &random
            ) { progress.advance(by: $0) }
            progress.finish()
            try done("rows", rows: table.rowCount, ciphertexts: count)
        case .features:
            let encrypted = try EncryptedFeatures.encrypt(
                table, plan: plan, with: PaillierEncryptor(publicKey), using: &random)
            try encrypted.write(to: out)
            try done("features", rows: table.rowCount, ciphertexts: nil)
        }
    }

    struct Made: Encodable {
        var form: String
        var rows: Int?
        var ciphertexts: Int?
        var bytes: Int
        var file: String
    }

    func done(_ form: String, rows: Int?, ciphertexts: Int?) throws {
        let bytes = (try? FileManager.default.attributesOfItem(atPath: out)[.size] as? Int) ?? 0
        let made = Made(form: form, rows: rows, ciphertexts: ciphertexts, bytes: bytes, file: out)
        if common.json { return try Console.json(made) }
        let count = rows.map { " of \($0) rows" } ?? ""
        Console.result("\(out): encrypted \(form)\(count), \(bytes) bytes")
    }
}
