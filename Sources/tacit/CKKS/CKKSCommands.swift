import AtomicFiles
import BinaryCoding
import CKKS
import Foundation
import KeyFiles
import PrivateLearning
import Randomness
import Tabular

// What the commands do with CKKS keys and files; the commands themselves only branch.

extension EncryptCommand {
    func encryptCKKS() throws {
        if model == nil, let path = networkDescriptionPath { return try encryptNetworkInputs(path) }
        guard image == nil, row == nil else {
            throw CommandFailure(
                .usage, "--image, --row: need a network; give it, or its description, with --like")
        }
        let encryptor = try CKKSKeyFiles.encryptor(key, passphrase)
        var random = SystemRandom()
        if let model, data == nil {
            let sealed = try SlotModel.encrypt(ModelFile.read(model), with: encryptor, using: &random)
            try sealed.write(to: out)
            return try done("model", rows: nil, ciphertexts: sealed.meaning.features.count + 1)
        }
        guard let data else { return }
        switch requestedForm ?? .rows {
        case .sums:
            throw CommandFailure(.usage, "--as sums: needs a Paillier key; under CKKS take rows or features")
        case .rows: try encryptTrainingRows(data, encryptor, &random)
        case .features:
            let (table, schema) = try format.read(data, target: target, needsTarget: false)
            let plan: EncodingPlan
            if let like {
                plan = try ModelFile.read(like).plan
            } else {
                plan = try EncodingPlan(
                    schema: TableFormatOptions.withoutTargets(schema), maximumRows: maximumRows,
                    minimumCohort: minimumCohort)
            }
            let names = try like.map { try ModelFile.read($0).featureNames }
            let features = try SlotFeatures.encrypt(
                table, plan: plan, columns: names, layout: isSingleRow ? .rows : .columns, with: encryptor,
                using: &random)
            try features.write(to: out)
            try done("features", rows: table.rowCount, ciphertexts: nil)
        }
    }

    private func encryptTrainingRows(
        _ data: String, _ encryptor: CKKSEncryptor, _ random: inout SystemRandom
    ) throws {
        let (table, schema) = try format.read(data, target: target)
        let plan = try EncodingPlan(schema: schema, maximumRows: EncodingPlan.rowLimit, minimumCohort: 1)
        guard let name = plan.target else {
            throw CommandFailure(.usage, "--target: the schema names none; say which column to predict")
        }
        let encoding = plan.columns[try plan.index(of: name)].encoding
        // Two values make a class, which the schema says and not the rows.
        let isClass = encoding.lower == 0 && encoding.upper == 1 && encoding.scale.multiplier == 1
        let isSigned = purpose.map { $0 == .logistic } ?? isClass
        let shared = try scaling.map { path in
            let bytes = try readFile(path, limit: 1 << 24)
            do throws(PrivateLearningError) { return try StudyScaling(decoding: bytes) } catch {
                throw CommandFailure(.data, "\(path): \(error.message)")
            }
        }
        let label = owner ?? URL(fileURLWithPath: data).deletingPathExtension().lastPathComponent
        let progress = Progress("encrypting", total: 1000, unit: "‰")
        defer { progress.finish() }
        let rows = try EncryptedTrainingRows.encrypt(
            table, schema: schema, target: name, isSigned: isSigned, owner: label, batches: batches, clip: clip,
            scaling: shared, minimumCohort: minimumCohort, with: encryptor, using: &random
        ) { done, total in progress.advance(by: 1000 * done / total - 1000 * (done - 1) / total) }
        try rows.write(to: out)
        progress.finish()
        try done("rows", rows: table.rowCount, ciphertexts: rows.meaning.packing.ciphertextCount)
    }
}

extension DecryptCommand {
    private func secret(_ identity: Fingerprint, _ context: CKKSContext) throws -> CKKSSecretKey {
        guard let key, partial.isEmpty else {
            throw CommandFailure(.usage, "\(file): is under a CKKS key; give the secret key with --key")
        }
        let secret = try CKKSKeyFiles.secretKey(key, passphrase, context: context)
        guard secret.identity == identity else {
            throw CommandFailure(
                .data, "\(key): is key \(secret.identity), but \(file) is encrypted under \(identity)")
        }
        return secret
    }

    func openTrainedModel() throws {
        let trained = try TrainedModelFile.read(file)
        guard !release.isWanted || share == nil && partial.isEmpty else {
            throw CommandFailure(
                .usage, "--release: what key holders open together is flooded by each of them already; leave it out")
        }
        if share != nil { return try givePart(of: trained.openings, context: trained.context, key: trained.key) }
        let model: LinearModel
        var released: ReleasedModel?
        var opening: GradientTrainingReport.Opening?
        if partial.isEmpty {
            let own = try secret(trained.key, trained.context)
            released = release.isWanted ? try release.release(trained, own) : nil
            model = try released?.model ?? trained.open(own)
        } else {
            let (parts, releases) = try combineParts(of: trained.openings, context: trained.context, key: trained.key)
            model = try trained.open(values: releases.map(\.real))
            let worst = releases.suffix(trained.meaning.rows.packing.blockCount).max { $0.errorBound < $1.errorBound }
            opening = worst.map {
                .init(
                    group: parts[0].group, participants: parts[0].participants,
                    noiseDeviation: trained.interval * $0.noiseDeviation, bitsLost: $0.bitsLost)
            }
        }
        try ModelFile.write(model, to: out)
        let warnings = model.disclosureWarnings
        try ModelSummary.show(model, file: out, warnings: warnings, json: common.json)
        if let released {
            Console.log(
                "flooded for release: noise of deviation \(CircuitPlan.figure(released.noiseDeviation)) in every weight of a "
                    + "scaled column, \(String(format: "%.1f", released.bitsLost)) bits of precision; \(released.policy), of "
                    + "which this spends \(released.queries)")
        }
        if let opening {
            Console.log(
                "noise of the opening: deviation \(Self.figure(opening.noiseDeviation)) in a weight of standardised columns, "
                    + "\(String(format: "%.1f", opening.bitsLost)) bits of precision")
        }
        let stem = URL(fileURLWithPath: out).deletingPathExtension().path + ".report"
        let report = GradientTrainingReport(
            trained: trained, model: model, released: released, warnings: warnings, file: file,
            commandLine: CommandLine.arguments, opening: opening)
        try ReportFile.write(try report.make(), stem: stem)
        Console.log("privacy report: \(stem).html and .json")
    }

    func openSlotScores() throws {
        let scores = try SlotScores(path: file)
        if share != nil { return try givePart(of: scores.openings, context: scores.context, key: scores.key) }
        let values: [Double]
        if partial.isEmpty {
            values = try scores.open(secret(scores.key, scores.context))
        } else {
            let (_, releases) = try combineParts(of: scores.openings, context: scores.context, key: scores.key)
            values = try scores.open(values: releases.map(\.real))
        }
        try PredictionFile.write(values, to: out)
        try Console.result(
            MadeScores(file: out, rows: values.count, target: scores.meaning.target, errorBound: scores.errorBound),
            json: common.json, "\(out): \(values.count) predictions of \(scores.meaning.target)")
    }

    private static func figure(_ x: Double) -> String { String(format: "%.2g", x) }

    private struct MadeScores: Encodable {
        var file: String
        var rows: Int
        var target: String
        var errorBound: Double
    }
}

extension PredictCommand {
    /// - Returns: false when the file is none of CKKS's.
    func predictCKKS() throws -> Bool {
        guard let encrypted else { return false }
        let kind = try Containers.header(encrypted).kind
        if kind == .encryptedSlotFeatures, let model {
            try SlotMemory.require(encrypted, for: "prediction")
            let features = try SlotFeatures(path: encrypted)
            let keys = try evaluationKeys.map { try CKKSKeyFiles.evaluationKeys($0, context: features.context) }
            let fitted = try ModelFile.read(model)
            if fitted.plan != features.meaning.plan {
                Console.warn(
                    "\(model): encodes rows otherwise than \(encrypted) does, for instance cuts values off; predictions may "
                        + "differ for such rows. Encrypt with --like \(model) where the owner of the rows has it")
            }
            let scores = try features.scores(of: fitted, keys: keys)
            try scores.write(to: out)
            try done(rows: features.meaning.rowCount, target: fitted.target, isEncrypted: true)
            return true
        }
        if kind == .encryptedNetworkInputs, let model {
            try predictNetworkInputs(encrypted, model)
            return true
        }
        if kind == .encryptedSlotModel, let data {
            try SlotMemory.require(encrypted, for: "prediction")
            let sealed = try SlotModel(path: encrypted)
            let (table, _) = try format.read(data, needsTarget: false)
            try sealed.scores(of: table).write(to: out)
            try done(rows: table.rowCount, target: sealed.meaning.target, isEncrypted: true)
            return true
        }
        return false
    }
}
