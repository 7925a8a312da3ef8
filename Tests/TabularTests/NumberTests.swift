import Foundation
import Tabular
import Testing

/// Numbers go through the CSV reader, in columns of many rows, and are compared bit for bit with the C library.
@Suite struct NumberTests {
    static func read(_ numbers: [String]) throws -> [Double] {
        let bytes = Array(("x\n" + numbers.joined(separator: "\n") + "\n").utf8)
        let schema = try Schema(columns: [ColumnSchema("x", .number)])
        return try Table(csv: bytes, name: "t.csv", schema: schema).numeric("x").values
    }

    static func expectSame(_ numbers: [String], _ comment: Comment) throws {
        let ours = try read(numbers)
        try #require(ours.count == numbers.count)
        var wrong: [String] = []
        for (text, value) in zip(numbers, ours) where value.bitPattern != strtod(text, nil).bitPattern {
            wrong.append(text)
        }
        #expect(wrong.isEmpty, "\(comment): \(wrong.prefix(5))")
    }

    @Test func shortestFormsOfRandomDoubles() throws {
        var generator = ShuffleGenerator(seed: 1)
        let numbers = (0..<1_000_000).map { _ -> String in
            var value = Double.nan
            while !value.isFinite { value = Double(bitPattern: generator.next()) }
            return value.description
        }
        try Self.expectSame(numbers, "random bit patterns")
    }

    @Test func decimalsAsTheyStandInTables() throws {
        var generator = ShuffleGenerator(seed: 2)
        let numbers = (0..<2_000_000).map { _ -> String in
            var text = generator.next(below: 2) == 0 ? "-" : ""
            for _ in 0..<generator.next(below: 12) { text += String(generator.next(below: 10)) }
            text += "\(generator.next(below: 10))."
            for _ in 0..<generator.next(below: 22) { text += String(generator.next(below: 10)) }
            if generator.next(below: 4) == 0 { text += "e\(generator.next(below: 61) - 30)" }
            return text
        }
        try Self.expectSame(numbers, "random digits")
    }

    /// Decimal expansions of points exactly half way between two doubles, and their neighbours in the last digit.
    @Test func tiesAndTheirNeighbours() throws {
        var generator = ShuffleGenerator(seed: 3)
        var numbers: [String] = []
        for _ in 0..<200_000 {
            // m·2ᵏ with 54 bits, the last one set: half way. As a decimal integer for k ≥ 0, with k decimals below.
            let mantissa = generator.next() >> 10 | 1 << 53 | 1
            let shift = generator.next(below: 8)
            numbers.append("\(mantissa)")
            if shift < 4 { numbers.append("\(mantissa)" + String(repeating: "0", count: shift)) }
            numbers += [
                "\(mantissa - 1)", "\(mantissa + 1)", "\(mantissa).5", "\(mantissa)e\(shift)", "\(mantissa)e-\(shift)",
            ]
            // (2m + 1)/2 with its exact fraction.
            numbers.append("\(mantissa >> 1).5")
            numbers.append("\(mantissa >> 2).25")
            numbers.append("\(mantissa >> 2).75")
        }
        try Self.expectSame(numbers, "ties")
    }

    @Test func edges() throws {
        try Self.expectSame(
            [
                "0", "-0", "+0", "0.0", "-0.0e5", "00012", "1e22", "1e23", "-1e-22", "1e-23", "9007199254740993",
                "9007199254740992", "9007199254740993e5", "1.7976931348623157e308", "4.9e-324",
                "2.4703282292062327e-324",
                "2.4703282292062328e-324", "2.2250738585072011e-308", "1e-400", "0e999",
                "0.000000000000000000000000000001",
                "18446744073709551615", "18446744073709551616", "9999999999999999999", "99999999999999999999",
                "123456789012345678901234567890", ".5", "5.", "-.5e-3", "1E5", "1e+05", "0.1e1",
                "179769313486231580793728971405301e276",
                String(repeating: "0", count: 400) + "1" + "." + String(repeating: "3", count: 400),
            ], "edges")
        #expect(try Self.read([" 1.5", "\t2 ", "  -3\t"]) == [1.5, 2, -3])
    }

    @Test(arguments: [
        ("abc", "number: got text of 3 bytes, want a number or one of the missing marks"),
        ("1.2.3", "number: got text of 5 bytes, want a number or one of the missing marks"),
        ("0x10", "number: got text of 4 bytes, want a number or one of the missing marks"),
        ("1e", "number: got text of 2 bytes, want a number or one of the missing marks"),
        ("--1", "number: got text of 3 bytes, want a number or one of the missing marks"),
        (".", "number: got text of 1 bytes, want a number or one of the missing marks"),
        ("1 2", "number: got text of 3 bytes, want a number or one of the missing marks"),
        ("NaN", "number: got NaN or an infinity, want a finite number; if it marks a missing value, list it as such"),
        ("-inf", "number: got NaN or an infinity, want a finite number; if it marks a missing value, list it as such"),
        ("1e309", "number: got one beyond 1.8e308, want one that a double holds"),
        ("\"1,5\"", "number: got a decimal comma (or a comma between thousands), want a decimal point and no grouping"),
    ])
    func whatIsNoNumber(text: String, message: String) throws {
        let schema = try Schema(columns: [ColumnSchema("x", .number), ColumnSchema("y", .number)])
        let bytes = Array("x,y\n1,2\n3,\(text)\n".utf8)
        let error = #expect(throws: TabularError.self) { try Table(csv: bytes, name: "t.csv", schema: schema) }
        #expect(error?.description == "t.csv:3, column \"y\": " + message)
    }
}
