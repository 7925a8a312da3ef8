import ArgumentParser
import Federation
import Foundation
import Paillier
import Tabular

extension ProtectionKind: ExpressibleByArgument {}

/// How a simulated study trains; the same for every command that runs one.
struct FederatedTrainingOptions: ParsableArguments {
    @Option(help: "Training rounds.") var rounds = 20
    @Option(help: "logistic, mlp:64,32 (hidden units), cnn:HEIGHTxWIDTHxCHANNELS:8,16 (filters).") var model =
        "logistic"
    @Option(
        help:
            "fedavg, fedprox, fedavgm, fedadam, fedyogi, fedadagrad, scaffold, fedbuff, median, trimmed-mean, krum, bulyan."
    )
    var strategy = "fedavg"
    @Option(parsing: .upToNextOption, help: "Fields of the strategy, such as rate=0.1 mu=0.01 malicious=2.")
    var strategyOption: [String] = []
    @Option(help: "none, secagg, ckks or paillier.") var protection: ProtectionKind = .secagg
    @Option(help: "Sites that open a sum together (ckks, paillier); more than half of them unless said otherwise.")
    var threshold: Int?
    @Option(help: "Sites asked in a round; all unless said otherwise.") var perRound: Int?
    @Option(help: "Fewest sites in a sum that is opened.") var minimum: Int?
    @Option(help: "Passes of a site over its rows in a round.") var epochs = 1.0
    @Option(help: "Rows of a step.") var batch = 64
    @Option(help: "The sites' learning rate.") var rate = 0.05
    @Option(help: "Factor of the learning rate from round to round.") var decay = 1.0
    @Option(help: "Bound on each change of a weight in a round.") var clip = 2.0
    @Option(help: "Differential privacy of a site's contribution: deviation of the noise over the clipping norm.")
    var noiseMultiplier: Double?
    @Option(help: "The clipping norm of an update, with --noise-multiplier.") var clippingNorm = 1.0
    @Option(help: "central or distributed, with --noise-multiplier.") var noisePlacement = "distributed"
    @Option(help: "delta of the guarantee, with --noise-multiplier.") var delta = 1e-6
    @Flag(help: "Paillier keys of 1024 bits, for trying things out. Never for data.") var insecure = false

    var paillier: PaillierParameters {
        get throws { insecure ? try .insecure(bits: 1024) : .bits3072 }
    }

    func literal(name: String, target: String?, positive: String?, sites: Int, seed: UInt64) throws -> StudyLiteral {
        let privacy = try privacy()
        let isTrial = protection == .paillier && insecure
        return StudyLiteral(
            name: name, target: target, positive: positive, model: try modelDescription(), rounds: rounds,
            training: TrainingParameters(
                epochs: epochs, batchSize: batch, learningRate: rate, decay: decay == 1 ? nil : decay),
            cohort: .init(minimum: minimum ?? max(2, min(3, sites)), perRound: perRound, quorum: nil),
            strategy: try strategyLiteral(),
            protection: .init(
                kind: protection, threshold: threshold, clip: clip, modulusBits: isTrial ? 1024 : nil,
                insecure: isTrial ? true : nil), privacy: privacy,
            standardise: privacy == nil && modelKind != .cnn, sites: [], seed: seed)
    }

    private var modelKind: ModelDescription.Kind? {
        model.split(separator: ":").first.flatMap { ModelDescription.Kind(rawValue: String($0)) }
    }

    private func modelDescription() throws -> ModelDescription {
        let parts = model.split(separator: ":").map(String.init)
        func numbers(_ text: String, _ separator: Character) throws -> [Int] {
            let values = text.split(separator: separator).map { Int($0) }
            guard !values.isEmpty, values.allSatisfy({ $0 != nil }) else {
                throw CommandFailure(.usage, "--model: got \(model), want such as mlp:64,32 or cnn:28x28x1:8,16")
            }
            return values.compactMap { $0 }
        }
        switch modelKind {
        case .logistic where parts.count == 1: return .logistic
        case .mlp where parts.count == 2: return ModelDescription(kind: .mlp, hidden: try numbers(parts[1], ","))
        case .cnn where parts.count == 3:
            return ModelDescription(kind: .cnn, image: try numbers(parts[1], "x"), filters: try numbers(parts[2], ","))
        default: throw CommandFailure(.usage, "--model: got \(model), want logistic, mlp:UNITS or cnn:IMAGE:FILTERS")
        }
    }

    private func strategyLiteral() throws -> StrategyLiteral {
        var literal = StrategyLiteral(name: strategy)
        for option in strategyOption {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, let value = Double(pair[1]) else {
                throw CommandFailure(.usage, "--strategy-option: got \(option), want NAME=NUMBER")
            }
            switch pair[0] {
            case "rate": literal.rate = value
            case "momentum": literal.momentum = value
            case "beta1": literal.beta1 = value
            case "beta2": literal.beta2 = value
            case "tau": literal.tau = value
            case "mu": literal.mu = value
            case "trim": literal.trim = value
            case "malicious": literal.malicious = Int(value)
            case "keep": literal.keep = Int(value)
            case "buffer": literal.buffer = Int(value)
            default: throw CommandFailure(.usage, "--strategy-option: got \(pair[0]), which no strategy has")
            }
        }
        return literal
    }

    private func privacy() throws -> ClientPrivacy? {
        guard let noiseMultiplier else { return nil }
        guard let placement = ClientPrivacy.Placement(rawValue: noisePlacement) else {
            throw CommandFailure(.usage, "--noise-placement: got \(noisePlacement), want central or distributed")
        }
        return ClientPrivacy(
            clippingNorm: clippingNorm, noiseMultiplier: noiseMultiplier, placement: placement,
            neighbouring: .addOrRemoveOne, delta: delta)
    }
}

/// Runs a study in this process and shows its rounds as they happen.
struct SimulationRun {
    var simulation: StudySimulation
    var keepsRecords: Bool

    func run() throws -> (federation: InMemoryFederation, seconds: Double) {
        var federation = try simulation.federation(keepsRecords: keepsRecords)
        let started = ContinuousClock.now
        var last = started
        let total = simulation.study.rounds
        try federation.run(notice: { notice in
            switch notice {
            case .committed(let summary):
                let now = ContinuousClock.now
                Console.log(Self.line(summary, total: total, seconds: Self.seconds(now - last)))
                last = now
            case .dropped(let sites, let stage):
                Console.log("  stage \(stage): no answer from \(sites.count) sites")
            case .abandoned(let session, let attempt, let reason):
                Console.warn("session \(session), attempt \(attempt): \(reason)")
            case .refused(let site, let reason): Console.warn("\(site ?? "a message"): \(reason)")
            case .waiting(let reason): Console.log("  waiting: \(reason)")
            case .joined, .opened, .finished: break
            }
        })
        return (federation, Self.seconds(ContinuousClock.now - started))
    }

    private static func line(_ summary: RoundSummary, total: Int, seconds: Double) -> String {
        let what =
            switch summary.purpose {
            case "training": "round \(summary.round + 1) of \(total)"
            case "statistics": "means and deviations"
            case "keys": "joint key"
            case "local": "each site alone"
            default: "last evaluation"
            }
        var parts = ["\(what): \(summary.contributors.count) sites"]
        if let metrics = summary.metrics {
            let figure =
                metrics.auroc.map { String(format: "AUROC %.4f", $0) }
                ?? String(format: "accuracy %.4f", metrics.accuracy)
            parts.append("\(figure) \(summary.purpose == "training" ? "before it" : "at the end")")
        }
        parts.append("\(bytes(summary.bytesReceived)) received")
        parts.append(String(format: "%.2f s", seconds))
        return parts.joined(separator: ", ")
    }

    static func bytes(_ count: Int) -> String {
        count < 10_000 ? "\(count) bytes" : count < 10_000_000 ? "\(count / 1000) kB" : "\(count / 1_000_000) MB"
    }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}

/// Figures of a finished simulation, on standard output.
struct SimulationResult: Encodable {
    var study: String
    var target: String
    var sites: Int
    var rounds: Int
    var protection: String
    var strategy: String
    var seconds: Double
    var bytesFromSites: Int
    var bytesToSites: Int
    var heldOutRows: Int
    var majority: Double?
    var federated: StudyOutcome.Figures
    var central: StudyOutcome.Figures
    var aloneMeanAUROC: Double?
    var aloneMeanAccuracy: Double?
    var model: String
    var dataCheck: String?

    init(
        _ simulation: StudySimulation, _ federation: InMemoryFederation, _ outcome: StudyOutcome, seconds: Double,
        check: SignalCheck?
    ) {
        let study = simulation.study
        self.study = study.literal.name
        target = study.literal.target ?? ""
        sites = study.sites.count
        rounds = federation.coordinator.round
        protection = study.kind.rawValue
        strategy = study.literal.strategy.name
        self.seconds = seconds
        bytesFromSites = federation.bytesFromSites
        bytesToSites = federation.bytesToSites
        heldOutRows = outcome.rows
        majority = outcome.majority
        federated = outcome.federated
        central = outcome.central
        aloneMeanAUROC = outcome.meanAlone(\.auroc)
        aloneMeanAccuracy = outcome.meanAlone(\.accuracy)
        model = federation.coordinator.result.fingerprint.description
        dataCheck = check?.sentence
    }

    func show() {
        Console.result(
            "\(target): \(sites) sites, \(rounds) rounds of \(strategy), protection \(protection), \(heldOutRows) held-out rows"
        )
        func row(_ name: String, _ figures: StudyOutcome.Figures) {
            var text = name.padding(toLength: 12, withPad: " ", startingAt: 0)
            if let auroc = figures.auroc, let low = figures.aurocLower, let high = figures.aurocUpper {
                text += String(format: "  AUROC %.4f (%.4f to %.4f)", auroc, low, high)
            }
            if let auprc = figures.auprc { text += String(format: "  AUPRC %.4f", auprc) }
            if let accuracy = figures.accuracy { text += String(format: "  accuracy %.4f", accuracy) }
            if let error = figures.calibrationError { text += String(format: "  calibration error %.4f", error) }
            if let error = figures.meanSquaredError { text += String(format: "  mean squared error %.4f", error) }
            Console.result(text)
        }
        row("federated", federated)
        row("pooled", central)
        if let aloneMeanAUROC {
            Console.result(String(format: "alone         AUROC %.4f (mean of up to ten sites)", aloneMeanAUROC))
        }
        if aloneMeanAUROC == nil, let aloneMeanAccuracy {
            Console.result(String(format: "alone         accuracy %.4f (mean of up to ten sites)", aloneMeanAccuracy))
        }
        if let majority { Console.result(String(format: "majority      accuracy %.4f", majority)) }
        if let low = federated.aurocLower, let high = federated.aurocUpper, low <= 0.5, high >= 0.5 {
            Console.result(
                "The interval of the model's AUROC contains 0.5: it tells the classes apart no better than chance.")
        }
        if let dataCheck { Console.result(dataCheck) }
        Console.result(
            "bytes from sites \(SimulationRun.bytes(bytesFromSites)), to sites \(SimulationRun.bytes(bytesToSites)); "
                + String(format: "%.1f s", seconds) + "; model \(model)")
    }
}
