import Foundation

/// Exact logistic regression in the clear, by Newton's method (iteratively reweighted least squares).
///
/// Minimises Σ log(1 + e^(−u_r))/n + ½λ|w|² over u_r = z_r·w for rows z_r = ±(1, x) with the label's sign; the first column
/// has no penalty.
/// - Reference: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), section 4.4.1.
public struct LogisticRegression: Sendable {
    /// One a column.
    public let weights: [Double]
    /// Newton steps taken.
    public let steps: Int
    /// Whether the gradient fell below the tolerance; without a penalty, separable classes have no best weights and it
    /// never does.
    public let converged: Bool

    /// - Parameters:
    ///   - rows: row-major, `width` to a row.
    ///   - ridge: λ a row.
    ///   - tolerance: of the greatest entry of the mean gradient.
    /// - Errors: `tooFewRows` for none.
    /// - Cost: O(n·width²) a step.
    public init(
        rows: [Double], width: Int, ridge: Double, maximumSteps: Int = 50, tolerance: Double = 1e-10
    ) throws(PrivateLearningError) {
        precondition(width > 0 && rows.count % width == 0, "rows: got \(rows.count) numbers, want rows of \(width)")
        let count = rows.count / width
        guard count > 0 else { throw PrivateLearningError(code: .tooFewRows, message: "rows: got none") }
        var weights = [Double](repeating: 0, count: width)
        var taken = 0
        var isDone = false
        var current = Self.loss(rows, width: width, weights: weights, ridge: ridge)
        while taken < maximumSteps {
            var gradient = [Double](repeating: 0, count: width)
            var hessian = [Double](repeating: 0, count: width * width)
            rows.withUnsafeBufferPointer { values in
                for row in 0..<count {
                    let start = row * width
                    var score = 0.0
                    for column in 0..<width { score += values[start + column] * weights[column] }
                    let pull = Link.logit.mean(-score)
                    let curvature = pull * (1 - pull)
                    for i in 0..<width {
                        gradient[i] += pull * values[start + i]
                        let left = curvature * values[start + i]
                        for j in 0...i { hessian[i * width + j] += left * values[start + j] }
                    }
                }
            }
            for i in 0..<width {
                gradient[i] = gradient[i] / Double(count) - (i == 0 ? 0 : ridge * weights[i])
                for j in 0...i { hessian[i * width + j] /= Double(count) }
                // The second term keeps the system solvable where a column is constant.
                hessian[i * width + i] += (i == 0 ? 0 : ridge) + 1e-12
            }
            isDone = gradient.allSatisfy { abs($0) <= tolerance }
            guard !isDone else { break }
            let direction = Cholesky.solve(hessian, gradient)
            // Halved until the loss falls: the full step may overshoot far from the minimum.
            var length = 1.0
            var next = weights
            var reached = current
            for _ in 0..<30 {
                next = zip(weights, direction).map { $0 + length * $1 }
                reached = Self.loss(rows, width: width, weights: next, ridge: ridge)
                if reached <= current { break }
                length /= 2
            }
            guard reached <= current else { break }
            weights = next
            current = reached
            taken += 1
        }
        self.weights = weights
        steps = taken
        converged = isDone
    }

    private static func loss(_ rows: [Double], width: Int, weights: [Double], ridge: Double) -> Double {
        var sum = 0.0
        rows.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: width) {
                var score = 0.0
                for column in 0..<width { score += values[start + column] * weights[column] }
                sum += score > 0 ? log1p(exp(-score)) : log1p(exp(score)) - score
            }
        }
        let penalty = weights.dropFirst().reduce(0) { $0 + $1 * $1 }
        return sum / Double(rows.count / width) + ridge / 2 * penalty
    }
}
