import Foundation
import PrivacyReports
import Testing

@Suite("Reading and writing reports as JSON")
struct CodingTests {
    @Test("A report survives the round trip, and is written the same twice", arguments: Sample.all)
    func roundTrip(sample: Sample) throws {
        let data = try sample.report.jsonData()
        let back = try PrivacyReport(jsonData: data)
        #expect(back == sample.report)
        #expect(try back.jsonData() == data)
    }

    /// The committed file stands for those that users have: it must be read for ever. To write it anew after a
    /// deliberate change of the sample: TACIT_REWRITE_SAMPLE=1 swift test …
    @Test("The committed sample of version 1 is read as it was written")
    func golden() throws {
        let file = ExternalProgram.root.appending(path: "Tests/PrivacyReportsTests/Resources/privacy-report-v1.json")
        if ProcessInfo.processInfo.environment["TACIT_REWRITE_SAMPLE"] != nil {
            try SampleReports.threeHospitals.jsonData().write(to: file)
        }
        let report = try PrivacyReport(jsonData: Data(contentsOf: file))
        #expect(report == SampleReports.threeHospitals)
        #expect(report.schemaVersion == .init(major: 1, minor: 0))
        #expect(report.parties.map(\.id) == ["north", "lake", "mercy", "aggregator"])
        #expect(report.parties.map(\.secretKey) == [.share, .share, .share, .none])
        #expect(report.cryptography.first?.threshold == .init(required: 2, shares: 3))
        #expect(report.created == Date(timeIntervalSince1970: 1_767_225_600))
        #expect(report.results.first?.metrics.first?.value == 2900.193628)
    }

    @Test("Files are written whole and read back; a missing directory or file is named")
    func files() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let report = SampleReports.threeHospitals
        let json = place.appending(path: "report.json").path
        let html = place.appending(path: "report.html").path
        try report.write(jsonPath: json, htmlPath: html)
        #expect(try PrivacyReport(jsonPath: json) == report)
        #expect(try String(contentsOfFile: html, encoding: .utf8) == report.html())
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: place.path)) == ["report.json", "report.html"])
        do {
            try report.write(jsonPath: place.path + "/absent/report.json", htmlPath: html)
            Issue.record("written into a directory that does not exist")
        } catch {
            #expect(error.code == .cannotWrite)
        }
        do {
            _ = try PrivacyReport(jsonPath: html)
            Issue.record("a page was read as JSON")
        } catch {
            #expect(error.code == .malformed && error.message.hasPrefix(html))
        }
    }

    @Test("A secret on the command line is not written")
    func noSecrets() throws {
        let text = String(decoding: try SampleReports.threeHospitals.jsonData(), as: UTF8.self)
        #expect(!text.contains("hunter2"))
        let redacted = PrivacyReport.Provenance.redacted(
            ["x", "--token=abc", "--key-passphrase", "p w", "--password", "--out", "dir", "--passphrase-file", "f"])
        #expect(
            redacted == [
                "x", "--token=(hidden)", "--key-passphrase", "(hidden)", "--password", "--out", "dir",
                "--passphrase-file", "f",
            ])
    }

    @Test("Values that JSON lacks survive, in a report full of odd text")
    func hostile() throws {
        let report = SampleReports.hostile
        let data = try report.jsonData()
        let back = try PrivacyReport(jsonData: data)
        #expect(try back.jsonData() == data)
        #expect(back.audits.runs[0].value.isNaN)
        #expect(back.results[0].coefficients.map(\.value)[1] == .infinity)
        #expect(back.parties == report.parties)
    }

    // MARK: Versions and fields

    private func edited(_ change: (inout [String: Any]) -> Void) throws -> Data {
        var object = try #require(
            try JSONSerialization.jsonObject(with: SampleReports.threeHospitals.jsonData()) as? [String: Any])
        change(&object)
        return try JSONSerialization.data(withJSONObject: object)
    }

    private func failure(_ data: Data) -> PrivacyReportsError? {
        do {
            _ = try PrivacyReport(jsonData: data)
            return nil
        } catch {
            return error
        }
    }

    @Test("A newer minor version with unknown fields, forms and kinds is read")
    func newerMinor() throws {
        let data = try edited {
            $0["schemaVersion"] = "1.7"
            $0["weather"] = ["sunny": true]
            var seen = $0["observations"] as? [[String: Any]] ?? []
            seen[0]["form"] = "telepathy"
            seen[0]["mood"] = [1, 2]
            $0["observations"] = seen
            $0["costs"] = nil
        }
        let report = try PrivacyReport(jsonData: data)
        #expect(report.schemaVersion.minor == 7)
        #expect(report.observations[0].form.exposure == .unclassified)
        #expect(report.headline.contains("telepathy"))
        #expect(report.html().contains("telepathy"))
        #expect(report.gaps.contains { $0.kind == .noCosts })
    }

    @Test("A newer major version is refused with a clear error, whatever else it contains")
    func newerMajor() throws {
        let error = try #require(failure(Data(#"{"schemaVersion": "2.0", "all": "different"}"#.utf8)))
        #expect(error.code == .unsupportedVersion)
        #expect(
            error.message == "$.schemaVersion: got 2.0, want at most 1.x: this report was written by a newer "
                + "version; update to read it")
    }

    @Test(
        "What is wrong is named by its JSON path",
        arguments: [
            ("schemaVersion", "one" as any Sendable, #"$.schemaVersion: got "one", want major.minor such as 1.0"#),
            ("created", "yesterday", #"$.created: got "yesterday", want ISO 8601 such as 2026-01-31T12:00:00Z"#),
            ("title", 3, "$.title: another type, want a string"),
            ("parties", [String](), "$.parties: got an empty list, want at least one party"),
            (
                "agreement",
                [["name": "x", "difference": 2, "tolerance": 1, "passed": true] as [String: any Sendable]],
                "$.agreement[0].passed: got true, want false: the difference is 2.0, the tolerance 1.0"
            ),
            (
                "costs", [["phase": "x", "wallSeconds": -1] as [String: any Sendable]],
                "$.costs[0].wallSeconds: got -1.0, want a finite number of seconds ≥ 0"
            ),
            (
                "costs", [["phase": "x", "wallSeconds": 1, "bytesSent": "many"] as [String: any Sendable]],
                "$.costs[0].bytesSent: another type, want an integer"
            ),
            (
                "observations",
                [
                    ["observer": "nobody", "form": "ciphertext", "what": "", "count": 1, "learns": ""]
                        as [String: any Sendable]
                ], #"$.observations[0].observer: got "nobody", want the id of one of the parties"#
            ),
            ("audits", [String: Int](), "$.audits.runs: missing"),
        ] as [(String, any Sendable, String)])
    func path(field: String, value: any Sendable, message: String) throws {
        let error = try #require(failure(edited { $0[field] = value }))
        #expect(error.code == .invalidField)
        #expect(error.message == message)
    }

    // MARK: Bytes from anywhere

    @Test("Every truncation of a report gives an error, not a trap")
    func truncated() throws {
        let data = try SampleReports.threeHospitals.jsonData()
        for length in stride(from: 0, to: data.count - 3, by: 37) {
            #expect(failure(data.prefix(length))?.code == .malformed, "\(length) bytes")
        }
    }

    @Test("Mutated reports give an error or a report that every renderer can show")
    func mutated() throws {
        let data = try SampleReports.threeHospitals.jsonData()
        var generator = SampleReports.Sequence(state: 42)
        let splices = [
            "-1", "1e999", "\"\"", "null", "[", "}", "9007199254740993", "\\u0000", "\u{202E}", "true", "NaN", "1e308",
        ]
        var readable = 0
        for _ in 0..<2000 {
            var copy = data
            for _ in 0...Int(generator.next() * 3) {
                let at = Int(generator.next() * Double(copy.count))
                if generator.next() < 0.5 {
                    copy[copy.startIndex + at] = UInt8(generator.next() * 256)
                } else {
                    let end = min(copy.count, at + Int(generator.next() * 6))
                    let splice = splices[Int(generator.next() * Double(splices.count))]
                    copy.replaceSubrange(at..<end, with: Data(splice.utf8))
                }
            }
            guard let report = try? PrivacyReport(jsonData: copy) else { continue }
            readable += 1
            if readable.isMultiple(of: 10) {
                #expect(report.html().hasSuffix("</html>\n"))
                #expect(!report.terminalSummary().isEmpty)
            }
        }
        #expect(readable > 50, "the mutations are too gentle or too coarse to test the renderers")
    }

    @Test("Deep nesting and wrong encodings are refused")
    func strange() {
        let deep = String(repeating: "[", count: 200_000)
        for bytes in [
            Data(), Data("null".utf8), Data(deep.utf8), Data([0xFF, 0xFE, 0x00]),
            Data(#"{"schemaVersion":"1.0","title":\#(deep)"#.utf8),
        ] {
            #expect(failure(bytes) != nil)
        }
    }

    @Test("A report that contradicts itself cannot be written")
    func invalid() {
        var report = SampleReports.threeHospitals
        report.observations[0].count = -1
        #expect(throws: PrivacyReportsError.self) { try report.jsonData() }
        report = SampleReports.threeHospitals
        report.parties[1].id = "north"
        do {
            _ = try report.jsonData()
            Issue.record("written")
        } catch {
            #expect(
                error.message == #"$.parties[1].id: got "north" a second time, want an id of its own for each party"#)
        }
    }
}
