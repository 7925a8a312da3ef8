import CKernels
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
        _ composition: LossComposition, theta: Double, parts: [AtomSeries.Cumulant], cumulant: AtomSeries.Cumulant,
        base: Double, plan: FourierPlan, outside: Double
    ) {
        self.base = base
        interval = composition.interval
        self.theta = theta
        self.cumulant = cumulant.value
        self.outside = outside
        infinity = composition.infinity
        lossError = composition.lossError
        isUpper = composition.isUpper
        factor = exp(cumulant.error)
        reference = cumulant.mean

        let length = plan.length
        let half = length / 2 + 1
        let work = UnsafeMutablePointer<Double>.allocate(capacity: 2 * length + 3 * half)
        defer { work.deallocate() }
        let (real, imaginary) = (work, work + length)
        let productReal = work + 2 * length
        let (productImaginary, bound) = (productReal + half, productReal + 2 * half)
        productReal.initialize(repeating: 1, count: half)
        productImaginary.initialize(repeating: 0, count: half)
        bound.initialize(repeating: 1, count: half)

        var origin = 0.0
        var operations = 8.0
        let groups = composition.groups
        var index = 0
        while index < groups.count {
            real.initialize(repeating: 0, count: 2 * length)
            var counts: [UInt64] = [0, 0]
            for lane in 0..<2 where index + lane < groups.count {
                let (group, part) = (groups[index + lane], parts[index + lane])
                let shift = (part.mean / interval).rounded()
                group.series.fold(
                    theta, value: part.value, shift: shift, into: lane == 0 ? real : imaginary, length: length)
                origin += shift * Double(group.count)
                counts[lane] = UInt64(group.count)
                operations += 2 * Double(Int.bitWidth - group.count.leadingZeroBitCount) + Double(group.count) * 0.5
            }
            index += 2
            plan.forward(real, imaginary)
            // Both halves of the packed pair have sum 1.
            let error = plan.relativeError * (counts[1] > 0 ? 2 : 1) * (1 + 1e-6)
            tacit_spectrum_multiply(
                productReal, productImaginary, bound, real, imaginary, length, counts[0], counts[1], error)
        }
        // A frequency stands for itself and its mirror image; positions 0 and 1 are their own.
        var (errors, sizes) = (0.0, 0.0)
        for k in 0..<half {
            let size = (productReal[k] * productReal[k] + productImaginary[k] * productImaginary[k]).squareRoot()
            let weight = k < 2 ? 1.0 : 2.0
            errors += weight * (max(0, bound[k] - size) + bound[k] * operations * 4.5e-16)
            sizes += weight * bound[k]
        }
        tacit_spectrum_complete(real, imaginary, productReal, productImaginary, length)
        plan.inverse(real, imaginary)
        let scale = 1 / Double(length)
        massError = (errors + sizes * plan.relativeError) * scale * (1 + 1e-6)
        let start = Int((base - origin).remainder(dividingBy: Double(length)))
        masses = [Double](unsafeUninitializedCapacity: length) { buffer, count in
            for j in 0..<length { buffer[j] = real[(start + j) & (length - 1)] * scale }
            count = length
        }
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
