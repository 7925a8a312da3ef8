import Foundation
import Tabular
import Testing

@Suite struct TableTests {
    static func table() throws -> Table {
        try Table(columns: [
            Column("n", numbers: [1, .nan, 3.5, 4]), Column("c", categories: ["x", "y", nil, "x"]),
            Column("t", text: ["a", "", nil, "ü"]),
        ])
    }

    @Test func slicesAndSelections() throws {
        let table = try Self.table()
        let slice = table.rows(1..<4)
        #expect(slice.rowCount == 3)
        #expect(try slice.numeric("n")[0] == nil)
        #expect(try slice.numeric("n")[2] == 4)
        #expect(try slice.rows(1..<3).numeric("n").values == [3.5, 4])
        #expect(try slice.numeric("n").missing.missingRows == [0])
        #expect(try slice.categorical("c")[1] == nil)
        #expect(try slice.categorical("c").missingCount == 1)
        #expect(try slice.text("t").values == ["", nil, "ü"])
        #expect(slice == table.rows([1, 2, 3]))
        #expect(try table.rows([3, 3, 1]).text("t").values == ["ü", "ü", ""])
        #expect(table.rows { $0 % 2 == 0 }.rowCount == 2)
        #expect(try table.selecting(columns: ["t", "n"]).columnNames == ["t", "n"])
        #expect(try table.dropping(columns: ["c"]).columnNames == ["n", "t"])
        #expect(try !slice.numeric("n").isIntegral)
    }

    @Test func concatenationTranslatesCategories() throws {
        let a = try Table(columns: [Column("c", categories: ["x", "y"]), Column("n", numbers: [1, .nan])])
        let b = try Table(columns: [Column("c", categories: ["z", nil, "x"]), Column("n", numbers: [.nan, 2, 3])])
        let both = try Table.concatenating([a, b, a])
        #expect(try both.categorical("c").categories == ["x", "y", "z"])
        #expect(try both.categorical("c").codes == [0, 1, 2, -1, 0, 0, 1])
        #expect(try both.numeric("n").missing.missingRows == [1, 2, 6])
        let names = #expect(throws: TabularError.self) {
            try Table.concatenating([a, b.selecting(columns: ["n", "c"])])
        }
        #expect(names?.description == "columns of table 2: got \"n\", \"c\", want \"c\", \"n\"")
        let types = #expect(throws: TabularError.self) {
            try Table.concatenating([a, b.setting(Column("n", text: ["1", "2", "3"]))])
        }
        #expect(types?.description == "column \"n\": type in table 2: got text, want integer")
        #expect(throws: TabularError.self) { try Table.concatenating([]) }
        var whole = [a, b]
        for seed in 0..<40 { whole.append(seed % 2 == 0 ? a : b) }
        let many = try Table.concatenating(whole)
        #expect(many.rowCount == whole.reduce(0) { $0 + $1.rowCount })
        #expect(many.rows(2..<5) == b && many.rows(many.rowCount - 3..<many.rowCount) == b)
    }

    @Test func badTables() {
        let length = #expect(throws: TabularError.self) {
            try Table(columns: [Column("a", numbers: [1]), Column("b", numbers: [1, 2])])
        }
        #expect(length?.description == "column \"b\": rows: got 2, want 1 as in \"a\"")
        let twice = #expect(throws: TabularError.self) {
            try Table(columns: [Column("a", numbers: [1]), Column("a", numbers: [2])])
        }
        #expect(twice?.description == "column \"a\": name: comes twice, want distinct names")
        let absent = #expect(throws: TabularError.self) { try Self.table().numeric("z") }
        #expect(absent?.description == "column \"z\": got no such column, want one of \"n\", \"c\", \"t\"")
        #expect(throws: TabularError.self) { try CategoricalColumn(codes: [0, 2], categories: ["a", "b"]) }
        #expect(throws: TabularError.self) { try CategoricalColumn(codes: [0], categories: ["a", "a"]) }
    }

    @Test func summaryAndWarnings() throws {
        let table = try Table(columns: [
            Column("x", numbers: [1, 2, 3, 4, .nan, 1]), Column("k", numbers: [7, 7, 7, 7, 7, 7]),
            Column("c", categories: ["b", "a", "b", nil, "a", "b"]),
            Column("e", numbers: [.nan, .nan, .nan, .nan, .nan, .nan]),
            Column("t", text: ["p", "q", nil, "p", "r", "p"]),
        ])
        let summary = TableSummary(table)
        let x = try #require(summary.columns[0].numbers)
        #expect(summary.columns[0].missing == 1)
        #expect(x.minimum == 1 && x.maximum == 4 && isClose(x.mean, 2.2))
        // numpy 2: percentile([1, 2, 3, 4, 1], [25, 50, 75]) and std(ddof=1).
        #expect(x.quartiles == [1, 2, 3])
        #expect(isClose(try #require(x.standardDeviation), 1.3038404810405297))
        #expect(summary.columns[2].topCategories?.map(\.category) == ["b", "a"])
        #expect(summary.columns[2].topCategories?.map(\.count) == [3, 2])
        #expect(summary.columns[3].numbers == nil && summary.columns[4].distinct == 3)
        #expect(summary.warnings.map(\.code) == [.constantColumn, .emptyColumn, .duplicatedRows])
        #expect(table.duplicatedRowShare == 1.0 / 6)
        let json = try JSONEncoder().encode(summary)
        #expect(try JSONDecoder().decode(TableSummary.self, from: json) == summary)
        let schema = try Schema(columns: [ColumnSchema("k", .integer, role: .target)])
        #expect(table.warnings(schema: schema).first?.code == .oneClassTarget)
    }
}
