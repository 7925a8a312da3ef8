import Foundation
import PrivacyReports

extension SampleReports {
    static let hostileTexts = [
        "<script>document.title='owned'</script>", "\"><img src=x onerror=\"document.title='owned'\">",
        "'; DROP TABLE patients; --", "</title></svg></style><script>parent.postMessage('owned','*')</script>",
        "abc\u{202E}txt.exe\u{2066}", "bell\u{07}null\u{00}escape\u{1B}[31mred", "line one\nline two\r\nline three",
        "&lt;already escaped&gt; & more", "{{template}} ${code} `ticks`", "\u{FEFF}\u{200B}hidden\u{2060}",
        String(repeating: "W", count: 400), "患者データ 🏥👩‍⚕️ naïve Zalgơ̷̡͇", "",
    ]

    /// Hostile text in every text field, and numbers at their limits.
    static let hostile: PrivacyReport = {
        var next = 0
        func text() -> String {
            next += 1
            return hostileTexts[next % hostileTexts.count]
        }
        let ids = (0..<5).map { "id\($0)<\">" + hostileTexts[$0] }
        let parties = ids.map { id in
            PrivacyReport.Party(
                id: id, name: text(), roles: [.init(rawValue: text()), .dataOwner], secretKey: .none,
                processID: 1 << 53, host: text(), ownRows: 1 << 53)
        }
        var seen: [PrivacyReport.Observation] = []
        for (i, form) in (PrivacyReport.Form.known + [.init(rawValue: text())]).enumerated() {
            seen.append(
                .init(
                    observer: ids[i % 5], source: i % 3 == 0 ? nil : ids[(i * 2 + 1) % 5], form: form, what: text(),
                    count: 1 << 53, bytes: 1 << 53, learns: text()))
        }
        // A ring, which is no bus.
        for i in 0..<5 {
            seen.append(
                .init(
                    observer: ids[i], source: ids[(i + 1) % 5], form: .ciphertext, what: "ring" + hostileTexts[0],
                    count: i, learns: text()))
        }
        let odd: [Double] = [.nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 0, -0.0]
        return PrivacyReport(
            title: text(), created: Date(timeIntervalSince1970: 1e12), tool: .init(name: text(), version: text()),
            task: .init(
                computed: text(), technique: text(),
                dataSets: [.init(name: text(), rows: 1 << 53, columns: 0, target: text(), note: text())],
                rowNoun: text(), ownerNoun: text()),
            parties: parties,
            adversary: .init(
                behaviour: .init(rawValue: text()), coalitions: [.init(among: ids, atMost: 5, note: text())],
                promise: text(), outOfScope: [text(), text()]),
            observations: seen,
            disclosures: [
                .init(
                    what: text(), to: ids, count: 1 << 53,
                    warnings: [.init(.serious, text()), .init(.caution, text()), .init(.note, text())])
            ],
            cryptography: [
                .init(
                    purpose: text(), scheme: text(), parameterSet: text(), modulusBits: 1 << 53,
                    estimatedSecurityBits: 0, securitySource: text(), threshold: .init(required: 1, shares: 1 << 53),
                    randomness: text(), insecure: true, note: text())
            ],
            differentialPrivacy: .init(
                guarantees: [
                    .init(
                        release: text(), epsilon: .infinity, delta: .leastNonzeroMagnitude, accountant: text(),
                        neighbouring: text(),
                        unit: text(), mechanism: text())
                ], explanation: text()),
            audits: .init(
                runs: [
                    .init(
                        attack: text(), metric: text(), value: .nan,
                        interval: .init(low: -.infinity, high: .infinity, confidence: 0.5), baseline: 1e308,
                        remark: text())
                ], explanation: text()),
            results: [
                .init(
                    name: text(), note: text(),
                    coefficients: odd.map { .init(name: text(), value: $0, reference: -$0) },
                    metrics: odd.map { .init(name: text(), value: $0, baseline: $0, reference: $0, unit: text()) })
            ],
            agreement: [.init(name: text(), difference: .infinity, tolerance: 0, measure: text())],
            costs: [
                .init(phase: text(), wallSeconds: 1e300, cpuSeconds: 0, bytesSent: 1 << 53, peakMemoryBytes: 0),
                .init(phase: text(), wallSeconds: .leastNonzeroMagnitude),
            ],
            plots: [
                .curves(
                    title: text(), xLabel: text(), yLabel: text(), logarithmicY: true,
                    series: [.init(name: text(), x: odd, y: odd.reversed()), .init(name: text(), x: [], y: [])]),
                .curves(title: text(), xLabel: text(), yLabel: text(), series: []),
                .scatter(
                    title: text(), xLabel: text(), yLabel: text(),
                    series: (0..<7).map { _ in .init(name: text(), x: odd, y: odd) }, showsIndividuals: true,
                    note: text()),
                .bars(title: text(), yLabel: text(), categories: odd.map { _ in text() }, series: [(text(), odd)]),
                .bars(title: text(), yLabel: text(), categories: [], series: []),
            ],
            provenance: .init(
                commandLine: [text(), "--passphrase", "hunter2"], codeVersion: text(),
                inputs: [.init(name: text(), algorithm: text(), digest: text(), bytes: 1 << 53)], platform: text()))
    }()
}
