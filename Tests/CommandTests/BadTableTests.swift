import Foundation
import TacitTestSupport
import Testing

/// Tables that cannot be used: the message has file, line and column, and never a value.
@Suite struct BadTableTests {
    private static let schema = """
        {
          "columns": [
            {"name": "age", "type": "integer", "role": "feature", "bounds": {"lower": 0, "upper": 120}, "decimals": 0},
            {"name": "colour", "type": "category", "role": "feature", "categories": ["blue", "red"]},
            {"name": "y", "type": "number", "role": "target", "bounds": {"lower": 0, "upper": 100}, "decimals": 1}
          ],
          "confirmed": true,
          "formatVersion": 1
        }
        """
    private static let header = "age,colour,y\n"
    private static let rows = (0..<12).map { "\(30 + $0),\($0 % 2 == 0 ? "red" : "blue"),\(Double($0) / 2)\n" }

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var text: String
        var status: Int32 = 65
        var words: [String]
        /// Contents of a cell that must not be shown.
        var secret: String?
        var testDescription: String { name }
    }

    private static func changing(_ row: Int, to line: String) -> String {
        var rows = rows
        rows[row] = line
        return header + rows.joined()
    }

    static let cases: [Case] = [
        Case(
            name: "above the bounds", text: changing(3, to: "777,red,1\n"), words: ["bad.csv:5, column \"age\": "],
            secret: "777"),
        Case(
            name: "below the bounds", text: changing(3, to: "40,red,-31.5\n"), words: ["bad.csv:5, column \"y\": "],
            secret: "31.5"),
        Case(
            name: "text in a number", text: changing(0, to: "zebra,red,1\n"), words: ["bad.csv:2, column \"age\": "],
            secret: "zebra"),
        Case(
            name: "text in the target", text: changing(11, to: "41,red,zebra\n"), words: ["bad.csv:13, column \"y\": "],
            secret: "zebra"),
        Case(
            name: "a fraction", text: changing(1, to: "40.75,red,1\n"), words: ["bad.csv:3, column \"age\": "],
            secret: "40.75"),
        Case(
            name: "too many decimals", text: changing(1, to: "40,red,1.625\n"), words: ["bad.csv:3, column \"y\": "],
            secret: "1.625"),
        Case(
            name: "unknown category", text: changing(1, to: "40,zebra,1\n"), words: ["bad.csv:3, column \"colour\": "],
            secret: "zebra"),
        Case(name: "missing value", text: changing(1, to: ",red,1\n"), words: ["bad.csv:3, column \"age\": "]),
        Case(name: "NaN", text: changing(1, to: "40,red,NaN\n"), words: ["bad.csv:3, column \"y\": "]),
        Case(name: "infinity", text: changing(1, to: "40,red,-inf\n"), words: ["bad.csv:3, column \"y\": "]),
        Case(
            name: "huge number", text: changing(1, to: "40,red,1e999\n"), words: ["bad.csv:3, column \"y\": "],
            secret: "1e999"),
        Case(
            name: "decimal comma", text: changing(1, to: "40,red,\"1,5\"\n"),
            words: ["bad.csv:3, column \"y\": ", "decimal"], secret: "1,5"),
        Case(name: "short row", text: changing(4, to: "40,red\n"), words: ["bad.csv:6, ", "got 2, want 3"]),
        Case(
            name: "long row", text: changing(4, to: "40,red,1,zebra\n"),
            words: ["bad.csv:6, ", "got more than 3, want 3"],
            secret: "zebra"),
        Case(name: "open quote", text: changing(4, to: "40,\"red,1\n"), words: ["bad.csv:6"]),
        Case(name: "not UTF-8", text: "", words: ["bad.csv:2", "column \"colour\"", "latin1"]),
        Case(name: "duplicate header", text: "age,age,y\n1,2,3\n", words: ["bad.csv:1", "\"age\""]),
        Case(name: "unnamed column", text: "age,,y\n1,2,3\n", words: ["bad.csv:1"]),
        Case(name: "empty file", text: "", words: ["bad.csv: file: got no content"]),
        Case(name: "header only", text: header, words: ["bad.csv", "row"]),
        Case(
            name: "column missing", text: "age,y\n" + String(repeating: "1,2\n", count: 12),
            words: ["bad.csv", "colour"]),
        Case(
            name: "column too many", text: "age,colour,y,z\n" + String(repeating: "1,red,2,3\n", count: 12),
            words: ["bad.csv", "\"z\""]),
        Case(
            name: "too few rows", text: header + rows[0], status: 77,
            words: ["rows: got 1, want at least 10, the plan's minimum cohort"]),
    ]

    @Test(arguments: cases)
    func refused(_ bad: Case) throws {
        let process = try TacitProcess(with: ["team.public"])
        try process.write(Self.schema, to: "bad.schema.json")
        if bad.name == "not UTF-8" {
            try process.write(Array("age,colour,y\n30,bl".utf8) + [0xFC] + Array("e,1\n".utf8), to: "bad.csv")
        } else {
            try process.write(bad.text, to: "bad.csv")
        }
        let message = try process.refuse(
            bad.status, bad.words, "encrypt", "--data", "bad.csv", "--key", "team.public", "--out", "new")
        if let secret = bad.secret { #expect(!message.contains(secret), "\(message)") }
        #expect(message.split(separator: "\n").filter { $0.hasPrefix("tacit: error: ") }.count == 1, "\(message)")
    }

    @Test func theSameTableIsAcceptedWhole() throws {
        let process = try TacitProcess(with: ["team.public"])
        try process.write(Self.schema, to: "good.schema.json")
        try process.write(Self.header + Self.rows.joined(), to: "good.csv")
        try process.succeed("encrypt", "--data", "good.csv", "--key", "team.public", "--out", "new")
    }

    @Test func schemas() throws {
        let process = try TacitProcess(with: ["team.public"])
        try process.write(Self.header + Self.rows.joined(), to: "t.csv")
        let encrypt = ["encrypt", "--data", "t.csv", "--key", "team.public", "--out", "new"]
        func refuse(_ status: Int32, _ words: [String]) throws {
            let outcome = try process.run(encrypt)
            #expect(outcome.status == status && words.allSatisfy { outcome.errors.contains($0) }, "\(outcome)")
            #expect(!process.folder.names.contains("new") && process.litter.isEmpty)
        }
        try refuse(78, ["t.csv: has no schema; make a proposal with `tacit data schema --data t.csv`"])
        try process.write("{ not json", to: "t.schema.json")
        try refuse(78, ["t.schema.json"])
        try process.write(Self.schema.replacingOccurrences(of: "\"integer\"", with: "\"colour\""), to: "t.schema.json")
        try refuse(78, ["t.schema.json"])
        try process.write(Self.schema.replacingOccurrences(of: "120", with: "-120"), to: "t.schema.json")
        try refuse(78, ["t.schema.json"])
        try process.write(Self.schema.replacingOccurrences(of: "true", with: "false"), to: "t.schema.json")
        try refuse(78, ["is a proposal read off the data; its bounds become public"])
        try process.write(
            Self.schema.replacingOccurrences(of: ", \"bounds\": {\"lower\": 0, \"upper\": 120}", with: ""),
            to: "t.schema.json")
        try refuse(78, ["age", "bounds"])
        let outcome = try process.run(["encrypt", "--data", "none.csv", "--key", "team.public", "--out", "new"])
        #expect(outcome.status == 66 && outcome.errors.contains("none.csv: no such file, and no data set of that name"))
        let missingKey = try process.run(["encrypt", "--data", "t.csv", "--key", "none.public", "--out", "new"])
        #expect(missingKey.status == 66 && missingKey.errors.contains("none.public: cannot open"), "\(missingKey)")
    }

    @Test func weightsAndPredictions() throws {
        let process = try TacitProcess(with: ["rows.tacit", "test.csv", "test.schema.json"])
        for (text, words) in [
            ("1\nmany\n", "weights.txt:2: got many, want a whole number"), ("1\n-1\n", "weights.txt:2: got -1"),
            ("1\n2\n", "weights: got 2, want "), ("99999999999999999999\n", "weights.txt:1: got "),
        ] {
            try process.write(text, to: "weights.txt")
            let outcome = try process.run([
                "train", "--encrypted", "rows.tacit", "--weights", "weights.txt", "--out", "new",
            ])
            #expect([64, 65].contains(outcome.status) && outcome.errors.contains(words), "\(outcome)")
            #expect(!process.folder.names.contains("new"))
        }
        try process.write("prediction\n1\n2\n", to: "p.csv")
        try process.refuse(
            65, ["predictions: got 2, want ", "one for each row"], "evaluate", "--predictions", "p.csv", "--data",
            "test.csv")
        try process.write("other\n1\n2\n", to: "p.csv")
        try process.refuse(65, ["prediction"], "evaluate", "--predictions", "p.csv", "--data", "test.csv")
    }
}
