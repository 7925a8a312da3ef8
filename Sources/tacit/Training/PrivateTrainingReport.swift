import Foundation
import PrivacyLedger
import PrivacyReports

/// The privacy report of a model that was trained privately.
struct PrivateTrainingReport {
    var releases: PlannedReleases
    var result: PrivateTrainingResult
    var ledger: String?
    var commandLine: [String]

    func make() -> PrivacyReport {
        let rows = result.dataSet.rows
        var notes = result.cautions.map { PrivacyReport.Warning(.note, $0) }
        if let ledger {
            notes.append(.init(.note, "The ledger \(ledger) authorised the run before the data were read."))
        } else {
            notes.append(
                .init(
                    .caution,
                    "No ledger counted this run: other releases about the same data add to its ε, and nothing kept the sum."
                ))
        }
        return PrivacyReport(
            title: "\(result.title), trained privately", created: Date(), tool: .init(version: TacitCommand.version),
            task: .init(
                computed: "\(result.title) on \(rows) \(result.rowNoun)",
                technique: "Differentially private training", dataSets: [result.dataSet], rowNoun: result.rowNoun,
                ownerNoun: "owner"),
            parties: [
                .init(id: "owner", name: "Owner", roles: [.dataOwner, .curator], secretKey: .none, ownRows: rows),
                .init(id: "reader", name: "Whoever gets the model", roles: [.analyst], secretKey: .none),
            ],
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(
                        among: ["reader"], atMost: 1,
                        note: "Any number of readers together, with any knowledge about all other units.")
                ],
                promise:
                    "With or without the data of any one \(releases.unit), the model is nearly the same: no reader can "
                    + "tell the two apart better than ε and δ allow.",
                outOfScope: [
                    "Whoever holds the data or runs the training",
                    "Other releases about the same data that no ledger counts",
                    "What holds of \(releases.unit == "row" ? "people with several rows" : "groups of several units") together",
                ]),
            observations: [
                .init(
                    observer: "owner", source: "owner", form: .ownData, what: "its own \(result.rowNoun)", count: rows,
                    learns: "nothing new"),
                .init(
                    observer: "reader", source: "owner", form: .noisedRelease, what: "the model", count: result.numbers,
                    learns: "the model, and of any one \(releases.unit) at most what ε and δ allow"),
            ],
            disclosures: [
                .init(
                    what: "The model's \(result.numbers) numbers, learnt from \(rows) \(result.rowNoun) under noise",
                    to: ["reader"], count: result.numbers, warnings: notes)
            ],
            cryptography: [],
            differentialPrivacy: .init(
                guarantees: [
                    .init(
                        release: "the model", epsilon: releases.epsilon, delta: releases.delta,
                        accountant: releases.accountant, neighbouring: releases.neighbouring.words, unit: releases.unit,
                        mechanism: releases.mechanism)
                ]),
            audits: .notRun(because: "No audit was run: no attack was tried against the model."),
            results: [.init(name: result.title, metrics: result.metrics)],
            costs: [.init(phase: "reading and training", wallSeconds: result.seconds)], plots: result.plots,
            provenance: .init(commandLine: commandLine, codeVersion: TacitCommand.version, inputs: []))
    }
}
