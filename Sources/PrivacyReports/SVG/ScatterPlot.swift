/// Points and the diagonal on which predicted equals observed.
struct ScatterPlot {
    let plot: PrivacyReport.Plot
    /// More points only make the page slow; every n-th is drawn.
    static let limit = 1500

    var markup: Markup { Drawing.both(draw) }

    /// Whether some points are left out, which the caption then says.
    var isThinned: Bool { plot.series.contains { $0.y.count > Self.limit } }

    private func draw(_ layout: Drawing.Layout) -> Drawing {
        let isWide = layout == .wide
        let all = plot.series.flatMap { $0.x + $0.y }
        let axis = Axis(all, tickCount: isWide ? 6 : 4)
        let left = isWide ? 62.0 : 44.0
        let side = isWide ? 430.0 : layout.width - left - 12
        let area = PlotArea(
            left: left, top: 30, width: isWide ? layout.width - left - 16 : side, height: side, x: axis, y: axis)
        var drawing = Drawing(
            layout, height: area.top + area.height + 50, title: plot.title,
            summary: "\(plot.yLabel) against \(plot.xLabel): "
                + plot.series.map { Quantity.counted($0.y.count, "point") + " of \($0.name)" }.joined(separator: "; "))
        area.drawFrame(in: &drawing, xLabel: plot.xLabel, yLabel: plot.yLabel)
        if let from = area.point(axis.low, axis.low), let to = area.point(axis.high, axis.high) {
            drawing.line(from.x, from.y, to.x, to.y, "diagonal")
        }
        for (i, series) in plot.series.enumerated() {
            let step = max(1, (series.y.count + Self.limit - 1) / Self.limit)
            for j in stride(from: 0, to: min(series.x.count, series.y.count), by: step) {
                guard let at = area.point(series.x[j], series.y[j]) else { continue }
                drawing.add(SeriesStyle(index: i).point(at.x, at.y, size: isWide ? 4.2 : 3.4))
            }
        }
        return drawing
    }
}
