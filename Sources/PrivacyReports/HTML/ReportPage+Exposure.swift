extension ReportPage {
    var whoSawWhat: Markup {
        let diagram = WhoSawWhatDiagram(report)
        guard !diagram.steps.isEmpty else { return section("saw", "Who saw what", "<p>Not recorded.</p>") }
        let used = PrivacyReport.Exposure.allCases.filter { exposure in
            diagram.steps.contains { $0.exposure == exposure }
        }
        let steps = diagram.steps.map { step -> Markup in
            """
            <li><span class="n" aria-label="step \(step.number)">\(step.number)</span><div>\(step.exposure.icon)\
            <b>\(Prose.capitalised(step.what))</b> as \(step.form.rawValue): \(diagram.route(step)). \(step.size).\
            <span class="soft">Learns: \(step.learnings.joined(separator: "; ")).</span></div></li>
            """
        }
        return section(
            "saw", "Who saw what",
            lead: "From left to right in the order of the run. A tile marks who received something, and in what form; "
                + "a ring marks who sent it.",
            """
            <figure>\(diagram.markup)<ul class="legend">\(used.map { exposure -> Markup in
                "<li>\(exposure.icon)\(exposure.legend)</li>"
            })</ul></figure>
            <ol class="steps">\(steps)</ol>
            <h3>The same as a table</h3>
            <div class="scroll" tabindex="0" role="region" aria-label="Values received by each party">\
            \(matrix.markup)</div>
            """)
    }

    /// Parties down, forms across.
    private var matrix: HTMLTable {
        var seenForms: Set<PrivacyReport.Form> = []
        let forms = report.observations.map(\.form).filter { seenForms.insert($0).inserted }
        var table = HTMLTable(
            caption: "Values received by each party, by form",
            columns: [.text("Party")] + forms.map { .text(Prose.capitalised($0.rawValue)) })
        for party in report.parties {
            let own = report.observations.filter { $0.observer == party.id }
            let key: Markup =
                switch party.secretKey {
                case .none: "holds no secret key"
                case .share: "holds a share of the key"
                case .whole: "holds the whole key"
                }
            let place = [party.host, party.processID.map { "process \($0)" }].compactMap { $0 }
            let where_: Markup = place.isEmpty ? "" : "<small>\(place.joined(separator: ", "))</small>"
            let name: Markup = """
                <span class="cell">\(party.name)<small>\(party.roles.map(\.rawValue).joined(separator: ", "))</small>\
                <small>\(key)</small>\(where_)</span>
                """
            table.rows.append(
                [name]
                    + forms.map { form -> Markup? in
                        let cell = own.filter { $0.form == form }
                        guard !cell.isEmpty else { return nil }
                        let count = cell.reduce(0) { Quantity.sum($0, $1.count) }
                        let bytes = cell.compactMap(\.bytes)
                        let size: Markup =
                            bytes.isEmpty ? "" : "<small>\(Quantity.bytes(bytes.reduce(0, Quantity.sum)))</small>"
                        return
                            "<span class=\"cell amount\">\(form.exposure.icon)\(Quantity.integer(count))\(size)</span>"
                    })
        }
        return table
    }

    var disclosures: Markup {
        guard !report.disclosures.isEmpty else {
            return section("reveals", "What the output reveals", "<p>Not assessed.</p>")
        }
        let items = report.disclosures.map { item -> Markup in
            let to =
                item.to.isEmpty ? "everyone who gets the result" : Prose.list(item.to.map(report.name(of:)), limit: 6)
            let count: Markup = item.count.map { " \(Quantity.counted($0, "number"))." } ?? ""
            let warnings = item.warnings.sorted { $0.severity > $1.severity }.map { warning -> Markup in
                let style: Markup = warning.severity == .note ? "note-tag" : "\(warning.severity.rawValue)"
                return """
                    <div class="note"><span class="tag \(style)">\(Prose.capitalised(warning.severity.rawValue))</span>\
                    <span>\(warning.message)</span></div>
                    """
            }
            return """
                <div class="card"><b>\(Prose.capitalised(item.what)).</b>\(count) \
                <span class="soft">Known to \(to).</span>\(warnings)</div>
                """
        }
        return section(
            "reveals", "What the output reveals",
            lead: "However well the computation is protected, its result tells something to those who get it.",
            items.joined())
    }

    var adversary: Markup {
        let model = report.adversary
        let behaviour =
            switch model.behaviour {
            case .semiHonest: "Semi-honest: follows the protocol, and tries to learn from all it sees"
            case .maliciousWithAbort: "Malicious with abort: may deviate; honest parties notice and stop"
            case .malicious: "Malicious: may deviate; honest parties still get the right output"
            case .none: "None stated"
            default: Prose.capitalised(model.behaviour.rawValue)
            }
        let coalitions = model.coalitions.map { coalition -> Markup in
            let who = Prose.list(coalition.among.map(report.name(of:)), limit: 6)
            let note: Markup = coalition.note.map { " <span class=\"soft\">(\($0))</span>" } ?? ""
            return "<li>up to \(Quantity.integer(coalition.atMost)) among \(who)\(note)</li>"
        }
        let list = { (items: [Markup]) -> Markup? in items.isEmpty ? nil : "<ul class=\"plain\">\(items)</ul>" }
        return section(
            "trust", "Against whom this holds",
            pairs([
                ("The promise", plain(model.promise)),
                ("An adversary", plain(behaviour)),
                ("Who may collude", list(coalitions) ?? "no one"),
                ("Not covered", list(model.outOfScope.map { "<li>\($0)</li>" })),
            ]))
    }
}
