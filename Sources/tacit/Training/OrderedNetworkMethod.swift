import Foundation
import NeuralNetworks
import PrivacyReports
import PrivateLearning

/// DP-FTRL on a network, for rows in order.
struct OrderedNetworkMethod: PrivateMethod {
    let request: PrivateTrainingRequest
    let releases: PlannedReleases
    private let kind: StandardNetwork
    private let settings: OrderedNetworkSettings
    private let checkpoint: OrderedNetworkCheckpoint?

    /// Bands of the matrix unless told otherwise.
    static let usualBands = 16

    init(_ request: PrivateTrainingRequest, noise: PrivateTrainingOptions.Ordered) throws {
        self.request = request
        kind = try StandardNetwork(request)
        let images = NetworkData.isImages(request.data)
        let unit = try PrivateNetworkMethod.unit(request)
        guard images || unit == NetworkData.row else {
            throw CommandFailure(
                .usage,
                "--unit: got \(unit), want row: with --ordered each row is in one step of a pass, which does not hold "
                    + "for several rows of one unit")
        }
        guard !request.privacy.adaptiveClipping, request.privacy.samplingRate == nil else {
            throw CommandFailure(
                .usage, "--ordered: has no --sampling-rate and --adaptive-clipping; see `tacit train --help`")
        }
        let defaults = PrivateTrainingDefaults(ordered: kind)
        let batchSize = request.network.batchSize ?? defaults.batchSize
        let passes = request.network.epochs ?? 1
        let orderedNoise: OrderedNoise
        var most = 1
        switch noise {
        case .banded: orderedNoise = .banded(try .squareRoot(bands: request.privacy.bands ?? Self.usualBands))
        case .tree:
            orderedNoise = .tree
            guard let rows = request.privacy.mostRows ?? (images ? 60_000 : nil) else {
                throw CommandFailure(
                    .usage,
                    "--ordered tree: needs --most-rows, a public bound on the number of rows; its height depends on it")
            }
            most = max(1, (rows + batchSize - 1) / batchSize)
        }
        // The steps of a pass matter to a tree only.
        let plan = try OrderedPlan(
            epsilon: request.epsilon, delta: request.delta, noise: orderedNoise, passes: passes,
            mostStepsOfPass: noise == .tree ? most : 1 << 30)
        settings = OrderedNetworkSettings(
            plan: plan, clippingNorm: request.privacy.clip ?? defaults.clippingNorm, batchSize: batchSize,
            optimizer: request.network.optimizer.map(\.value) ?? defaults.optimizer,
            learningRate: request.network.learningRate ?? defaults.learningRate, seed: request.seed)
        checkpoint = try request.checkpointToResume().map { try OrderedNetworkCheckpoint(path: $0) }
        try request.requireLedger(of: checkpoint?.ledgerRun)
        releases = PlannedReleases(
            step: plan.event, steps: 1, neighbouring: .addOrRemoveOne, unit: unit, epsilon: plan.epsilonOfAllSteps,
            delta: plan.delta, accountant: "Gaussian, exact",
            mechanism: "DP-FTRL with \(noise == .tree ? "tree" : "banded") noise of multiplier "
                + "\(String(format: "%.4f", plan.noiseMultiplier)), \(passes == 1 ? "one pass" : "\(passes) passes") in order; "
                + "a removed \(unit) leaves its place empty",
            ledgerRun: checkpoint?.ledgerRun)
    }

    func requireData() throws { try NetworkData.require(request, unit: releases.unit) }

    func train(_ authority: any ReleaseAuthority) throws -> PrivateTrainingResult? {
        let began = Date()
        let data = try NetworkData(request, unit: releases.unit)
        let network = try Network<Float>(
            kind.layers(for: data.task, isPrivate: true), input: data.task.inputShape, seed: request.seed)
        let run = try OrderedNetworkRun(
            network, data.training, loss: data.task.loss, settings: settings, heldOut: data.heldOut,
            checkpointPath: checkpointPath(request.out), resuming: checkpoint)
        releases.warn(units: data.training.count)
        Interruption.defer(note: "stops after the steps that are counted; once more stops at once")
        let progress = Progress("training", total: run.steps, unit: "steps")
        defer { progress.finish() }
        let outcome = try run.run(
            authority: authority, shouldStop: { Interruption.requested != nil },
            onEpoch: { epoch in
                progress.finish()
                Console.log(epoch.line(of: data))
            }, onStep: { progress.reach($0) })
        guard outcome == .finished else { return nil }
        return try PrivateNetworkMethod.finished(
            network, kind, data, run.history, releases, out: request.out, began: began,
            cautions: [
                "Rows were used in the order of the file; that a row takes its place in it is treated as public."
            ], finish: run.removeCheckpoint)
    }
}
