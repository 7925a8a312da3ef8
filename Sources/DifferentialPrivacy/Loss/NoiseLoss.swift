import Foundation

/// The loss of continuous additive noise on a query that moves by 1 between neighbours, after Poisson sampling at rate
/// q: P = (1 − q)·N₀ + q·N₁ and Q = N₀, where N_m is the noise centred at m. q = 1 is no sampling.
///
/// The loss increases with the outcome x: with w(x) the loss without sampling,
///
///     l(x) = log(1 − q + q·e^w(x)),   w = log((e^l − (1 − q)) / q).
struct NoiseLoss {
    enum Noise { case gaussian, laplace }
    let noise: Noise
    /// Deviation (Gaussian) or scale b (Laplace) when the query moves by 1.
    let scale: Double
    let rate: Double

    /// P(noise > |x|) in units where the noise has scale 1.
    private func tail(_ x: Double) -> Double {
        noise == .gaussian ? 0.5 * erfc(abs(x) * 0.5.squareRoot()) : 0.5 * exp(-abs(x))
    }

    /// P(a < noise ≤ b) with a bound on its error, from the tails at a and b.
    private func mass(_ a: Double, _ b: Double, _ atA: Double, _ atB: Double) -> (value: Double, error: Double) {
        guard a < b else { return (0, 0) }
        let larger: Double
        let value: Double
        if a >= 0 {
            (larger, value) = (atA, atA - atB)
        } else if b <= 0 {
            (larger, value) = (atB, atB - atA)
        } else {
            (larger, value) = (1, 1 - atA - atB)
        }
        // 5 units in the last place for erfc and exp, and the argument's own rounding, which a Gaussian tail magnifies by
        // its square.
        let x = a < 0 && b > 0 ? 0 : min(abs(a), abs(b))
        let argument = noise == .gaussian ? x * x : x
        return (max(0, value), larger * 1.2e-16 * (6 + (argument.isFinite ? argument : 0)))
    }

    /// 1/scale: the distance of the two centres in units of the noise.
    private var shift: Double { 1 / scale }

    /// The loss without sampling at x (in units of the noise, centre of Q at 0).
    private func plainLoss(_ x: Double) -> Double {
        switch noise {
        case .gaussian: shift * (x - shift / 2)
        case .laplace: x <= 0 ? -shift : x >= shift ? shift : 2 * x - shift
        }
    }

    private func loss(_ plain: Double) -> Double {
        guard rate < 1 else { return plain }
        guard plain < 30 else { return plain + log(rate + (1 - rate) * exp(-plain)) }
        return log1p(rate * expm1(plain))
    }

    private func plain(_ loss: Double) -> Double {
        guard rate < 1 else { return loss }
        guard loss < 30 else { return loss - log(rate) + log1p(-(1 - rate) * exp(-loss)) }
        let excess = expm1(loss) + rate
        return excess <= 0 ? -.infinity : log(excess / rate)
    }

    private func outcome(_ loss: Double) -> Double {
        let w = plain(loss)
        switch noise {
        case .gaussian: return w / shift + shift / 2
        case .laplace: return min(max((w + shift) / 2, 0), shift)
        }
    }

    /// An end of a cell: an outcome, and the tails there of the noise around each centre.
    private struct End {
        let x: Double
        let plain: Double
        let shifted: Double
    }

    private func end(_ x: Double) -> End { End(x: x, plain: tail(x), shifted: tail(x - shift)) }

    private func cell(_ a: End, _ b: End, _ low: Double, _ high: Double) -> LossCells.Cell {
        let (q, qError) = mass(a.x, b.x, a.plain, b.plain)
        let (moved, movedError) = mass(a.x - shift, b.x - shift, a.shifted, b.shifted)
        let p = (1 - rate) * q + rate * moved
        return LossCells.Cell(
            low: low, high: high, p: p, q: q, pError: (1 - rate) * qError + rate * movedError + 4e-16 * p,
            qError: qError)
    }

    /// Cells with the given losses as ends, ascending.
    private func cells(_ ends: [Double], least: Double, most: Double) -> [LossCells.Cell] {
        var result: [LossCells.Cell] = []
        result.reserveCapacity(ends.count + 3)
        var (last, low) = (end(-.infinity), least)
        if noise == .laplace {
            // All outcomes below 0 lose the same.
            let zero = end(0)
            result.append(cell(last, zero, least, least))
            last = zero
        }
        for loss in ends {
            let x = outcome(loss)
            guard x >= last.x else { continue }
            let next = end(x)
            result.append(cell(last, next, low, loss))
            (last, low) = (next, loss)
        }
        if noise == .laplace {
            let next = end(shift)
            result.append(cell(last, next, low, most))
            (last, low) = (next, most)
        }
        result.append(cell(last, end(.infinity), low, most))
        return result
    }

    private var lossRange: (least: Double, most: Double) {
        switch noise {
        case .gaussian: (rate < 1 ? log1p(-rate) : -.infinity, .infinity)
        case .laplace: (loss(-shift), loss(shift))
        }
    }

    private var lossError: Double {
        let furthest = noise == .gaussian ? shift * (LossGrid.furthestReach + shift * 1.5) : shift
        return 8e-15 * (1 + furthest)
    }

    func partition(_ grid: LossGrid) -> LossCells {
        let (least, most) = lossRange
        let (low, high): (Double, Double)
        switch noise {
        case .gaussian:
            low = max(least, loss(shift * (-grid.reach - shift / 2)))
            high = loss(shift * (grid.reach + shift / 2))
        case .laplace: (low, high) = (least, most)
        }
        return LossCells(
            cells: cells(grid.ends(from: low, to: high), least: least, most: most), lossError: lossError)
    }

    /// A coarse partition by outcome, for moments.
    var sketch: LossCells {
        let (least, most) = lossRange
        let (from, to) = noise == .gaussian ? (-6.0, 6.0 + shift) : (0.0, shift)
        let steps = 100
        var ends: [Double] = []
        for i in 0...steps {
            let end = loss(plainLoss(from + (to - from) * Double(i) / Double(steps)))
            if end > (ends.last ?? least), end < most { ends.append(end) }
        }
        return LossCells(cells: cells(ends, least: least, most: most), lossError: lossError)
    }
}
