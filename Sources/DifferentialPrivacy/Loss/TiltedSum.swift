import Foundation

/// Masses of a tilted sum of losses on a window of the grid, with what bounds their errors.
struct TiltedSum {
    /// Loss of cell j is (base + j)·interval.
    private let base: Double
    private let interval: Double
    private let theta: Double
    /// K(θ) of the sum.
    private let cumulant: Double
    private let masses: [Double]
    /// Each mass is at most this far off.
    private let massError: Double
    /// All masses are right up to this factor and its inverse.
    private let factor: Double
    /// Tilted mass outside the window.
    private let outside: Double
    private let infinity: Double
    private let lossError: Double
    private let isUpper: Bool

    /// The sum that has no finite part.
    init(interval: Double) {
        (base, self.interval, theta, cumulant, massError, factor, reference) = (0, interval, 0, 0, 0, 1, 0)
        (outside, infinity, lossError, isUpper) = (0, 1, 0, true)
        masses = [0]
    }

    init(
        _ composition: LossComposition, theta: Double, cumulant: AtomSeries.Cumulant, convolution: Convolution,
        outside: Double
    ) {
        base = convolution.base
        masses = convolution.masses
        massError = convolution.massError
        interval = composition.interval
        self.theta = theta
        self.cumulant = cumulant.value
        self.outside = outside
        infinity = composition.infinity
        lossError = composition.lossError
        isUpper = composition.isUpper
        factor = exp(cumulant.error)
        reference = cumulant.mean
    }

    /// Untilted mass of cell j, and e^−l relative to the reference loss c.
    @inline(__always) private func weight(_ j: Int) -> Double {
        let mass = isUpper ? max(masses[j], 0) + massError : masses[j] - massError
        guard mass > 0 else { return 0 }
        return mass * exp(cumulant - theta * ((base + Double(j)) * interval))
    }

    /// c of the discounts' common factor e^(ε − c).
    private let reference: Double

    /// Σ mass·e^(ε − l) of the masses above ε, from `scaled` = Σ mass·e^(c − l).
    private func discount(_ above: Double, _ scaled: Double, _ epsilon: Double) -> Double {
        // Out of the exponential's range the side on which the bound may err.
        guard abs(epsilon - reference) < 700 else { return isUpper ? 0 : above }
        return scaled * exp(epsilon - reference)
    }

    /// e^(c − l), on the safe side where it cannot be represented.
    private func discountFactor(_ loss: Double) -> Double {
        reference - loss < 700 ? exp(reference - loss) : isUpper ? 0 : .infinity
    }

    /// What the window cannot show, at ε.
    private func beyond(_ epsilon: Double) -> Double {
        if isUpper {
            let top = (base + Double(masses.count)) * interval
            return infinity + outside * exp(cumulant - theta * top) * factor
        }
        // Masses from outside may have been folded in.
        return infinity - outside * exp(min(700, cumulant - theta * epsilon)) * factor
    }

    private func finish(_ above: Double, _ discount: Double, _ beyond: Double) -> Double {
        let rounding = Double(masses.count) * 2.3e-16 * (above + discount)
        let finite = isUpper ? (above - discount + rounding) * factor : (above - discount - rounding) / factor
        return min(1, max(0, max(0, finite) + beyond))
    }

    /// A bound of δ at ε.
    func delta(epsilon: Double) -> Double {
        let epsilon = isUpper ? epsilon - lossError : epsilon + lossError
        var (above, scaled) = (0.0, 0.0)
        var j = masses.count - 1
        while j >= 0 {
            let loss = (base + Double(j)) * interval
            guard loss > epsilon else { break }
            let w = weight(j)
            if w > 0 {
                above += w
                scaled += w * discountFactor(loss)
            }
            j -= 1
        }
        // Below the window lies at most the tilted mass `outside`, which untilting makes small where θ ≥ 0 and ε is low.
        let unseen = isUpper && j < 0 ? outside * exp(min(700, cumulant - theta * min(epsilon, base * interval))) : 0
        return finish(above, discount(above, scaled, epsilon), beyond(epsilon) + unseen)
    }

    enum Crossing { case at(Double), above, below }

    /// A bound of the least ε with δ(ε) ≤ δ, if it lies in the window.
    func epsilon(delta: Double) -> Crossing {
        var (above, scaled) = (0.0, 0.0)
        let top = (base + Double(masses.count)) * interval
        if beyond(top) > delta { return .above }
        var j = masses.count - 1
        while j >= 0 {
            let loss = (base + Double(j)) * interval
            let value = finish(above, discount(above, scaled, loss), beyond(loss))
            if value > delta {
                return .at(refine(above, scaled, delta, from: loss, to: loss + interval))
            }
            if loss < -2 * lossError - interval { return isUpper || theta == 0 ? .at(0) : .below }
            let w = weight(j)
            if w > 0 {
                above += w
                scaled += w * discountFactor(loss)
            }
            j -= 1
        }
        return .below
    }

    /// Within one cell, where the sums do not change.
    private func refine(_ above: Double, _ scaled: Double, _ delta: Double, from: Double, to: Double) -> Double {
        var (low, high) = (from, to)
        for _ in 0..<60 {
            let middle = low + (high - low) / 2
            guard middle > low, middle < high else { break }
            if finish(above, discount(above, scaled, middle), beyond(middle)) > delta {
                low = middle
            } else {
                high = middle
            }
        }
        return max(0, isUpper ? (high + lossError).nextUp : (low - lossError).nextDown)
    }
}
