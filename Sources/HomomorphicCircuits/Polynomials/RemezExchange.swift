import Foundation

/// Finds the polynomial with the least greatest weighted error on a union of intervals, by Remez' second algorithm.
///
/// The basis is T_k(t) for chosen k, t = (2x − a − b)/(b − a) on the hull [a, b]. With a basis of n functions the best
/// error alternates n + 1 times between +E and −E; each round solves for the polynomial that does so at n + 1 points and
/// moves the points to the extrema of its error.
struct RemezExchange {
    let value: (Double) -> Double
    /// > 0; the error is measured times this.
    let weight: (Double) -> Double
    let pieces: [ClosedRange<Double>]
    let hull: ClosedRange<Double>
    /// k of the basis functions.
    let indices: [Int]

    /// c_k for the indices, and the greatest weighted error seen.
    func solve() -> (coefficients: [Double], error: Double)? {
        let grid = Self.grid(pieces, perPiece: max(16, 40 * (indices.count + 1) / pieces.count))
        var reference = startingPoints(grid)
        guard reference.count == indices.count + 1 else { return nil }
        var best: (coefficients: [Double], error: Double)?
        for _ in 0..<60 {
            guard let (coefficients, level) = levelled(reference) else { break }
            let extrema = self.extrema(coefficients, grid)
            let greatest = extrema.map { abs($0.error) }.max() ?? 0
            if greatest < best?.error ?? .infinity { best = (coefficients, greatest) }
            if greatest - abs(level) <= 1e-5 * greatest { break }
            let next = Self.alternation(extrema, count: reference.count)
            // Fewer alternations than theory wants: the error is rounding noise.
            guard next.count == reference.count else { break }
            reference = next.map(\.x)
        }
        return best
    }

    private func t(_ x: Double) -> Double {
        ((x - hull.lowerBound) - (hull.upperBound - x)) / (hull.upperBound - hull.lowerBound)
    }

    private func basis(_ x: Double, _ indices: [Int]) -> [Double] {
        let θ = acos(min(1, max(-1, t(x))))
        return indices.map { cos(Double($0) * θ) }
    }

    /// Points dense at the ends of every piece, and evenly spread in magnitude where a piece spans several octaves.
    private static func grid(_ pieces: [ClosedRange<Double>], perPiece count: Int) -> [[Double]] {
        pieces.map { piece in
            let (a, b) = (piece.lowerBound, piece.upperBound)
            guard b > a else { return [a] }
            var points = (0...count).map { a / 2 + b / 2 - (b / 2 - a / 2) * cos(.pi * Double($0) / Double(count)) }
            let (near, far) = (min(abs(a), abs(b)), max(abs(a), abs(b)))
            if a * b > 0, far > 4 * near {
                points += (1..<count).map { (a < 0 ? -1 : 1) * near * pow(far / near, Double($0) / Double(count)) }
            }
            points[0] = a
            points[count] = b
            return Set(points.map { min(max($0, a), b) }).sorted()
        }
    }

    private func startingPoints(_ grid: [[Double]]) -> [Double] {
        let points = grid.flatMap { $0 }
        // One function more than the basis, of the same parity, makes n + 1 points.
        let step = indices.count > 1 ? indices[indices.count - 1] - indices[indices.count - 2] : 1
        let extended = indices + [indices[indices.count - 1] + step]
        let rows = points.map { basis($0, extended) }
        return LinearSystem.independentRows(rows, count: extended.count).map { points[$0] }.sorted()
    }

    /// The polynomial whose weighted error is +E, −E, +E, … at the points.
    private func levelled(_ points: [Double]) -> (coefficients: [Double], level: Double)? {
        let rows = points.enumerated().map { i, x in basis(x, indices) + [(i % 2 == 0 ? 1 : -1) / weight(x)] }
        guard let solution = LinearSystem.solve(rows, points.map(value)) else { return nil }
        return (Array(solution.dropLast()), solution[solution.count - 1])
    }

    private struct Extremum {
        var x: Double
        var error: Double
    }

    /// Local extrema of the weighted error.
    private func extrema(_ coefficients: [Double], _ grid: [[Double]]) -> [Extremum] {
        let dense = indices.last.map { last in
            var all = [Double](repeating: 0, count: last + 1)
            for (k, c) in zip(indices, coefficients) { all[k] = c }
            return all
        }!
        let error = { (x: Double) in (value(x) - ChebyshevPolynomial.clenshaw(dense, t(x))) * weight(x) }
        var result: [Extremum] = []
        for points in grid {
            let errors = points.map(error)
            for i in points.indices {
                let left = i > 0 ? errors[i - 1] : errors[i]
                let right = i + 1 < points.count ? errors[i + 1] : errors[i]
                let sign: Double = errors[i] < 0 ? -1 : 1
                guard sign * errors[i] >= sign * left, sign * errors[i] >= sign * right else { continue }
                var best = Extremum(x: points[i], error: errors[i])
                if i > 0, i + 1 < points.count {
                    let x = Self.vertex((points[i - 1], left), (points[i], errors[i]), (points[i + 1], right))
                    let refined = Extremum(x: x, error: error(x))
                    if sign * refined.error > sign * best.error { best = refined }
                }
                result.append(best)
            }
        }
        return result
    }

    /// Of the parabola through three points; the middle one when there is none between them.
    private static func vertex(_ a: (Double, Double), _ b: (Double, Double), _ c: (Double, Double)) -> Double {
        let (p, q) = ((b.0 - a.0) * (b.1 - c.1), (b.0 - c.0) * (b.1 - a.1))
        let x = b.0 - ((b.0 - a.0) * p - (b.0 - c.0) * q) / (2 * (p - q))
        return x > a.0 && x < c.0 ? x : b.0
    }

    /// `count` extrema of alternating sign that keep the greatest errors.
    private static func alternation(_ extrema: [Extremum], count: Int) -> [Extremum] {
        var kept: [Extremum] = []
        for extremum in extrema where extremum.error != 0 {
            if let last = kept.last, last.error * extremum.error > 0 {
                if abs(extremum.error) > abs(last.error) { kept[kept.count - 1] = extremum }
            } else {
                kept.append(extremum)
            }
        }
        while kept.count > count {
            if kept.count == count + 1 {
                if abs(kept[0].error) < abs(kept[kept.count - 1].error) {
                    kept.removeFirst()
                } else {
                    kept.removeLast()
                }
                continue
            }
            let weakest = kept.indices.min { abs(kept[$0].error) < abs(kept[$1].error) }!
            if weakest == 0 {
                kept.removeFirst()
            } else if weakest == kept.count - 1 {
                kept.removeLast()
            } else {
                // A pair of neighbours goes, so that the rest still alternates.
                let other = abs(kept[weakest - 1].error) < abs(kept[weakest + 1].error) ? weakest - 1 : weakest + 1
                kept.removeSubrange(min(weakest, other)...max(weakest, other))
            }
        }
        return kept
    }
}
