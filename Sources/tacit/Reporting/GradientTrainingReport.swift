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
        notes.append(.init(.note, whoMayRead))
        notes.append(
            opening.map(floodingNote)
                ?? .init(
                    .note,
                    "Decrypted weights hold the encryption's noise: with the encrypted model beside them they give information "
                        + "on the secret key. Keep all their digits from whoever has that file, such as the server; before "
                        + "passing them on, retire the key."))
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
            parties: [
                .init(
                    id: "owner", name: meaning.rows.owner,
                    roles: opening == nil ? [.dataOwner, .keyHolder] : [.dataOwner],
                    secretKey: opening == nil ? .whole : .none, ownRows: packing.rowCount),
                .init(id: "server", name: "Server", roles: [.aggregator], secretKey: .none),
            ] + holders,
            adversary: .init(
                behaviour: .semiHonest, coalitions: coalitions,
                promise:
                    "A server that follows the protocol and reads all it receives learns only what is listed here.",
                outOfScope: [
                    "A server that computes something else: the owner would get another model and cannot tell",
                    "Denial of service",
                ]),
            observations: uploads + [
                .init(
                    observer: "owner", source: "server", form: .ciphertext, what: "the encrypted weights",
                    count: packing.blockCount, bytes: bytes.count, learns: "nothing before it opens them"),
                .init(
                    observer: "owner", source: "owner", form: .plaintextModel, what: "the weights, opened with its key",
                    count: model.featureNames.count + 1, learns: "the model"),
            ],
            observations: [
                .init(
                    observer: "owner", source: "owner", form: .ownData, what: "its own table", count: packing.rowCount,
                    learns: "nothing new"),
                .init(
                    observer: "server", source: "owner", form: .ciphertext, what: "encrypted rows and a sealed note",
                    count: packing.ciphertextCount,
                    learns:
                        "\(packing.rowCount) rows of \(packing.columnCount) columns, the layout, the bound "
                        + "\(meaning.rows.entryBound) of scaled values, the kind of model, the parameters"),
            ] + openingObservations(bytes: bytes.count),
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
            + "\(figure(released.errorBound)) of the true ones."
    }

    private var owners: [EncryptedTrainingRows.Owner] {
        let rows = trained.meaning.rows
        return rows.owners ?? [EncryptedTrainingRows.Owner(name: rows.owner, rowCount: rows.packing.rowCount)]
    }

    /// One owner has the key itself; of several, who has it is not known here.
    private var parties: [PrivacyReport.Party] {
        guard owners.count > 1 else {
            return [
                .init(
                    id: "owner", name: owners[0].name, roles: [.dataOwner, .keyHolder], secretKey: .whole,
                    ownRows: owners[0].rowCount)
            ]
        }
        return owners.enumerated().map { number, owner in
            PrivacyReport.Party(
                id: "owner-\(number + 1)", name: owner.name, roles: [.dataOwner], secretKey: .none,
                ownRows: owner.rowCount)
        } + [.init(id: "owner", name: "Key owner", roles: [.keyHolder], secretKey: .whole)]
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
                        observer: id, source: "owner", form: .plaintextSum, what: "the scaling that all share",
                        count: 1,
                        learns: "mean and deviation of every column over all owners, and the number of their rows"))
            }
            return own
        }
    }

    private var leftOut: String {
        trained.meaning.fold.map { ", without part \($0.index + 1) of \($0.count) of the rows" } ?? ""
    private static func holder(_ number: Int) -> String { "holder-\(number)" }

    private var holders: [PrivacyReport.Party] {
        guard let opening else { return [] }
        return (1...opening.group.parties).map {
            .init(id: Self.holder($0), name: "Key holder \($0)", roles: [.keyHolder], secretKey: .share)
        }
    }

    /// Who reads the opened weights.
    private var readers: [String] { opening.map { $0.participants.map(Self.holder) } ?? ["owner"] }

    private var coalitions: [PrivacyReport.Coalition] {
        let server = PrivacyReport.Coalition(
            among: ["server"], atMost: 1, note: "The server alone learns sizes and parameters.")
        guard let opening else { return [server] }
        return [
            server,
            .init(
                among: holders.map(\.id), atMost: opening.group.threshold - 1,
                note:
                    "Any \(opening.group.threshold) of the \(opening.group.parties) key holders could open the rows; fewer "
                    + "learn nothing, with the server or without."),
        ]
    }

    private func floodingNote(_ opening: Opening) -> PrivacyReport.Warning {
        .init(
            .note,
            "The weights were opened by \(opening.participants.count) key holders, each of whom added noise that hides what "
                + "the encryption's own noise says about the key (\(opening.group.policy)). It has a deviation of "
                + "\(String(format: "%.2g", opening.noiseDeviation)) in a weight of standardised columns and costs "
                + "\(String(format: "%.1f", opening.bitsLost)) bits of precision.")
    }

    private func openingObservations(bytes: Int) -> [PrivacyReport.Observation] {
        let weights = model.featureNames.count + 1
        guard let opening else {
            return [
                .init(
                    observer: "owner", source: "server", form: .ciphertext, what: "the encrypted weights",
                    count: trained.meaning.rows.packing.blockCount, bytes: bytes, learns: "nothing before it opens them"
                ),
                .init(
                    observer: "owner", source: "owner", form: .plaintextModel, what: "the weights, opened with its key",
                    count: weights, learns: "the model"),
            ]
        }
        var result: [PrivacyReport.Observation] = []
        for reader in opening.participants {
            result.append(
                .init(
                    observer: Self.holder(reader), source: "server", form: .ciphertext, what: "the encrypted weights",
                    count: trained.meaning.rows.packing.blockCount, bytes: bytes,
                    learns: "nothing without the other holders' parts"))
            for other in opening.participants where other != reader {
                result.append(
                    .init(
                        observer: Self.holder(reader), source: Self.holder(other), form: .partialDecryption,
                        what: "a part with noise and masks in it", count: trained.openings.count,
                        learns: "the weights and the note, together with its own part"))
            }
            result.append(
                .init(
                    observer: Self.holder(reader), source: Self.holder(reader), form: .plaintextModel,
                    what: "the opened weights, with the noise of all parts, and the note", count: weights,
                    learns: "the model, and means and deviations of its columns"))
        }
        return result
    }

    private var title: String { model.kind.prefix(1).uppercased() + model.kind.dropFirst() }

    private var sigmoid: String {
        guard case .logistic(let polynomial) = trained.meaning.plan.loss else { return "" }
        return ", sigmoid by a polynomial of degree \(polynomial.degree) on ±\(Int(polynomial.interval))"
    }
}
