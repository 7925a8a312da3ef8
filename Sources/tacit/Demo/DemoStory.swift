import AtomicFiles
import Datasets
import Foundation
import PrivacyReports
import PrivateLearning
import Randomness
import Tabular

/// The demo: the commands that the parties would type, run as processes that see only their own folders.
struct DemoStory {
    let folder: String
    let bits: Int
    let seed: UInt64
    let hospitals: [String]
    private let stage = DemoStage()
    private let passphrase: String

    init(folder: String, bits: Int, seed: UInt64, hospitals: [String]) throws {
        self.folder = folder
        self.bits = bits
        self.seed = seed
        self.hospitals = hospitals
        // Fresh and never written down: the shares in the folder are of no use once the demo is over.
        var random = SystemRandom()
        passphrase = random.bytes(count: 16).map { String(format: "%02x", $0) }.joined()
    }

    private func place(_ party: String) -> String {
        folder + "/" + party.lowercased().replacingOccurrences(of: " ", with: "-")
    }

    /// A party's process: its own folder, and a passphrase only where it holds a secret.
    private func party(_ name: String, holdsSecret: Bool) -> ChildProcess {
        var environment = ProcessInfo.processInfo.environment
        environment["TACIT_PASSPHRASE"] = holdsSecret ? passphrase : nil
        return ChildProcess(folder: place(name), environment: environment)
    }

    private func hand(_ file: String, from: String, to: String) throws {
        try writeAtomically(readFile(place(from) + "/" + file, limit: 1 << 26), to: place(to) + "/" + file)
    }

    private func size(_ file: String, of party: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: place(party) + "/" + file)[.size] as? Int) ?? 0
    }

    func tell() throws -> PrivacyReport {
        let manager = FileManager.default
        for name in ["Dealer", "Aggregator", "Clinic"] + hospitals {
            try manager.createDirectory(atPath: place(name), withIntermediateDirectories: true)
        }
        try writeAtomically(Array("made by tacit demo\n".utf8), to: folder + "/demo.marker")
        stage.title(
            "Three hospitals learn together, and nobody sees a patient",
            "442 diabetes patients (Efron et al. 2004), ten measurements, disease progression after a year")

        var costs: [PrivacyReport.PhaseCost] = []
        func cost(_ phase: String, _ outcomes: [ChildProcess.Outcome], bytes: Int? = nil) {
            costs.append(
                .init(
                    phase: phase, wallSeconds: outcomes.reduce(0) { $0 + $1.wallSeconds },
                    cpuSeconds: outcomes.reduce(0) { $0 + $1.cpuSeconds }, bytesSent: bytes))
        }

        let loaded = try Dataset.named("diabetes").load()
        let split = try loaded.table.split(testShare: 0.2, seed: seed)
        let training = loaded.table.rows(split.training)
        let heldOut = loaded.table.rows(split.test)
        let parts = try training.partition(into: hospitals.count, seed: seed)
        for (name, part) in zip(hospitals + ["Clinic"], parts + [heldOut]) {
            try CSVWriter().write(part, to: place(name) + "/patients.csv", permissions: 0o600)
            try loaded.schema.write(to: place(name) + "/patients.schema.json")
        }

        // 1. A joint key whose secret nobody has.
        let keys = try stage.step("Dealer", "makes a \(bits)-bit key, any 2 of 3 shares open it, and forgets it") {
            let outcome = try party("Dealer", holdsSecret: true).run([
                "keys", "generate", "--bits", "\(bits)", "--threshold", "2", "--shares", "\(hospitals.count)", "--out",
                "joint",
            ])
            for (index, name) in hospitals.enumerated() {
                try hand("joint.public", from: "Dealer", to: name)
                try hand("joint.share-\(index + 1)", from: "Dealer", to: name)
                try manager.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: place(name) + "/joint.share-\(index + 1)")
                try manager.removeItem(atPath: place("Dealer") + "/joint.share-\(index + 1)")
            }
            return (outcome, "")
        }
        cost("Key generation", [keys])

        // 2. Uploads.
        var uploads: [ChildProcess.Outcome] = []
        for (name, part) in zip(hospitals, parts) {
            uploads.append(
                try stage.step(name, "encrypts the sums of its \(part.rowCount) patients") {
                    let file = "\(name.last!).tacit"
                    let outcome = try party(name, holdsSecret: false).run([
                        "encrypt", "--data", "patients.csv", "--key", "joint.public", "--owner", name, "--out", file,
                    ])
                    try hand(file, from: name, to: "Aggregator")
                    return (outcome, "\(size(file, of: name)) bytes leave")
                })
        }
        let uploadFiles = hospitals.map { "\($0.last!).tacit" }
        cost("Encryption at the hospitals", uploads, bytes: uploadFiles.reduce(0) { $0 + size($1, of: "Aggregator") })

        // 3. The aggregator has uploads and nothing else.
        let adding = try stage.step("Aggregator", "adds ciphertexts; it has no key") {
            let outcome = try party("Aggregator", holdsSecret: false).run(
                ["train", "--encrypted"] + uploadFiles + [
                    "--target", "progression", "--model", "linear", "--out", "model.tacit",
                ])
            for name in hospitals where name != hospitals[1] { try hand("model.tacit", from: "Aggregator", to: name) }
            return (outcome, "process \(outcome.processID)")
        }
        cost("Adding at the aggregator", [adding], bytes: 2 * size("model.tacit", of: "Aggregator"))

        // 4. Two of three open the total.
        let openers = [(hospitals[0], 1), (hospitals[2], 3)]
        var opening: [ChildProcess.Outcome] = []
        for (name, index) in openers {
            opening.append(
                try stage.step(name, "gives its part of the decryption") {
                    let outcome = try party(name, holdsSecret: true).run([
                        "decrypt", "model.tacit", "--share", "joint.share-\(index)", "--out", "\(name.last!).part",
                    ])
                    return (outcome, "\(size("\(name.last!).part", of: name)) bytes")
                })
        }
        let last = openers[1].0
        try hand("A.part", from: openers[0].0, to: last)
        try hand("C.part", from: last, to: openers[0].0)
        for (name, _) in openers {
            opening.append(
                try stage.step(name, "joins the two parts, opens 78 sums and solves") {
                    let outcome = try party(name, holdsSecret: false).run([
                        "decrypt", "model.tacit", "--key", "joint.public", "--partial", "A.part", "C.part", "--out",
                        "model.safetensors",
                    ])
                    return (outcome, "")
                })
        }
        cost("Threshold decryption", opening, bytes: 2 * size("A.part", of: last))

        // 5. The comparison that only a demo can make: all patients in one place.
        let plan = try EncodingPlan(schema: loaded.schema, maximumRows: 1 << 20, minimumCohort: 10)
        let fit = try EncryptedFit(path: place("Aggregator") + "/model.tacit")
        let model = try ModelFile.read(place(last) + "/model.safetensors")
        let pooled = MomentMatrix(of: try plan.encode(training))
        let reference = try OpenedFit(request: fit.request, plan: plan, parts: [pooled])
        let best = reference.best.model
        let difference =
            zip(model.coefficients + [model.intercept], best.coefficients + [best.intercept])
            .map { abs($0 - $1) / max(abs($1), .leastNormalMagnitude) }.max() ?? 0
        let errors = abs((model.trainingMetrics["mse"] ?? 0) - (best.trainingMetrics["mse"] ?? 0))
        _ = try stage.step("Check", "the same model from pooled plaintext") {
            ((), "largest relative difference \(difference)")
        }

        // 6. Patients of a clinic that trusts nobody either.
        let (predictions, clinic) = try predict(heldOut.rowCount, model: last)
        let predictionBytes = size("patients.tacit", of: "Clinic") + size("scores.tacit", of: "Aggregator")
        cost("Encrypted prediction", clinic, bytes: predictionBytes)
        let actual = try model.outcomes(in: heldOut)
        let clear = try best.predict(heldOut)
        let quality = try RegressionMetrics(actual: actual, predicted: predictions)
        let referenceQuality = try RegressionMetrics(actual: actual, predicted: clear)
        let apart = zip(predictions, clear).map { abs($0 - $1) }.max() ?? 0

        var report = EncryptedTrainingReport(
            title: "Three hospitals, one model", dataSet: "diabetes", rowNoun: "patients", ownerNoun: "hospital",
            owners: zip(zip(hospitals, parts), zip(uploads, uploadFiles)).map {
                .init(
                    name: $0.0, rows: $0.1.rowCount, uploadBytes: size($1.1, of: "Aggregator"),
                    processID: $1.0.processID)
            },
            aggregatorProcess: adding.processID,
            openers: openers.map { .init(name: $0.0, partialBytes: size("\($0.0.last!).part", of: $0.0)) },
            otherHolders: [hospitals[1]], threshold: 2, shares: hospitals.count, fit: fit,
            model: model, warnings: model.disclosureWarnings, commandLine: CommandLine.arguments)
        report.opensEverywhere = true
        report.reference = best
        report.heldOut = (
            [
                .init(
                    name: "RMSE on held-out patients", value: quality.model.rootMeanSquaredError,
                    baseline: quality.baseline.rootMeanSquaredError,
                    reference: referenceQuality.model.rootMeanSquaredError, better: .lower),
                .init(
                    name: "R² on held-out patients", value: quality.model.rSquared ?? 0, baseline: 0,
                    reference: referenceQuality.model.rSquared, better: .higher),
            ],
            .scatter(
                title: "Held-out patients: predicted under encryption against observed", xLabel: "observed progression",
                yLabel: "predicted progression", series: [.init(name: "patients", x: actual, y: predictions)],
                showsIndividuals: true,
                note: "A public data set; with real patients this plot would stay at the clinic.")
        )
        report.agreement = [
            .init(
                name: "coefficients, encrypted against pooled plaintext", difference: difference, tolerance: 1e-9,
                measure: "largest relative difference"),
            .init(
                name: "MSE, encrypted against pooled plaintext", difference: errors, tolerance: 1e-9,
                measure: "difference"),
            .init(
                name: "predictions, encrypted against clear", difference: apart, tolerance: 1e-6,
                measure: "largest difference, in units of the target"),
        ]
        report.costs = costs
        report.inputs = try uploadFiles.map { ($0, try readFile(place("Aggregator") + "/" + $0, limit: 1 << 26)) }
        report.furtherParties = [
            .init(
                id: "clinic", name: "Clinic (own key)", roles: [.init(rawValue: "asks for predictions")],
                secretKey: .whole, processID: clinic[1].processID,
                ownRows: heldOut.rowCount)
        ]
        report.furtherObservations = [
            .init(
                observer: "aggregator", source: "hospital-c", form: .plaintextModel, what: "the model", count: 1,
                bytes: size("model.safetensors", of: last), learns: "the model, which the hospitals chose to give away"),
            .init(
                observer: "aggregator", source: "clinic", form: .ciphertext,
                what: "the clinic's encrypted measurements",
                count: heldOut.rowCount, bytes: size("patients.tacit", of: "Clinic"),
                learns: "how many patients there are"),
            .init(
                observer: "clinic", source: "aggregator", form: .ciphertext, what: "encrypted predictions",
                count: heldOut.rowCount,
                bytes: size("scores.tacit", of: "Aggregator"), learns: "nothing before it decrypts them"),
            .init(
                observer: "clinic", source: "clinic", form: .prediction, what: "predictions for its own patients",
                count: heldOut.rowCount, learns: "a prediction for each of its own patients"),
        ]
        return report.make()
    }

    /// The clinic encrypts its patients under its own key; the aggregator applies the model to ciphertexts.
    private func predict(_ count: Int, model last: String) throws -> ([Double], [ChildProcess.Outcome]) {
        var outcomes: [ChildProcess.Outcome] = []
        outcomes.append(
            try stage.step("Clinic", "makes a key of its own") {
                (
                    try party("Clinic", holdsSecret: true).run([
                        "keys", "generate", "--bits", "\(bits)", "--out", "clinic",
                    ]), ""
                )
            })
        outcomes.append(
            try stage.step("Clinic", "encrypts its \(count) patients, whom nobody has seen") {
                let outcome = try party("Clinic", holdsSecret: false).run([
                    "encrypt", "--data", "patients.csv", "--as", "features", "--key", "clinic.public", "--out",
                    "patients.tacit",
                ])
                try hand("patients.tacit", from: "Clinic", to: "Aggregator")
                return (outcome, "\(size("patients.tacit", of: "Clinic")) bytes")
            })
        try hand("model.safetensors", from: last, to: "Aggregator")
        outcomes.append(
            try stage.step("Aggregator", "predicts on ciphertexts") {
                let outcome = try party("Aggregator", holdsSecret: false).run([
                    "predict", "--encrypted", "patients.tacit", "--model", "model.safetensors", "--out", "scores.tacit",
                ])
                try hand("scores.tacit", from: "Aggregator", to: "Clinic")
                return (outcome, "")
            })
        outcomes.append(
            try stage.step("Clinic", "opens the predictions") {
                (
                    try party("Clinic", holdsSecret: true).run([
                        "decrypt", "scores.tacit", "--key", "clinic.secret", "--out", "predictions.csv",
                    ]), ""
                )
            })
        let table = try Table(csv: place("Clinic") + "/predictions.csv")
        return (try table.numeric("prediction").values, outcomes)
    }
}
