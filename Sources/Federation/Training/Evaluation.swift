import Foundation
import NeuralNetworks

/// What a site says about a model on its held-out rows: sums only, so that sites can be added up under protection.
///
/// Binary tasks: how many rows of each class have their score in each of 128 intervals of the logit, from which AUROC,
/// AUPRC and calibration of all sites together follow up to the width of an interval; rows, right ones and loss for all tasks.
public struct EvaluationSums: Hashable, Sendable {
    public static let bins = 128
    /// Scores beyond ±8 count in the outermost intervals.
    static let reach = 8.0
    /// No row counts with a greater loss than this, so that sums have a bound.
    static let lossCap = 16.0

    public var rows: Double
    public var right: Double
    public var loss: Double
    /// Rows of class 0, then of class 1, in each interval; empty for other tasks.
    public var histogram: [Double]

    static func count(_ task: LearningTask) -> Int { 3 + (task == .binary ? 2 * bins : 0) }

    var values: [Double] { [rows, right, loss] + histogram }

    init?(values: [Double], task: LearningTask) {
        guard values.count == Self.count(task) else { return nil }
        rows = values[0]
        right = values[1]
        loss = values[2]
        histogram = Array(values[3...])
    }

    static func bin(_ score: Double) -> Int {
        min(bins - 1, max(0, Int(((score + reach) / (2 * reach) * Double(bins)).rounded(.down))))
    }

    /// Of the scores of rows.
    public init(scores: [Float], targets: [Float], task: LearningTask) {
        rows = Double(targets.count)
        right = 0
        loss = 0
        histogram = task == .binary ? [Double](repeating: 0, count: 2 * Self.bins) : []
        let width = task.outputs
        for (row, target) in targets.enumerated() {
            let own = scores[row * width..<(row + 1) * width].map(Double.init)
            switch task {
            case .binary:
                let s = own[0]
                loss += min(Self.lossCap, max(s, 0) + log1p(exp(-abs(s))) - (target > 0 ? s : 0))
                if (s > 0) == (target > 0) { right += 1 }
                histogram[(target > 0 ? Self.bins : 0) + Self.bin(s)] += 1
            case .classes:
                let largest = own.max() ?? 0
                let total = own.reduce(0) { $0 + exp($1 - largest) }
                loss += min(Self.lossCap, log(total) + largest - own[Int(target)])
                if own.firstIndex(of: largest) == Int(target) { right += 1 }
            case .regression:
                let difference = own[0] - Double(target)
                loss += min(Self.lossCap, difference * difference)
            }
        }
    }

    /// The figures that follow.
    public var metrics: EvaluationMetrics {
        let count = max(rows, 1)
        var metrics = EvaluationMetrics(rows: rows, accuracy: right / count, loss: loss / count)
        guard !histogram.isEmpty else { return metrics }
        let negatives = histogram[..<Self.bins]
        let positives = histogram[Self.bins...]
        let totals = (negatives.reduce(0, +), positives.reduce(0, +))
        guard totals.0 > 0, totals.1 > 0 else { return metrics }
        metrics.majority = max(totals.0, totals.1) / (totals.0 + totals.1)
        var (area, below) = (0.0, 0.0)
        for (n, p) in zip(negatives, positives) {
            area += p * (below + n / 2)
            below += n
        }
        metrics.auroc = area / (totals.0 * totals.1)
        var (precisionArea, found, seen) = (0.0, 0.0, 0.0)
        for (n, p) in zip(negatives, positives).reversed() {
            found += p
            seen += n + p
            if p > 0, seen > 0 { precisionArea += p / totals.1 * (found / seen) }
        }
        metrics.auprc = precisionArea
        return metrics
    }
}

/// Figures of a model on held-out rows.
public struct EvaluationMetrics: Hashable, Sendable, Codable {
    public var rows: Double
    public var accuracy: Double
    public var loss: Double
    public var majority: Double?
    public var auroc: Double?
    public var auprc: Double?

    /// Whether this is better than another: by AUROC where there is one, by loss otherwise.
    func isBetter(than other: EvaluationMetrics?) -> Bool {
        guard let other else { return true }
        if let auroc, let theirs = other.auroc { return auroc > theirs }
        return loss < other.loss
    }
}

extension SiteData {
    /// Sums over the held-out rows; nil when there are none.
    func evaluate(_ model: GlobalModel, _ network: StudyNetwork, scaling: ColumnScaling?) throws(FederationError)
        -> EvaluationSums?
    {
        guard !heldOut.isEmpty else { return nil }
        return EvaluationSums(
            scores: try scores(of: heldOut, model, network, scaling: scaling), targets: targets(heldOut),
            task: network.task)
    }

    /// The model's scores of some rows: logits, one for each output.
    public func scores(
        of list: [Int], _ model: GlobalModel, _ network: StudyNetwork, scaling: ColumnScaling?
    ) throws(FederationError) -> [Float] {
        let net = try network.makeNetwork()
        guard net.parameterCount == model.count else {
            throw .data("model: got \(model.count) weights, the architecture has \(net.parameterCount)")
        }
        net.parameterVector = model.floats
        return net.predict(features(list, scaling))
    }
}
