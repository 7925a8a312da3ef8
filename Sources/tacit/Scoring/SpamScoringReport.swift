import AtomicFiles
import BinaryCoding
import Foundation
import PrivacyReports
import PrivateScoring

/// The privacy report of private scores, as the owner or the reader can give it.
struct SpamScoringReport {
    enum Side {
        case owner(answered: Int)
        case reader
    }

    var model: EncryptedTextModel
    var side: Side
    var mails: Int
    var seconds: Double?
    var questionBytes: Int?
    /// Files that it was made from.
    var inputs: [String]

    func make() throws -> PrivacyReport {
        let forTheKey = try ScoringOwner.answersForTheKey(queries: model.queries)
        let parameters = try EncryptedLinearModel.parameters()
        let row = parameters.ring.securityRow
        return PrivacyReport(
            title: "Private scores of mails", created: Date(), tool: .init(version: TacitCommand.version),
            task: .init(
                computed:
                    "Scores of \(mails) mail\(mails == 1 ? "" : "s") by a spam filter on \(model.model.featureCount) hashed words",
                technique: "Linear model under CKKS's ring encryption, blinded questions",
                dataSets: [.init(name: "mails", rows: mails, columns: model.model.featureCount, target: "spam")],
                rowNoun: "mails", ownerNoun: "reader"),
            parties: [
                .init(id: "owner", name: "Owner of the model", roles: [.computeParty, .keyHolder], secretKey: .whole),
                .init(id: "reader", name: "Reader of the mail", roles: [.dataOwner], secretKey: .none, ownRows: mails),
            ],
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(among: ["owner"], atMost: 1, note: "Even one that deviates sees neither mail nor score."),
                    .init(
                        among: ["reader"], atMost: 1,
                        note: "Semi-honest; several readers together are one that has all their scores."),
                ],
                promise: "The owner learns how many mails are asked about; a reader learns one score for each answer.",
                outOfScope: [
                    "An owner that sends a false score, and sees what the reader does with it",
                    "A reader that sends something else than its selection: \(forTheKey) answers are then enough for the key",
                    "What the scores themselves say of the model", "When and by whom is asked",
                ]),
            observations: observations, disclosures: [disclosure(forTheKey)],
            cryptography: [
                .init(
                    purpose: "weights at the reader, selected words at the owner",
                    scheme: "RLWE in coefficients; first half blinded by a number uniform over the modulus",
                    parameterSet: "\(parameters)", modulusBits: Int(parameters.ring.log2QP.rounded(.up)),
                    estimatedSecurityBits: row.map { Double($0.level.rawValue) }, securitySource: row?.description,
                    randomness: "the operating system's generator, stretched with ChaCha20", insecure: row == nil,
                    note: "Answers are flooded: 30 statistical bits for \(model.queries) of them in the key's life.")
            ],
            differentialPrivacy: .none(
                because: "The noise in an answer hides the key, not the mails that the model was trained on."),
            audits: .notRun(because: "No attack was run."),
            results: [
                .init(
                    name: "Scores",
                    metrics: [
                        .init(name: "stated error of a score, at most", value: try model.errorBound, better: .lower)
                    ])
            ],
            costs: seconds.map { [.init(phase: "owner: counts and answers", wallSeconds: $0)] } ?? [],
            provenance: .init(
                commandLine: PrivacyReport.Provenance.redacted(CommandLine.arguments),
                codeVersion: TacitCommand.version,
                inputs: try inputs.map { path in
                    let bytes = try readFile(path, limit: 1 << 28)
                    return .init(
                        name: path, algorithm: "SHA-256", digest: Fingerprint(of: bytes).hexadecimal,
                        bytes: bytes.count)
                }))
    }

    private var observations: [PrivacyReport.Observation] {
        [
            .init(
                observer: "reader", source: "reader", form: .ownData, what: "its own mails", count: mails,
                learns: "nothing new"),
            .init(
                observer: "reader", source: "owner", form: .ciphertext, what: "the model, a weight for every bucket",
                count: model.model.featureCount + 1, bytes: model.byteCount,
                learns: "how many buckets there are; which words the model knows it does not say"),
            .init(
                observer: "owner", source: "reader", form: .maskedValue,
                what: "questions: a blinded number and an RLWE sample each", count: mails, bytes: questionBytes,
                learns: "how many mails are asked about"),
            .init(
                observer: "reader", source: "owner", form: .prediction, what: "scores, with noise", count: mails,
                learns: "the scores: each the sum of the weights of a mail's words"),
        ]
    }

    private func disclosure(_ forTheKey: Int) -> PrivacyReport.Disclosure {
        var warnings: [PrivacyReport.Warning] = [
            .init(
                .caution,
                "Scores are sums of weights: \(model.model.featureCount + 1) answers about single words are the whole model, and "
                    + "with what is known of such models fewer can do. All readers draw from the same \(model.queries) answers."
            )
        ]
        if model.queries >= forTheKey {
            warnings.append(
                .init(
                    .serious,
                    "The owner gives \(model.queries) answers; \(forTheKey) are enough for a reader that deviates to take the key."
                ))
        }
        if case .owner(let answered) = side {
            warnings.append(.init(.note, "\(answered) of \(model.queries) answers are given now."))
        }
        return .init(what: "Scores of single mails", to: ["reader"], count: mails, warnings: warnings)
    }
}
