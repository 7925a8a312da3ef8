import Foundation

/// How errors of weights travel through the iterations of Nesterov's method.
///
/// An error e_V of the point ahead becomes e_W⁺ = (I − αH)e_V of the position and e_V⁺ = (1 + β)e_W⁺ − βe_W of the next
/// point ahead, with 0 ≤ αH ≤ I as long as scores stay in the sigmoid's interval. Two statements follow.
///
/// - ``ahead`` and ``position``: the curvature H is taken as constant along the run. Then the recurrence falls apart into
///   scalar ones, a = 1 − αh in [0, 1] for each eigenvalue h, and every disturbance is followed through them on 65 values
///   of a; the greatest responses are added up. They grow like the number of iterations since the disturbance.
/// - ``worst``: nothing is assumed of H but its bounds. Then a course of curvatures exists along which errors grow by
///   up to 1 + 2β in every iteration (Attia, Koren 2021), and the statement is that e_W⁺ ≤ e_V + δ, e_V⁺ ≤ (1 + β)e_W⁺ + βe_W.
///
/// All are Euclidean norms over the columns, in deviations.
/// - Reference: A. Attia, T. Koren, Algorithmic instabilities of accelerated gradient descent, NeurIPS 2021.
package struct ErrorCourse: Sendable {
    /// One disturbance, and what has become of a unit of it for each value of a.
    private struct Disturbance {
        let size: Double
        var position: [Double]
        var ahead: [Double]

        func greatest(_ path: KeyPath<Disturbance, [Double]>) -> Double {
            size * self[keyPath: path].reduce(0) { max($0, abs($1)) }
        }
    }

    /// a, denser towards 0 and 1.
    private static let contractions = (0...64).map { (1 + cos(Double.pi * Double($0) / 64)) / 2 }

    /// What has happened, from which all else follows.
    package enum Event: Hashable, Codable, Sendable {
        case iteration(momentum: Double, noise: Double)
        case disturbance(ahead: Double, position: Double)
    }

    package private(set) var events: [Event] = []
    private var disturbances: [Disturbance] = []
    /// Bounds without any assumption of constant curvature.
    package private(set) var worst = (ahead: 0.0, position: 0.0)

    /// Of V, the point ahead.
    package var ahead: Double { disturbances.reduce(0) { $0 + $1.greatest(\.ahead) } }
    /// Of W, the position.
    package var position: Double { disturbances.reduce(0) { $0 + $1.greatest(\.position) } }

    package init() {}

    package init(_ events: [Event]) {
        for event in events {
            switch event {
            case .iteration(let momentum, let noise): advance(momentum: momentum, noise: noise)
            case .disturbance(let ahead, let position): disturb(ahead: ahead, position: position)
            }
        }
    }

    /// One iteration that adds `noise` to the position.
    package mutating func advance(momentum: Double, noise: Double) {
        events.append(.iteration(momentum: momentum, noise: noise))
        for index in disturbances.indices {
            for (number, a) in Self.contractions.enumerated() {
                let position = a * disturbances[index].ahead[number]
                disturbances[index].ahead[number] =
                    (1 + momentum) * position - momentum * disturbances[index].position[number]
                disturbances[index].position[number] = position
            }
        }
        let count = Self.contractions.count
        disturbances.append(
            Disturbance(
                size: noise, position: [Double](repeating: 1, count: count),
                ahead: [Double](repeating: 1 + momentum, count: count)))
        let position = worst.ahead + noise
        worst = ((1 + momentum) * position + momentum * worst.position, position)
    }

    /// Noise that both points get, each its own.
    package mutating func disturb(ahead: Double, position: Double) {
        events.append(.disturbance(ahead: ahead, position: position))
        let count = Self.contractions.count
        let (one, none) = ([Double](repeating: 1, count: count), [Double](repeating: 0, count: count))
        disturbances.append(Disturbance(size: ahead, position: none, ahead: one))
        disturbances.append(Disturbance(size: position, position: one, ahead: none))
        worst = (worst.ahead + ahead, worst.position + position)
    }
}
