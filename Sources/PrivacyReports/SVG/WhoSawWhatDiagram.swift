/// Parties as boxes on the left, each with a lane; steps from left to right. In a step, a ring on a lane is one who
/// sends, a tile is one who sees, and the tile's colour and glyph say in what form.
struct WhoSawWhatDiagram {
    let report: PrivacyReport
    let steps: [ExposureStep]

    init(_ report: PrivacyReport) {
        self.report = report
        steps = ExposureStep.steps(of: report)
    }

    /// One picture per band of steps: a long protocol goes on below instead of getting too small to read.
    var markup: Markup {
        guard !steps.isEmpty else { return "" }
        return Drawing.Layout.allCases.flatMap { layout in
            bands(layout).map { draw($0, layout).markup }
        }.joined()
    }

    private func bands(_ layout: Drawing.Layout) -> [ArraySlice<ExposureStep>] {
        let most = layout == .wide ? 8 : 6
        let count = (steps.count + most - 1) / most
        let each = (steps.count + count - 1) / count
        return stride(from: 0, to: steps.count, by: each).map { steps[$0..<min($0 + each, steps.count)] }
    }

    private struct Geometry {
        let boxWidth: Double
        let laneHeight: Double
        let headHeight: Double
        let columnWidth: Double
        let tile: Double
    }

    private func draw(_ band: ArraySlice<ExposureStep>, _ layout: Drawing.Layout) -> Drawing {
        let isWide = layout == .wide
        let many = report.parties.count > 8
        let boxWidth = isWide ? 200.0 : 124.0
        let geometry = Geometry(
            boxWidth: boxWidth, laneHeight: many ? (isWide ? 46 : 42) : (isWide ? 62 : 52),
            headHeight: isWide ? 102 : 36,
            columnWidth: (layout.width - boxWidth - 8) / Double(band.count), tile: isWide ? 22 : 18)
        let height = geometry.headHeight + Double(report.parties.count) * geometry.laneHeight + 4
        var drawing = Drawing(
            layout, height: height,
            title: "Who saw what, steps \(band.first?.number ?? 1) to \(band.last?.number ?? 1)",
            summary: band.map { "\($0.number): \(describe($0))." }.joined(separator: " "))
        for (i, party) in report.parties.enumerated() {
            let y = laneY(i, geometry)
            drawing.line(boxWidth, y, layout.width, y)
            drawBox(party, y, geometry, &drawing)
        }
        for (i, step) in band.enumerated() {
            let x = boxWidth + 8 + (Double(i) + 0.5) * geometry.columnWidth
            drawHead(step, x, geometry, &drawing)
            drawStep(step, x, geometry, &drawing)
        }
        return drawing
    }

    private func laneY(_ index: Int, _ geometry: Geometry) -> Double {
        geometry.headHeight + (Double(index) + 0.5) * geometry.laneHeight
    }

    private func drawBox(_ party: PrivacyReport.Party, _ y: Double, _ geometry: Geometry, _ drawing: inout Drawing) {
        let isWide = drawing.layout == .wide
        let height = geometry.laneHeight - 8
        let room = geometry.boxWidth - (isWide ? 28 : 14)
        let left = isWide ? 14.0 : 7.0
        drawing.rectangle(0.5, y - height / 2, geometry.boxWidth - 1, height, radius: 9, "box")
        drawing.text(
            left, y - 3, party.name, size: isWide ? 14.5 : 12.5, weight: 650, limit: room)
        let key =
            switch party.secretKey {
            case .none: "no key"
            case .share: "key share"
            case .whole: "whole key"
            }
        let role = party.roles.first.map { $0.rawValue + ", " } ?? ""
        drawing.text(
            left, y + 14, isWide ? role + key : key, size: isWide ? 13 : 12, "soft", limit: room)
    }

    private func drawHead(_ step: ExposureStep, _ x: Double, _ geometry: Geometry, _ drawing: inout Drawing) {
        let isWide = drawing.layout == .wide
        let y = 14.0
        drawing.circle(x, y, 11, "number")
        drawing.text(x, y + 4.5, "\(step.number)", size: 12.5, anchor: .middle, "on-number")
        guard isWide else { return }
        let room = geometry.columnWidth
        let lines = TextWidth.wrapped(step.form.rawValue, room, size: 12, count: 3)
        for (i, line) in lines.enumerated() {
            drawing.text(x, 43 + Double(i) * 15.5, line, size: 12, anchor: .middle, weight: 600)
        }
        if let bytes = step.bytesText {
            let fitted = TextWidth.estimate(bytes, size: 12) <= room ? bytes : "\u{2264} " + largest(step)
            drawing.text(
                x, 43 + Double(lines.count) * 15.5, fitted, size: 12, anchor: .middle, "soft", limit: room)
        }
    }

    private func largest(_ step: ExposureStep) -> String { Quantity.bytes(step.members.compactMap(\.bytes).max() ?? 0) }

    private func drawStep(_ step: ExposureStep, _ x: Double, _ geometry: Geometry, _ drawing: inout Drawing) {
        func rows(_ ids: [PrivacyReport.Party.ID]) -> [Double] {
            report.parties.indices.filter { ids.contains(report.parties[$0].id) }.map { laneY($0, geometry) }
        }
        let half = geometry.tile / 2
        let senders = rows(step.senders)
        let receivers = rows(step.receivers)
        let top = geometry.headHeight - (drawing.layout == .wide ? 4 : 6)
        let ends = senders + receivers + (step.comesFromOutside ? [top] : [])
        if let from = ends.min(), let to = ends.max(), !receivers.isEmpty {
            drawing.line(x, from, x, to, "trunk line-\(step.exposure.rawValue)")
        }
        if step.comesFromOutside {
            drawing.line(x - 7, top, x + 7, top, "trunk line-\(step.exposure.rawValue)")
        }
        for y in senders where !receivers.contains(y) {
            drawing.circle(x, y, drawing.layout == .wide ? 6 : 5, "sender line-\(step.exposure.rawValue)")
        }
        let origins = senders + (step.comesFromOutside ? [top] : [])
        for y in receivers {
            // One who sends as well as receives: the ring shows behind the tile.
            let ring = senders.contains(y) ? half * 1.42 + 2 : nil
            if let ring { drawing.circle(x, y, ring, "sender line-\(step.exposure.rawValue)") }
            let gap = ring ?? half
            if origins.contains(where: { $0 < y }) { drawArrow(x, y - gap, down: true, step, &drawing) }
            if origins.contains(where: { $0 > y }) { drawArrow(x, y + gap, down: false, step, &drawing) }
        }
        for y in rows(step.observers) { drawing.add(step.exposure.mark(x: x, y: y, size: geometry.tile)) }
    }

    private func drawArrow(_ x: Double, _ tip: Double, down: Bool, _ step: ExposureStep, _ drawing: inout Drawing) {
        let back = down ? -8.0 : 8.0
        drawing.add(
            """
            <path d="M\(x) \(tip)L\(x - 5.5) \(tip + back)H\(x + 5.5)Z" class="fill-\(step.exposure.rawValue)"/>
            """)
    }

    /// "three hospitals to Aggregator: ciphertext, 78 values, 3.8 kB each"
    func describe(_ step: ExposureStep) -> String {
        "\(route(step)): \(step.form.rawValue), \(step.what), \(step.size)"
    }

    /// Who sends to whom.
    func route(_ step: ExposureStep) -> String {
        guard !step.receivers.isEmpty else { return names(step.observers) }
        if Set(step.senders) == Set(step.receivers), !step.comesFromOutside { return "among " + names(step.observers) }
        let senders = (step.senders.isEmpty ? [] : [names(step.senders)]) + (step.comesFromOutside ? ["set-up"] : [])
        return "\(Prose.list(senders)) \u{2192} \(names(step.receivers))"
    }

    /// "all four parties", "the three hospitals", or names.
    func names(_ ids: [PrivacyReport.Party.ID]) -> String {
        let owners = report.parties.filter { $0.roles.contains(.dataOwner) }.map(\.id)
        let isKnownGroup = ids.count == report.parties.count || Set(ids) == Set(owners)
        return ids.count > 2 && isKnownGroup ? report.group(ids) : Prose.list(ids.map(report.name(of:)))
    }
}
