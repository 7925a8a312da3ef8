extension PrivacyReport {
    /// The report as one self-contained page: no outside assets, no script, light and dark, readable on a phone and on
    /// paper. Every text of the report is escaped.
    ///
    /// - Cost: linear in the report; plots draw at most some thousand points.
    public func html(_ options: HTMLOptions = HTMLOptions()) -> String {
        ReportPage(report: self).page(options).source
    }
}

/// Lays out a report as a page; each file of extensions holds some of its sections.
struct ReportPage {
    let report: PrivacyReport

    func page(_ options: HTMLOptions) -> HTMLPage {
        HTMLPage(
            title: report.title, options: options, header: header,
            main: [
                gaps, whoSawWhat, disclosures, adversary, cryptography, privacy, audits, results, otherPlots, costs,
                provenance,
            ].filter { !$0.isEmpty }.joined("\n"),
            footer: """
                <p>Written by \(report.tool.name) \(report.tool.version) on \(Timestamp.text(report.created)). \
                Report schema \(report.schemaVersion.description). This page loads nothing from anywhere and runs \
                no script.</p>
                """)
    }

    func section(_ id: String, _ title: String, lead: String = "", style: String = "", _ content: Markup) -> Markup {
        let lead: Markup = lead.isEmpty ? "" : "<p class=\"lead\">\(lead)</p>"
        return """
            <section id="\(id)" class="\(style)" aria-labelledby="\(id)-title">
            <h2 id="\(id)-title">\(title)</h2>\(lead)
            \(content)
            </section>
            """
    }

    func figure(_ title: String, _ picture: Markup, legend: [Markup] = [], note: String? = nil) -> Markup {
        let legend: Markup = legend.isEmpty ? "" : "<ul class=\"legend\">\(legend)</ul>"
        let note: Markup = note.map { "<p class=\"under\">\($0)</p>" } ?? ""
        return "<figure><figcaption>\(title)</figcaption>\(picture)\(legend)\(note)</figure>"
    }

    func pairs(_ items: [(String, Markup?)]) -> Markup {
        let rows = items.compactMap { name, value -> Markup? in value.map { "<dt>\(name)</dt><dd>\($0)</dd>" } }
        return rows.isEmpty ? "" : "<dl class=\"pairs\">\(rows)</dl>"
    }

    func plain(_ text: String) -> Markup { "\(text)" }
}
