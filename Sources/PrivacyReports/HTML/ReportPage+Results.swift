extension ReportPage {
    var results: Markup {
        let models = report.results.map(model)
        let checks = agreement
        guard !models.isEmpty || !checks.isEmpty else { return "" }
        return section("results", "The result, and how it compares", "\(models)\(checks)")
    }

    private func model(_ result: PrivacyReport.ModelResult) -> Markup {
        let note: Markup = result.note.map { "<p class=\"soft\">\(Prose.capitalised($0)).</p>" } ?? ""
        var metrics = HTMLTable(
            caption: "Quality, beside a trivial model and the same model from pooled plaintext",
            columns: [.text("Measure"), .number("This run"), .number("Pooled plaintext"), .number("Trivial model")])
        for metric in result.metrics {
            let better = metric.better.map { " (\($0.rawValue) is better)" } ?? ""
            let unit = metric.unit.map { " " + $0 } ?? ""
            metrics.rows.append([
                "\(metric.name)<span class=\"soft small\">\(better)</span>",
                "<b>\(Quantity.number(metric.value) + unit)</b>",
                metric.reference.map { plain(Quantity.number($0) + unit) },
                metric.baseline.map { plain(Quantity.number($0) + unit) },
            ])
        }
        return "<h3>\(Prose.capitalised(result.name))</h3>\(note)\(metrics.markup)\(dumbbell(result))"
    }

    private func dumbbell(_ result: PrivacyReport.ModelResult) -> Markup {
        guard !result.coefficients.isEmpty else { return "" }
        let plot = DumbbellPlot(result: result)
        let ring: Markup = """
            <li><svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true"><circle cx="9" cy="9" r="7" \
            class="trunk line-s1"/></svg>&nbsp;from pooled plaintext</li>
            """
        let dot: Markup = """
            <li><svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true"><circle cx="9" cy="9" r="4" \
            class="fill-s0"/></svg>&nbsp;this run</li>
            """
        let hasReference = result.coefficients.contains { $0.reference != nil }
        return figure(
            "Coefficients", plot.markup, legend: hasReference ? [dot, ring] : [dot],
            note: plot.hidden > 0
                ? "The \(DumbbellPlot.limit) largest of \(Quantity.integer(result.coefficients.count)) are shown."
                : hasReference ? "A dot inside its ring: the two agree to within the width of the line." : nil)
    }

    private var agreement: Markup {
        var table = HTMLTable(
            caption: "Agreement with the same computation on pooled plaintext",
            columns: [
                .text("Check"), .text("Outcome"), .number("Difference"), .number("Allowed"), .text("Measured as"),
            ])
        for check in report.agreement {
            table.rows.append([
                plain(Prose.capitalised(check.name)),
                check.passed
                    ? "<span class=\"tag good\">\u{2713} Passed</span>"
                    : "<span class=\"tag serious\">\u{2717} FAILED</span>",
                plain(Quantity.number(check.difference)), plain(Quantity.number(check.tolerance)),
                check.measure.map(plain),
            ])
        }
        return report.agreement.isEmpty ? "" : "<h3>Agreement</h3>\(table.markup)"
    }

    var otherPlots: Markup {
        guard !report.plots.isEmpty else { return "" }
        return section("plots", "Plots", report.plots.map(plot).joined())
    }

    private func plot(_ plot: PrivacyReport.Plot) -> Markup {
        func legend(_ sample: SeriesStyle.Sample) -> [Markup] {
            plot.series.enumerated().map { SeriesStyle(index: $0.offset).legend($0.element.name, sample) }
        }
        var notes = [plot.note].compactMap { $0 }
        switch plot.kind {
        case .curves:
            return figure(plot.title, CurvePlot(plot: plot).markup, legend: legend(.line), note: joined(notes))
        case .scatter:
            let picture = ScatterPlot(plot: plot)
            if picture.isThinned { notes.append("Not every point is drawn") }
            notes.append("On the dashed line both agree")
            if plot.showsIndividuals {
                notes.append("Each point is one person: whoever gets this page gets these values")
            }
            return figure(plot.title, picture.markup, legend: legend(.point), note: joined(notes))
        case .bars:
            let picture = BarPlot(plot: plot)
            if picture.hidden > 0 { notes.append("\(picture.hidden) more are not drawn") }
            return figure(plot.title, picture.markup, legend: legend(.bar), note: joined(notes))
        default:
            return figure(
                plot.title, "<p>This version cannot draw a plot of kind \u{201C}\(plot.kind.rawValue)\u{201D}.</p>")
        }
    }

    private func joined(_ notes: [String]) -> String? {
        notes.isEmpty ? nil : notes.map { Prose.capitalised($0) + "." }.joined(separator: " ")
    }

    var costs: Markup {
        guard !report.costs.isEmpty else { return section("costs", "What it cost", "<p>Not measured.</p>") }
        return section("costs", "What it cost", "<figure>\(CostBars(costs: report.costs).markup)</figure>")
    }

    var provenance: Markup {
        let origin = report.provenance
        var inputs = HTMLTable(
            caption: "Input files", isQuiet: true,
            columns: [.text("File"), .number("Size"), .text("Algorithm"), .text("Fingerprint")])
        for input in origin.inputs {
            inputs.rows.append([
                plain(input.name), input.bytes.map { plain(Quantity.bytes($0)) }, plain(input.algorithm),
                "<code>\(input.digest)</code>",
            ])
        }
        var data = HTMLTable(
            caption: "Data sets", isQuiet: true,
            columns: [.text("Name"), .number("Rows"), .number("Columns"), .text("Target"), .text("Remark")])
        for set in report.task.dataSets {
            data.rows.append([
                plain(set.name), plain(Quantity.integer(set.rows)), plain(Quantity.integer(set.columns)),
                set.target.map(plain), set.note.map(plain),
            ])
        }
        return section(
            "provenance", "Where this comes from",
            """
            \(pairs([
                ("Command", origin.commandLine.isEmpty
                    ? nil : "<pre><code>\(origin.commandLine.map(quoted).joined(separator: " "))</code></pre>"),
                ("Code", plain(origin.codeVersion)),
                ("Machine", origin.platform.map(plain)),
                ("Written", plain(Timestamp.text(report.created))),
            ]))
            <h3>Data</h3>\(data.markup)<h3>Fingerprints</h3>\(inputs.markup)
            """)
    }

    /// As a shell would need it.
    private func quoted(_ argument: String) -> String {
        let isPlain =
            !argument.isEmpty && argument.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,()".contains($0) }
        return isPlain ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
    }
}
