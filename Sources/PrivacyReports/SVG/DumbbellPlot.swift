/// Coefficients: a dot for the value, a ring for the one from pooled plaintext, a bar between them.
struct DumbbellPlot {
    let result: PrivacyReport.ModelResult
    /// More rows than this cannot be read; the largest are shown.
    static let limit = 40

    var shown: [PrivacyReport.Coefficient] {
        guard result.coefficients.count > Self.limit else { return result.coefficients }
        let size = { (c: PrivacyReport.Coefficient) in c.value.isFinite ? abs(c.value) : .infinity }
        return Array(result.coefficients.sorted { size($0) > size($1) }.prefix(Self.limit))
    }

    var hidden: Int { result.coefficients.count - shown.count }

    var markup: Markup { shown.isEmpty ? "" : Drawing.both(draw) }

    private func draw(_ layout: Drawing.Layout) -> Drawing {
        let rows = shown
        let isWide = layout == .wide
        let rowHeight = isWide ? 28.0 : 26.0
        let left = isWide ? 150.0 : 72.0
        let right = isWide ? 96.0 : 76.0
        let top = 8.0
        let width = layout.width - left - right
        let axis = Axis(
            rows.map(\.value) + rows.compactMap(\.reference), include: [0], tickCount: isWide ? 6 : 3)
        let bottom = top + Double(rows.count) * rowHeight
        var drawing = Drawing(
            layout, height: bottom + 30, title: "Coefficients of \(result.name)",
            summary: rows.map {
                "\($0.name): \(Quantity.number($0.value))"
                    + ($0.reference.map { ", from pooled plaintext \(Quantity.number($0))" } ?? "")
            }.joined(separator: "; "))
        var free = -Double.infinity
        for tick in axis.ticks {
            guard let fraction = axis.fraction(tick) else { continue }
            let x = left + fraction * width
            drawing.line(x, top, x, bottom, abs(tick) < 1e-300 ? "axis" : "rule")
            let half = TextWidth.estimate(axis.label(tick), size: layout.text - 1) / 2
            guard x - half > max(free, 0), x + half <= layout.width else { continue }
            drawing.text(x, bottom + 20, axis.label(tick), size: layout.text - 1, anchor: .middle, "soft")
            free = x + half + 6
        }
        for (i, row) in rows.enumerated() {
            let y = top + (Double(i) + 0.5) * rowHeight
            drawing.text(left - 12, y + 5, row.name, anchor: .end, limit: left - 14)
            drawing.text(layout.width, y + 5, Quantity.number(row.value, digits: 6), anchor: .end, limit: right - 4)
            let value = axis.fraction(row.value).map { left + $0 * width }
            let reference = row.reference.flatMap(axis.fraction).map { left + $0 * width }
            if let value, let reference { drawing.line(value, y, reference, y, "trunk line-s0") }
            if let reference { drawing.circle(reference, y, 7, "trunk line-s1") }
            if let value { drawing.circle(value, y, 4, "fill-s0") }
        }
        return drawing
    }
}
