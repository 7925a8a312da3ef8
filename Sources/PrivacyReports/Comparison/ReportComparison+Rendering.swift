extension ReportComparison {
    /// The comparison as plain text, no line wider than asked for.
    public func terminalText(_ options: TerminalOptions = TerminalOptions()) -> String {
        var out = TerminalText(options)
        out.paragraph("COMPARISON OF \(reports.count) PRIVACY REPORTS", .accent)
        for warning in warnings { out.paragraph(warning, .danger, mark: "! ") }
        for section in sections {
            out.heading(section.title)
            out.table(
                [""] + columnTitles,
                section.rows.map { row in
                    [TerminalText.Cell(row.name, .bold)] + row.values.map { TerminalText.Cell($0 ?? "–") }
                })
        }
        return out.text
    }

    /// The comparison as one self-contained page, like ``PrivacyReport/html(_:)``.
    public func html(_ options: HTMLOptions = HTMLOptions()) -> String {
        let page = ReportPage(report: reports[0])
        let shout: Markup =
            warnings.isEmpty
            ? ""
            : "<div class=\"shout\" role=\"alert\"><strong>Before you compare</strong>\(warnings.map { "<p>\($0)</p>" as Markup })</div>"
        let content = sections.enumerated().map { i, section -> Markup in
            var table = HTMLTable(
                caption: section.title, isQuiet: true, columns: [.text("")] + columnTitles.map { .text($0) })
            table.rows = section.rows.map { row in
                ["\(row.name)"] + row.values.map { value -> Markup? in value.map { "\($0)" } }
            }
            return page.section("section-\(i)", section.title, "<div class=\"scroll\">\(table.markup)</div>")
        }
        return HTMLPage(
            title: "Comparison of privacy reports", options: options,
            header: """
                <p class="eyebrow">Privacy report</p><h1>Comparison</h1>
                <p class="headline">\(Prose.capitalised(Prose.count(reports.count))) reports side by side</p>\(shout)
                """,
            main: content.joined("\n"),
            footer: "<p>This page loads nothing from anywhere and runs no script.</p>"
        ).source
    }
}
