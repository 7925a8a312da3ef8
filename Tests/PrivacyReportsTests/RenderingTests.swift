import Foundation
import PrivacyReports
import Testing

@Suite("Pages, terminal texts and comparisons")
struct RenderingTests {
    @Test("The headline says what the observations say")
    func headline() {
        var report = SampleReports.threeHospitals
        #expect(
            report.headline == "Nobody but each hospital saw its patients; two key holders of three opened 78 sums.")
        report.parties[2].roles = [.dataOwner]
        #expect(
            report.headline == "Nobody but each hospital saw its patients; the two key holders opened 78 sums.")
        report.observations.append(
            .init(observer: "aggregator", source: "north", form: .plaintextRows, what: "rows", count: 3, learns: "all"))
        #expect(report.headline.hasPrefix("Aggregator saw patients of others in the clear; "))
    }

    @Test("What is missing is computed, and shown by every renderer")
    func gaps() {
        var report = SampleReports.threeHospitals
        #expect(report.gaps.map(\.kind) == [.noDifferentialPrivacy, .noAudit, .noMaliciousSecurity])
        #expect(SampleReports.federation.gaps.map(\.kind) == [.noMaliciousSecurity])
        report.cryptography[0].insecure = true
        report.agreement = [.init(name: "sums", difference: 1, tolerance: 0)]
        report.observations.append(
            .init(observer: "aggregator", source: nil, form: .secretKey, what: "the key", count: 1, learns: "all"))
        report.provenance.inputs = []
        #expect(
            report.gaps.map(\.kind) == [
                .insecureParameters, .failedCheck, .contradiction, .noDifferentialPrivacy, .noAudit,
                .noMaliciousSecurity, .noFingerprint,
            ])
        let terminal = report.terminalSummary(.init(width: 400)).lowercased()
        let page = report.html().lowercased()
        for gap in report.gaps {
            #expect(terminal.contains(gap.kind.rawValue))
            #expect(page.contains(">" + gap.kind.rawValue + "<"))
        }
    }

    @Test("Insecure parameters are shouted")
    func insecure() {
        var report = SampleReports.threeHospitals
        #expect(!report.html().contains("INSECURE"))
        #expect(!report.terminalSummary().contains("INSECURE"))
        report.cryptography[0].insecure = true
        #expect(report.html().contains("<div class=\"shout\" role=\"alert\"><strong>INSECURE PARAMETERS"))
        #expect(report.terminalSummary().contains("!! INSECURE PARAMETERS: THIS RUN PROTECTED NOTHING."))
    }

    @Test("No text of a report becomes markup, and nothing is loaded from outside")
    func escaping() {
        let html = SampleReports.hostile.html()
        for text in [
            "<script", "<img", "javascript:", "http:", "https:", "url(", "@import", "\u{202E}", "\u{1B}", "\u{0}",
        ] {
            #expect(!html.contains(text), "\(text)")
        }
        #expect(html.contains("&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;"))
        #expect(html.contains("‹U+202E›txt.exe‹U+2066›"))
        #expect(html.contains("bell␇null␀escape␛[31mred"))
        // Whatever stands in the report, the elements that can do harm are as many as in a harmless one.
        for element in ["<style", "</style", "<title>Diabetes", "<body", "<iframe", "<a ", "<meta"] {
            let calm = SampleReports.threeHospitals.html().components(separatedBy: element).count
            let odd = html.components(separatedBy: element).count
            if element != "<title>Diabetes" { #expect(calm == odd, "\(element)") }
        }
    }

    @Test(
        "A page is well-formed XML apart from its void elements",
        arguments: Sample.all + [Sample(name: "hostile", report: SampleReports.hostile)])
    func wellFormed(sample: Sample) throws {
        let html = sample.report.html()
        var open: [Substring] = []
        for match in html.replacing(/<style>[\s\S]*?<\/style>/, with: "").matches(
            of: /<(\/?)([a-zA-Z0-9]+)[^<>]*?(\/?)>/)
        {
            let (_, slash, name, closed) = match.output
            if ["meta"].contains(name) || !closed.isEmpty { continue }
            if slash.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
        }
        #expect(open.isEmpty)
        #expect(html.components(separatedBy: "<svg class=\"plot").count > 4)
        #expect(!html.contains("NaN"))
    }

    @Test(
        "No line of a terminal text is wider than asked for, and none can steer the terminal",
        arguments: [40, 64, 80, 120], [true, false])
    func terminalWidth(width: Int, unicode: Bool) throws {
        let reports = [SampleReports.threeHospitals, SampleReports.federation, SampleReports.hostile]
        let options = TerminalOptions(width: width, colour: false, unicode: unicode)
        let texts = reports.map { $0.terminalSummary(options) } + [try ReportComparison(reports).terminalText(options)]
        for text in texts {
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                #expect(Visible.columns(String(line)) <= width, "\(line)")
            }
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
            if !unicode { #expect(text.utf8.allSatisfy { $0 < 0x80 }) }
        }
    }

    @Test("Colours are there when asked for, and change nothing else")
    func colours() {
        let plain = SampleReports.threeHospitals.terminalSummary(.init(colour: false))
        let coloured = SampleReports.threeHospitals.terminalSummary(.init(colour: true))
        #expect(coloured.contains("\u{1B}["))
        #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == plain)
    }

    @Test("Numbers carry units and the right number of digits")
    func numbers() {
        let cases: [(String, String)] = [
            (Quantity.number(2900.193628), "2900.19"), (Quantity.number(-0.0119), "−0.0119"),
            (Quantity.number(3.1e-13), "3.1 × 10⁻¹³"), (Quantity.number(1e-9), "10⁻⁹"), (Quantity.number(0), "0"),
            (Quantity.number(1_234_567), "1,234,567"), (Quantity.number(.nan), "not a number"),
            (Quantity.number(9.9999999), "10"), (Quantity.bytes(999), "999 bytes"), (Quantity.bytes(1), "1 byte"),
            (Quantity.bytes(1500), "1.5 kB"), (Quantity.bytes(999_999), "1.0 MB"), (Quantity.bytes(.max), "9223372 TB"),
            (Quantity.seconds(0.0006), "600 µs"), (Quantity.seconds(0.31), "310 ms"), (Quantity.seconds(61), "61 s"),
            (Quantity.seconds(150), "2 min 30 s"), (Quantity.seconds(7300), "2 h 1 min"),
            (Quantity.integer(.min), "-9,223,372,036,854,775,808"), (Prose.plural("party"), "parties"),
        ]
        for (got, want) in cases { #expect(got == want) }
    }

    @Test("Every text colour stands out from its ground by 4.5 : 1", arguments: ["light", "dark"])
    func contrast(theme: String) {
        let palette = theme == "light" ? Palette.light : Palette.dark
        func luminance(_ name: String) -> Double {
            let value = Int(palette[name].dropFirst(), radix: 16) ?? 0
            let parts = [16, 8, 0].map { shift -> Double in
                let part = Double(value >> shift & 255) / 255
                return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
        }
        func ratio(_ a: String, _ b: String) -> Double {
            let (x, y) = (luminance(a), luminance(b))
            return (max(x, y) + 0.05) / (min(x, y) + 0.05)
        }
        for ground in ["ground", "card", "tint"] {
            for ink in ["ink", "soft"] { #expect(ratio(ink, ground) >= 4.5, "\(ink) on \(ground)") }
        }
        for ink in ["accent", "good", "caution", "danger"] { #expect(ratio(ink, "card") >= 4.5, "\(ink)") }
        #expect(ratio("accent", "ground") >= 4.5)
        #expect(ratio("danger-ink", "danger") >= 4.5)
        for exposure in PrivacyReport.Exposure.allCases {
            #expect(ratio("glyph", exposure.rawValue) >= 4.5, "\(exposure)")
        }
        for i in 0..<6 { #expect(ratio("series-\(i)", "card") >= 3, "series \(i)") }
    }

    @Test("A comparison shows every report's figures, and warns where they cannot be compared")
    func comparison() throws {
        var weak = SampleReports.threeHospitals
        weak.cryptography[0].insecure = true
        let same = try ReportComparison([SampleReports.threeHospitals, weak])
        #expect(same.warnings.count == 1)
        #expect(same.warnings[0].hasPrefix("INSECURE PARAMETERS"))
        let other = try ReportComparison([SampleReports.threeHospitals, SampleReports.federation])
        #expect(
            other.warnings == ["The reports are not about the same data: their figures cannot be compared directly."])
        let rows = other.sections.flatMap(\.rows)
        #expect(rows.allSatisfy { $0.values.count == 2 })
        #expect(rows.first { $0.name == "MSE" }?.values == ["2900.19 (pooled 2900.19, trivial 5361.53)", nil])
        #expect(rows.first { $0.name == "Security" }?.values == ["128 bits", "128 bits"])
        #expect(rows.first { $0.name == "Sent" }?.values == ["33 kB", "4.8 MB"])
        #expect(other.html().contains("2 reports side by side") || other.html().contains("Two reports side by side"))
        #expect(throws: PrivacyReportsError.self) { try ReportComparison([weak]) }
    }
}
