/// Horizontal bars, one group per category.
struct BarPlot {
    let plot: PrivacyReport.Plot
    static let limit = 60

    /// The first series is the thickest, so that series differ by more than colour.
    static func thickness(_ index: Int) -> Double { index % 2 == 0 ? 12 : 7 }

    var markup: Markup { Drawing.both(draw) }
    var hidden: Int { max(0, plot.categories.count - Self.limit) }

    private func draw(_ layout: Drawing.Layout) -> Drawing {
        let isWide = layout == .wide
        let left = isWide ? 150.0 : 84.0
        let right = 62.0
        let width = layout.width - left - right
        let axis = Axis(plot.series.flatMap(\.y), include: [0], tickCount: isWide ? 6 : 3)
        let group = plot.series.indices.reduce(0.0) { $0 + Self.thickness($1) + 4 } + 12
        let categories = plot.categories.prefix(Self.limit)
        let top = 26.0
        let bottom = top + Double(categories.count) * group
        var drawing = Drawing(
            layout, height: bottom + 28, title: plot.title,
            summary: plot.series.map { "\($0.name): " + $0.y.map { Quantity.number($0) }.joined(separator: ", ") }
                .joined(separator: "; "))
        drawing.text(0, 14, plot.yLabel, size: layout.text - 1, "soft", limit: layout.width)
        let zero = left + (axis.fraction(0) ?? 0) * width
        var free = 0.0
        for tick in axis.ticks {
            guard let fraction = axis.fraction(tick) else { continue }
            let x = left + fraction * width
            drawing.line(x, top, x, bottom)
            let half = TextWidth.estimate(axis.label(tick), size: layout.text - 1) / 2
            guard x - half > free, x + half <= layout.width else { continue }
            drawing.text(x, bottom + 18, axis.label(tick), size: layout.text - 1, anchor: .middle, "soft")
            free = x + half + 6
        }
        for (i, category) in categories.enumerated() {
            var y = top + Double(i) * group + 6
            drawing.text(left - 12, y + (group - 12) / 2 + 3, category, anchor: .end, limit: left - 14)
            for (j, series) in plot.series.enumerated() where i < series.y.count {
                let thickness = Self.thickness(j)
                if let fraction = axis.fraction(series.y[i]) {
                    let x = left + fraction * width
                    drawing.rectangle(
                        min(x, zero), y, abs(x - zero), thickness, radius: 2, "fill-s\(SeriesStyle(index: j).colour)",
                        tip: "\(category), \(series.name): \(Quantity.number(series.y[i]))")
                    drawing.text(
                        max(x, zero) + 6, y + thickness / 2 + 4, Quantity.number(series.y[i], digits: 4),
                        size: 12, j == 0 ? "" : "soft", limit: right - 6)
                }
                y += thickness + 4
            }
        }
        drawing.line(zero, top, zero, bottom, "axis")
        return drawing
    }
}
