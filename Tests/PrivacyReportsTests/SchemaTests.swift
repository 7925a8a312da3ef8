import Foundation
import PrivacyReports
import Testing

/// Keeps docs/report-schema true: python's jsonschema judges what this package writes.
@Suite("The JSON schema")
struct SchemaTests {
    static let schema = ExternalProgram.root.appending(path: "docs/report-schema/privacy-report-v1.schema.json")

    /// Also with unknown properties forbidden, so that a field cannot be added without describing it.
    private static let validator = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        if sys.argv[3] == 'closed':
            for part in [schema, *schema['$defs'].values()]:
                if part.get('type') == 'object': part['additionalProperties'] = False
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(json.load(open(sys.argv[2]))))
        for e in errors[:5]: print(e.json_path, e.message[:200])
        sys.exit(3 if errors else 0)
        """

    private func validate(_ data: Data, closed: Bool) throws -> ExternalProgram.Outcome {
        let file = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try data.write(to: file)
        return try ExternalProgram.run(
            try #require(ExternalProgram.schemaPython),
            ["-c", Self.validator, Self.schema.path, file.path, closed ? "closed" : "open"])
    }

    static let available: ConditionTrait = .enabled(
        if: ExternalProgram.hasJSONSchema, "SKIPPED: no python3 with jsonschema (scripts/test-peers.sh)")

    @Test(
        "What is written follows the schema, and the schema describes every field", available,
        arguments: Sample.all + [Sample(name: "hostile", report: SampleReports.hostile)])
    func valid(sample: Sample) throws {
        let outcome = try validate(sample.report.jsonData(), closed: true)
        #expect(outcome.status == 0, "\(outcome.output)")
    }

    @Test("The schema refuses what the reader refuses", available)
    func invalid() throws {
        let original = try #require(
            try JSONSerialization.jsonObject(with: SampleReports.threeHospitals.jsonData()) as? [String: Any])
        for (field, value) in [
            ("schemaVersion", "2.0" as Any), ("created", "yesterday"), ("parties", [Any]()), ("title", 3),
            ("costs", [["phase": "x", "wallSeconds": -1] as [String: Any]]), ("audits", [String: Any]()),
        ] {
            var object = original
            object[field] = value
            let data = try JSONSerialization.data(withJSONObject: object)
            #expect(try validate(data, closed: false).status == 3, "\(field)")
            #expect(throws: PrivacyReportsError.self, "\(field)") { try PrivacyReport(jsonData: data) }
        }
    }

    @Test("The schema demands what the reader demands", available)
    func required() throws {
        let original = try #require(
            try JSONSerialization.jsonObject(with: SampleReports.threeHospitals.jsonData()) as? [String: Any])
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: Self.schema)) as? [String: Any])
        let required = Set(try #require(schema["required"] as? [String]))
        for field in original.keys {
            var object = original
            object[field] = nil
            let isRead = (try? PrivacyReport(jsonData: JSONSerialization.data(withJSONObject: object))) != nil
            #expect(isRead != required.contains(field), "\(field)")
        }
    }
}
