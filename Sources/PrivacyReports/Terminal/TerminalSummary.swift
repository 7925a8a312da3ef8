extension PrivacyReport {
    /// The report as plain text for a terminal, no line wider than asked for.
    ///
    /// Control characters in the report are made visible, so that no text in it can move the cursor or change colours.
    public func terminalSummary(_ options: TerminalOptions = TerminalOptions()) -> String {
        TerminalSummary(report: self, options: options).text
    }
}

/// Writes a report for the terminal.
struct TerminalSummary {
    let report: PrivacyReport
    private var out: TerminalText

    init(report: PrivacyReport, options: TerminalOptions) {
        self.report = report
        out = TerminalText(options)
        writeTop()
        writeExposure()
        writeDisclosures()
        writeProtection()
        writeResults()
        writeCosts()
        writeGaps()
    }

    var text: String { out.text }

    private typealias Cell = TerminalText.Cell

    private mutating func writeTop() {
        out.paragraph("PRIVACY REPORT  \(report.title)", .accent)
        out.blank()
        out.paragraph(report.headline, .bold)
        out.blank()
        for scheme in report.cryptography where scheme.insecure {
            out.banner(
                "INSECURE PARAMETERS: THIS RUN PROTECTED NOTHING. "
                    + "\(scheme.scheme), \(scheme.parameterSet)".uppercased())
            if let note = scheme.note { out.paragraph(note) }
            out.blank()
        }
        out.pairs(
            [("Computed", report.task.computed), ("Technique", report.task.technique)]
                + ReportPage(report: report).facts.map {
                    ($0.name, $0.detail.isEmpty ? $0.value : "\($0.value) (\($0.detail))")
                })
    }

    private mutating func writeExposure() {
        out.heading("Who saw what")
        let diagram = WhoSawWhatDiagram(report)
        out.table(
            ["#", "What", "Form", "Who", "Size"], numbers: [0],
            diagram.steps.map { step in
                [
                    Cell("\(step.number)"), Cell(step.what), Cell(step.form.rawValue, style(step.exposure)),
                    Cell(diagram.route(step)), Cell(step.size),
                ]
            })
        if diagram.steps.isEmpty { out.paragraph("Not recorded.", .caution) }
        let kinds: [(PrivacyReport.SecretKey, String)] = [
            (.whole, "the whole key"), (.share, "a share of the key"), (.none, "no key"),
        ]
        let holders = kinds.compactMap { kind, words -> String? in
            let ids = report.parties.filter { $0.secretKey == kind }.map(\.id)
            return ids.isEmpty ? nil : "\(words): \(diagram.names(ids))"
        }
        out.paragraph(Prose.capitalised(holders.joined(separator: "; ")) + ".")
    }

    private func style(_ exposure: PrivacyReport.Exposure) -> TerminalText.Style {
        switch exposure {
        case .own, .open: .plain
        case .sealed, .noised, .share: .good
        case .aggregate: .caution
        case .individual, .unclassified: .danger
        }
    }

    private mutating func writeDisclosures() {
        out.heading("What the output reveals")
        if report.disclosures.isEmpty { out.paragraph("Not assessed.", .caution) }
        for item in report.disclosures {
            let to = item.to.isEmpty ? "everyone who gets the result" : Prose.list(item.to.map(report.name(of:)))
            out.paragraph("\(Prose.capitalised(item.what)). Known to \(to).", mark: "• ")
            for warning in item.warnings.sorted(by: { $0.severity > $1.severity }) {
                out.paragraph(
                    "\(warning.severity.rawValue.uppercased()): \(warning.message)",
                    warning.severity == .serious ? .danger : warning.severity == .caution ? .caution : .plain, indent: 4
                )
            }
        }
        out.heading("Against whom this holds")
        let model = report.adversary
        out.paragraph(model.promise)
        out.pairs(
            [("Adversary", model.behaviour.rawValue)]
                + model.coalitions.map { coalition in
                    (
                        "May collude",
                        "up to \(coalition.atMost) of \(Prose.list(coalition.among.map(report.name(of:))))"
                            + (coalition.note.map { " (\($0))" } ?? "")
                    )
                }
                + (model.outOfScope.isEmpty ? [] : [("Not covered", model.outOfScope.joined(separator: "; "))]))
    }

    private mutating func writeProtection() {
        out.heading("Protection")
        for item in report.cryptography {
            var words = ["\(item.scheme), \(item.parameterSet)"]
            if let bits = item.modulusBits { words.append("\(Quantity.integer(bits))-bit modulus") }
            let security = item.estimatedSecurityBits.map { "about \(Quantity.bits($0)) of security" }
            words.append((security ?? "security unknown") + (item.securitySource.map { " (\($0))" } ?? ""))
            if let threshold = item.threshold {
                words.append("opened by any \(threshold.required) of \(threshold.shares) shares")
            }
            words.append("randomness: \(item.randomness)")
            out.paragraph(
                (item.insecure ? "INSECURE " : "") + words.joined(separator: "; ") + ".",
                item.insecure ? .danger : .plain,
                mark: "• ")
        }
        for item in report.differentialPrivacy.guarantees {
            out.paragraph(
                "\(item.release): (ε = \(Quantity.number(item.epsilon)), δ = \(Quantity.number(item.delta))) per "
                    + "\(item.unit), \(item.neighbouring); \(item.mechanism); accountant \(item.accountant).",
                mark: "• ")
        }
        if report.differentialPrivacy.guarantees.isEmpty {
            out.paragraph("No differential privacy. " + report.differentialPrivacy.explanation, .caution, mark: "• ")
        }
        if report.audits.runs.isEmpty {
            out.paragraph("No audit was run. " + report.audits.explanation, .caution, mark: "• ")
        }
        out.table(
            ["Attack", "Measure", "Success", "Interval", "Seeing nothing"], numbers: [2, 4],
            report.audits.runs.map { run in
                let interval = run.interval.map {
                    "\(Quantity.number($0.low, digits: 4)) to \(Quantity.number($0.high, digits: 4))"
                }
                return [
                    Cell(run.attack), Cell(run.metric), Cell(Quantity.number(run.value)), Cell(interval ?? ""),
                    Cell(Quantity.number(run.baseline)),
                ]
            })
    }

    private mutating func writeResults() {
        guard !report.results.isEmpty || !report.agreement.isEmpty else { return }
        out.heading("Result")
        for result in report.results {
            out.paragraph(result.name + (result.note.map { " (\($0))" } ?? ""), .bold)
            out.table(
                ["Measure", "This run", "Pooled plaintext", "Trivial model"], numbers: [1, 2, 3],
                result.metrics.map { metric in
                    [
                        Cell(metric.name), Cell(Quantity.number(metric.value), .bold),
                        Cell(metric.reference.map { Quantity.number($0) } ?? ""),
                        Cell(metric.baseline.map { Quantity.number($0) } ?? ""),
                    ]
                })
            out.table(
                ["Coefficient", "This run", "Pooled plaintext"], numbers: [1, 2],
                DumbbellPlot(result: result).shown.map { item in
                    [
                        Cell(item.name), Cell(Quantity.number(item.value)),
                        Cell(item.reference.map { Quantity.number($0) } ?? ""),
                    ]
                })
        }
        out.table(
            ["Check", "Outcome", "Difference", "Allowed"], numbers: [2, 3],
            report.agreement.map { check in
                [
                    Cell(check.name), check.passed ? Cell("passed", .good) : Cell("FAILED", .danger),
                    Cell(Quantity.number(check.difference)), Cell(Quantity.number(check.tolerance)),
                ]
            })
    }

    private mutating func writeCosts() {
        guard !report.costs.isEmpty else { return }
        out.heading("Cost")
        out.table(
            ["Phase", "Time", "Processor", "Sent", "Peak memory"], numbers: [1, 2, 3, 4],
            report.costs.map { cost in
                [
                    Cell(cost.phase), Cell(Quantity.seconds(cost.wallSeconds)),
                    Cell(cost.cpuSeconds.map(Quantity.seconds) ?? ""), Cell(cost.bytesSent.map(Quantity.bytes) ?? ""),
                    Cell(cost.peakMemoryBytes.map(Quantity.bytes) ?? ""),
                ]
            })
    }

    private mutating func writeGaps() {
        guard !report.gaps.isEmpty else { return }
        out.heading("What this report does not have")
        let grave: Set<PrivacyReport.Gap.Kind> = [.insecureParameters, .failedCheck, .contradiction]
        for gap in report.gaps {
            let isGrave = grave.contains(gap.kind)
            let kind = isGrave ? gap.kind.rawValue.uppercased() : Prose.capitalised(gap.kind.rawValue)
            out.paragraph("\(kind): \(gap.message)", isGrave ? .danger : .caution, mark: "• ")
        }
    }
}
