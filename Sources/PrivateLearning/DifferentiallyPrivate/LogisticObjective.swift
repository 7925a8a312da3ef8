import Foundation

/// F(w) = Σ log(1 + e^(−u_r)) + ½λ‖w‖² + b·w over u_r = ±z_r·w, the sign that of the class: λ-strongly convex.
struct LogisticObjective {
    /// ±z, row-major.
    private let rows: [Double]
    private let width: Int
    private let ridge: Double
    private let linear: [Double]
    /// Bound on the norm of a row.
    private let rowNorm: Double

    init(rows: [Double], width: Int, targets: [Double], ridge: Double, linear: [Double], rowNorm: Double) {
        var signed = rows
        for (row, target) in targets.enumerated() where target == 0 {
            for j in 0..<width { signed[row * width + j].negate() }
        }
        (self.rows, self.width, self.ridge, self.linear, self.rowNorm) = (signed, width, ridge, linear, rowNorm)
    }

    struct Point {
        var value = 0.0
        var gradient: [Double]
        /// Row-major, lower triangle.
        var hessian: [Double]
        /// Bound on the norm of the true gradient: that of the computed one and what its arithmetic rounds.
        var gradientNorm = 0.0
    }

    func at(_ weights: [Double]) -> Point {
        var point = Point(
            gradient: [Double](repeating: 0, count: width), hessian: [Double](repeating: 0, count: width * width))
        var carries = point.gradient
        var loss = 0.0
        rows.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: width) {
                var score = 0.0
                for j in 0..<width { score += values[start + j] * weights[j] }
                loss += score > 0 ? log1p(exp(-score)) : log1p(exp(score)) - score
                let pull = Link.logit.mean(-score)
                let curvature = pull * (1 - pull)
                for i in 0..<width {
                    // Neumaier's compensated sum.
                    let term = -pull * values[start + i]
                    let sum = point.gradient[i] + term
                    carries[i] +=
                        abs(point.gradient[i]) >= abs(term)
                        ? (point.gradient[i] - sum) + term : (term - sum) + point.gradient[i]
                    point.gradient[i] = sum
                    let left = curvature * values[start + i]
                    for j in 0...i { point.hessian[i * width + j] += left * values[start + j] }
                }
            }
        }
        var squares = 0.0
        var weightNorm = 0.0
        for i in 0..<width {
            loss += ridge / 2 * weights[i] * weights[i] + linear[i] * weights[i]
            point.gradient[i] += carries[i] + ridge * weights[i] + linear[i]
            point.hessian[i * width + i] += ridge
            squares += point.gradient[i] * point.gradient[i]
            weightNorm += weights[i] * weights[i]
        }
        point.value = loss
        // A term is off by a few units in the last place and by what its score is off.
        let count = Double(rows.count / width)
        let perRow = rowNorm * 4.5e-16 * (Double(width) + 16) * (1 + weightNorm.squareRoot() * rowNorm)
        let linearNorm = linear.reduce(0) { $0 + $1 * $1 }.squareRoot()
        point.gradientNorm =
            squares.squareRoot() * (1 + 1e-12) + count * perRow
            + 1e-15 * (linearNorm + ridge * weightNorm.squareRoot())
        return point
    }

    /// The minimum by Newton's method, up to a gradient whose norm is certified to be at most `tolerance`.
    /// - Errors: `invalidParameter` when the arithmetic does not get there.
    func minimiser(tolerance: Double) throws(PrivateLearningError) -> [Double] {
        var weights = [Double](repeating: 0, count: width)
        var point = at(weights)
        for _ in 0..<200 {
            if point.gradientNorm <= tolerance { return weights }
            let direction = Cholesky.solve(point.hessian, point.gradient.map { -$0 })
            let slope = zip(direction, point.gradient).reduce(0) { $0 + $1.0 * $1.1 }
            var length = 1.0
            var next = weights
            var reached = point
            repeat {
                next = zip(weights, direction).map { $0 + length * $1 }
                reached = at(next)
                // Near the minimum values no longer tell; gradients do.
                if reached.value <= point.value + 1e-4 * length * slope || reached.gradientNorm < point.gradientNorm {
                    break
                }
                length /= 2
            } while length > 1e-12
            guard length > 1e-12 else { break }
            (weights, point) = (next, reached)
        }
        guard point.gradientNorm <= tolerance else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "objective: the minimum is not found exactly enough; nothing was released. More noise (a "
                    + "smaller epsilon) or fewer rows help")
        }
        return weights
    }
}
