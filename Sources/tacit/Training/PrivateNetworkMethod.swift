import Foundation
import NeuralNetworks
import PrivacyReports
import PrivateLearning

/// DP-SGD and DP-Adam on a network.
struct PrivateNetworkMethod: PrivateMethod {
    let request: PrivateTrainingRequest
    let releases: PlannedReleases
    private let kind: StandardNetwork
    private let settings: PrivateNetworkSettings
    private let checkpoint: PrivateNetworkCheckpoint?

    init(_ request: PrivateTrainingRequest) throws {
        self.request = request
        kind = try StandardNetwork(request)
        guard request.network.batchSize == nil else {
            throw CommandFailure(
                .usage, "--batch-size: batches are Poisson samples here; give --sampling-rate, or --ordered")
        }
        let unit = try Self.unit(request)
        let usual = PrivateTrainingDefaults(kind, images: NetworkData.isImages(request.data))
        let rate = request.privacy.samplingRate ?? usual.samplingRate
        let epochs = request.network.epochs ?? usual.epochs
        let steps = epochs * max(1, Int((1 / rate).rounded()))
        let plan = try DescentPlan(
            epsilon: request.epsilon, delta: request.delta, samplingRate: rate, steps: steps)
        let norm = request.privacy.clip ?? usual.clippingNorm
        settings = PrivateNetworkSettings(
            plan: plan,
            clipping: request.privacy.adaptiveClipping
                ? .adaptive(initialNorm: norm, countNoise: max(10, plan.noiseMultiplier)) : .fixed(norm: norm),
            optimizer: request.network.optimizer.map(\.value) ?? usual.optimizer,
            learningRate: request.network.learningRate ?? usual.learningRate, averaging: usual.averaging,
            seed: request.seed)
        checkpoint = try request.checkpointToResume().map { try PrivateNetworkCheckpoint(path: $0) }
        try request.requireLedger(of: checkpoint?.ledgerRun)
        releases = PlannedReleases(
            step: plan.step, steps: plan.steps, neighbouring: .addOrRemoveOne, unit: unit,
            epsilon: plan.epsilonOfAllSteps, delta: plan.delta, accountant: "PLD (upper bound)",
            mechanism: "\(settings.optimizer.name) on sums of clipped gradients with Gaussian noise of multiplier "
                + "\(String(format: "%.4f", plan.noiseMultiplier)), Poisson samples at rate "
                + "\(String(format: "%.5f", plan.samplingRate)), \(plan.steps) steps",
            ledgerRun: checkpoint?.ledgerRun)
    }

    static func unit(_ request: PrivateTrainingRequest) throws -> String {
        if NetworkData.isImages(request.data) {
            guard request.privacy.unit ?? "image" == "image" else {
                throw CommandFailure(
                    .usage, "--unit: got \(request.privacy.unit!), want image: \(request.data) has no other")
            }
            return "image"
        }
        guard let unit = request.privacy.unit else {
            throw CommandFailure(.usage, "--unit: want row, or the column that says to whom a row belongs")
        }
        return unit
    }

    func requireData() throws { try NetworkData.require(request, unit: releases.unit) }

    func train(_ authority: any ReleaseAuthority) throws -> PrivateTrainingResult? {
        let began = Date()
        let data = try NetworkData(request, unit: releases.unit)
        let network = try Network<Float>(
            kind.layers(for: data.task, isPrivate: true), input: data.task.inputShape, seed: request.seed)
        let run = try PrivateNetworkRun(
            network, data.training, loss: data.task.loss, unitOfRow: data.unitOfRow, settings: settings,
            heldOut: data.heldOut, checkpointPath: checkpointPath(request.out), resuming: checkpoint)
        releases.warn(units: run.unitCount)
        Console.log(
            "\(run.unitCount) \(data.unitOfRow == nil ? data.rowNoun : "units"), \(network.parameterCount) weights, "
                + "\(settings.plan.steps) steps, noise multiplier "
                + String(format: "%.4f", settings.plan.noiseMultiplier))
        Interruption.defer(note: "stops after the steps that are paid for; once more stops at once")
        let progress = Progress("training", total: settings.plan.steps, unit: "steps")
        defer { progress.finish() }
        let outcome = try run.run(
            authority: authority, shouldStop: { Interruption.requested != nil },
            onEpoch: { epoch in
                progress.finish()
                Console.log(epoch.line(of: data))
            }, onStep: { progress.reach($0) })
        guard outcome == .finished else { return nil }
        return try Self.finished(
            network, kind, data, run.history, releases, out: request.out, began: began,
            cautions: ["The number of units is treated as public."], finish: run.removeCheckpoint)
    }

    /// Writes the model; what a report says of it.
    static func finished(
        _ network: Network<Float>, _ kind: StandardNetwork, _ data: NetworkData, _ history: [TrainingEpoch],
        _ releases: PlannedReleases, out: String, began: Date, cautions: [String], finish: @escaping () -> Void = {}
    ) throws -> PrivateTrainingResult {
        let model = try NetworkModel(
            network: network, task: data.task,
            guarantee: .init(
                epsilon: releases.epsilon, delta: releases.delta, neighbouring: releases.neighbouring.rawValue,
                unit: releases.unit))
        try model.file.write(to: out)
        return PrivateTrainingResult(
            title: "\(kind.title) for \(data.task.target.name)", dataSet: data.summary, rowNoun: data.rowNoun,
            numbers: network.parameterCount, metrics: data.metrics(history.last), plots: history.plots(of: data),
            seconds: -began.timeIntervalSinceNow,
            cautions: [
                "Losses, the part of clipped gradients and held-out metrics were shown while training. They were computed "
                    + "without noise, are for those who hold the data, and are not covered by ε."
            ] + cautions, finish: finish)
    }
}

extension NetworkTrainingOptions.OptimizerName {
    var value: Optimizer { self == .sgd ? .sgd(momentum: 0.9) : .adam() }
}

extension Optimizer {
    /// For reports.
    var name: String {
        switch self {
        case .sgd: "DP-SGD"
        case .adam: "DP-Adam"
        case .adamW: "DP-AdamW"
        }
    }
}

extension StandardNetwork {
    init(_ request: PrivateTrainingRequest) throws {
        guard request.network.head == nil || request.model == .scatter else {
            throw CommandFailure(.usage, "--head: belongs to --model scatter")
        }
        guard request.network.hidden == nil || request.model == .mlp else {
            throw CommandFailure(.usage, "--hidden: belongs to --model mlp")
        }
        switch request.model {
        case .cnn: self = .cnn
        case .mobilenet: self = .mobileNet
        case .scatter: self = .scattering(request.network.head ?? .linear)
        default: self = .mlp(hidden: try request.network.hiddenWidths() ?? Self.usualHidden)
        }
    }

    var title: String {
        switch self {
        case .cnn: "Convolutional network"
        case .mlp: "Network of dense layers"
        case .mobileNet: "MobileNetV2"
        case .scattering(.linear): "Linear model on scattering features"
        case .scattering(.cnn): "Convolutional network on scattering features"
        }
    }
}

extension TrainingEpoch {
    /// A line of progress.
    func line(of data: NetworkData) -> String {
        var parts = ["epoch \(number)", "loss \(String(format: "%.4f", loss))"]
        for metric in data.metrics(self).prefix(1) {
            parts.append("\(metric.name) \(String(format: "%.4f", metric.value))")
        }
        if let unclipped { parts.append("\(Int((100 * (1 - unclipped)).rounded())) % clipped") }
        if let epsilon { parts.append("ε so far \(PrivateTraining.text(epsilon))") }
        return parts.joined(separator: ", ")
    }
}

extension [TrainingEpoch] {
    func plots(of data: NetworkData) -> [PrivacyReport.Plot] {
        func curve(_ name: String, _ value: (TrainingEpoch) -> Double?) -> PrivacyReport.Plot.Series {
            let points = compactMap { epoch in value(epoch).map { (Double(epoch.number), $0) } }
            return .init(name: name, x: points.map(\.0), y: points.map(\.1))
        }
        guard count > 1 else { return [] }
        var plots = [
            PrivacyReport.Plot.curves(
                title: "Loss", xLabel: "epoch", yLabel: "loss",
                series: [curve("training", \.loss), curve("held out", \.heldOutLoss)].filter { !$0.x.isEmpty })
        ]
        for (title, label, series) in [
            ("Accuracy on held-out \(data.rowNoun)", "accuracy", curve("accuracy", \.heldOutAccuracy)),
            ("ε spent", "ε", curve("ε", \.epsilon)),
        ] where !series.x.isEmpty {
            plots.append(.curves(title: title, xLabel: "epoch", yLabel: label, series: [series]))
        }
        return plots
    }
}
