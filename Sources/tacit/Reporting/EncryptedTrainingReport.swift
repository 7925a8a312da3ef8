import BigIntegers
import BinaryCoding
import Foundation
import Paillier
import PrivacyReports
import PrivateLearning

/// The privacy report of a model fitted on encrypted sums.
struct EncryptedTrainingReport {
    struct Owner {
        var name: String
        /// Known where the one who reports runs the owner too.
        var rows: Int?
        var uploadBytes: Int?
        var processID: Int?
    }

    struct Holder {
        /// Name of an owner, or of somebody else.
        var name: String
        var partialBytes: Int?
    }

    var title: String
    var dataSet: String
    var rowNoun = "rows"
    var ownerNoun = "owner"
    var owners: [Owner]
    var aggregatorProcess: Int?
    /// Who took part in opening; empty when one party has the whole key.
    var openers: [Holder]
    /// Whether each opener gets the others' parts, or only the last one does.
    var opensEverywhere = false
    /// Who else has a share.
    var otherHolders: [String] = []
    var threshold: Int?
    var shares: Int?
    var fit: EncryptedFit
    /// The model that was opened.
    var model: LinearModel
    var warnings: [String]
    /// The same model from pooled plaintext, where that could be computed.
    var reference: LinearModel?
    var heldOut: (metrics: [PrivacyReport.Metric], plot: PrivacyReport.Plot?)?
    var agreement: [PrivacyReport.AgreementCheck] = []
    var costs: [PrivacyReport.PhaseCost] = []
    var inputs: [(name: String, bytes: [UInt8])] = []
    /// Further things that were seen, such as predictions.
    var furtherParties: [PrivacyReport.Party] = []
    var furtherObservations: [PrivacyReport.Observation] = []
    var commandLine: [String]

    private var isShared: Bool { threshold != nil }
    private static func identifier(_ name: String) -> String {
        String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" })
    }

    func make() -> PrivacyReport {
        let sums = MomentMatrix.entryCount(columns: fit.plan.columns.count)
        let parameters = fit.publicKey.parameters
        let holderNames = openers.map(\.name) + otherHolders
        var parties = owners.map { owner in
            PrivacyReport.Party(
                id: Self.identifier(owner.name), name: owner.name,
                roles: holderNames.contains(owner.name) ? [.dataOwner, .keyHolder] : [.dataOwner],
                secretKey: holderNames.contains(owner.name) ? .share : .none, processID: owner.processID,
                ownRows: owner.rows)
        }
        for name in holderNames where !owners.contains(where: { $0.name == name }) {
            parties.append(.init(id: Self.identifier(name), name: name, roles: [.keyHolder], secretKey: .share))
        }
        if !isShared {
            parties.append(.init(id: "key-owner", name: "Key owner", roles: [.keyHolder], secretKey: .whole))
        }
        parties.append(
            .init(
                id: "aggregator", name: "Aggregator", roles: [.aggregator], secretKey: .none,
                processID: aggregatorProcess))

        var observations: [PrivacyReport.Observation] = []
        for owner in owners {
            let id = Self.identifier(owner.name)
            observations.append(
                .init(
                    observer: id, source: id, form: .ownData,
                    what: owner.rows == nil ? "its own table" : "its own \(rowNoun)",
                    count: owner.rows ?? 1,
                    learns: "nothing new"))
        }
        for owner in owners {
            observations.append(
                .init(
                    observer: "aggregator", source: Self.identifier(owner.name), form: .ciphertext,
                    what: "encrypted sums",
                    count: fit.parts[0].packed.ciphertexts.count, bytes: owner.uploadBytes,
                    learns: "the encoding plan, and the number of \(rowNoun) up to the next power of two"))
        }
        let openerIDs = isShared ? openers.map { Self.identifier($0.name) } : ["key-owner"]
        for opener in openerIDs {
            observations.append(
                .init(
                    observer: opener, source: "aggregator", form: .ciphertext, what: "the encrypted total",
                    count: fit.ciphertexts.count, learns: "nothing without \(isShared ? "the other shares" : "the key")"
                ))
        }
        for receiver in openers where isShared && opensEverywhere || receiver.name == openers.last?.name {
            for sender in openers where sender.name != receiver.name {
                observations.append(
                    .init(
                        observer: Self.identifier(receiver.name), source: Self.identifier(sender.name),
                        form: .partialDecryption, what: "a partial decryption with its proof", count: 1,
                        bytes: sender.partialBytes, learns: "the total, together with its own part"))
            }
        }
        let readers = isShared && !opensEverywhere ? Array(openerIDs.suffix(1)) : openerIDs
        for reader in readers {
            observations.append(
                .init(
                    observer: reader, source: reader, form: .plaintextSum, what: "the opened sums over all owners",
                    count: sums * fit.parts.count,
                    learns:
                        "the sums over all \(model.rowCount) \(rowNoun), and by taking away its own, those of all others together"
                ))
        }
        observations += furtherObservations

        var notes = warnings.map { PrivacyReport.Warning(.caution, $0) }
        notes.append(
            .init(
                .note,
                "The sums are exact, and without noise they and the model can tell something about single \(rowNoun), above "
                    + "all in comparison with a second fit that lacks one of them."))
        var coalition = "The aggregator together with the key would open single uploads."
        if let threshold, let shares {
            coalition =
                "Any \(threshold) of the \(shares) share holders, together with the aggregator, could open a single upload; "
                + "fewer learn nothing."
        }
        return PrivacyReport(
            title: title, created: Date(), tool: .init(version: TacitCommand.version),
            task: .init(
                computed:
                    "\(model.kind.prefix(1).uppercased() + model.kind.dropFirst()) regression of \(model.target) on "
                    + "\(model.featureNames.count) features",
                technique: isShared
                    ? "Encrypted aggregation (Paillier, threshold decryption)" : "Encrypted aggregation (Paillier)",
                dataSets: [
                    .init(
                        name: dataSet, rows: model.rowCount, columns: fit.plan.columns.count, target: model.target,
                        note: "\(owners.count) owners")
                ], rowNoun: rowNoun, ownerNoun: ownerNoun),
            parties: parties + furtherParties,
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(
                        among: holderNames.isEmpty ? ["key-owner"] : holderNames.map(Self.identifier),
                        atMost: threshold.map { $0 - 1 } ?? 0, note: coalition)
                ],
                promise: "Who follows the protocol and reads all it receives learns only what is listed here.",
                outOfScope: [
                    "Owners who encrypt made-up numbers", "Denial of service",
                    "The dealer of the key, who is trusted to delete it",
                ]),
            observations: observations,
            disclosures: [
                .init(
                    what:
                        "\(sums * fit.parts.count) exact sums over \(model.rowCount) \(rowNoun), and the model computed from them",
                    to: readers, count: sums * fit.parts.count, warnings: notes)
            ],
            cryptography: [
                .init(
                    purpose: "Encrypting and adding sums",
                    scheme: "Paillier (randomisers after Damgård, Jurik, Nielsen 2010)",
                    parameterSet: "\(parameters)", modulusBits: parameters.modulusBits,
                    estimatedSecurityBits: Double(parameters.estimatedSecurityBits),
                    securitySource: "NIST SP 800-57 part 1, table 2 (the formula of FIPS 140-2 IG 7.5)",
                    threshold: threshold.flatMap { k in shares.map { .init(required: k, shares: $0) } },
                    randomness: "the operating system's generator, stretched with ChaCha20",
                    insecure: parameters.estimatedSecurityBits < 112)
            ],
            differentialPrivacy: .none(because: "The sums are exact; no noise was added."),
            audits: .notRun(because: "No attack was run against the model."),
            results: [result(model)], agreement: agreement, costs: costs, plots: heldOut?.plot.map { [$0] } ?? [],
            provenance: .init(
                commandLine: PrivacyReport.Provenance.redacted(commandLine), codeVersion: TacitCommand.version,
                inputs: inputs.map {
                    .init(
                        name: $0.name, algorithm: "SHA-256", digest: Fingerprint(of: $0.bytes).hexadecimal,
                        bytes: $0.bytes.count)
                }))
    }

    private func result(_ model: LinearModel) -> PrivacyReport.ModelResult {
        var coefficients = [
            PrivacyReport.Coefficient(name: "intercept", value: model.intercept, reference: reference?.intercept)
        ]
        for (index, name) in model.featureNames.enumerated() {
            coefficients.append(
                .init(name: name, value: model.coefficients[index], reference: reference?.coefficients[index]))
        }
        var metrics: [PrivacyReport.Metric] = []
        if let mse = model.trainingMetrics["mse"] {
            metrics.append(
                .init(
                    name: "MSE on the training rows", value: mse, baseline: model.trainingMetrics["targetVariance"],
                    reference: reference?.trainingMetrics["mse"], better: .lower))
        }
        if let r2 = model.trainingMetrics["r2"] {
            metrics.append(
                .init(
                    name: "R² on the training rows", value: r2, baseline: 0,
                    reference: reference?.trainingMetrics["r2"],
                    better: .higher))
        }
        if let error = model.trainingMetrics["crossValidatedMse"] {
            metrics.append(
                .init(
                    name: "MSE, cross-validated", value: error, baseline: model.trainingMetrics["targetVariance"],
                    better: .lower))
        }
        metrics += heldOut?.metrics ?? []
        return .init(
            name: "\(model.kind.prefix(1).uppercased() + model.kind.dropFirst()) model of \(model.target)",
            coefficients: coefficients, metrics: metrics)
    }
}
