/// What each phase cost: time, traffic, memory. Side by side when there is room, else one under the other.
struct CostBars {
    let costs: [PrivacyReport.PhaseCost]

    var markup: Markup { costs.isEmpty ? "" : Drawing.both(draw) }

    private struct Panel {
        let title: String
        /// Nil: not measured.
        let values: [Double?]
        /// A thinner second bar, for processor time under wall time.
        let second: [Double?]
        let format: (Double) -> String
    }

    private var panels: [Panel] {
        let bytes = { (value: Double) in value < 9e15 ? Quantity.bytes(Int(value)) : Quantity.number(value) }
        let all = [
            Panel(
                title: "Time (thin: processor)", values: costs.map(\.wallSeconds), second: costs.map(\.cpuSeconds),
                format: { Quantity.seconds($0) }),
            Panel(
                title: "Bytes sent", values: costs.map { $0.bytesSent.map(Double.init) }, second: [], format: bytes),
            Panel(
                title: "Peak memory", values: costs.map { $0.peakMemoryBytes.map(Double.init) }, second: [],
                format: bytes),
        ]
        return all.filter { $0.values.contains { $0 != nil } }
    }

    private func draw(_ layout: Drawing.Layout) -> Drawing {
        let isWide = layout == .wide
        let panels = panels
        let rowHeight = 40.0
        let label = isWide ? 172.0 : 124.0
        let block = Double(costs.count) * rowHeight + 30
        let gap = 22.0
        let height = isWide ? block : block * Double(panels.count) + gap * Double(panels.count - 1)
        var drawing = Drawing(
            layout, height: height, title: "Cost by phase",
            summary: costs.map { "\($0.phase): \(Quantity.seconds($0.wallSeconds))" }.joined(separator: "; "))
        let width = isWide ? (layout.width - label) / Double(panels.count) - gap : layout.width - label
        for (i, panel) in panels.enumerated() {
            let left = isWide ? label + Double(i) * (width + gap) + gap / 2 : label
            let top = isWide ? 0 : Double(i) * (block + gap)
            drawing.text(isWide ? left : 0, top + 15, panel.title, weight: 600)
            for (j, cost) in costs.enumerated() {
                let y = top + 30 + Double(j) * rowHeight
                if i == 0 || !isWide {
                    drawing.text(0, y + 20, cost.phase, size: layout.text, limit: label - 8)
                }
                if i == 0 || !isWide { drawing.line(0, y, layout.width, y) }
                drawRow(panel, j, left: left, y: y, width: width, &drawing)
            }
        }
        return drawing
    }

    private func drawRow(
        _ panel: Panel, _ row: Int, left: Double, y: Double, width: Double, _ drawing: inout Drawing
    ) {
        // Room for the longest number, so that it stands beside its bar and not on it.
        let room = max(20, width - 78)
        let most = (panel.values + panel.second).compactMap { $0 }.filter(\.isFinite).max() ?? 0
        guard let value = panel.values[row] else {
            drawing.text(left, y + 24, "not measured", size: 12.5, "soft")
            return
        }
        let length = most > 0 ? max(1, value / most * room) : 1
        let second = panel.second.indices.contains(row) ? panel.second[row] : nil
        let thickness = panel.second.isEmpty ? 14.0 : 12.0
        let barTop = panel.second.isEmpty ? y + 13 : y + 9
        drawing.rectangle(left, barTop, length, thickness, radius: 2.5, "fill-s0", tip: panel.format(value))
        drawing.text(left + length + 6, barTop + 11, panel.format(value), size: 12.5, limit: width - room - 6)
        if let second {
            let secondLength = most > 0 ? max(1, second / most * room) : 1
            drawing.rectangle(left, barTop + 16, secondLength, 5, radius: 2, "fill-s1", tip: panel.format(second))
            if second != value {
                drawing.text(
                    left + secondLength + 6, barTop + 24, panel.format(second), size: 11.5, "soft",
                    limit: width - room - 6)
            }
        }
    }
}
