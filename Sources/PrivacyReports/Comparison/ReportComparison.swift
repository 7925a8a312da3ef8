/// Two or more reports side by side: what was measured, what it cost, what it revealed, what protected it.
public struct ReportComparison: Hashable, Sendable {
    /// A line of the comparison: one value per report, nil where a report has none.
    public struct Row: Hashable, Sendable {
        public var name: String
        public var values: [String?]
    }

    public struct Section: Hashable, Sendable {
        public var title: String
        public var rows: [Row]
    }

    public let reports: [PrivacyReport]
    /// What stands against comparing these reports: other data, insecure parameters, a failed check.
    public let warnings: [String]
    public let sections: [Section]

    /// - Throws: ``PrivacyReportsError`` with code `tooFewReports` for fewer than two.
    public init(_ reports: [PrivacyReport]) throws(PrivacyReportsError) {
        guard reports.count >= 2 else {
            throw PrivacyReportsError(.tooFewReports, "reports to compare: got \(reports.count), want at least 2")
        }
        self.reports = reports
        warnings = Self.warnings(reports)
        sections = [
            Section(title: "The runs", rows: Self.runs(reports)),
            Section(title: "Quality", rows: Self.quality(reports)),
            Section(title: "Security", rows: Self.security(reports)),
            Section(title: "What was seen and revealed", rows: Self.exposure(reports)),
            Section(title: "Cost", rows: Self.costs(reports)),
        ].filter { !$0.rows.isEmpty }
    }

    /// Titles, made different from each other.
    package var columnTitles: [String] {
        var seen: [String: Int] = [:]
        for report in reports { seen[report.title, default: 0] += 1 }
        return reports.enumerated().map { i, report in
            seen[report.title] == 1 ? report.title : "\(i + 1): \(report.title)"
        }
    }

    private static func warnings(_ reports: [PrivacyReport]) -> [String] {
        var warnings: [String] = []
        for report in reports where report.isInsecure {
            warnings.append("INSECURE PARAMETERS in \u{201C}\(report.title)\u{201D}: it protected nothing.")
        }
        for report in reports where report.agreement.contains(where: { !$0.passed }) {
            warnings.append("A check failed in \u{201C}\(report.title)\u{201D}.")
        }
        let sizes = Set(reports.map { $0.task.dataSets.map { [$0.name, "\($0.rows)", "\($0.columns)"] } })
        let inputs = Set(reports.map { Set($0.provenance.inputs.map { "\($0.algorithm) \($0.digest)" }) })
        if sizes.count > 1 {
            warnings.append("The reports are not about the same data: their figures cannot be compared directly.")
        } else if inputs.count > 1 {
            warnings.append("The fingerprints of the input differ: the data may not be the same.")
        }
        return warnings
    }

    private static func row(_ name: String, _ reports: [PrivacyReport], _ value: (PrivacyReport) -> String?) -> Row? {
        let values = reports.map(value)
        return values.contains { $0 != nil } ? Row(name: name, values: values) : nil
    }

    private static func runs(_ reports: [PrivacyReport]) -> [Row] {
        [
            row("Technique", reports) { $0.task.technique },
            row("Computed", reports) { $0.task.computed },
            row("Data", reports) { report in
                Prose.list(
                    report.task.dataSets.map {
                        "\($0.name), \(Quantity.integer($0.rows)) × \(Quantity.integer($0.columns))"
                    })
            },
            row("Parties", reports) { Quantity.integer($0.parties.count) },
            row("When", reports) { Timestamp.text($0.created) },
            row("Tool", reports) { "\($0.tool.name) \($0.tool.version)" },
        ].compactMap { $0 }
    }

    /// Every metric that any report has, in the order of first appearance.
    private static func quality(_ reports: [PrivacyReport]) -> [Row] {
        var names: [String] = []
        for metric in reports.flatMap(\.results).flatMap(\.metrics) where !names.contains(metric.name) {
            names.append(metric.name)
        }
        let metrics = names.compactMap { name in
            row(name, reports) { report in
                let found = report.results.flatMap(\.metrics).filter { $0.name == name }
                guard !found.isEmpty else { return nil }
                return found.map { metric in
                    let beside = [
                        metric.reference.map { "pooled \(Quantity.number($0))" },
                        metric.baseline.map { "trivial \(Quantity.number($0))" },
                    ].compactMap { $0 }
                    return Quantity.number(metric.value) + (metric.unit.map { " " + $0 } ?? "")
                        + (beside.isEmpty ? "" : " (\(beside.joined(separator: ", ")))")
                }.joined(separator: "; ")
            }
        }
        let checks = row("Agreement checks", reports) { report in
            report.agreement.isEmpty
                ? nil : "\(report.agreement.filter(\.passed).count) of \(report.agreement.count) passed"
        }
        return metrics + [checks].compactMap { $0 }
    }

    private static func security(_ reports: [PrivacyReport]) -> [Row] {
        [
            row("Cryptography", reports) { report in
                report.cryptography.isEmpty
                    ? "none"
                    : report.cryptography.map {
                        "\($0.scheme), \($0.parameterSet)" + ($0.insecure ? " (INSECURE)" : "")
                    }
                    .joined(separator: "; ")
            },
            row("Security", reports) { report in
                let bits = report.cryptography.map(\.estimatedSecurityBits)
                return bits.contains(nil) ? "unknown" : bits.compactMap { $0 }.min().map(Quantity.bits)
            },
            row("Key shares needed", reports) { report in
                report.cryptography.compactMap(\.threshold).first.map { "\($0.required) of \($0.shares)" }
            },
            row("Adversary", reports) { $0.adversary.behaviour.rawValue },
            row("May collude", reports) { report in
                report.adversary.coalitions.map { "up to \($0.atMost) of \($0.among.count)" }.joined(separator: "; ")
            },
            row("Differential privacy", reports) { report in
                report.differentialPrivacy.guarantees.isEmpty
                    ? "none"
                    : report.differentialPrivacy.guarantees.map {
                        "ε = \(Quantity.number($0.epsilon)), δ = \(Quantity.number($0.delta)) per \($0.unit)"
                    }.joined(separator: "; ")
            },
            row("Attacks tried", reports) { report in
                report.audits.runs.isEmpty
                    ? "none"
                    : report.audits.runs.map {
                        "\($0.attack): \($0.metric) \(Quantity.number($0.value)), seeing nothing "
                            + Quantity.number($0.baseline)
                    }.joined(separator: "; ")
            },
            row("Does not have", reports) { report in
                report.gaps.isEmpty
                    ? "nothing is missing" : Set(report.gaps.map(\.kind.rawValue)).sorted().joined(separator: "; ")
            },
        ].compactMap { $0 }
    }

    private static func exposure(_ reports: [PrivacyReport]) -> [Row] {
        [
            row("In one sentence", reports) { $0.headline },
            row("The output reveals", reports) { report in
                report.disclosures.isEmpty ? "not assessed" : report.disclosures.map(\.what).joined(separator: "; ")
            },
            row("Warnings", reports) { report in
                let warnings = report.disclosures.flatMap(\.warnings).filter { $0.severity > .note }
                return warnings.isEmpty ? "none" : warnings.map(\.message).joined(separator: " ")
            },
        ].compactMap { $0 }
            + PrivacyReport.Exposure.allCases.filter { $0 != .own && $0 != .open }.compactMap { exposure in
                row("Values seen, \(exposure.legend)", reports) { report in
                    let seen = report.observations.filter { $0.form.exposure == exposure }
                    return seen.isEmpty ? nil : Quantity.integer(seen.reduce(0) { Quantity.sum($0, $1.count) })
                }
            }
    }

    private static func costs(_ reports: [PrivacyReport]) -> [Row] {
        [
            row("Time", reports) { report in
                report.costs.isEmpty ? nil : Quantity.seconds(report.costs.reduce(0) { $0 + $1.wallSeconds })
            },
            row("Processor time", reports) { report in
                let times = report.costs.compactMap(\.cpuSeconds)
                return times.isEmpty ? nil : Quantity.seconds(times.reduce(0, +))
            },
            row("Sent", reports) { report in
                let bytes = report.costs.compactMap(\.bytesSent)
                return bytes.isEmpty ? nil : Quantity.bytes(bytes.reduce(0, Quantity.sum))
            },
            row("Peak memory", reports) { $0.costs.compactMap(\.peakMemoryBytes).max().map(Quantity.bytes) },
        ].compactMap { $0 }
    }
}
