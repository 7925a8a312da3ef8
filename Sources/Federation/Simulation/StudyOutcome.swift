import Foundation
import Tabular

/// How a finished federation did on the held-out rows of all sites, beside what it has to be compared with.
public struct StudyOutcome: Sendable {
    /// Exact figures of one set of predictions.
    public struct Figures: Hashable, Sendable, Codable {
        /// nil for numbers.
        public var accuracy: Double?
        public var auroc: Double?
        public var aurocLower: Double?
        public var aurocUpper: Double?
        public var auprc: Double?
        public var calibrationError: Double?
        /// Mean squared error, of a numeric target.
        public var meanSquaredError: Double?

        init(_ actual: [Double], _ predicted: [Double], task: LearningTask) throws(FederationError) {
            do {
                switch task {
                case .binary:
                    let metrics = try BinaryMetrics(actual: actual, probabilities: predicted)
                    accuracy = metrics.model.accuracy
                    auprc = metrics.model.auprc
                    calibrationError = metrics.expectedCalibrationError
                    if metrics.model.auroc != nil {
                        let interval = try AUROCInterval(actual: actual, scores: predicted)
                        (auroc, aurocLower, aurocUpper) = (interval.value, interval.lower, interval.upper)
                    }
                case .classes(let count):
                    var right = 0
                    for (row, label) in actual.enumerated() {
                        let own = predicted[row * count..<(row + 1) * count]
                        if let best = own.indices.max(by: { own[$0] < own[$1] }), best - own.startIndex == Int(label) {
                            right += 1
                        }
                    }
                    accuracy = Double(right) / Double(max(1, actual.count))
                case .regression:
                    accuracy = nil
                    meanSquaredError = try Metrics.meanSquaredError(actual, predicted)
                }
            } catch { throw .data("\(error)") }
        }
    }

    public let rows: Int
    /// Of the model that the federation gives.
    public let federated: Figures
    /// Of a model fitted to all rows in one place.
    public let central: Figures
    /// Of each site's own model; at most ten sites, the first ones.
    public let alone: [Figures]
    /// Share of the most frequent class among the held-out rows; nil for numbers.
    public let majority: Double?
    /// Share of class 1: the AUPRC of a model that knows nothing.
    public let prevalence: Double?
    public let calibration: [CalibrationBin]
    public let centralCalibration: [CalibrationBin]

    public init(_ simulation: StudySimulation, _ coordinator: Coordinator) throws(FederationError) {
        let actual = simulation.heldOutTargets
        guard !actual.isEmpty else { throw .data("held-out rows: got none") }
        let task = simulation.study.task
        rows = actual.count
        let predicted = try simulation.predictions(
            coordinator.result, scaling: coordinator.scaling, vocabulary: coordinator.vocabulary)
        federated = try Figures(actual, predicted, task: task)
        let pooled = try simulation.central()
        central = try Figures(actual, pooled, task: task)
        var list: [Figures] = []
        for site in 0..<min(10, simulation.parts.count) {
            list.append(try Figures(actual, simulation.alone(site), task: task))
        }
        alone = list
        var counts: [Double: Int] = [:]
        for value in actual { counts[value, default: 0] += 1 }
        majority = task == .regression ? nil : Double(counts.values.max() ?? 0) / Double(actual.count)
        prevalence = task == .binary ? actual.reduce(0, +) / Double(actual.count) : nil
        calibration = task == .binary ? Self.bins(actual, predicted) : []
        centralCalibration = task == .binary ? Self.bins(actual, pooled) : []
    }

    private static func bins(_ actual: [Double], _ predicted: [Double]) -> [CalibrationBin] {
        // Bins of a handful of rows say nothing.
        ((try? Metrics.calibration(actual, probabilities: predicted, binCount: 20)) ?? []).filter { $0.count >= 50 }
    }

    /// The mean over the sites that are alone.
    public func meanAlone(_ value: (Figures) -> Double?) -> Double? {
        let values = alone.compactMap(value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
