import Foundation

/// Training in the clear, on rows as ``FeatureScaling`` makes them.
public enum GradientTraining {
    /// What a circuit computes on ciphertexts, in doubles: the polynomial in place of the sigmoid, the same order of
    /// steps.
    /// - Parameters:
    ///   - rows: row-major; for a logistic loss ±(1, x)/√λ with the label's sign, for squares (1, x, y)/√λ.
    ///   - width: columns of a row.
    ///   - stopping: after so many iterations, before the plan's; the point ahead then, which a run that is stopped has.
    /// - Returns: weights of the columns, after the last iteration.
    /// - Errors: `tooFewRows` for none, or fewer than batches; `invalidValue` when weights leave the range of doubles.
    public static func simulate(
        _ plan: TrainingPlan, rows: [Double], width: Int, stopping: Int? = nil
    ) throws(PrivateLearningError) -> [Double] {
        switch plan.loss {
        case .logistic(let sigmoid):
            try run(plan, stopping, rows: rows, width: width, frozen: nil) { sigmoid(-$0) }
        case .squared:
            try run(plan, stopping, rows: rows, width: width, frozen: width - 1) { -$0 }
        }
    }

    /// The same iterations with the exact sigmoid, the yardstick of the simulation.
    public static func accelerated(
        _ plan: TrainingPlan, rows: [Double], width: Int
    ) throws(PrivateLearningError) -> [Double] {
        guard case .logistic = plan.loss else { return try simulate(plan, rows: rows, width: width) }
        return try run(plan, nil, rows: rows, width: width, frozen: nil) { Link.logit.mean(-$0) }
    }

    /// - Parameters:
    ///   - frozen: a column whose weight stays −1: the target.
    ///   - pull: the derivative of the loss by a row's score u, negated.
    private static func run(
        _ plan: TrainingPlan, _ stopping: Int?, rows: [Double], width: Int, frozen: Int?, pull: (Double) -> Double
    ) throws(PrivateLearningError) -> [Double] {
        precondition(width > 0 && rows.count % width == 0, "rows: got \(rows.count) numbers, want rows of \(width)")
        let count = rows.count / width
        guard count >= plan.batches else {
            throw PrivateLearningError(
                code: .tooFewRows, message: "rows: got \(count), want at least \(plan.batches), one a batch")
        }
        let step = plan.step
        var position = [Double](repeating: 0, count: width)
        if let frozen { position[frozen] = -1 }
        var ahead = position
        for iteration in 0..<min(plan.iterations, stopping ?? plan.iterations) {
            var gradient = [Double](repeating: 0, count: width)
            var seen = 0
            rows.withUnsafeBufferPointer { values in
                for row in plan.batch(iteration, of: count) {
                    var score = 0.0
                    for column in 0..<width { score += values[row * width + column] * ahead[column] }
                    let force = pull(score)
                    for column in 0..<width { gradient[column] += force * values[row * width + column] }
                    seen += 1
                }
            }
            let momentum = plan.momentum(iteration)
            for column in 0..<width where column != frozen {
                let penalty = column == 0 ? 0 : plan.ridge * ahead[column]
                let next = ahead[column] + step * (gradient[column] / Double(seen) - penalty)
                ahead[column] = next + momentum * (next - position[column])
                position[column] = next
            }
        }
        guard ahead.allSatisfy(\.isFinite) else {
            throw PrivateLearningError(
                code: .invalidValue,
                message: "weights: left the range of numbers; use a wider interval of the sigmoid or degree 5")
        }
        // The last momentum of a whole run is 0.
        return ahead
    }
}
