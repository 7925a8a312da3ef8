import AtomicFiles
import BinaryCoding
import CKKS
import Foundation
import MultipartyCKKS
import PrivacyReports
import PrivateLearning

/// The privacy report of a model trained on CKKS rows.
struct GradientTrainingReport {
    var trained: EncryptedTrainedModel
    var model: LinearModel
    /// Set when the weights were flooded for others.
    var released: ReleasedModel?
    var warnings: [String]
    /// The file of the encrypted model.
    var file: String
    var commandLine: [String]
    /// nil where one party has the whole key.
    var opening: Opening?

    /// What several key holders did to open the weights.
    struct Opening {
        var group: CollectiveGroup
        /// Numbers of the holders who gave parts.
        var participants: [Int]
        /// Of the noise in a weight of standardised columns.
        var noiseDeviation: Double
        var bitsLost: Double
    }

    func make() throws -> PrivacyReport {
        let meaning = trained.meaning
        let packing = meaning.rows.packing
        let parameters = trained.context.parameters!
        let row = parameters.ring.securityRow
        let bytes = try readFile(file, limit: 1 << 30)
        var notes = warnings.map { PrivacyReport.Warning(.caution, $0) }
        notes.append(
            .init(
                .note,
                "The model was learnt from every row without noise: it can tell something about single rows, above all beside "
                    + "a second model that lacks one of them."))
        notes.append(opening.map(floodingNote) ?? .init(.note, whoMayRead))
        return PrivacyReport(
            title: "\(title) regression trained on encrypted rows", created: Date(),
            tool: .init(version: TacitCommand.version),
            task: .init(
                computed:
                    "\(title) regression of \(model.target) on \(model.featureNames.count) features, "
                    + "\(meaning.iterations) iterations of Nesterov's gradient\(sigmoid)\(leftOut)",
                technique: "Training on encrypted rows (CKKS)",
                dataSets: [
                    .init(
                        name: meaning.rows.owner, rows: packing.rowCount, columns: model.plan.columns.count,
                        target: model.target, note: owners.count > 1 ? "\(owners.count) owners" : nil)
                ], rowNoun: "rows", ownerNoun: "owner"),
            parties: parties + [
                .init(id: "server", name: "Server", roles: [.aggregator], secretKey: .none)
            ],
            adversary: .init(
                behaviour: .semiHonest, coalitions: coalitions,
                promise:
                    "A server that follows the protocol and reads all it receives learns only what is listed here.",
                outOfScope: [
                    "A server that computes something else: the owner would get another model and cannot tell",
                    "Denial of service",
                ]),
            observations: uploads + openingObservations(bytes: bytes.count),
            disclosures: [
                .init(
                    what: "The model, computed from \(packing.rowCount) rows, and where its features are cut off",
                    to: readers, count: model.featureNames.count + 1, warnings: notes)
            ],
            cryptography: [
                .init(
                    purpose: "Training on rows that nobody but their owner can read",
                    scheme: "CKKS (full RNS, hybrid key switching)", parameterSet: "\(parameters)",
                    modulusBits: Int(parameters.ring.log2QP.rounded(.up)),
                    estimatedSecurityBits: row.map { Double($0.level.rawValue) },
                    securitySource: row?.description,
                    threshold: opening.map { .init(required: $0.group.threshold, shares: $0.group.parties) },
                    randomness: "the operating system's generator, stretched with ChaCha20", insecure: row == nil,
                    note: row == nil ? "below every published table" : nil)
            ],
            differentialPrivacy: .none(because: "No noise was added to the gradients."),
            audits: .notRun(because: "No attack was run against the model."),
            results: [
                .init(
                    name: "\(title) model of \(model.target)",
                    coefficients: [PrivacyReport.Coefficient(name: "intercept", value: model.intercept)]
                        + zip(model.featureNames, model.coefficients).map { .init(name: $0, value: $1) },
                    metrics: [])
            ],
            agreement: [], costs: [], plots: [],
            provenance: .init(
                commandLine: PrivacyReport.Provenance.redacted(commandLine), codeVersion: TacitCommand.version,
                inputs: [
                    .init(
                        name: file, algorithm: "SHA-256", digest: Fingerprint(of: bytes).hexadecimal,
                        bytes: bytes.count)
                ]))
    }

    /// To whom the weights may go.
    private var whoMayRead: String {
        guard let released else {
            return
                "Decrypted weights hold the encryption's noise: with the encrypted model beside them they give information "
                + "on the secret key. Keep all their digits from whoever has that file, such as the server; before passing "
                + "them on, retire the key, or open the model with --release."
        }
        let figure = CircuitPlan.figure
        return "The weights were flooded and may be passed on: \(released.policy), of which this release spends "
            + "\(released.queries). Noise of deviation \(figure(released.noiseDeviation)) in every weight of a scaled column "
            + "hides errors of up to \(figure(released.floodedBound)); released weights are within "
            + "\(figure(released.errorBound)) of the true ones, \(String(format: "%.1f", released.bitsLost)) bits less than the "
            + "owner's own decryption, which is within \(figure(released.ownerErrorBound))."
    }

    private var owners: [EncryptedTrainingRows.Owner] {
        let rows = trained.meaning.rows
        return rows.owners ?? [EncryptedTrainingRows.Owner(name: rows.owner, rowCount: rows.packing.rowCount)]
    }

    /// One owner has the key itself; of several, who has it is not known here, unless holders opened the model together.
    private var parties: [PrivacyReport.Party] {
        guard owners.count > 1 else {
            return [
                .init(
                    id: "owner", name: owners[0].name, roles: opening == nil ? [.dataOwner, .keyHolder] : [.dataOwner],
                    secretKey: opening == nil ? .whole : .none, ownRows: owners[0].rowCount)
            ] + holders
        }
        let all = owners.enumerated().map { number, owner in
            PrivacyReport.Party(
                id: "owner-\(number + 1)", name: owner.name, roles: [.dataOwner], secretKey: .none,
                ownRows: owner.rowCount)
        }
        guard opening == nil else { return all + holders }
        return all + [.init(id: "owner", name: "Key owner", roles: [.keyHolder], secretKey: .whole)]
    }

    private var uploads: [PrivacyReport.Observation] {
        let rows = trained.meaning.rows
        return owners.enumerated().flatMap { number, owner -> [PrivacyReport.Observation] in
            let id = owners.count > 1 ? "owner-\(number + 1)" : "owner"
            var own: [PrivacyReport.Observation] = [
                .init(
                    observer: id, source: id, form: .ownData, what: "its own table", count: owner.rowCount,
                    learns: "nothing new"),
                .init(
                    observer: "server", source: id, form: .ciphertext, what: "encrypted rows and a sealed note",
                    count: owner.rowCount,
                    learns:
                        "\(owner.rowCount) rows of \(rows.packing.columnCount) columns, the layout, the bound "
                        + "\(rows.entryBound) of scaled values, the kind of model, the parameters"),
            ]
            if owners.count > 1 {
                own.append(
                    .init(
                        observer: id, source: readers[0], form: .plaintextSum, what: "the scaling that all share",
                        count: 1,
                        learns: "mean and deviation of every column over all owners, and the number of their rows"))
            }
            return own
        }
    }

    private var leftOut: String {
        trained.meaning.fold.map { ", without part \($0.index + 1) of \($0.count) of the rows" } ?? ""
    }

    private var title: String { model.kind.prefix(1).uppercased() + model.kind.dropFirst() }

    private var sigmoid: String {
        guard case .logistic(let polynomial) = trained.meaning.plan.loss else { return "" }
        return ", sigmoid by a polynomial of degree \(polynomial.degree) on ±\(Int(polynomial.interval))"
    }
}
