import Foundation

/// How well predictions fit what was observed.
///
/// y are the observed values, ŷ the predicted ones, s predicted probabilities of class 1; n is their number. All
/// functions throw ``TabularError`` for vectors of different length, none at all, or values that are not finite.
public enum Metrics {
    /// Σ(y − ŷ)² / n.
    public static func meanSquaredError(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Double {
        try check(actual, predicted)
        return mean(zip(actual, predicted).map { ($0 - $1) * ($0 - $1) })
    }

    /// √(Σ(y − ŷ)² / n), in the unit of the target.
    public static func rootMeanSquaredError(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Double {
        try meanSquaredError(actual, predicted).squareRoot()
    }

    /// Σ|y − ŷ| / n, in the unit of the target.
    public static func meanAbsoluteError(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Double {
        try check(actual, predicted)
        return mean(zip(actual, predicted).map { ($0 - $1).magnitude })
    }

    /// R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², ȳ the mean of the observed values; negative when worse than that mean.
    /// - Throws: ``TabularError/Code/undefined`` for a constant y.
    public static func rSquared(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Double {
        try check(actual, predicted)
        let centre = mean(actual)
        let total = mean(actual.map { ($0 - centre) * ($0 - centre) })
        guard total > 0 else {
            throw TabularError(.undefined, "R²: the observed values are all equal, want at least two different ones")
        }
        return 1 - (try meanSquaredError(actual, predicted)) / total
    }

    /// The share of equal labels.
    public static func accuracy(_ actual: [Double], _ predicted: [Double]) throws(TabularError) -> Double {
        try check(actual, predicted)
        return Double(zip(actual, predicted).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }) / Double(actual.count)
    }

    /// The probability that a random member of class 1 scores above a random member of class 0, ties counting half.
    /// - Parameter actual: 0 or 1.
    /// - Throws: ``TabularError/Code/undefined`` with one class only.
    /// - Cost: O(n log n).
    public static func auroc(_ actual: [Double], scores: [Double]) throws(TabularError) -> Double {
        let (positives, negatives) = try classes(actual, scores, of: "AUROC")
        // Mann–Whitney: Σ over tied blocks of positives · (negatives below + half of those tied), in halves as integers.
        var halves = 0.0
        var negativesBelow = 0
        for block in blocks(actual, scores, descending: false) {
            halves += Double(block.positives) * Double(2 * negativesBelow + block.negatives)
            negativesBelow += block.negatives
        }
        return halves / (2 * Double(positives) * Double(negatives))
    }

    /// Average precision, Σ (Rₖ − Rₖ₋₁)·Pₖ over the distinct scores in descending order, with recall R and precision P.
    ///
    /// This is the step-wise area under the precision–recall curve, without the optimistic interpolation of trapezes.
    /// - Throws: ``TabularError/Code/undefined`` with one class only.
    /// - Cost: O(n log n).
    public static func auprc(_ actual: [Double], scores: [Double]) throws(TabularError) -> Double {
        let (positives, _) = try classes(actual, scores, of: "AUPRC")
        var area = 0.0
        var found = 0
        var seen = 0
        for block in blocks(actual, scores, descending: true) {
            found += block.positives
            seen += block.positives + block.negatives
            area += Double(block.positives) / Double(positives) * (Double(found) / Double(seen))
        }
        return area
    }

    /// −Σ (y ln s + (1 − y) ln(1 − s)) / n, in nats, with s kept `clipping` away from 0 and 1.
    /// - Parameter clipping: the default is the distance of 1 from the next double, 2⁻⁵².
    public static func logLoss(
        _ actual: [Double], probabilities: [Double], clipping: Double = Double.ulpOfOne
    ) throws(TabularError) -> Double {
        try checkProbabilities(actual, probabilities)
        return mean(
            zip(actual, probabilities).map { y, s in
                let s = min(max(s, clipping), 1 - clipping)
                return y == 1 ? -log(s) : -log1p(-s)
            })
    }

    /// Σ(y − s)² / n.
    public static func brierScore(_ actual: [Double], probabilities: [Double]) throws(TabularError) -> Double {
        try checkProbabilities(actual, probabilities)
        return try meanSquaredError(actual, probabilities)
    }

    /// How observed frequencies follow predicted probabilities, in `binCount` bins of equal width, empty ones left out.
    ///
    /// Bin b holds s in [b/B, (b+1)/B), the last one also s = 1.
    public static func calibration(
        _ actual: [Double], probabilities: [Double], binCount: Int = 10
    ) throws(TabularError) -> [CalibrationBin] {
        try checkProbabilities(actual, probabilities)
        guard (1...1_000_000).contains(binCount) else {
            throw TabularError(.invalidArgument, "bins: got \(binCount), want 1...1000000")
        }
        var bins = [(count: Int, score: Double, positives: Double)](repeating: (0, 0, 0), count: binCount)
        for (y, s) in zip(actual, probabilities) {
            let bin = min(binCount - 1, Int(s * Double(binCount)))
            bins[bin].count += 1
            bins[bin].score += s
            bins[bin].positives += y
        }
        return bins.enumerated().filter { $0.element.count > 0 }.map { index, bin in
            CalibrationBin(
                lower: Double(index) / Double(binCount), upper: Double(index + 1) / Double(binCount), count: bin.count,
                meanProbability: bin.score / Double(bin.count), positiveShare: bin.positives / Double(bin.count))
        }
    }

    /// Expected calibration error: Σ over bins of (share of rows)·|observed share − mean probability|.
    public static func expectedCalibrationError(_ bins: [CalibrationBin]) -> Double {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return 0 }
        return bins.reduce(0) {
            $0 + Double($1.count) / Double(total) * ($1.positiveShare - $1.meanProbability).magnitude
        }
    }

    /// Rows of each pair of observed and predicted label; labels are 0..<classCount.
    public static func confusionMatrix(
        _ actual: [Int], _ predicted: [Int], classCount: Int
    ) throws(TabularError) -> [[Int]] {
        guard actual.count == predicted.count else {
            throw TabularError(.shapeMismatch, "labels: got \(predicted.count) predicted, want \(actual.count)")
        }
        guard (1...10_000).contains(classCount) else {
            throw TabularError(.invalidArgument, "classes: got \(classCount), want 1...10000")
        }
        var matrix = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
        for (row, (a, p)) in zip(actual, predicted).enumerated() {
            guard (0..<classCount).contains(a) && (0..<classCount).contains(p) else {
                throw TabularError(
                    .invalidArgument, "label: got one outside 0..<\(classCount)", at: DataLocation(row: row + 1))
            }
            matrix[a][p] += 1
        }
        return matrix
    }

    // MARK: Shared parts

    /// Rows of equal score.
    private struct Block {
        var positives = 0
        var negatives = 0
    }

    private static func blocks(_ actual: [Double], _ scores: [Double], descending: Bool) -> [Block] {
        let order = scores.indices.sorted { descending ? scores[$0] > scores[$1] : scores[$0] < scores[$1] }
        var blocks: [Block] = []
        var last: Double?
        for row in order {
            if scores[row] != last {
                blocks.append(Block())
                last = scores[row]
            }
            if actual[row] == 1 {
                blocks[blocks.count - 1].positives += 1
            } else {
                blocks[blocks.count - 1].negatives += 1
            }
        }
        return blocks
    }

    static func mean(_ values: [Double]) -> Double { RecipeState.mean(values) }

    static func check(_ actual: [Double], _ predicted: [Double]) throws(TabularError) {
        guard actual.count == predicted.count else {
            throw TabularError(.shapeMismatch, "predictions: got \(predicted.count), want \(actual.count), one a row")
        }
        guard !actual.isEmpty else { throw TabularError(.undefined, "rows: got none, want at least one") }
        for (name, values) in [("observed", actual), ("predicted", predicted)] {
            if let row = values.firstIndex(where: { !$0.isFinite }) {
                throw TabularError(
                    .notFinite, "\(name) value: got \(values[row]), want a finite number",
                    at: DataLocation(row: row + 1))
            }
        }
    }

    static func checkLabels(_ actual: [Double], _ predicted: [Double]) throws(TabularError) {
        try check(actual, predicted)
        if let row = actual.firstIndex(where: { $0 != 0 && $0 != 1 }) {
            throw TabularError(
                .invalidArgument, "class: got \(actual[row]), want 0 or 1", at: DataLocation(row: row + 1))
        }
    }

    static func checkProbabilities(_ actual: [Double], _ probabilities: [Double]) throws(TabularError) {
        try checkLabels(actual, probabilities)
        if let row = probabilities.firstIndex(where: { $0 < 0 || $0 > 1 }) {
            throw TabularError(
                .invalidArgument, "probability: got \(probabilities[row]), want one in [0, 1]",
                at: DataLocation(row: row + 1))
        }
    }

    private static func classes(
        _ actual: [Double], _ scores: [Double], of name: String
    ) throws(TabularError) -> (positives: Int, negatives: Int) {
        try checkLabels(actual, scores)
        let positives = actual.reduce(0) { $0 + ($1 == 1 ? 1 : 0) }
        guard positives > 0 && positives < actual.count else {
            throw TabularError(
                .undefined, "\(name): every row is of class \(positives > 0 ? 1 : 0), want both classes")
        }
        return (positives, actual.count - positives)
    }
}

/// One bin of a calibration curve.
public struct CalibrationBin: Hashable, Sendable, Codable {
    public let lower: Double
    public let upper: Double
    public let count: Int
    /// Mean predicted probability of class 1.
    public let meanProbability: Double
    /// Share of rows that are of class 1.
    public let positiveShare: Double
}
