import Foundation
import Tabular
import Testing

@Suite struct CSVReaderTests {
    static func read(
        _ text: String, schema: Schema? = nil, format: CSVFormat = CSVFormat()
    ) throws -> Table {
        try Table(csv: Array(text.utf8), name: "t.csv", schema: schema, format: format)
    }

    static func message(_ text: String, schema: Schema? = nil, format: CSVFormat = CSVFormat()) -> String? {
        message(Array(text.utf8), schema: schema, format: format)
    }

    static func message(_ bytes: [UInt8], schema: Schema? = nil, format: CSVFormat = CSVFormat()) -> String? {
        do {
            _ = try Table(csv: bytes, name: "t.csv", schema: schema, format: format)
            return nil
        } catch { return error.description }
    }

    @Test(arguments: ["\n", "\r\n", "\r"], [true, false])
    func lineEndsAndQuotes(end: String, isClosed: Bool) throws {
        let lines = ["name,value,note", "\"a,\"\"b\"\"\",1.5,\"two\(end)lines\"", "c,2,", ",3,é"]
        let text = "\u{FEFF}" + lines.joined(separator: end) + (isClosed ? end : "")
        let table = try Self.read(
            text,
            schema: Schema(columns: [
                ColumnSchema("name", .text, allowsMissing: true), ColumnSchema("value", .number),
                ColumnSchema("note", .text, allowsMissing: true),
            ]))
        #expect(try table.text("name").values == ["a,\"b\"", "c", nil])
        #expect(try table.numeric("value").values == [1.5, 2, 3])
        #expect(try table.text("note").values == ["two\(end)lines", nil, "é"])
        // The second row begins on line 4, since the first one has two.
        #expect(table.location(row: 1).line == 4)
        #expect(table.rows(1..<3).location(row: 1).line == 5)
        #expect(table.rows([2, 0]).location(row: 0).line == 5)
    }

    @Test(
        arguments: [
            ("a,b\n1,2\n", 0x2C), ("a;b\n1,5;2\n", 0x3B), ("a;b\n1,5;2,5\n", 0x3B), ("1,5;2,5\n3,5;4,5\n", 0x3B),
            ("a\tb\n1\t2\n", 0x09), ("a|b\n1|2\n", 0x7C), ("a\n1\n", 0x2C), ("\"a;b\",c\n1,2\n", 0x2C),
            ("a,b;c\n1,2;3\n", 0x2C), ("a,b,c;d\n1,2,3;4\n", 0x2C), ("", 0x2C),
        ] as [(String, UInt8)])
    func separators(text: String, separator: UInt8) {
        #expect(CSVReader.detectSeparator(Array(text.utf8)) == separator)
    }

    @Test func raggedAndOtherBadFiles() {
        #expect(Self.message("") == "t.csv: file: got no content, want a header and rows")
        #expect(Self.message("\n\r\n") == "t.csv: file: got no content, want a header and rows")
        #expect(Self.message("a,b\n")?.hasSuffix("rows: got none below the header, want at least one") == true)
        #expect(
            Self.message("a,b\n1,2\n3\n")
                == "t.csv:3, column \"b\": fields: got 1, want 2; this is the first column that is missing")
        #expect(Self.message("a,b\n1,2\n3,4,5\n") == "t.csv:3, column \"b\": fields: got more than 2, want 2")
        #expect(
            Self.message("a,b,a\n1,2,3\n")
                == "t.csv:1, column \"a\": name: columns 1 and 3 have the same, want distinct ones")
        #expect(
            Self.message(",b\n1,2\n")
                == "t.csv:1: name of column 1: got an empty one, want a name (a row index is best left out)")
        #expect(
            Self.message("a,b\n1,\"x\n2,3\n")
                == "t.csv:2, byte 6, column \"b\": quote: got one that never closes, want a closing quote")
        #expect(
            Self.message("a,b\n1,x\"y\n")
                == "t.csv:2, byte 7, column \"b\": quote: got one inside a field that does not begin with one; "
                + "want the whole field in quotes and quotes inside doubled")
        #expect(
            Self.message("a,b\n1,\"x\"y\n") == "t.csv:2, byte 9, column \"b\": closing quote: got a further character "
                + "behind it, want a separator or the end of the line")
        #expect(
            Self.message("a,b\n1,x\0y\n")
                == "t.csv:2, byte 7, column \"b\": NUL byte: got one, want text; is the file binary or UTF-16?")
        #expect(
            Self.message([0xFF, 0xFE, 0x61, 0])
                == "t.csv:1: encoding: got a UTF-16 byte order mark, want UTF-8; convert the file first")
        #expect(
            Self.message("a\n1\n", format: CSVFormat(separator: .byte(0x22)))
                == "separator: got byte 34, want an ASCII byte that is no quote, line end or NUL")
    }

    @Test func encodings() throws {
        let latin = Array("n,m\nZ".utf8) + [0xFC] + Array("rich,\"".utf8) + [0xE9] + Array("\"\"\"\n".utf8)
        #expect(
            Self.message(latin)
                == "t.csv:2, byte 5, column \"n\": encoding: got byte 0xFC, which is not UTF-8 here; if the file is "
                + "ISO 8859-1, say so (latin1)")
        let table = try Table(csv: latin, name: "t.csv", format: CSVFormat(encoding: .latin1))
        #expect(try table.categorical("n")[0] == "Zürich")
        #expect(try table.categorical("m")[0] == "é\"")
        // Overlong, surrogate, above U+10FFFF, cut off.
        for bad: [UInt8] in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80]] {
            #expect(Self.message(Array("n\na".utf8) + bad + [0x0A])?.contains("t.csv:2, byte 3") == true)
        }
    }

    /// Every sequence of two, three and four bytes with a lead byte is judged as the standard library judges it.
    @Test func utf8AgreesWithTheStandardLibrary() throws {
        var generator = ShuffleGenerator(seed: 9)
        let format = CSVFormat(separator: .comma)
        for _ in 0..<20_000 {
            let length = 1 + generator.next(below: 5)
            let bytes = (0..<length).map { _ in UInt8(0x80 + generator.next(below: 128)) }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect((Self.message(Array("n\n".utf8) + bytes, format: format) == nil) == isValid, "\(bytes)")
        }
    }

    @Test func missingMarks() throws {
        let schema = try Schema(columns: [
            ColumnSchema("x", .integer, missingMarks: ["-9", "?"], allowsMissing: true),
            ColumnSchema("y", .category, allowsMissing: true),
        ])
        let table = try Self.read("x,y\n-9,a\n?,\"\"\n-90,-9\n", schema: schema)
        #expect(try table.numeric("x").missing.missingRows == [0, 1])
        #expect(try table.numeric("x")[2] == -90)
        #expect(try table.numeric("x").values[0].isNaN, "a missing slot must never look like a number")
        #expect(try table.categorical("y").codes == [0, -1, 1])
        #expect(
            Self.message("x,y\n,a\n", schema: schema)
                == "t.csv:2, column \"x\": number: got an empty field, want a number or one of the missing marks")
        let strict = try Schema(columns: [ColumnSchema("x", .number), ColumnSchema("y", .text)])
        #expect(
            Self.message("x,y\n1,a\n,b\n", schema: strict)
                == "t.csv:3, column \"x\": value: got a missing one, want one in every row (or allowsMissing in the schema)"
        )
    }

    @Test func schemaDecidesTypesOrderAndColumns() throws {
        let schema = try Schema(columns: [
            ColumnSchema("b", .category, categories: ["y", "x"]), ColumnSchema("a", .integer),
            ColumnSchema("c", .text, role: .ignore),
        ])
        let table = try Self.read("a,b,c\n1,x,whatever\n2,y,\n", schema: schema)
        #expect(table.columnNames == ["b", "a"])
        #expect(try table.categorical("b").codes == [1, 0])
        #expect(
            Self.message("a,b,d\n1,x,2\n", schema: schema)
                == "t.csv:1, column \"d\": got a column that the schema does not declare; declare it, if only with the "
                + "role ignore")
        #expect(
            Self.message("a,c\n1,x\n", schema: schema)
                == "t.csv:1, column \"b\": got no such column, want it as the schema declares it; the file has \"a\", \"c\""
        )
        #expect(
            Self.message("a,b\n1,x\n2,z\n", schema: schema)
                == "t.csv:3, column \"b\": category: got one that is not declared, want one of \"y\", \"x\"")
        #expect(
            Self.message("a,b\n1,x\n2.5,x\n", schema: schema)
                == "t.csv:3, column \"a\": value: got a fraction, want an integer of magnitude at most 2^53")
    }

    @Test func headerAbsentOrGiven() throws {
        #expect(try Self.read("1,2\n3,4\n", format: CSVFormat(header: .absent)).columnNames == ["column1", "column2"])
        let named = try Self.read("1,2\n3,4\n", format: CSVFormat(header: .names(["p", "q"])))
        #expect(try named.numeric("q").values == [2, 4])
        #expect(
            Self.message("1,2\n", format: CSVFormat(header: .names(["p"])))
                == "t.csv:1: fields: got 2, want 1, one for each name")
        let reader = try CSVReader(
            bytes: Array("1,2\n3,4\n".utf8), name: "t",
            schema: Schema(columns: [
                ColumnSchema("1", .number), ColumnSchema("2", .number),
            ]))
        #expect(reader.warnings.map(\.code) == [.headerLooksLikeData])
    }

    @Test func limits() throws {
        var format = CSVFormat(separator: .comma)
        format.limits = CSVLimits(fieldBytes: 5, recordBytes: 1 << 18, columns: 3, categories: 2)
        #expect(Self.message("a,b,c,d\n", format: format) == "t.csv:1: columns: got more than 3, want at most that")
        #expect(
            Self.message("a\nxxxxxx\n", format: format)
                == "t.csv:2, byte 2, column \"a\": field length: got 6 bytes, want at most 5")
        let schema = try Schema(columns: [ColumnSchema("a", .category)])
        #expect(
            Self.message("a\nx\ny\nz\n", schema: schema, format: format)
                == "t.csv:4, column \"a\": categories: got more than 2 distinct values; want the type text?")
        let open = "a\n\"" + String(repeating: "x\n", count: 1 << 18)
        #expect(
            Self.message(open, schema: schema, format: format)
                == "t.csv:2: record length: got more than 262144 bytes, want at most that; is a quote left open?")
    }

    /// However the bytes arrive, and however short the chunks, the table is the same.
    @Test func chunksDoNotMatter() throws {
        var generator = ShuffleGenerator(seed: 4)
        var text = "x,label,note\r\n"
        for row in 0..<3000 {
            let note = ["", "\"a\"\"b\"", "\"line\r\nbreak\"", "plain", "\"é,ü\""][generator.next(below: 5)]
            let number = ["\(Double(generator.next(below: 100_000)) / 1000)", "", "-1e\(generator.next(below: 9))"][
                row % 3]
            text += "\(number),\(["p", "q", ""][generator.next(below: 3)]),\(note)" + ["\n", "\r\n"][row % 2]
        }
        let schema = try Schema(columns: [
            ColumnSchema("x", .number, allowsMissing: true), ColumnSchema("label", .category, allowsMissing: true),
            ColumnSchema("note", .text, allowsMissing: true),
        ])
        let bytes = Array(text.utf8)
        let whole = try Self.read(text, schema: schema)
        for (chunkRows, pieces) in [(1, 7), (17, 1), (1000, 3), (4096, 100_000)] {
            var format = CSVFormat()
            format.limits.chunkRows = chunkRows
            var offset = 0
            let reader = try CSVReader(name: "t.csv", schema: schema, format: format) { room throws(TabularError) in
                let count = min(room.count, bytes.count - offset, 1 + generator.next(below: pieces))
                room.copyBytes(from: bytes[offset..<offset + count])
                offset += count
                return count
            }
            var tables: [Table] = []
            while let chunk = try reader.next() {
                #expect(chunk.rowCount <= chunkRows)
                tables.append(chunk)
            }
            let joined = try Table.concatenating(tables)
            #expect(joined == whole)
            #expect((0..<3000).allSatisfy { joined.location(row: $0) == whole.location(row: $0) })
        }
    }

    /// A later value that does not fit the guess makes the reader look at the whole file.
    @Test func typesAreGuessedFromTheWholeFile() throws {
        let lines = (0..<20_000).map { "\($0),\($0 % 7)" }
        let table = try Self.read("a,b\n" + lines.joined(separator: "\n") + "\nx,1\n")
        #expect(try table.text("a").count == 20_001)
        #expect(try table.numeric("b").isIntegral)
        let error = #expect(throws: TabularError.self) { try table.numeric("a") }
        #expect(error?.description == "t.csv, column \"a\": type: got text, want number")
        let proposal = try Schema.proposal(
            forCSV: Array(("a,b\n" + lines.joined(separator: "\n") + "\nx,1\n").utf8), name: "t")
        #expect(proposal["a"]?.note == "20000 of 20001 values are numbers; the others are not, the first at line 20002")
    }

    @Test func absentFileAndFolder() {
        let error = #expect(throws: TabularError.self) { try Table(csv: "/nowhere/x.csv") }
        #expect(error?.code == .unreadable)
        #expect(throws: TabularError.self) { try Table(csv: "/tmp") }
    }

    @Test func writerRoundTrip() throws {
        var generator = ShuffleGenerator(seed: 6)
        let pieces = ["a", "\"", ",", "\n", "\r\n", " ", "é", ";", "\t", "|", "\u{FEFF}", "1.5"]
        func word() -> String? {
            let count = generator.next(below: 5)
            return count == 0 ? nil : (0..<count).map { _ in pieces[generator.next(below: pieces.count)] }.joined()
        }
        for rows in [1, 2, 300] {
            let numbers = (0..<rows).map { _ -> Double in
                let value = Double(bitPattern: generator.next())
                return value.isFinite ? value : .nan
            }
            let table = try Table(columns: [
                Column("x,\"1\"", numbers: numbers), Column(" c", categories: (0..<rows).map { _ in word() }),
                Column("text", text: (0..<rows).map { _ in word() }),
                Column("n", numbers: (0..<rows).map { Double($0 - 5) }),
            ])
            let schema = try Schema(
                columns: table.columns.map { ColumnSchema($0.name, $0.type, allowsMissing: true) })
            for end in [CSVWriter.LineEnd.lf, .crlf] {
                let bytes = CSVWriter(lineEnd: end).encoded(table)
                #expect(try Table(csv: bytes, name: "t", schema: schema, format: CSVFormat(separator: .comma)) == table)
            }
            let path = FileManager.default.temporaryDirectory.appending(path: "tacit-\(UUID().uuidString).csv").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            try CSVWriter().write(table, to: path)
            #expect(try Table(csv: path, schema: schema, format: CSVFormat(separator: .comma)) == table)
        }
        let single = try Table(columns: [Column("x", numbers: [1, .nan, 3])])
        #expect(String(decoding: CSVWriter().encoded(single), as: UTF8.self) == "x\n1\n\"\"\n3\n")
        #expect(throws: TabularError.self) { try CSVWriter().write(single, to: "/nowhere/x.csv") }
    }
}
