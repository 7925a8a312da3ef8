import Federation
import Foundation
import PrivacyReports

/// The privacy report of the spam study.
public struct SpamStudyReport {
    public var outcome: SpamStudyOutcome
    public var commandLine: [String]
    public var version: String

    public init(outcome: SpamStudyOutcome, commandLine: [String], version: String) {
        self.outcome = outcome
        self.commandLine = commandLine
        self.version = version
    }

    public func make() -> PrivacyReport {
        PrivacyReport(
            title: "A spam filter learnt by three sites", created: Date(), tool: .init(version: version),
            task: .init(
                computed: "Naive Bayes and logistic regression on \(outcome.plain.features) hashed words of "
                    + "\(outcome.siteMails.reduce(0, +)) mails at three sites",
                technique: "Federated learning: " + outcome.protected.map(\.protection.title).joined(separator: ", "),
                dataSets: [
                    .init(
                        name: "Enron-Spam", rows: outcome.mails - outcome.duplicates, columns: outcome.plain.features,
                        target: "spam",
                        note: "\(outcome.duplicates) duplicates left out, \(outcome.testMails) mails held out")
                ], rowNoun: "mails", ownerNoun: "site"),
            parties: parties, adversary: adversary, observations: observations, disclosures: disclosures,
            cryptography: outcome.protected.map(cryptography) + scoringCryptography,
            differentialPrivacy: .none(
                because: "No noise was added: the sums are exact, and so is what they say of rare words."),
            audits: audits, results: results, agreement: agreement, costs: costs, plots: plots,
            provenance: .init(commandLine: commandLine, codeVersion: version, inputs: []))
    }

    private var siteIDs: [String] { outcome.siteMails.indices.map { "site-\($0)" } }

    private var parties: [PrivacyReport.Party] {
        outcome.siteMails.enumerated().map { index, mails in
            .init(
                id: siteIDs[index], name: "Site \(["A", "B", "C"][index])", roles: [.dataOwner],
                secretKey: outcome.protected.contains { $0.protection.hasKeys } ? .share : .none, ownRows: mails)
        } + [.init(id: "coordinator", name: "Coordinator", roles: [.coordinator], secretKey: .none)]
    }

    private var adversary: PrivacyReport.AdversaryModel {
        .init(
            behaviour: .semiHonest,
            coalitions: [
                .init(among: ["coordinator"], atMost: 1, note: "The coordinator alone sees sums over all three sites."),
                .init(
                    among: ["coordinator"] + siteIDs, atMost: 2,
                    note: "With one site it sees the sum of the other two; with two sites the third has no protection."),
            ],
            promise: "Under protection the coordinator learns sums over the three sites and nothing else of any site.",
            outOfScope: [
                "What the sums themselves say: a word that only one site can have is in the sum all the same",
                "A site that sends false numbers",
                "The time at which a site answers, which depends on how long it trains",
            ])
    }

    private var observations: [PrivacyReport.Observation] {
        var list = siteIDs.enumerated().map { index, site in
            PrivacyReport.Observation(
                observer: site, source: site, form: .ownData, what: "its own mails", count: outcome.siteMails[index],
                learns: "nothing new")
        }
        for run in outcome.protected {
            for (index, site) in siteIDs.enumerated() {
                list.append(
                    .init(
                        observer: "coordinator", source: site,
                        form: run.protection == .secagg ? .maskedValue : .ciphertext,
                        what: "counts and updates under \(run.protection.title)",
                        count: 2 * run.features + 2 + outcome.settings.rounds * (run.features + 1),
                        bytes: run.bytesForCounts[index] + outcome.settings.rounds * run.bytesInARound[index],
                        learns: "nothing but lengths"))
            }
        }
        list.append(
            .init(
                observer: "coordinator", source: nil, form: .plaintextSum,
                what:
                    "sums over the sites: whether enough mails have a word of a bucket, mails of either class per feature, changes of weights",
                count: (1 << outcome.settings.logBuckets) + 2 * outcome.plain.features,
                learns: "which hashed words occur at the three sites together, and how often"))
        if let scoring = outcome.scoring {
            list.append(
                .init(
                    observer: "coordinator", source: nil, form: .ciphertext,
                    what: "questions about single mails, to the encrypted model's owner", count: scoring.mails,
                    bytes: scoring.mails * scoring.questionBytes, learns: "that a question was asked"))
        }
        for site in siteIDs {
            list.append(
                .init(
                    observer: site, source: "coordinator", form: .plaintextModel,
                    what: "the joint model after each round",
                    count: outcome.plain.features + 1, learns: "the model; minus its own part, what the others added"))
        }
        return list
    }

    private var disclosures: [PrivacyReport.Disclosure] {
        [
            .init(
                what: "The model and exact sums over three sites", to: siteIDs + ["coordinator"],
                count: outcome.plain.features + 1,
                warnings: [
                    .init(
                        .caution,
                        "Sums over three sites are exact. With so few sites a word that is in the sum is at one of three places; "
                            + "client-level noise (tacit federation, privacy) hides that, more sites dilute it."),
                    .init(
                        .note,
                        "Features are hashed words that at least \(outcome.settings.leastMails) mails have; the hash is public, "
                            + "so anybody can test whether a word is a feature."),
                ])
        ]
    }

    private func cryptography(_ run: SpamStudyOutcome.Run) -> PrivacyReport.Cryptography {
        let threshold = PrivacyReport.Threshold(required: 2, shares: outcome.siteMails.count)
        let randomness = "the operating system's generator, stretched with ChaCha20"
        switch run.protection {
        case .paillier:
            return .init(
                purpose: "counts and updates", scheme: "threshold Paillier, packed", parameterSet: "3072 bits",
                modulusBits: 3072, estimatedSecurityBits: 128, securitySource: "NIST SP 800-57 part 1 rev. 5, table 2",
                threshold: threshold, randomness: randomness, insecure: false,
                note:
                    "The sites make the key together; nobody ever has it. While it is made, two of them could pool it.")
        case .ckks:
            return .init(
                purpose: "counts and updates", scheme: "threshold CKKS, keys made by the sites",
                parameterSet: "N = 4096, 106 bits of modulus, of which 71 are used", modulusBits: 106,
                estimatedSecurityBits: 128,
                securitySource: "HomomorphicEncryption.org security guidelines 2024, table 5.2",
                threshold: threshold, randomness: randomness, insecure: false,
                note: "Opened with flooding noise below half a unit: rounded sums are exact.")
        case .secagg, .none:
            return .init(
                purpose: "vocabulary, counts and updates",
                scheme: "secure aggregation by pairwise masks", parameterSet: "X25519, HKDF-SHA256, ChaCha20, Ed25519",
                estimatedSecurityBits: 128, securitySource: "RFC 7748, section 7", threshold: nil,
                randomness: randomness, insecure: false, note: "All three sites must answer.")
        }
    }

    private var scoringCryptography: [PrivacyReport.Cryptography] {
        guard let scoring = outcome.scoring else { return [] }
        return [
            .init(
                purpose: "scores of mails by an encrypted model",
                scheme: "linear model in coefficients under CKKS's ring encryption, blinded questions",
                parameterSet: "N = 4096, 71 bits of modulus", modulusBits: 71, estimatedSecurityBits: 128,
                securitySource: "HomomorphicEncryption.org security guidelines 2024, table 5.2", threshold: nil,
                randomness: "the operating system's generator, stretched with ChaCha20", insecure: false,
                note:
                    "Answers are flooded for \(scoring.answers) of them. Each tells one score, so many tell the model.")
        ]
    }

    private var audits: PrivacyReport.Audits {
        let leak = outcome.leak
        var runs: [PrivacyReport.Audit] = [
            .init(
                attack: "words of Site C read in its plain counts", metric: "share of \(leak.features) words found",
                value: leak.fromCounts.recall, interval: nil, baseline: 0,
                remark: "\(Self.percent(leak.fromCounts.precision)) of the claims are right; nothing was protected"),
            .init(
                attack: "words of Site C read in one plain update from the zero model",
                metric: "share of \(leak.features) words found", value: leak.fromUpdate.recall, interval: nil,
                baseline: 0,
                remark: "\(Self.percent(leak.fromUpdate.precision)) of the claims are right; nothing was protected"),
            .init(
                attack: "the same through python-paillier's public exponents, without any key",
                metric: "share of \(leak.features) words found", value: leak.fromExponents.recall, interval: nil,
                baseline: 0,
                remark: "\(Self.percent(leak.fromExponents.precision)) of the claims are right"),
            .init(
                attack: "spam minus ham mails with each word, from a plain first batch",
                metric: "share of \(leak.modelFeatures) differences exact",
                value: Double(leak.exactDifferences) / Double(max(1, leak.modelFeatures)), interval: nil, baseline: 0),
        ]
        for run in outcome.protected {
            guard let wire = run.wire, let worst = wire.worst else { continue }
            runs.append(
                .init(
                    attack: "words of Site C read in what crossed the wire under \(run.protection.title)",
                    metric: "AUROC, the farthest from ½ of \(wire.readings.count) readings", value: worst.auroc,
                    interval: nil,
                    baseline: 0.5, remark: worst.name))
            if wire.timedUpdates > 0 {
                runs.append(
                    .init(
                        attack: "Site C's mails told from others by the time of protecting, \(run.protection.title)",
                        metric: "AUROC over \(2 * wire.timedUpdates) updates", value: wire.seconds, interval: nil,
                        baseline: 0.5,
                        remark: wire.sizesAreEqual
                            ? "numbers and lengths of messages are the same" : "lengths of messages differ"))
            }
        }
        return .init(runs: runs)
    }

    private static func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }

    private var results: [PrivacyReport.ModelResult] {
        func result(_ name: String, _ value: Double, _ reference: Double?, note: String? = nil)
            -> PrivacyReport.ModelResult
        {
            .init(
                name: name, note: note,
                metrics: [
                    .init(
                        name: "accuracy", value: value, baseline: outcome.central.majority, reference: reference,
                        better: .higher)
                ])
        }
        let pooled = outcome.central.logistic
        return [
            result("Naive Bayes, all mails in one place", outcome.central.naiveBayes, nil),
            result("Logistic regression, all mails in one place", pooled, nil),
            result(
                "The same with duplicates kept", outcome.centralWithDuplicates.logistic, nil,
                note: "Flatters: some test mails were trained on."),
            result("Federated, nothing protected", outcome.plain.accuracy, pooled),
        ]
            + outcome.protected.map { result("Federated under \($0.protection.title)", $0.accuracy, pooled) }
            + (outcome.scoring.map { scoring in
                [
                    result(
                        "Scores by the encrypted model, of \(scoring.mails) mails that stayed at home",
                        scoring.accuracy, nil,
                        note: "\(scoring.sameDecisions) decisions as by the model in the clear.")
                ]
            } ?? [])
    }

    private var agreement: [PrivacyReport.AgreementCheck] {
        outcome.protected.map { run in
            .init(
                name: "weights under \(run.protection.title) = weights of the plain federation",
                difference: run.difference, tolerance: 0,
                measure: "largest absolute")
        }
    }

    private var costs: [PrivacyReport.PhaseCost] {
        outcome.protected.map { run in
            .init(
                phase: "sums under \(run.protection.title)", wallSeconds: run.seconds,
                bytesSent: run.bytesForCounts.reduce(0, +)
                    + outcome.settings.rounds * run.bytesInARound.reduce(0, +) + outcome.bytesForVocabulary.reduce(0, +)
            )
        }
    }

    private var plots: [PrivacyReport.Plot] {
        let rounds = (0...outcome.settings.rounds).map(Double.init)
        return [
            .curves(
                title: "Errors on \(outcome.testMails) test mails", xLabel: "round (0: naive Bayes from summed counts)",
                yLabel: "share of mails misjudged",
                series: ([outcome.plain] + outcome.protected).map { run in
                    .init(name: run.protection.title, x: rounds, y: run.accuracies.map { 1 - $0 })
                } + [
                    .init(
                        name: "all mails in one place", x: rounds,
                        y: rounds.map { _ in 1 - outcome.central.logistic })
                ]),
            .bars(
                title: "Words of Site C that an attacker finds", yLabel: "share of its words",
                categories: ["plain counts", "plain update", "phe's exponents"],
                series: [
                    (
                        name: "found",
                        y: [
                            outcome.leak.fromCounts.recall, outcome.leak.fromUpdate.recall,
                            outcome.leak.fromExponents.recall,
                        ]
                    )
                ], note: "Under protection the same attack is at chance; see the audits."),
        ]
    }
}

extension ProtectionKind {
    var title: String {
        switch self {
        case .none: "no protection"
        case .secagg: "secure aggregation"
        case .ckks: "threshold CKKS"
        case .paillier: "threshold Paillier"
        }
    }

    var hasKeys: Bool { self == .ckks || self == .paillier }
}
