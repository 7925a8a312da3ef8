extension ReportPage {
    var header: Markup {
        """
        <p class="eyebrow">Privacy report</p>
        <h1>\(report.title)</h1>
        <p class="headline">\(report.headline)</p>
        <p class="meta"><b>\(report.task.computed)</b></p>
        <p class="meta">\(report.task.technique)</p>
        \(shout)
        <dl class="facts">\(facts.map { fact -> Markup in
            let small: Markup = fact.detail.isEmpty ? "" : "<small>\(fact.detail)</small>"
            return "<div><dt>\(fact.name)</dt><dd>\(fact.value)\(small)</dd></div>"
        })</dl>
        """
    }

    private var shout: Markup {
        let insecure = report.cryptography.filter(\.insecure)
        guard !insecure.isEmpty else { return "" }
        return """
            <div class="shout" role="alert"><strong>INSECURE PARAMETERS: THIS RUN PROTECTED NOTHING</strong>\
            \(insecure.map { scheme -> Markup in
                let note: Markup = scheme.note.map { ": \($0)" } ?? ""
                return "<p>\(scheme.scheme), \(scheme.parameterSet)\(note)</p>"
            })</div>
            """
    }

    struct Fact {
        var name: String
        var value: String
        var detail: String
    }

    /// The figures that a reader looks for first.
    var facts: [Fact] {
        let rows = report.task.dataSets.reduce(0) { Quantity.sum($0, $1.rows) }
        let columns = report.task.dataSets.map(\.columns).max() ?? 0
        let owners = report.parties.filter { $0.roles.contains(.dataOwner) }.count
        let threshold = report.cryptography.compactMap(\.threshold).first
        let bits = report.cryptography.map(\.estimatedSecurityBits)
        let weakest = bits.contains(nil) ? nil : bits.compactMap { $0 }.min()
        let wall = report.costs.reduce(0) { $0 + $1.wallSeconds }
        let sent = report.costs.reduce(0) { Quantity.sum($0, $1.bytesSent ?? 0) }
        let passed = report.agreement.filter(\.passed).count
        let guarantee = report.differentialPrivacy.guarantees.first
        return [
            Fact(
                name: "Data", value: "\(Quantity.integer(rows)) \(report.task.rowNoun)",
                detail: "\(Quantity.counted(columns, "column")), \(Prose.list(report.task.dataSets.map(\.name)))"),
            Fact(
                name: "Parties", value: Quantity.integer(report.parties.count),
                detail: "\(Quantity.counted(owners, "owner")) of data"),
            Fact(
                name: "To open anything",
                value: threshold.map { "\($0.required) of \($0.shares) shares" }
                    ?? (report.parties.contains { $0.secretKey == .whole } ? "one whole key" : "no key in use"),
                detail: threshold == nil ? "" : "fewer open nothing"),
            Fact(
                name: "Security",
                value: weakest.map(Quantity.bits) ?? (report.cryptography.isEmpty ? "none" : "unknown"),
                detail: report.isInsecure ? "INSECURE" : Prose.list(report.cryptography.map(\.scheme))),
            Fact(
                name: "Differential privacy",
                value: guarantee.map { "ε = \(Quantity.number($0.epsilon))" } ?? "none",
                detail: guarantee.map { "δ = \(Quantity.number($0.delta)), per \($0.unit)" } ?? "the output is exact"),
            Fact(
                name: "Attacks tried", value: report.audits.runs.isEmpty ? "none" : "\(report.audits.runs.count)",
                detail: report.audits.runs.isEmpty ? "no audit was run" : "results below"),
            Fact(
                name: "Agreement checks",
                value: report.agreement.isEmpty ? "none" : "\(passed) of \(report.agreement.count) passed",
                detail: report.agreement.isEmpty ? "" : "against pooled plaintext"),
            Fact(
                name: "Cost", value: report.costs.isEmpty ? "not measured" : Quantity.seconds(wall),
                detail: report.costs.isEmpty ? "" : "\(Quantity.bytes(sent)) sent"),
        ]
    }

    var gaps: Markup {
        let gaps = report.gaps
        guard !gaps.isEmpty else { return "" }
        let grave: Set<PrivacyReport.Gap.Kind> = [.insecureParameters, .failedCheck, .contradiction]
        let items = gaps.map { gap -> Markup in
            let style: Markup = grave.contains(gap.kind) ? "grave" : ""
            return "<li class=\"\(style)\"><b>\(Prose.capitalised(gap.kind.rawValue))</b>\(gap.message)</li>"
        }
        return section(
            "gaps", "What this report does not have", lead: "Worked out from the report itself.", style: "gaps",
            "<ul>\(items)</ul>")
    }
}
