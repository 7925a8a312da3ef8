import Foundation
import Tabular

/// How well one number tells the classes apart, with how sure that is.
public struct AUROCInterval: Hashable, Sendable, Codable {
    public let value: Double
    public let lower: Double
    public let upper: Double

    public var containsChance: Bool { lower <= 0.5 && upper >= 0.5 }

    /// AUROC with a normal interval whose variance is DeLong's.
    /// - Parameter alpha: one minus the confidence.
    /// - Throws: `TabularError` with code `undefined` for one class only.
    /// - Reference: DeLong, DeLong, Clarke-Pearson 1988; by ranks as Sun, Xu 2014.
    /// - Cost: O(n log n).
    public init(actual: [Double], scores: [Double], alpha: Double = 0.05) throws(TabularError) {
        value = try Metrics.auroc(actual, scores: scores)
        // The part of the other class below each score, ties counting half.
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        let positives = actual.reduce(0) { $0 + ($1 == 1 ? 1.0 : 0) }
        let negatives = Double(actual.count) - positives
        var (sumP, squareP, sumN, squareN) = (0.0, 0.0, 0.0, 0.0)
        var (belowP, belowN) = (0.0, 0.0)
        var start = 0
        while start < order.count {
            var end = start
            var (tiedP, tiedN) = (0.0, 0.0)
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if actual[order[end]] == 1 { tiedP += 1 } else { tiedN += 1 }
                end += 1
            }
            let placeP = (belowN + tiedN / 2) / negatives
            let placeN = 1 - (belowP + tiedP / 2) / positives
            sumP += tiedP * placeP
            squareP += tiedP * placeP * placeP
            sumN += tiedN * placeN
            squareN += tiedN * placeN * placeN
            belowP += tiedP
            belowN += tiedN
            start = end
        }
        func variance(_ sum: Double, _ square: Double, _ count: Double) -> Double {
            count > 1 ? max(0, (square - sum * sum / count) / (count - 1)) / count : 0.25
        }
        let deviation = (variance(sumP, squareP, positives) + variance(sumN, squareN, negatives)).squareRoot()
        let width = Self.quantile(1 - alpha / 2) * deviation
        lower = max(0, value - width)
        upper = min(1, value + width)
    }

    /// Of the standard normal distribution, by bisection.
    static func quantile(_ probability: Double) -> Double {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

/// Whether anything in a table tells the classes apart, before a model is asked for.
///
/// A model of data without signal still has an accuracy, that of the majority; this says plainly that there is nothing to
/// learn. Each feature is judged alone, at 95 % confidence over all features together (Bonferroni).
public struct SignalCheck: Hashable, Sendable, Codable {
    public struct Feature: Hashable, Sendable, Codable {
        public let name: String
        public let auroc: AUROCInterval
    }

    /// The strongest first.
    public let features: [Feature]
    public let rows: Int

    public var hasSignal: Bool { features.contains { !$0.auroc.containsChance } }

    /// - Parameter list: rows to look at.
    /// - Throws: `invalidData` unless the task is binary and both classes occur.
    public init(_ data: SiteData.Rows, rows list: [Int], names: [String]) throws(FederationError) {
        guard data.task == .binary, names.count == data.width else {
            throw .data("data check: wants a binary target and a name for each of \(data.width) columns")
        }
        let actual = list.map { Double(data.targets[$0]) }
        var found: [Feature] = []
        for (column, name) in names.enumerated() {
            let scores = list.map { Double(data.features[$0 * data.width + column]) }
            do {
                found.append(
                    Feature(
                        name: name,
                        auroc: try AUROCInterval(
                            actual: actual, scores: scores, alpha: 0.05 / Double(max(1, names.count)))))
            } catch { throw .data("data check: \(error)") }
        }
        features = found.sorted { abs($0.auroc.value - 0.5) > abs($1.auroc.value - 0.5) }
        rows = list.count
    }

    /// The finding in one sentence.
    public var sentence: String {
        guard let first = features.first else { return "There are no features." }
        func text(_ value: Double) -> String { String(format: "%.3f", value) }
        let range = "\(text(first.auroc.value)) (\(text(first.auroc.lower)) to \(text(first.auroc.upper)))"
        guard hasSignal else {
            return "NO FEATURE CARRIES SIGNAL: on \(rows) rows the interval of every feature's AUROC contains 0.5; the "
                + "strongest, \(first.name), has \(range). Any accuracy that a model shows on such data is that of the majority."
        }
        let count = features.count { !$0.auroc.containsChance }
        return
            "\(count) of \(features.count) features tell the classes apart on \(rows) rows; the strongest, \(first.name), "
            + "has an AUROC of \(range) by itself."
    }
}
