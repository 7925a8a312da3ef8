import CKernels
import Foundation

/// The independent sum of privacy losses on one grid, and its hockey-stick divergence
/// δ(ε) = E[(1 − e^(ε − L))⁺], bounded outward.
///
/// The atoms are tilted by θ so that the sum's mean lies near the ε of interest; then sums are formed by Fourier
/// transforms whose error, small beside the tilted masses, is small beside δ however small δ is. What the transform's
/// rounding, its period and the tails can do is added to upper and taken from lower bounds:
///
/// - the error of a factor's transform is bounded a priori, that of the product by (|z| + e)^n − |z|^n at every
///   frequency, that of a result by the mean of these over frequencies;
/// - the tilted mass outside the window is below `outside` by Chernoff's bound.
/// - Reference: exponential tilting as in Esscher 1932; for the Fourier accountant Koskela, Jälkö, Honkela 2020.
struct LossComposition {
    struct Group {
        let series: AtomSeries
        let count: Int
    }
    let groups: [Group]
    let interval: Double
    let isUpper: Bool

    /// Tilted mass that may lie outside the window.
    private static let outside = 1e-16
    /// Of δ, the part that may be spent on leaving out rare losses: less with few releases, whose windows are no concern.
    private var truncation: Double { groups.count > Self.largestBatch ? 1e-4 : 1e-8 }
    /// Distinct releases that are added at once.
    private static let largestBatch = 64
    /// The longest transform.
    static let largestLogLength = 22

    /// Mass of infinite loss of all together.
    var infinity: Double {
        var log = 0.0
        for group in groups where group.series.infinity > 0 {
            log += Double(group.count) * log1p(-min(1, group.series.infinity))
        }
        let mass = -expm1(log)
        return isUpper ? min(1, mass * (1 + 1e-12)) : max(0, mass * (1 - 1e-12))
    }

    /// Without losses too rare to matter at δ. They would otherwise, tilted, govern the sum.
    func truncated(delta: Double) -> LossComposition {
        guard delta > 0 else { return self }
        let releases = groups.reduce(0.0) { $0 + Double($1.count) }
        let tail = delta * truncation / releases
        return LossComposition(
            groups: groups.map { Group(series: $0.series.truncated(tail: tail, isUpper: isUpper), count: $0.count) },
            interval: interval, isUpper: isUpper)
    }

    /// How far losses may be off altogether.
    var lossError: Double {
        groups.reduce(0) { $0 + Double($1.count) * $1.series.lossError } * (1 + 1e-9)
    }

    /// The largest sum of finite losses.
    var greatestLoss: Double {
        groups.reduce(0) { $0 + Double($1.count) * ($1.series.positions.last ?? 0) * interval }
    }

    func cumulant(_ theta: Double) -> AtomSeries.Cumulant { total(groups.map { $0.series.cumulant(theta) }) }

    private func total(_ parts: [AtomSeries.Cumulant]) -> AtomSeries.Cumulant {
        var sum = AtomSeries.Cumulant(value: 0)
        var magnitude = 0.0
        for (group, part) in zip(groups, parts) {
            let count = Double(group.count)
            sum.value += count * part.value
            sum.mean += count * part.mean
            sum.variance += count * part.variance
            sum.error += count * part.error
            magnitude += count * abs(part.value)
        }
        sum.error += 1.2e-16 * (Double(groups.count) + 4) * magnitude
        return sum
    }

    /// Cumulants from a sample of the groups, for choosing θ: where the answer is good enough.
    private var sampled: LossComposition { sampled(100) }

    private func sampled(_ wanted: Int) -> LossComposition {
        guard groups.count > 2 * wanted else { return self }
        let step = groups.count / wanted
        let chosen = stride(from: 0, to: groups.count, by: step).map { groups[$0] }
        let all = groups.reduce(0.0) { $0 + Double($1.count) }
        let some = chosen.reduce(0.0) { $0 + Double($1.count) }
        let factor = all / some
        return LossComposition(
            groups: chosen.map { Group(series: $0.series, count: max(1, Int(Double($0.count) * factor))) },
            interval: interval, isUpper: isUpper)
    }

    /// A θ whose tilted mean is near the ε at which δ(ε) = e^`logDelta`: where the bound
    /// δ ≤ e^(K − θε)·θ^θ / (1 + θ)^(1 + θ) reaches it, and then less. That costs little precision, since the exponent
    /// K − θε is flat at its minimum, and keeps rare large losses from widening the window.
    func tilt(logDelta: Double) -> Double {
        let sampled = sampled
        let plain = sampled.cumulant(0).variance
        var theta =
            0.6
            * solve { cumulant, theta in
                guard cumulant.variance > plain * 1e-4 else { return false }
                return cumulant.value - theta * cumulant.mean - log1p(theta) - theta * log1p(1 / theta) > logDelta
            }
        // Where rare losses govern the tilted sum, less will do, unless δ is so small that every digit counts.
        while logDelta > -35, theta > 0, sampled.cumulant(theta).variance > 6 * plain { theta *= 0.7 }
        return theta
    }

    /// The θ whose tilted mean is ε.
    func tilt(epsilon: Double) -> Double { solve { cumulant, _ in cumulant.mean < epsilon } }

    /// The largest θ, of a range, that is still too small.
    private func solve(_ tooSmall: (AtomSeries.Cumulant, Double) -> Bool) -> Double {
        let sampled = sampled
        let deviation = max(sampled.cumulant(0).variance.squareRoot(), interval * 1e-3)
        var (low, high) = (log(1e-3 / deviation), log(1e5 / deviation))
        guard tooSmall(sampled.cumulant(exp(low)), exp(low)) else { return 0 }
        var middle = log(4 / deviation)
        while high - low > 0.02 {
            let theta = exp(middle)
            if tooSmall(sampled.cumulant(theta), theta) { low = middle } else { high = middle }
            middle = (low + high) / 2
        }
        return exp(middle)
    }

    /// Nil when the window does not fit the longest transform.
    func tilted(by theta: Double) -> TiltedSum? {
        let parts = groups.map { $0.series.cumulant(theta) }
        guard parts.allSatisfy({ $0.value > -.infinity }) else { return TiltedSum(interval: interval) }
        let cumulant = total(parts)
        guard let sum = convolved(theta, parts, cumulant) else { return nil }
        return TiltedSum(self, theta: theta, cumulant: cumulant, convolution: sum, outside: Self.outside)
    }

    /// The tilted sum's masses on its window.
    private func convolved(
        _ theta: Double, _ parts: [AtomSeries.Cumulant], _ cumulant: AtomSeries.Cumulant
    ) -> Convolution? {
        var none: WindowHint?
        guard let window = window(theta, cumulant, hint: &none) else { return nil }
        // Many releases are first added in batches, whose windows are short.
        guard groups.count > Self.largestBatch else {
            return Convolution(
                zip(groups, parts).map { .series($0.series, $1, count: $0.count) }, theta: theta, interval: interval,
                base: window.base, plan: window.plan)
        }
        let size = max(Self.largestBatch / 2, Int(Double(groups.count).squareRoot()))
        var batches: [Convolution.Term] = []
        // Batches are alike: where one's bounds are least, the next one's are nearly so.
        var hint: WindowHint? = WindowHint()
        for start in stride(from: 0, to: groups.count, by: size) {
            let range = start..<min(start + size, groups.count)
            let batch = LossComposition(groups: Array(groups[range]), interval: interval, isUpper: isUpper)
            let parts = Array(parts[range])
            guard let window = batch.window(theta, batch.total(parts), hint: &hint) else { return nil }
            let sum = Convolution(
                batch.terms(parts, theta: theta, length: window.plan.length), theta: theta, interval: interval,
                base: window.base, plan: window.plan)
            batches.append(.batch(sum, error: sum.totalError + 2 * Self.outside))
        }
        return Convolution(batches, theta: theta, interval: interval, base: window.base, plan: window.plan)
    }

    /// What is to be transformed: sparse series that come once are first added directly, four at a time, which is
    /// cheaper than a transform of each.
    private func terms(_ parts: [AtomSeries.Cumulant], theta: Double, length: Int) -> [Convolution.Term] {
        var terms: [Convolution.Term] = []
        var sparse: [(AtomSeries, AtomSeries.Cumulant)] = []
        for (group, part) in zip(groups, parts) {
            if group.count == 1, group.series.positions.count <= 160, group.series.span * 2 < Double(length) {
                sparse.append((group.series, part))
            } else {
                terms.append(.series(group.series, part, count: group.count))
            }
        }
        var start = 0
        while start < sparse.count {
            var end = start
            var span = 0.0
            while end < sparse.count, end - start < 4, span + sparse[end].0.span < Double(length) {
                span += sparse[end].0.span
                end += 1
            }
            let sum = Convolution(direct: sparse[start..<end], theta: theta, interval: interval)
            terms.append(.batch(sum, error: sum.totalError))
            start = end
        }
        return terms
    }

    /// Logarithms of the t at which the bounds of a window were least, relative to a first guess.
    private struct WindowHint {
        var above: Double?
        var below: Double?
    }

    /// A range of the grid beyond which the tilted sum has a mass of at most `outside`.
    /// - Parameter hint: where earlier searches ended, for windows of similar sums; nil searches.
    private func window(
        _ theta: Double, _ cumulant: AtomSeries.Cumulant, hint: inout WindowHint?
    ) -> (base: Double, plan: FourierPlan)? {
        let deviation = max(cumulant.variance.squareRoot(), interval)
        let surprise = -log(Self.outside / 2)
        let sampled = sampled(hint == nil ? 100 : 16)
        let here = sampled.groups.count == groups.count ? cumulant : sampled.cumulant(theta)
        func reach(_ sign: Double, _ known: inout Double?) -> Double {
            // P(L ≥ m + W) ≤ e^(K(θ + t) − K(θ) − t(m + W)) for every t > 0, and likewise below. The bound on W has one
            // minimum over t; where it lies may be found from a sample.
            let guess = (2 * surprise).squareRoot() / deviation
            func bound(_ logT: Double, _ composition: LossComposition, _ here: AtomSeries.Cumulant) -> Double {
                let t = guess * exp(logT)
                let moved = composition.cumulant(theta + sign * t)
                let value = (moved.value - here.value - sign * t * here.mean + surprise) / t
                return value.isFinite ? value : .infinity
            }
            var (step, at) = known.map { (0.5, $0) } ?? (1.0, -0.5)
            var best = bound(at, sampled, here)
            while step > 0.2 {
                let (below, above) = (bound(at - step, sampled, here), bound(at + step, sampled, here))
                if min(below, above) < best {
                    at += below < above ? -step : step
                    best = min(below, above)
                    if abs(at) > 8 { break }
                } else {
                    step /= 4
                }
            }
            if sampled.groups.count < groups.count { best = bound(at, self, cumulant) }
            known = at
            return max(best * (1 + 1e-9), 0) + 2 * interval
        }
        var places = hint ?? WindowHint()
        let (above, below) = (reach(1, &places.above), reach(-1, &places.below))
        if hint != nil { hint = places }
        let cells = (above + below) / interval + 4
        guard cells.isFinite, cells < Double(1 << Self.largestLogLength) else { return nil }
        var logLength = 8
        while Double(1 << logLength) < cells { logLength += 1 }
        return (((cumulant.mean - below) / interval).rounded(.down), FourierPlan.length(log: logLength))
    }
}
