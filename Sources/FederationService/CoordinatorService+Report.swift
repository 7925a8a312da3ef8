import Federation
import Foundation
import PrivacyReports

extension CoordinatorService {
    /// Who saw what, up to now.
    func makeReport() throws -> PrivacyReport {
        let sites = study.sites.filter { coordinator.sites[$0.name]?.hasJoined ?? false }.map(\.name)
        let ids = Dictionary(uniqueKeysWithValues: sites.enumerated().map { ($1, "site-\($0 + 1)") })
        let sums = coordinator.history
        let form: PrivacyReport.Form =
            switch study.kind {
            case .none: .plaintextSum
            case .secagg: .maskedValue
            case .ckks, .paillier: .ciphertext
            }
        let single =
            study.kind == .none
            ? "everything that the updates tell about the rows behind them" : "nothing but the sum with the others"
        var observations: [PrivacyReport.Observation] = []
        for site in sites {
            guard let id = ids[site] else { continue }
            let own = sums.filter { $0.contributors.contains(site) }
            observations.append(
                .init(
                    observer: id, source: id, form: .ownData, what: "its own table", count: 1, learns: "nothing new"))
            observations.append(
                .init(
                    observer: "coordinator", source: id, form: form, what: "updates and counts of held-out rows",
                    count: own.count, learns: single))
            observations.append(
                .init(
                    observer: id, source: "coordinator", form: .plaintextModel,
                    what: "the models that rounds began with",
                    count: sums.count, learns: "what the models tell about the other sites' rows together"))
        }
        observations.append(
            .init(
                observer: "coordinator", source: nil, form: .plaintextSum, what: "sums over the sites of a round",
                count: sums.count, learns: "the sum of at least \(study.minimum) sites in each round, and the model"))
        var dataSets: [PrivacyReport.DataSet] = []
        // Sites do not say how many rows they have; only sums are known.
        if let rows = coordinator.totalRows {
            dataSets.append(
                .init(name: "all sites together", rows: Int(rows), columns: study.width, target: study.literal.target))
        } else if let rows = sums.last(where: { $0.metrics != nil })?.metrics?.rows {
            dataSets.append(
                .init(
                    name: "held-out rows of the sites", rows: Int(rows.rounded()), columns: study.width,
                    target: study.literal.target, note: "How many rows sites train on was not asked."))
        }
        let metrics = coordinator.best.map { Self.metrics($0.metrics) } ?? []
        return PrivacyReport(
            title: "Federation \(study.literal.name)", created: Date(), tool: .init(version: "federation 1"),
            task: .init(
                computed:
                    "\(coordinator.round) rounds of \(study.literal.strategy.name) on \(coordinator.model.count) weights",
                technique: "Federated learning, protection \(study.kind.rawValue)",
                dataSets: dataSets,
                rowNoun: "rows", ownerNoun: "site"),
            parties: sites.compactMap { site in
                ids[site].map {
                    .init(
                        id: $0, name: site, roles: study.kind == .ckks ? [.dataOwner, .keyHolder] : [.dataOwner],
                        secretKey: study.kind == .ckks || study.kind == .paillier ? .share : .none)
                }
            } + [.init(id: "coordinator", name: "Coordinator", roles: [.coordinator, .aggregator], secretKey: .none)],
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [.init(among: ["coordinator"], atMost: 1, note: "The coordinator alone.")],
                promise: StudyWords.adversary(study),
                outOfScope: [
                    "A site that trains on false rows",
                    "What the model and the sums tell about rows, unless noise was added",
                    "Denial of service", "The times and sizes of messages",
                ]),
            observations: observations,
            disclosures: [
                .init(
                    what: "The model after \(coordinator.round) rounds",
                    to: ["coordinator"] + sites.compactMap { ids[$0] },
                    count: coordinator.model.count)
            ],
            cryptography: coordinator.cryptography + [
                .init(
                    purpose: "Connections between sites and coordinator",
                    scheme: "TLS 1.3, both sides with pinned P-256 certificates",
                    parameterSet: "AES-GCM or ChaCha20-Poly1305", estimatedSecurityBits: 128,
                    securitySource: "RFC 8446", randomness: "the operating system's generator", insecure: false)
            ],
            differentialPrivacy: .none(
                because: study.literal.privacy == nil
                    ? "The study adds no noise."
                    : "Noise was added; what it costs is charged in each site's own ledger, with the sites that really took part."
            ),
            audits: .notRun(because: "No attack was run against this federation."),
            results: [.init(name: "Best model, on the sites' held-out rows", metrics: metrics)]
                + (coordinator.alone.map {
                    [.init(name: "Each site alone, on its own held-out rows", metrics: Self.metrics($0))]
                } ?? []),
            costs: costs,
            plots: plots,
            provenance: .init(
                commandLine: ["tacit", "federation", "serve"], codeVersion: "federation 1",
                inputs: [.init(name: "study", algorithm: "SHA-256", digest: study.fingerprint.hexadecimal)]))
    }

    private static func metrics(_ known: EvaluationMetrics) -> [PrivacyReport.Metric] {
        var metrics = [
            PrivacyReport.Metric(name: "accuracy", value: known.accuracy, baseline: known.majority, better: .higher)
        ]
        if let auroc = known.auroc {
            metrics.append(.init(name: "AUROC", value: auroc, baseline: 0.5, better: .higher))
        }
        if let auprc = known.auprc { metrics.append(.init(name: "AUPRC", value: auprc, better: .higher)) }
        metrics.append(.init(name: "loss", value: known.loss, better: .lower))
        return metrics
    }

    /// Bytes of both directions; sums whose notes are too old to have their seconds are left out.
    private var costs: [PrivacyReport.PhaseCost] {
        let seconds = secondsOfSessions
        return coordinator.history.compactMap { summary in
            seconds["\(summary.session).\(summary.attempt)"].map {
                .init(
                    phase: "\(CoordinatorNote.title(summary)), \(summary.contributors.count) sites"
                        + (summary.dropped.isEmpty ? "" : ", \(summary.dropped.count) dropped out"),
                    wallSeconds: $0, bytesSent: summary.bytesSent + summary.bytesReceived)
            }
        }
    }

    private var plots: [PrivacyReport.Plot] {
        let known = coordinator.history.filter { $0.purpose != "local" && $0.metrics?.auroc != nil }
        guard known.count > 1 else { return [] }
        let rounds = known.map { Double($0.round) }
        return [
            .curves(
                title: "AUROC on the sites' held-out rows", xLabel: "rounds that the model had been trained for",
                yLabel: "AUROC",
                series: [
                    .init(name: "joint model", x: rounds, y: known.compactMap { $0.metrics?.auroc }),
                    .init(name: "majority", x: rounds, y: rounds.map { _ in 0.5 }),
                ]
                    + (coordinator.alone?.auroc.map { value in
                        [.init(name: "each site alone", x: rounds, y: rounds.map { _ in value })]
                    } ?? []))
        ]
    }
}
