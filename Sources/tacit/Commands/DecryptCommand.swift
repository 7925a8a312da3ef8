import ArgumentParser
import AtomicFiles
import BigIntegers
import BinaryCoding
import Foundation
import Paillier
import PrivateLearning
import Randomness
import Tabular

struct DecryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt", abstract: "Open what was computed on ciphertexts: a model, sums or predictions.",
        discussion: """
            With a secret key:
              tacit decrypt model.tacit --key hospital.secret --out model.safetensors
            With shares, each holder on its own machine:
              tacit decrypt model.tacit --share hospital.share-1 --out one.part
            and then anyone who has enough parts, with the public key:
              tacit decrypt model.tacit --key hospital.public --partial one.part two.part --out model.safetensors

            With shares of a CKKS key (`tacit keys collective`) the first holder says who will open, the others join:
              tacit decrypt model.tacit --share a.share-1 --holders 1 3 --out one.part
              tacit decrypt model.tacit --share c.share-3 --join one.part --out three.part
              tacit decrypt model.tacit --key a.public --partial one.part three.part --out model.safetensors
            """)

    @Argument(help: "An encrypted fit, encrypted sums, or encrypted predictions.") var file: String
    @Option(help: "A secret key; with --partial the public key made with the shares.") var key: String?
    @Option(help: "A share; the result is a partial decryption.") var share: String?
    @Option(parsing: .upToNextOption, help: "Partial decryptions of enough holders.") var partial: [String] = []
    @Option(parsing: .upToNextOption, help: "ckks: numbers of the holders who will open this together.")
    var holders: [Int] = []
    @Option(help: "ckks: the part of the holder who began this opening.") var join: String?
    @Option(help: "The file to write.") var out: String
    @Option(
        help: """
            With a fit over sums: write mean and deviation of its columns too, for owners who encrypt rows for training \
            together (`tacit encrypt --as rows --scaling`).
            """) var scaling: String?
    @OptionGroup var release: ModelReleaseOptions
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (key == nil) != (share == nil) else { throw ValidationError("give either --key or --share") }
        guard share == nil || partial.isEmpty else { throw ValidationError("--share and --partial exclude each other") }
        guard holders.isEmpty || join == nil else { throw ValidationError("--holders and --join exclude each other") }
        guard share != nil || holders.isEmpty && join == nil else {
            throw ValidationError("--holders and --join go with --share")
        }
    }

    /// What kinds of file can be opened, as one.
    private enum Content {
        case fit(EncryptedFit)
        case sums(EncryptedMoments)
        case predictions(EncryptedPredictions)

        init(path: String) throws {
            let header = try Containers.header(path)
            switch header.kind {
            case .encryptedFit: self = .fit(try EncryptedFit(path: path))
            case .encryptedStatistics: self = .sums(try EncryptedMoments(path: path))
            case .encryptedPredictions: self = .predictions(try EncryptedPredictions(path: path))
            default:
                throw CommandFailure(
                    .data,
                    "\(path): kind: got \(header.kind), want an encrypted fit, encrypted sums or encrypted predictions")
            }
        }

        var publicKey: PaillierPublicKey {
            switch self {
            case .fit(let fit): fit.publicKey
            case .sums(let sums): sums.publicKey
            case .predictions(let predictions): predictions.publicKey
            }
        }

        var ciphertexts: [PaillierCiphertext] {
            switch self {
            case .fit(let fit): fit.ciphertexts
            case .sums(let sums): sums.packed.ciphertexts
            case .predictions(let predictions): predictions.ciphertexts
            }
        }
    }

    func run() throws {
        common.apply()
        let kind = try Containers.header(file).kind
        guard !release.isWanted || kind == .encryptedTrainedModel || kind == .trainingCheckpoint else {
            throw CommandFailure(
                .usage,
                "--release: floods models that were trained on CKKS rows, and \(file) is \(kind); of predictions under CKKS "
                    + "pass on labels or rounded values only")
        }
        switch kind {
        case .encryptedTrainedModel, .trainingCheckpoint: return try openTrainedModel()
        case .encryptedSlotScores: return try openSlotScores()
        case .encryptedNetworkScores: return try openNetworkScores()
        default: break
        }
        let content = try Content(path: file)
        func requireSameKey(_ path: String, _ other: PaillierPublicKey) throws {
            guard other.fingerprint == content.publicKey.fingerprint else {
                throw CommandFailure(
                    .data,
                    "\(path): is key \(other.fingerprint), but \(file) is encrypted under \(content.publicKey.fingerprint)"
                )
            }
        }
        if let share {
            let holder = try KeyInput.share(share, passphrase)
            try requireSameKey(share, holder.publicKey)
            return try writePartial(holder.partialDecryption(of: content.ciphertexts), of: holder.sharing)
        }
        guard let key else { return }
        let plaintexts: [BigInteger]
        var holders: Holders?
        if partial.isEmpty {
            let (_, secret) = try KeyInput.secretKey(key, passphrase)
            try requireSameKey(key, secret.publicKey)
            plaintexts = try secret.decrypt(content.ciphertexts)
        } else {
            let sharing = try KeyInput.sharing(key)
            try requireSameKey(key, sharing.publicKey)
            let parts = try partial.map { try readPartial($0, of: sharing) }
            plaintexts = try sharing.combine(parts, of: content.ciphertexts)
            holders = Holders(indices: parts.map(\.index), sharing: sharing)
        }
        try open(content, plaintexts, holders)
    }

    /// Who opened with shares; nil where one party has the whole key.
    private struct Holders {
        var indices: [Int]
        var sharing: PaillierSharing
    }

    private struct Made: Encodable {
        var file: String
        var rows: Int
        var owners: [String]?
        var target: String?
    }

    private struct MadePart: Encodable {
        var file: String
        var share: Int
        var threshold: Int
    }

    private static let partialTag: UInt32 = 1

    private func writePartial(_ part: PartialDecryption, of sharing: PaillierSharing) throws {
        var encoder = BinaryEncoder()
        sharing.encode(part, into: &encoder)
        let header = ContainerHeader(
            kind: .partialDecryption, parameters: part.ciphertexts, key: sharing.publicKey.fingerprint)
        var writer = try ContainerWriter(path: out, header: header)
        try writer.write(tag: Self.partialTag, encoder.bytes)
        try writer.commit()
        try Console.result(
            MadePart(file: out, share: part.index, threshold: sharing.threshold), json: common.json,
            "\(out): partial decryption by share \(part.index); \(sharing.threshold) of these open \(file)")
    }

    private func readPartial(_ path: String, of sharing: PaillierSharing) throws -> PartialDecryption {
        let (header, sections) = try readContainer(path: path)
        do {
            try header.require(.partialDecryption)
            guard header.key == sharing.publicKey.fingerprint else {
                throw CommandFailure(
                    .data, "\(path): is of key \(header.key), want \(sharing.publicKey.fingerprint)")
            }
            guard sections.count == 1, sections[0].tag == Self.partialTag else {
                throw CommandFailure(.data, "\(path): sections: not those of a partial decryption")
            }
            var decoder = BinaryDecoder(sections[0].bytes)
            let part = try sharing.decodePartialDecryption(&decoder)
            try decoder.finish("partial decryption")
            return part
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        } catch let error as PaillierError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }

    private func open(_ content: Content, _ plaintexts: [BigInteger], _ holders: Holders?) throws {
        switch content {
        case .fit(let fit):
            let opened = try fit.open(plaintexts: plaintexts)
            if let scaling { try opened.writeScaling(to: scaling) }
            try ModelFile.write(opened.best.model, to: out)
            if opened.candidates.count > 1, !common.json {
                for candidate in opened.candidates {
                    let error = candidate.crossValidatedMSE.map { String(format: "cross-validated MSE %.8g", $0) } ?? ""
                    Console.log("  lambda \(candidate.model.ridge): \(error)")
                }
            }
            try ModelSummary.show(opened.best.model, file: out, warnings: opened.warnings, json: common.json)
            try writeReport(fit, opened, holders)
        case .sums(let sums):
            let moments = try sums.open(plaintexts: plaintexts)
            let names = ["1"] + sums.plan.columns.map(\.name)
            let encoded = OpenedSums(
                names: names, multipliers: [1] + sums.plan.multipliers,
                upperTriangle: (0..<names.count).map { i in (i..<names.count).map { "\(moments[i, $0])" } })
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try writeAtomically(encoder.encode(encoded), to: out, permissions: 0o600)
            try Console.result(
                Made(file: out, rows: moments[0, 0].intValue ?? 0, owners: sums.owners, target: nil), json: common.json,
                "\(out): sums over \(moments[0, 0]) rows of \(sums.owners.joined(separator: ", "))")
        case .predictions(let predictions):
            let values = try predictions.open(plaintexts: plaintexts)
            try PredictionFile.write(values, to: out)
            try Console.result(
                Made(file: out, rows: values.count, owners: nil, target: predictions.meaning.target), json: common.json,
                "\(out): \(values.count) predictions of \(predictions.meaning.target)")
        }
    }

    /// The privacy report beside the model: `model.report.json` and `model.report.html`.
    private func writeReport(_ fit: EncryptedFit, _ opened: OpenedFit, _ holders: Holders?) throws {
        let stem = URL(fileURLWithPath: out).deletingPathExtension().path + ".report"
        let names =
            holders.map { holders in (1...holders.sharing.shareCount).map { ($0, "Holder of share \($0)") } } ?? []
        let report = EncryptedTrainingReport(
            title: "Regression on encrypted sums", dataSet: URL(fileURLWithPath: file).lastPathComponent,
            owners: fit.parts[0].owners.map { .init(name: $0) },
            openers: names.filter { holders!.indices.contains($0.0) }.map { .init(name: $0.1) },
            otherHolders: names.filter { !holders!.indices.contains($0.0) }.map(\.1),
            threshold: holders?.sharing.threshold, shares: holders?.sharing.shareCount, fit: fit,
            model: opened.best.model,
            warnings: opened.warnings, inputs: [(file, try readFile(file, limit: 1 << 30))],
            commandLine: CommandLine.arguments
        ).make()
        try ReportFile.write(report, stem: stem)
        Console.log("privacy report: \(stem).html and .json")
    }

    /// Integer sums: entry [i][j − i] is Σ zᵢzⱼ in units of 1 / (multiplierᵢ · multiplierⱼ).
    private struct OpenedSums: Encodable {
        var names: [String]
        var multipliers: [Int64]
        var upperTriangle: [[String]]
    }
}

/// Predictions on disk: a CSV file with one column.
enum PredictionFile {
    static func write(_ values: [Double], to path: String) throws {
        try CSVWriter().write(Table(columns: [Column("prediction", numbers: values)]), to: path)
    }

    /// One column for each component.
    static func write(coordinates rows: [[Double]], to path: String) throws {
        let columns = (0..<(rows.first?.count ?? 1)).map { component in
            Column("component_\(component + 1)", numbers: rows.map { $0[component] })
        }
        try CSVWriter().write(Table(columns: columns), to: path)
    }
}
