/// Lines over a common x, each with its colour and dash pattern.
struct CurvePlot {
    let plot: PrivacyReport.Plot
    /// A line has no use for more points than pixels; every n-th is drawn, and the last.
    static let limit = 1000

    var markup: Markup { Drawing.both(draw) }

    private func draw(_ layout: Drawing.Layout) -> Drawing {
        let isWide = layout == .wide
        let left = isWide ? 66.0 : 50.0
        let area = PlotArea(
            left: left, top: 30, width: layout.width - left - 16, height: isWide ? 270 : 200,
            x: Axis(plot.series.flatMap(\.x), tickCount: isWide ? 8 : 4),
            y: Axis(plot.series.flatMap(\.y), logarithmic: plot.logarithmicY, tickCount: isWide ? 5 : 4))
        var drawing = Drawing(
            layout, height: area.top + area.height + 50, title: plot.title,
            summary: plot.series.map { series in
                let ends = [series.y.first, series.y.last].compactMap { $0 }.map { Quantity.number($0) }
                return "\(series.name): from \(ends.joined(separator: " to ")) over \(series.y.count) points"
            }.joined(separator: "; "))
        area.drawFrame(in: &drawing, xLabel: plot.xLabel, yLabel: plot.yLabel)
        for (i, series) in plot.series.enumerated() {
            drawing.add(path(series, SeriesStyle(index: i), area))
        }
        return drawing
    }

    /// A gap in the line where a value cannot be shown (not a number, or not positive on a logarithmic axis).
    private func path(_ series: PrivacyReport.Plot.Series, _ style: SeriesStyle, _ area: PlotArea) -> Markup {
        let count = min(series.x.count, series.y.count)
        let step = max(1, (count + Self.limit - 1) / Self.limit)
        var indices = Array(stride(from: 0, to: count, by: step))
        if count > 0, indices.last != count - 1 { indices.append(count - 1) }
        var data: Markup = ""
        var isDown = false
        for i in indices {
            guard let at = area.point(series.x[i], series.y[i]) else {
                isDown = false
                continue
            }
            data += isDown ? "L\(at.x) \(at.y)" : "M\(at.x) \(at.y)"
            isDown = true
        }
        return """
            <path d="\(data)" class="trunk line-s\(style.colour)" stroke-dasharray="\(style.dash)" \
            stroke-linejoin="round"/>
            """
    }
}
