import Foundation

/// When to stop training, by the loss on rows that were held out.
///
/// The best checkpoint so far is kept in mind; training ends once `patience` checkpoints in a row have not lowered its loss
/// by more than `tolerance`.
public struct EarlyStopping: Hashable, Sendable, Codable {
    public struct Point: Hashable, Sendable, Codable {
        public var iteration: Int
        /// Log-loss for a logistic model, mean squared error for others.
        public var loss: Double
    }
    public enum Decision: String, Hashable, Sendable, Codable {
        case `continue`, stop
    }

    public let patience: Int
    public let tolerance: Double
    /// One a checkpoint, by iteration.
    public private(set) var points: [Point] = []

    /// - Errors: `invalidParameter` for a patience below 1 or a tolerance that is negative or not finite.
    public init(patience: Int = 2, tolerance: Double = 1e-4) throws(PrivateLearningError) {
        guard patience >= 1 else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "patience: got \(patience), want a number from 1 on")
        }
        guard tolerance >= 0, tolerance.isFinite else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "tolerance: got \(tolerance), want a number from 0 on")
        }
        self.patience = patience
        self.tolerance = tolerance
    }

    /// The checkpoint with the least loss; the earliest of equal ones.
    public var best: Point? { points.min { $0.loss < $1.loss } }

    /// Adds a checkpoint's loss; one of the same iteration takes the place of the earlier one, so that a file may be
    /// looked at twice.
    public mutating func add(iteration: Int, loss: Double) -> Decision {
        points.removeAll { $0.iteration >= iteration }
        points.append(Point(iteration: iteration, loss: loss))
        var least = Double.infinity
        var waited = 0
        for point in points {
            if point.loss < least - tolerance {
                least = point.loss
                waited = 0
            } else {
                waited += 1
            }
        }
        return waited >= patience ? .stop : .continue
    }
}
