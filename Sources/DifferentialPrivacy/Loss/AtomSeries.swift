import Foundation

/// Atoms ready for composition: positions and logarithms of masses, and their tilted sums.
///
/// Tilting by θ multiplies the mass at loss l by e^θl; K(θ) = log E[e^θL] is its logarithmic total.
final class AtomSeries: Sendable {
    let positions: [Double]
    let masses: [Double]
    let logMasses: [Double]
    let infinity: Double
    let lossError: Double
    let interval: Double

    init(_ atoms: LossAtoms, interval: Double) {
        positions = atoms.positions.map(Double.init)
        masses = atoms.masses
        logMasses = masses.map { log($0) }
        infinity = atoms.infinity
        lossError = atoms.lossError
        self.interval = interval
    }

    private init(positions: [Double], masses: [Double], logMasses: [Double], infinity: Double, like other: AtomSeries) {
        (self.positions, self.masses, self.logMasses, self.infinity) = (positions, masses, logMasses, infinity)
        (lossError, interval) = (other.lossError, other.interval)
    }

    /// Without the rarest losses: at the top a mass of at most `tail` becomes infinite loss (upper bound) or is left out
    /// (lower bound); at the bottom a mass of at most tail/1000 moves up, or is left out.
    func truncated(tail: Double, isUpper: Bool) -> AtomSeries {
        guard tail > 0, positions.count > 2 else { return self }
        var (first, last) = (0, positions.count - 1)
        var (above, below) = (0.0, 0.0)
        while last > 0, above + masses[last] <= tail {
            above += masses[last]
            last -= 1
        }
        while first < last, below + masses[first] <= tail * 1e-3 {
            below += masses[first]
            first += 1
        }
        guard first > 0 || last < positions.count - 1 else { return self }
        var (kept, logs) = (Array(masses[first...last]), Array(logMasses[first...last]))
        if isUpper, below > 0 {
            kept[0] = (kept[0] + below) * (1 + 1e-12)
            logs[0] = log(kept[0])
        }
        return AtomSeries(
            positions: Array(positions[first...last]), masses: kept, logMasses: logs,
            infinity: isUpper ? infinity + above * (1 + 1e-10) : infinity, like: self)
    }

    struct Cumulant {
        /// K(θ), −∞ for no atoms.
        var value = -Double.infinity
        /// Mean and variance of the tilted loss.
        var mean = 0.0
        var variance = 0.0
        /// Bound on the relative error of e^(K − …) from rounded exponents.
        var error = 0.0
    }

    func cumulant(_ theta: Double) -> Cumulant {
        let count = positions.count
        guard count > 0 else { return Cumulant() }
        let step = theta * interval
        return positions.withUnsafeBufferPointer { positions in
            logMasses.withUnsafeBufferPointer { logMasses in
                var highest = -Double.infinity
                var at = 0
                var largest = 0.0
                for i in 0..<count {
                    let exponent = logMasses[i] + step * positions[i]
                    if exponent > highest { (highest, at) = (exponent, i) }
                }
                largest = max(abs(logMasses[at]), abs(step * positions[at]))
                let centre = positions[at]
                let top = masses[at]
                var (sum, carry, first, second) = (0.0, 0.0, 0.0, 0.0)
                for i in 0..<count {
                    let exponent = logMasses[i] + step * positions[i] - highest
                    guard exponent > -745 else { continue }
                    let mass = step == 0 ? masses[i] / top : exp(exponent)
                    let distance = positions[i] - centre
                    // Neumaier's compensated sum, every term being below 1.
                    let total = sum + mass
                    carry += sum >= mass ? (sum - total) + mass : (mass - total) + sum
                    sum = total
                    first += mass * distance
                    second += mass * distance * distance
                    // What rounds an atom's exponent matters by its share.
                    if exponent > -40 { largest = max(largest, abs(logMasses[i]), abs(step * positions[i])) }
                }
                sum += carry
                let mean = first / sum
                return Cumulant(
                    value: highest + log(sum), mean: (centre + mean) * interval,
                    variance: max(0, second / sum - mean * mean) * interval * interval,
                    error: 1.2e-16 * (16 + 4 * largest))
            }
        }
    }

    /// Positions counted from the first one, and the tilted masses divided by their total e^`value`.
    func tilted(_ theta: Double, value: Double) -> (shifts: [Int32], masses: [Double]) {
        let step = theta * interval
        let first = positions.first ?? 0
        return (
            positions.map { Int32($0 - first) },
            positions.indices.map { exp(max(-745, logMasses[$0] + step * positions[$0] - value)) }
        )
    }

    /// Grid points from the first to the last position.
    var span: Double { (positions.last ?? 0) - (positions.first ?? 0) + 1 }

    /// Adds the tilted masses divided by their total e^`value` to `cells`, position `shift` at index 0, modulo the length.
    func fold(_ theta: Double, value: Double, shift: Double, into cells: UnsafeMutablePointer<Double>, length: Int) {
        let step = theta * interval
        for i in positions.indices {
            let exponent = logMasses[i] + step * positions[i] - value
            guard exponent > -745 else { continue }
            cells[Int(positions[i] - shift) & (length - 1)] += exp(exponent)
        }
    }
}
