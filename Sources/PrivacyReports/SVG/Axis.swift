import Foundation

/// Maps numbers to places along an axis, with ticks at round numbers.
struct Axis {
    let low: Double
    let high: Double
    let isLogarithmic: Bool
    let ticks: [Double]

    /// - Parameters:
    ///   - values: those that are not finite (or, on a logarithmic axis, not positive) are passed over.
    ///   - include: values that the axis must reach, such as zero.
    init(_ values: [Double], logarithmic: Bool = false, include: [Double] = [], tickCount: Int = 5) {
        // Bounded so that differences of two values cannot overflow.
        let usable = (values + include).filter { $0.isFinite && abs($0) < 1e300 && (!logarithmic || $0 > 1e-300) }
        var low = usable.min() ?? (logarithmic ? 1 : 0)
        var high = usable.max() ?? (logarithmic ? 10 : 1)
        isLogarithmic = logarithmic
        if logarithmic {
            let from = Foundation.log10(low).rounded(.down)
            let to = max(from + 1, Foundation.log10(high).rounded(.up))
            let step = max(1, ((to - from) / Double(max(1, tickCount))).rounded(.up))
            ticks = stride(from: from, through: to, by: step).map { pow(10, $0) }
            self.low = pow(10, from)
            self.high = pow(10, to)
            return
        }
        if low == high {
            let pad = low == 0 ? 1 : abs(low) * 0.1
            low -= pad
            high += pad
        }
        let step = Self.roundStep((high - low) / Double(max(1, tickCount)))
        guard step > 0, step.isFinite, high - low > abs(high) * 1e-12 else {
            self.low = low
            self.high = high
            ticks = [low, high]
            return
        }
        let first = (low / step).rounded(.down)
        let last = (high / step).rounded(.up)
        ticks = last - first < 100 ? (0...Int(last - first)).map { (first + Double($0)) * step } : [low, high]
        self.low = min(low, first * step)
        self.high = max(high, last * step)
    }

    /// 1, 2 or 5 times a power of ten.
    private static func roundStep(_ raw: Double) -> Double {
        guard raw > 0, raw.isFinite else { return 0 }
        let power = pow(10, Foundation.log10(raw).rounded(.down))
        let fraction = raw / power
        return (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10) * power
    }

    /// In [0, 1], or nil for what cannot be shown.
    func fraction(_ value: Double) -> Double? {
        guard value.isFinite, value >= low, value <= high, !isLogarithmic || value > 0 else { return nil }
        let part =
            isLogarithmic
            ? (Foundation.log10(value) - Foundation.log10(low)) / (Foundation.log10(high) - Foundation.log10(low))
            : (value - low) / (high - low)
        return part.isFinite ? part : nil
    }

    func label(_ tick: Double) -> String {
        // A tick such as 0.30000000000000004 is 0.3; one such as 1e-17 beside ticks of 0.1 is 0.
        abs(tick) < (high - low) * 1e-9 && !isLogarithmic ? "0" : Quantity.number(tick, digits: 5)
    }
}

/// The frame of a plot with two axes.
struct PlotArea {
    let left: Double
    let top: Double
    let width: Double
    let height: Double
    let x: Axis
    let y: Axis

    func point(_ px: Double, _ py: Double) -> (x: Double, y: Double)? {
        guard let fx = x.fraction(px), let fy = y.fraction(py) else { return nil }
        return (left + fx * width, top + (1 - fy) * height)
    }

    func drawFrame(in drawing: inout Drawing, xLabel: String, yLabel: String) {
        let small = drawing.layout.text - 1
        for tick in y.ticks {
            guard let fraction = y.fraction(tick) else { continue }
            let at = top + (1 - fraction) * height
            drawing.line(left, at, left + width, at)
            drawing.text(left - 8, at + 4.5, y.label(tick), size: small, anchor: .end, "soft", limit: left - 8)
        }
        var free = -Double.infinity
        for tick in x.ticks {
            guard let fraction = x.fraction(tick) else { continue }
            let at = left + fraction * width
            let label = x.label(tick)
            let half = TextWidth.estimate(label, size: small) / 2
            drawing.line(at, top + height, at, top + height + 5, "axis")
            guard at - half > max(free, 0), at + half <= drawing.width else { continue }
            drawing.text(at, top + height + 20, label, size: small, anchor: .middle, "soft")
            free = at + half + 6
        }
        drawing.line(left, top + height, left + width, top + height, "axis")
        drawing.text(
            left + width / 2, top + height + 42, xLabel, size: small, anchor: .middle, "soft", limit: width)
        drawing.text(0, 14, yLabel, size: small, "soft", limit: drawing.width)
    }
}
