import Foundation
import Tabular
import Testing

@Suite struct SchemaTests {
    static func sample() throws -> Schema {
        try Schema(
            columns: [
                ColumnSchema("id", .integer, role: .identifier),
                ColumnSchema("age", .integer, role: .quasiIdentifier, bounds: Bounds(0, 120), decimals: 0),
                ColumnSchema("bmi", .number, bounds: Bounds(-0.5, 80), decimals: 1, allowsMissing: true, note: "kg/m²"),
                ColumnSchema(
                    "race", .category, role: .sensitive, categories: ["a", "b c", "true", "1"], missingMarks: ["?"]),
                ColumnSchema("y", .number, role: .target, isReadOffData: true),
            ], isConfirmed: false, missingMarks: ["", "NA"], note: "x: y")
    }

    @Test(arguments: Schema.FileFormat.allCases)
    func roundTrip(format: Schema.FileFormat) throws {
        let schema = try Self.sample()
        let bytes = try schema.encoded(as: format)
        #expect(try Schema(decoding: bytes, as: format, name: "s") == schema)
        #expect(try schema.encoded(as: format) == bytes)
        let folder = FileManager.default.temporaryDirectory.appending(path: "tacit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try Schema.sidecar(for: folder.path + "/t.csv") == nil)
        try schema.write(to: folder.path + "/t.schema.\(format.rawValue)")
        #expect(try Schema.sidecar(for: folder.path + "/t.csv") == schema)
    }

    static func message(_ text: String, _ format: Schema.FileFormat = .json) -> String? {
        do {
            _ = try Schema(decoding: Array(text.utf8), as: format, name: "s.json")
            return nil
        } catch { return error.description }
    }

    static func columns(_ second: String) -> String {
        """
        {"formatVersion": 1, "confirmed": true, "columns": [{"name": "a", "type": "number"}, \(second)]}
        """
    }

    @Test(arguments: [
        (#"{"name": "b", "type": "float"}"#, "columns[1].type"),
        (#"{"name": "b"}"#, "columns[1].type: missing"),
        (#"{"name": 5, "type": "number"}"#, "columns[1].name: got another type, want a string"),
        (
            #"{"name": "b", "type": "number", "bounds": {"lower": "0", "upper": 1}}"#,
            "columns[1].bounds.lower: got another type, want a number"
        ),
        (
            #"{"name": "b", "type": "number", "bounds": {"lower": 2, "upper": 1}}"#,
            "columns[1].bounds: bounds: got [2.0, 1.0], want two finite numbers, the lower one first"
        ),
        (#"{"name": "b", "type": "number", "bounds": {"lower": 2}}"#, "columns[1].bounds.upper: missing"),
        (
            #"{"name": "b", "type": "number", "bounds": {"lower": 0, "upper": 1, "middle": 0}}"#,
            "columns[1].bounds.middle: got an unknown key, want one of lower, upper"
        ),
        (
            #"{"name": "b", "type": "number", "bound": 1}"#,
            "columns[1].bound: got an unknown key, want one of allowsMissing, bounds, categories, decimals, missingMarks, "
                + "name, note, readOffData, role, type"
        ),
        (#"{"name": "a", "type": "number"}"#, "columns[1].name: \"a\" comes twice, want distinct names"),
        (#"{"name": "b", "type": "number", "decimals": 16}"#, "columns[1].decimals: got 16, want 0...15"),
        (
            #"{"name": "b", "type": "integer", "decimals": 2}"#,
            "columns[1].decimals: got 2 on an integer column, want 0"
        ),
        (
            #"{"name": "b", "type": "text", "categories": ["x"]}"#,
            "columns[1].categories: got categories on a column of type text, want none"
        ),
        (#"{"name": "b", "type": "category", "categories": []}"#, "columns[1].categories: got none, want at least one"),
        (
            #"{"name": "b", "type": "category", "categories": ["x", 3]}"#,
            "columns[1].categories[1]: got another type, want a string"
        ),
    ])
    func badColumnsAreNamedByTheirPath(column: String, message: String) {
        let found = Self.message(Self.columns(column))
        #expect(found?.hasPrefix("s.json: \(message)") == true, "\(found ?? "accepted")")
        if message.contains(":") { #expect(found?.contains(message) == true) }
    }

    @Test func otherBadFiles() {
        #expect(Self.message("{")?.hasPrefix("s.json: schema: ") == true)
        #expect(Self.message("")?.hasPrefix("s.json: schema: ") == true)
        #expect(Self.message("[]")?.contains("want an object") == true)
        #expect(
            Self.message(#"{"formatVersion": 2, "confirmed": true, "columns": []}"#)
                == "s.json: formatVersion: got 2, want 1")
        #expect(
            Self.message(#"{"formatVersion": 1, "confirmed": true, "columns": []}"#)
                == "s.json: columns: got none, want at least one")
        #expect(Self.message(String(repeating: "[", count: 100_000))?.hasPrefix("s.json: ") == true)
        #expect(Self.message(String(repeating: "[", count: 100_000), .yaml)?.hasPrefix("s.json: ") == true)
        #expect(Self.message("a: &x [1]\nb: *x\n", .yaml)?.contains("anchor or alias") == true)
        #expect(Self.message("confirmed: true\nformatVersion: 1\n", .yaml) == "s.json: columns: missing")
        #expect(Self.message("confirmed: [\n", .yaml)?.hasPrefix("s.json: ") == true)
    }

    @Test func proposalSaysWhatItIs() throws {
        let text =
            "patient_id,age,bmi,sex,note,target,all\n"
            + (1...200).map {
                "\(1000 + $0),\($0 % 60 + 20),\(18.2 + Double($0 % 9)),\(["m", "f", ""][$0 % 3]),note \($0),\($0 % 2),"
            }
            .joined(separator: "\n")
        let schema = try Schema.proposal(forCSV: Array(text.utf8), name: "t.csv", target: "target")
        #expect(!schema.isConfirmed)
        #expect(schema.note?.hasPrefix("A proposal read off the data.") == true)
        #expect(schema.columns.allSatisfy { $0.isReadOffData })
        #expect(schema["patient_id"]?.role == .identifier)
        let (age, bmi) = (try Bounds(20, 80), try Bounds(18, 27))
        #expect(schema["age"]?.type == .integer && schema["age"]?.bounds == age)
        #expect(schema["bmi"]?.decimals == 1 && schema["bmi"]?.bounds == bmi)
        #expect(schema["sex"]?.categories == ["f", "m"] && schema["sex"]?.allowsMissing == true)
        #expect(schema["note"]?.role == .ignore)
        #expect(schema["target"]?.role == .target)
        #expect(schema["all"]?.note == "every value is missing")
        let confirmed = schema.confirmed()
        #expect(confirmed.isConfirmed && confirmed.columns.allSatisfy { !$0.isReadOffData })
        let table = try Table(csv: Array(text.utf8), name: "t.csv", schema: schema)
        #expect(table.warnings(schema: schema).map(\.code) == [.unconfirmedSchema])
        #expect(table.warnings(schema: confirmed).isEmpty)
        #expect(throws: TabularError.self) {
            try Schema.proposal(forCSV: Array(text.utf8), name: "t.csv", target: "nothing")
        }
    }

    /// Suggested bounds always hold the data, and never reveal more than a digit of their span.
    @Test func suggestedBoundsHoldTheData() throws {
        var generator = ShuffleGenerator(seed: 8)
        for _ in 0..<2000 {
            let scale = Double(sign: .plus, exponent: generator.next(below: 60) - 30, significand: 1)
            let values = (0..<3).map { _ in (Double(generator.next(below: 2_000_001)) / 1000 - 1000) * scale }
            let text = "x\n" + values.map(\.description).joined(separator: "\n") + "\n"
            let schema = try Schema.proposal(forCSV: Array(text.utf8), name: "t")
            let bounds = try #require(schema["x"]?.bounds)
            #expect(values.allSatisfy(bounds.contains), "\(values) \(bounds)")
        }
    }

    @Test func validation() throws {
        let schema = try Self.sample()
        func table(_ age: Double, _ bmi: Double, _ race: String?, _ y: Double) throws -> Table {
            try Table(columns: [
                Column("id", numbers: [1, 2]), Column("age", numbers: [50, age]), Column("bmi", numbers: [.nan, bmi]),
                Column("race", categories: ["a", race]), Column("y", numbers: [0, y]),
            ])
        }
        func message(_ table: Table) -> String? {
            do {
                try schema.validate(table)
                return nil
            } catch { return error.description }
        }
        #expect(message(try table(120, 79.9, "b c", 1e300)) == nil)
        #expect(
            message(try table(121, 20, "a", 0))
                == "row 2, column \"age\": value: got one above its bounds, want one in [0.0, 120.0]; correct it, or widen the bounds in every owner's schema"
        )
        #expect(
            message(try table(-1, 20, "a", 0))
                == "row 2, column \"age\": value: got one below its bounds, want one in [0.0, 120.0]; correct it, or widen the bounds in every owner's schema"
        )
        #expect(
            message(try table(3.5, 20, "a", 0))
                == "row 2, column \"age\": value: got a fraction, want an integer of magnitude at most 2^53")
        #expect(
            message(try table(3, 20.25, "a", 0))
                == "row 2, column \"bmi\": value: got one with more decimals than declared, want at most 1")
        #expect(message(try table(3, 20, nil, 0))?.contains("column \"race\": value: got a missing one") == true)
        #expect(message(try table(3, 20, "z", 0))?.contains("want one of \"a\", \"b c\", \"true\", \"1\"") == true)
        #expect(
            message(try table(3, 20, "a", .infinity))
                == "row 2, column \"y\": value: got an infinity, want a finite number")
        #expect(schema.violations(in: try table(121, 20.25, "z", .infinity)).count == 4)
        #expect(schema.violations(in: try table(121, 20.25, "z", .infinity), limit: 2).count == 2)
        let wrong = try table(3, 20, "a", 0).setting(Column("age", text: ["x", "y"]))
        #expect(message(wrong) == "column \"age\": type: got text, want integer")
    }

    /// Every k/10ᵈ is accepted with d decimals, and every neighbouring double refused.
    @Test func decimalsAreExact() throws {
        var generator = ShuffleGenerator(seed: 10)
        for _ in 0..<5000 {
            let decimals = 1 + generator.next(below: 9)
            let whole = generator.next(below: 1 << 40)
            let digits = String(whole)
            let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
            let value = try #require(Double("\(padded.dropLast(decimals)).\(padded.suffix(decimals))"))
            let schema = try Schema(columns: [ColumnSchema("x", .number, decimals: decimals)])
            try schema.validate(Table(columns: [Column("x", numbers: [value, -value])]))
            for other in [value.nextUp, value.nextDown] {
                #expect(schema.violations(in: try Table(columns: [Column("x", numbers: [other])])).count == 1)
            }
        }
    }
}
