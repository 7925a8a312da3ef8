import Foundation

/// The loss of integer noise on an integer query that moves by at most `distance`: P is Q moved by `distance`, which
/// dominates every smaller move since the noise is log-concave.
struct IntegerNoiseLoss {
    enum Noise { case gaussian, laplace }
    let noise: Noise
    /// σ of mass ∝ exp(−x²/2σ²), or b of mass ∝ exp(−|x|/b).
    let scale: Double
    let distance: Int

    /// Largest σ whose masses are summed one by one.
    static let largestDeviation = Double(1 << 17)

    func partition() throws(DifferentialPrivacyError) -> LossCells {
        switch noise {
        case .gaussian: try gaussian()
        case .laplace: laplace()
        }
    }

    private func laplace() -> LossCells {
        let rate = 1 / scale
        let d = Double(distance)
        // P(X > k) = r^(k+1)/(1 + r), r = e^−rate, for k ≥ −1.
        func upperTail(_ k: Double) -> Double { exp(-rate * (k + 1)) / (1 + exp(-rate)) }
        /// Mass of [a, b] for a distribution centred at c; error relative to the larger tail.
        func mass(_ a: Double, _ b: Double, _ c: Double) -> (Double, Double) {
            let (low, high) = (a - c, b - c)
            let (first, second): (Double, Double)
            if low >= 0 {
                (first, second) = (upperTail(low - 1), b == .infinity ? 0 : upperTail(high))
            } else if high <= 0 {
                (first, second) = (upperTail(-high - 1), a == -.infinity ? 0 : upperTail(-low))
            } else {
                let outside = (a == -.infinity ? 0 : upperTail(-low)) + (b == .infinity ? 0 : upperTail(high))
                (first, second) = (1, outside)
            }
            return (max(0, first - second), first * 4e-16 * (4 + rate * min(abs(low), abs(high))))
        }
        func loss(_ x: Double) -> Double { rate * (abs(x) - abs(x - d)) }
        func cell(_ a: Double, _ b: Double) -> LossCells.Cell {
            let (p, pError) = mass(a, b, d)
            let (q, qError) = mass(a, b, 0)
            return LossCells.Cell(
                low: loss(max(a, 0)), high: loss(min(b, d)), p: p, q: q, pError: pError.isFinite ? pError : 1e-15,
                qError: qError.isFinite ? qError : 1e-15)
        }
        var cells = [cell(-.infinity, 0)]
        let step = max(1, (d / 65536).rounded(.up))
        var x = 1.0
        while x < d {
            let end = min(d - 1, x + step - 1)
            cells.append(cell(x, end))
            x = end + 1
        }
        cells.append(cell(d, .infinity))
        return LossCells(cells: cells, lossError: 8e-16 * (1 + rate * d))
    }

    private func gaussian() throws(DifferentialPrivacyError) -> LossCells {
        guard scale <= Self.largestDeviation else {
            throw DifferentialPrivacyError(
                code: .unsupportedScale,
                message: "deviation: got \(scale), want at most \(Self.largestDeviation) for discrete Gaussian noise")
        }
        let d = Double(distance)
        // Beyond 40σ masses are below the least positive double.
        let reach = (39 * scale).rounded(.up) + 1
        let inverse = 1 / (2 * scale * scale)
        func weight(_ x: Double) -> Double { exp(-x * x * inverse) }
        var total = 1.0
        var x = 1.0
        while x <= reach {
            let term = 2 * weight(x)
            total += term
            if term < total * 1e-19 { break }
            x += 1
        }
        // Summation of at most 10⁷ positive terms, and exp of an argument with two roundings.
        let relative = 1e-15 + 1.2e-16 * min(x, 1e7) * 0.02
        func mass(_ x: Double) -> Double { weight(x) / total }
        func error(_ x: Double, _ mass: Double) -> Double { mass * (relative + 5e-16 * (1 + x * x * inverse)) }
        func loss(_ x: Double) -> Double { d * (2 * x - d) * inverse }
        var cells: [LossCells.Cell] = []
        let (first, last) = (-reach, reach + d)
        // Tails beyond `reach` are below 10⁻³⁰⁰.
        let tail = 1e-300
        cells.append(.init(low: -.infinity, high: loss(first), p: 0, q: tail, pError: tail, qError: tail))
        guard last - first < 3e7 else {
            throw DifferentialPrivacyError(
                code: .unsupportedScale,
                message: "contribution: got \(distance), want less than 3e7 for discrete Gaussian noise")
        }
        x = first
        while x <= last {
            let (p, q) = (mass(x - d), mass(x))
            if p > 0 || q > 0 {
                let at = loss(x)
                cells.append(
                    .init(low: at, high: at, p: p, q: q, pError: error(x - d, p), qError: error(x, q) + tail))
            }
            x += 1
        }
        cells.append(.init(low: loss(last), high: .infinity, p: 0, q: 0, pError: tail, qError: 0))
        return LossCells(cells: cells, lossError: 1e-15 * (1 + d * (last + d) * inverse))
    }
}

extension LossCells {
    /// The worst mechanism that is (ε, δ)-differentially private.
    /// - Reference: Kairouz, Oh, Viswanath 2015, Section 3.
    static func approximate(epsilon: Double, delta: Double) -> LossCells {
        let low = (1 - delta) / (1 + exp(epsilon))
        let high = (1 - delta) / (1 + exp(-epsilon))
        func cell(_ loss: Double, _ p: Double, _ q: Double) -> Cell {
            Cell(low: loss, high: loss, p: p, q: q, pError: 1e-15 * p, qError: 1e-15 * q)
        }
        return LossCells(
            cells: [
                cell(-.infinity, 0, delta), cell(-epsilon, low, high), cell(epsilon, high, low),
                cell(.infinity, delta, 0),
            ], lossError: 2e-15 * (1 + epsilon))
    }
}
