import DifferentialPrivacy
import Foundation
import Paillier
import PrivacyReports

/// The privacy report of a simulated study.
public struct StudyReport: Sendable {
    public var simulation: StudySimulation
    public var coordinator: Coordinator
    public var outcome: StudyOutcome
    public var bytesFromSites: Int
    public var bytesToSites: Int
    public var seconds: Double
    public var ownerNoun: String
    public var rowNoun: String
    public var dataName: String
    public var commandLine: [String]
    public var version: String
    /// Notes of the data check and the like.
    public var remarks: [String]

    public init(
        simulation: StudySimulation, coordinator: Coordinator, outcome: StudyOutcome, bytesFromSites: Int,
        bytesToSites: Int, seconds: Double, ownerNoun: String = "site", rowNoun: String = "rows", dataName: String,
        commandLine: [String], version: String, remarks: [String] = []
    ) {
        self.simulation = simulation
        self.coordinator = coordinator
        self.outcome = outcome
        self.bytesFromSites = bytesFromSites
        self.bytesToSites = bytesToSites
        self.seconds = seconds
        self.ownerNoun = ownerNoun
        self.rowNoun = rowNoun
        self.dataName = dataName
        self.commandLine = commandLine
        self.version = version
        self.remarks = remarks
    }

    private var study: Study { simulation.study }
    private var kind: ProtectionKind { study.kind }
    private var siteCount: Int { study.sites.count }
    /// Many sites are one line.
    private var groups: Bool { siteCount > 12 }

    public func make() throws(FederationError) -> PrivacyReport {
        let weights = coordinator.model.count
        return PrivacyReport(
            title: "Federated training: \(study.literal.name)", created: Date(), tool: .init(version: version),
            task: .init(
                computed:
                    "\(study.literal.model.kind.rawValue) model of \(targetName), \(weights) weights, by \(study.literal.strategy.name) over "
                    + "\(coordinator.round) rounds",
                technique: "Federated learning, \(technique)",
                dataSets: [
                    .init(
                        name: dataName, rows: simulation.rows.count, columns: study.width, target: targetName,
                        note: "divided among \(siteCount) simulated sites in one process")
                ], rowNoun: rowNoun, ownerNoun: ownerNoun),
            parties: parties, adversary: adversary, observations: observations(weights),
            disclosures: disclosures(weights),
            cryptography: coordinator.cryptography, differentialPrivacy: try privacy(),
            audits: .notRun(because: "No attack was run against the model."), results: results(),
            agreement: agreement, costs: costs(), plots: plots(),
            provenance: .init(
                commandLine: PrivacyReport.Provenance.redacted(commandLine), codeVersion: version,
                inputs: [.init(name: "study", algorithm: "SHA-256", digest: study.fingerprint.hexadecimal)]))
    }

    private var targetName: String { study.literal.target ?? (try? study.schema?.target.name) ?? "the target" }

    private var technique: String {
        switch kind {
        case .none: "updates in the clear"
        case .secagg: "secure aggregation with pairwise masks"
        case .ckks: "updates under a threshold CKKS key that the sites made together"
        case .paillier: "updates under a threshold Paillier key"
        }
    }

    // MARK: Who and what

    private var parties: [PrivacyReport.Party] {
        let hasShare = kind == .ckks || kind == .paillier
        let key: PrivacyReport.SecretKey = hasShare ? .share : .none
        let roles: [PrivacyReport.Role] = hasShare ? [.dataOwner, .keyHolder] : [.dataOwner]
        var list: [PrivacyReport.Party] =
            groups
            ? [
                .init(
                    id: "sites", name: "\(siteCount) \(ownerNoun)s", roles: roles, secretKey: key,
                    ownRows: simulation.rows.count)
            ]
            : study.sites.enumerated().map { index, site in
                .init(
                    id: site.name, name: site.name, roles: roles, secretKey: key,
                    ownRows: simulation.parts[index].training.count + simulation.parts[index].test.count)
            }
        list.append(
            .init(id: "coordinator", name: "Coordinator", roles: [.coordinator, .aggregator], secretKey: .none))
        if kind == .paillier {
            list.append(.init(id: "dealer", name: "Dealer", roles: [.keyDealer], secretKey: .whole))
        }
        return list
    }

    private var siteIDs: [String] { groups ? ["sites"] : study.sites.map(\.name) }

    private var adversary: PrivacyReport.AdversaryModel {
        var outOfScope = [
            "A site that trains on made-up rows: its update is one summand like any other",
            "What the model itself says about single rows: see differential privacy",
        ]
        var coalitions: [PrivacyReport.Coalition] = []
        let promise: String
        switch kind {
        case .none:
            promise =
                "None against the coordinator: it sees the update of every \(ownerNoun). Others see the model only."
        case .secagg:
            promise =
                "The coordinator, even one that deviates from the protocol, learns the sum of at least \(study.minimum) updates and "
                + "nothing else about any of them, as long as no more sites collude with it than the study states."
            let colluding = study.literal.protection.colluding ?? max(0, (study.perRound - 2) / 3)
            coalitions = [
                .init(
                    among: siteIDs + ["coordinator"], atMost: min(colluding, siteIDs.count) + 1,
                    note: "the coordinator and \(colluding) sites of a round")
            ]
        case .ckks:
            promise =
                "A coordinator that follows the protocol, with up to \(study.threshold - 1) of the \(siteCount) sites that pool what they see, "
                + "learns sums of updates only. Nobody ever holds the secret key."
            coalitions = [
                .init(
                    among: siteIDs + ["coordinator"], atMost: min(study.threshold, siteIDs.count + 1),
                    note: "fewer key shares than the threshold")
            ]
            outOfScope.append(
                "A coordinator that asks for the opening of something else than the sum, and sites that answer it")
        case .paillier:
            promise =
                "A coordinator that follows the protocol learns sums of updates only, as long as fewer sites than the threshold collude and "
                + "the dealer has deleted the key."
            coalitions = [
                .init(among: siteIDs + ["coordinator"], atMost: 2, note: "fewer key shares than the threshold")
            ]
            outOfScope.append(
                "A coordinator that asks for the opening of something else than the sum, and sites that answer it")
        }
        return .init(
            behaviour: kind == .secagg ? .maliciousWithAbort : .semiHonest, coalitions: coalitions, promise: promise,
            outOfScope: outOfScope)
    }

    private func observations(_ weights: Int) -> [PrivacyReport.Observation] {
        var list: [PrivacyReport.Observation] = []
        for (index, id) in siteIDs.enumerated() {
            let rows =
                groups
                ? simulation.rows.count : simulation.parts[index].training.count + simulation.parts[index].test.count
            list.append(
                .init(
                    observer: id, source: id, form: .ownData, what: "its own rows", count: rows, learns: "nothing new"))
        }
        let form: PrivacyReport.Form =
            switch kind {
            case .none: .plaintextUpdate
            case .secagg: .maskedValue
            case .ckks, .paillier: .ciphertext
            }
        let learns =
            kind == .none
            ? "the change of the model that its rows cause, from which much about them follows" : "nothing by itself"
        let perSite = bytesFromSites / max(1, siteIDs.count)
        for id in siteIDs {
            list.append(
                .init(
                    observer: "coordinator", source: id, form: form, what: "updates of the model", count: weights,
                    bytes: perSite, learns: learns))
        }
        if kind == .ckks || kind == .paillier {
            for id in siteIDs {
                list.append(
                    .init(
                        observer: "coordinator", source: id, form: .partialDecryption,
                        what: "parts of the opening of sums",
                        count: weights, learns: "the sum, together with enough others"))
            }
        }
        list.append(
            .init(
                observer: "coordinator", source: nil,
                form: study.literal.privacy?.placement == .distributed ? .noisedRelease : .plaintextSum,
                what: "sums over the sites of a round", count: weights,
                learns: "the model, and how it does on held-out rows of all sites together"))
        for id in siteIDs {
            list.append(
                .init(
                    observer: id, source: "coordinator",
                    form: study.literal.privacy == nil ? .plaintextModel : .noisedRelease, what: "the shared model",
                    count: weights, learns: "the model after each round"))
        }
        return list
    }

    private func disclosures(_ weights: Int) -> [PrivacyReport.Disclosure] {
        var warnings = remarks.map { PrivacyReport.Warning(.note, $0) }
        if study.literal.privacy == nil {
            warnings.append(
                .init(
                    .caution,
                    "The models of all rounds are exact means over the sites: together they can tell something about a single site, "
                        + "and about single \(rowNoun), above all where few sites took part."))
        }
        return [
            .init(
                what: "The model after each of \(coordinator.round) rounds", to: siteIDs + ["coordinator"],
                count: weights,
                warnings: warnings)
        ]
    }

    private func privacy() throws(FederationError) -> PrivacyReport.DifferentialPrivacy {
        guard let privacy = study.literal.privacy else {
            return .none(because: "No noise was added to the sums.")
        }
        do {
            var accountant = try RenyiAccountant(neighbouring: privacy.neighbouring)
            for summary in coordinator.history where summary.purpose == "training" {
                let layout = try study.layout(
                    .training, model: coordinator.model.count, norm: summary.clippingNorm ?? privacy.clippingNorm)
                try accountant.compose(
                    privacy.event(
                        norm: summary.clippingNorm ?? privacy.clippingNorm, layout: layout,
                        contributors: summary.contributors.count, sized: study.minimum), count: 1)
            }
            let epsilon = try accountant.epsilon(delta: privacy.delta)
            return .init(
                guarantees: [
                    .init(
                        release: "the models of all rounds", epsilon: epsilon, delta: privacy.delta, accountant: "RDP",
                        neighbouring: "\(privacy.neighbouring)", unit: ownerNoun,
                        mechanism:
                            "discrete Gaussian, multiplier \(privacy.noiseMultiplier), \(privacy.placement.rawValue)")
                ],
                explanation: privacy.placement == .central
                    ? "The coordinator is trusted to add the noise. The guarantee is for whoever sees the models."
                    : "Each site adds its part of the noise, sized for \(study.minimum) contributors, before masking; counted here "
                        + "with the contributors that each round really had.")
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("accounting: \(error)") }
    }

    // MARK: How well

    private func results() -> [PrivacyReport.ModelResult] {
        let (mine, central) = (outcome.federated, outcome.central)
        var metrics: [PrivacyReport.Metric] = []
        if let auroc = mine.auroc {
            metrics.append(.init(name: "AUROC", value: auroc, baseline: 0.5, reference: central.auroc, better: .higher))
        }
        if let auprc = mine.auprc {
            metrics.append(
                .init(
                    name: "AUPRC", value: auprc, baseline: outcome.prevalence, reference: central.auprc, better: .higher
                ))
        }
        if let accuracy = mine.accuracy {
            metrics.append(
                .init(
                    name: "accuracy", value: accuracy, baseline: outcome.majority, reference: central.accuracy,
                    better: .higher))
        }
        if let error = mine.calibrationError {
            metrics.append(
                .init(name: "calibration error", value: error, reference: central.calibrationError, better: .lower))
        }
        if let error = mine.meanSquaredError {
            metrics.append(
                .init(name: "mean squared error", value: error, reference: central.meanSquaredError, better: .lower))
        }
        var list = [
            PrivacyReport.ModelResult(
                name: "Federated model of \(targetName)",
                note:
                    "on \(outcome.rows) held-out rows; reference: the same kind of model fitted to all training rows in one place",
                metrics: metrics)
        ]
        if let alone = outcome.meanAlone(\.auroc) ?? outcome.meanAlone(\.accuracy) {
            list.append(
                .init(
                    name: "Each \(ownerNoun) alone",
                    note: "mean over \(outcome.alone.count) of them, on the same held-out rows",
                    metrics: [.init(name: mine.auroc == nil ? "accuracy" : "AUROC", value: alone, better: .higher)]))
        }
        return list
    }

    private var agreement: [PrivacyReport.AgreementCheck] {
        guard let mine = outcome.federated.auroc, let central = outcome.central.auroc else { return [] }
        return [
            .init(
                name: "AUROC of the federated model against the pooled one", difference: max(0, central - mine),
                tolerance: 0.005,
                measure: "shortfall")
        ]
    }

    private func costs() -> [PrivacyReport.PhaseCost] {
        [
            .init(
                phase: "all rounds, all sites in one process", wallSeconds: seconds,
                bytesSent: bytesFromSites + bytesToSites)
        ]
    }

    private func plots() -> [PrivacyReport.Plot] {
        var list: [PrivacyReport.Plot] = []
        let evaluated = coordinator.history.filter { $0.metrics != nil && $0.purpose != "local" }
        if evaluated.count > 1 {
            let rounds = evaluated.map { Double($0.round) }
            if evaluated.allSatisfy({ $0.metrics?.auroc != nil }) {
                var series = [
                    PrivacyReport.Plot.Series(
                        name: "federated", x: rounds, y: evaluated.compactMap { $0.metrics?.auroc })
                ]
                if let central = outcome.central.auroc {
                    series.append(.init(name: "pooled", x: rounds, y: rounds.map { _ in central }))
                }
                if let alone = outcome.meanAlone(\.auroc) {
                    series.append(.init(name: "alone (mean)", x: rounds, y: rounds.map { _ in alone }))
                }
                list.append(
                    .curves(
                        title: "AUROC after each round", xLabel: "rounds", yLabel: "AUROC", series: series,
                        note:
                            "On the held-out rows of all sites, added up at the sites in \(EvaluationSums.bins) intervals of the score."
                    ))
            } else {
                list.append(
                    .curves(
                        title: "Loss after each round", xLabel: "rounds", yLabel: "loss",
                        series: [.init(name: "federated", x: rounds, y: evaluated.compactMap { $0.metrics?.loss })]))
            }
        }
        if outcome.calibration.count > 1 {
            list.append(
                .scatter(
                    title: "Calibration", xLabel: "predicted probability", yLabel: "observed share",
                    series: [
                        .init(
                            name: "federated", x: outcome.calibration.map(\.meanProbability),
                            y: outcome.calibration.map(\.positiveShare)),
                        .init(
                            name: "pooled", x: outcome.centralCalibration.map(\.meanProbability),
                            y: outcome.centralCalibration.map(\.positiveShare)),
                    ], showsIndividuals: false, note: "Intervals of probability with at least 50 held-out rows."))
        }
        return list
    }
}
