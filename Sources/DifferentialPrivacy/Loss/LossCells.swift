import Foundation

/// A partition of the outcomes of two neighbouring runs, P with and Q without the unit, by their privacy loss
/// log(dP/dQ): exact masses with error bounds, and bounds on the loss within each cell.
///
/// Spreading a cell to its ends gives a pair that loses at least as much, merging it into one outcome a pair that loses
/// at most as much; hence one partition gives both bounds. Cells are ordered by loss.
struct LossCells {
    struct Cell {
        /// Loss at the two ends; −∞ and ∞ are allowed.
        var low: Double
        var high: Double
        /// Masses under P and Q, and bounds on their errors.
        var p: Double
        var q: Double
        var pError: Double
        var qError: Double
    }
    var cells: [Cell]
    /// How far a loss stated in `cells` may be from the true one.
    var lossError: Double

    /// The partition for P and Q exchanged.
    var exchanged: LossCells {
        LossCells(
            cells: cells.reversed().map {
                Cell(low: -$0.high, high: -$0.low, p: $0.q, q: $0.p, pError: $0.qError, qError: $0.pError)
            }, lossError: lossError)
    }

    /// The pair whose hockey-stick divergences at e^ε ≥ 1 are this one's, and which is its own exchange: losses above 0
    /// as here, below 0 mirrored, the rest at 0.
    var symmetrised: LossCells {
        let above = cells.filter { $0.low >= 0 }
        let below = LossCells(cells: above, lossError: lossError).exchanged.cells
        var (rest, error) = (1.0, 1e-15)
        for cell in above {
            rest -= cell.p + cell.q
            error += cell.pError + cell.qError + 2.3e-16 * (cell.p + cell.q)
        }
        let zero = Cell(low: 0, high: 0, p: max(0, rest), q: max(0, rest), pError: error, qError: error)
        return LossCells(cells: below + [zero] + above, lossError: lossError)
    }

    /// Mean and variance of the loss under P, roughly, each cell at its finite ends' middle.
    var moments: (mean: Double, variance: Double) {
        var (mass, first, second) = (0.0, 0.0, 0.0)
        for cell in cells where cell.p > 0 {
            let low = cell.low.isFinite ? cell.low : cell.high
            let high = cell.high.isFinite ? cell.high : cell.low
            let loss = (low + high) / 2
            guard loss.isFinite else { continue }
            mass += cell.p
            first += cell.p * loss
            second += cell.p * loss * loss
        }
        guard mass > 0 else { return (0, 0) }
        let mean = first / mass
        return (mean, max(0, second / mass - mean * mean))
    }
}

/// Where cells end: multiples of `interval`, ever wider apart with growing distance from zero.
struct LossGrid: Hashable {
    /// h.
    var interval: Double
    /// Cells at loss l are at most |l|·`relative` or one interval wide, whichever is more …
    var relative: Double
    /// … and at most this, or one interval.
    var widest: Double
    /// Deviations of Gaussian noise beyond which all outcomes make one cell.
    var reach = furthestReach

    static let furthestReach = 18.0

    /// The ends within (low, high), ascending.
    func ends(from low: Double, to high: Double) -> [Double] {
        var result: [Double] = []
        guard low < high, low.isFinite, high.isFinite else { return result }
        var index = (low / interval).rounded(.down) + 1
        let last = high / interval
        while index < last {
            let loss = index * interval
            if loss > low { result.append(loss) }
            // From below, a cell must not be wider than its upper end allows.
            let reach = min(abs(loss) * relative, widest) / interval
            index += max(1, reach.rounded(.down))
            if result.count > 4_000_000 { break }
        }
        return result
    }
}
