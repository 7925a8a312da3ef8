import Foundation
import Paillier
import PrivacyReports
import PrivateLearning
import Randomness
import Tabular

/// `tacit train --ring`: several owners' tables in one process, every gradient encrypted between them.
struct RingTraining {
    var files: [String]
    var format: TableFormatOptions
    var target: String?
    var features: [String]?
    var link: Link
    var ridge: Double
    var rounds: Int
    var key: String
    var passphrase: PassphraseOptions
    var minimumCohort: Int
    var out: String
    var json: Bool

    func run() throws {
        let (_, secret) = try KeyInput.secretKey(key, passphrase)
        let tables = try files.map { try format.read($0, target: nil) }
        let schema = tables[0].schema
        let rows = tables.reduce(0) { $0 + $1.table.rowCount }
        var bound = 1024
        while bound < 2 * rows { bound *= 2 }
        let encoding = try EncodingPlan(
            schema: schema, target: target.flatMap { schema[$0] == nil ? nil : $0 }, maximumRows: bound,
            minimumCohort: minimumCohort)
        guard let wanted = target ?? encoding.target else {
            throw CommandFailure(.usage, "--target: the schema names none")
        }
        let derived = encoding.derived(from: wanted)
        let targetName = encoding.columns.contains { $0.name == wanted } || derived.count != 1 ? wanted : derived[0]
        let encryptor = PaillierEncryptor(secret.publicKey, expectedCount: files.count * rounds)
        var random = SystemRandom()
        let started = ContinuousClock.now

        // The scales of all features, from encrypted sums.
        let uploads = try zip(files, tables).map { file, read in
            try EncryptedMoments.encrypt(read.table, plan: encoding, owner: file, with: encryptor, using: &random)
        }
        let total = try EncryptedMoments.sum(uploads)
        let moments = try total.open(plaintexts: secret.decrypt(total.packed.ciphertexts))

        let plan = try RingPlan(
            plan: encoding, moments: moments, features: features ?? encoding.features(for: targetName),
            target: targetName,
            link: link, ridge: ridge, rounds: rounds)
        let participants = try tables.map { read in
            try RingParticipant(
                plan: plan, site: RingSite(plan: plan, encoding: encoding, table: read.table), encryptor: encryptor,
                minimumCohort: minimumCohort)
        }
        var ring = GradientRing(plan: plan, participants: participants, rowCount: rows)
        let progress = Progress("gradient ring", total: rounds, unit: "rounds")
        defer { progress.finish() }
        var crossed = 0
        while !ring.isFinished {
            crossed += try ring.advance(using: &random) { try secret.decrypt($0) }
            progress.advance()
        }
        progress.finish()

        let (coefficients, intercept) = ring.model
        var model = LinearModel(
            kind: link == .logit ? "logistic" : link == .log ? "poisson" : ridge > 0 ? "ridge" : "linear", link: link,
            target: targetName, featureNames: plan.features.map(\.name), coefficients: coefficients,
            intercept: intercept,
            ridge: ridge, rowCount: rows, rank: plan.features.count, plan: encoding)
        model.trainingMetrics = try Self.metrics(model, tables.map(\.table))
        try ModelFile.write(model, to: out)
        try ModelSummary.show(model, file: out, warnings: model.disclosureWarnings, json: json)
        let wall = ContinuousClock.now - started
        let bytes = crossed * secret.publicKey.parameters.ciphertextByteCount
        Console.log(
            "\(files.count) sites, \(rounds) rounds, \(crossed) gradient ciphertexts (\(bytes) bytes) between parties, "
                + "\(wall.components.seconds) s")
        Console.log("All sites ran in this one process; what passed between them was encrypted, the key was \(key).")
    }

    /// Quality on the rows of all sites, which only a run in one process can tell.
    private static func metrics(_ model: LinearModel, _ tables: [Table]) throws -> [String: Double] {
        var actual: [Double] = []
        var predicted: [Double] = []
        for table in tables {
            actual += try model.outcomes(in: table)
            predicted += try model.predict(table)
        }
        if model.link == .logit {
            let metrics = try BinaryMetrics(actual: actual, probabilities: predicted)
            var result = ["accuracy": metrics.model.accuracy, "logLoss": metrics.model.logLoss]
            result["auroc"] = metrics.model.auroc
            return result
        }
        let metrics = try RegressionMetrics(actual: actual, predicted: predicted)
        var result = ["mse": metrics.model.meanSquaredError]
        result["r2"] = metrics.model.rSquared
        return result
    }
}
