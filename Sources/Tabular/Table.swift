/// Named columns of equal length.
///
/// A table is a value; slices by a range of rows share storage with the table they come from.
public struct Table: Hashable, Sendable {
    public let columns: [Column]
    public let rowCount: Int
    /// Where the rows were read from, for error messages; nil for tables assembled in memory.
    public let origin: RowOrigin?
    private let index: [String: Int]

    /// - Throws: ``TabularError`` for columns of unequal length or of equal name.
    public init(columns: [Column]) throws(TabularError) {
        try self.init(columns: columns, origin: nil)
    }

    package init(columns: [Column], origin: RowOrigin?) throws(TabularError) {
        var index: [String: Int] = [:]
        for (position, column) in columns.enumerated() {
            guard column.count == columns[0].count else {
                throw TabularError(
                    .shapeMismatch, "rows: got \(column.count), want \(columns[0].count) as in \"\(columns[0].name)\"",
                    at: DataLocation(file: origin?.file, column: column.name))
            }
            guard index.updateValue(position, forKey: column.name) == nil else {
                throw TabularError(
                    .duplicateColumn, "name: comes twice, want distinct names",
                    at: DataLocation(file: origin?.file, column: column.name))
            }
        }
        self.init(checked: columns, index: index, rowCount: columns.first?.count ?? 0, origin: origin)
    }

    private init(checked columns: [Column], index: [String: Int], rowCount: Int, origin: RowOrigin?) {
        self.columns = columns
        self.index = index
        self.rowCount = rowCount
        self.origin = origin
    }

    public var columnNames: [String] { columns.map(\.name) }

    /// The column of a name, or nil when there is none.
    public subscript(name: String) -> Column? { index[name].map { columns[$0] } }

    /// The column of a name.
    /// - Throws: ``TabularError`` naming the columns that there are.
    public func column(_ name: String) throws(TabularError) -> Column {
        guard let column = self[name] else {
            throw TabularError(
                .missingColumn, "got no such column, want one of \(Self.list(columnNames))",
                at: DataLocation(file: origin?.file, column: name))
        }
        return column
    }

    /// - Throws: ``TabularError`` when the column is not there or not numeric.
    public func numeric(_ name: String) throws(TabularError) -> NumericColumn {
        let column = try column(name)
        guard case .numeric(let values) = column.values else { throw wrongType(column, want: "number") }
        return values
    }

    /// - Throws: ``TabularError`` when the column is not there or not categorical.
    public func categorical(_ name: String) throws(TabularError) -> CategoricalColumn {
        let column = try column(name)
        guard case .categorical(let values) = column.values else { throw wrongType(column, want: "category") }
        return values
    }

    /// - Throws: ``TabularError`` when the column is not there or not text.
    public func text(_ name: String) throws(TabularError) -> TextColumn {
        let column = try column(name)
        guard case .text(let values) = column.values else { throw wrongType(column, want: "text") }
        return values
    }

    private func wrongType(_ column: Column, want: String) -> TabularError {
        TabularError(
            .wrongType, "type: got \(column.type.rawValue), want \(want)",
            at: DataLocation(file: origin?.file, column: column.name))
    }

    /// The place of a row (from 0) and column, for messages: a line of the file where it is known.
    public func location(row: Int, column: String? = nil) -> DataLocation {
        guard let origin else { return DataLocation(row: row + 1, column: column) }
        guard let line = origin.line(ofRow: row) else {
            return DataLocation(file: origin.file, row: row + 1, column: column)
        }
        return DataLocation(file: origin.file, line: line, column: column)
    }

    static func list(_ names: [String]) -> String {
        let shown = names.prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }

    public static func == (a: Table, b: Table) -> Bool { a.rowCount == b.rowCount && a.columns == b.columns }

    public func hash(into hasher: inout Hasher) { hasher.combine(columns) }

    // MARK: Parts of a table

    /// The named columns, in the order asked for.
    /// - Throws: ``TabularError`` for a column that is not there or asked for twice.
    public func selecting(columns names: [String]) throws(TabularError) -> Table {
        var chosen: [Column] = []
        for name in names { chosen.append(try column(name)) }
        return try Table(columns: chosen, origin: origin)
    }

    /// All columns but the named ones.
    /// - Throws: ``TabularError`` for a column that is not there.
    public func dropping(columns names: [String]) throws(TabularError) -> Table {
        for name in names { _ = try column(name) }
        let dropped = Set(names)
        return try Table(columns: columns.filter { !dropped.contains($0.name) }, origin: origin)
    }

    /// The rows of a range, sharing storage. The range must lie in 0..<rowCount.
    public func rows(_ range: Range<Int>) -> Table {
        precondition(range.lowerBound >= 0 && range.upperBound <= rowCount)
        return Table(
            checked: columns.map { $0.slice(range) }, index: index, rowCount: range.count,
            origin: origin?.dropping(range.lowerBound))
    }

    /// The given rows in the given order. Each must lie in 0..<rowCount; a row may come more than once.
    public func rows(_ rows: [Int]) -> Table {
        Table(
            checked: columns.map { $0.selecting(rows) }, index: index, rowCount: rows.count,
            origin: origin.map { $0.selecting(rows) })
    }

    /// The rows for which `isIncluded` is true.
    public func rows(where isIncluded: (Int) -> Bool) -> Table { rows((0..<rowCount).filter(isIncluded)) }

    /// This table with a further column, or with the column of that name replaced.
    /// - Throws: ``TabularError`` when the length differs.
    public func setting(_ column: Column) throws(TabularError) -> Table {
        var columns = columns
        if let position = index[column.name] { columns[position] = column } else { columns.append(column) }
        return try Table(columns: columns, origin: origin)
    }
}

/// From which lines of which file the rows of a table were read.
public struct RowOrigin: Hashable, Sendable {
    public let file: String
    /// Row r was read from line r + shift, where shift belongs to the last run that begins at or before r.
    private var runs: [Run]

    private struct Run: Hashable, Sendable {
        var firstRow: Int
        var shift: Int
    }

    package init(file: String) {
        self.file = file
        runs = []
    }

    /// Records that `row` was read from `line`; rows come in increasing order.
    package mutating func record(row: Int, line: Int) {
        if runs.last?.shift != line - row { runs.append(Run(firstRow: row, shift: line - row)) }
    }

    /// The line of a row (from 0), or nil when it is not known.
    public func line(ofRow row: Int) -> Int? {
        // Binary search: runs are few, except in files full of blank lines or of fields with line ends.
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].firstRow <= row { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : row + runs[low - 1].shift
    }

    func dropping(_ count: Int) -> RowOrigin {
        var result = RowOrigin(file: file)
        if let line = line(ofRow: count) { result.record(row: 0, line: line) }
        for run in runs where run.firstRow > count {
            result.runs.append(Run(firstRow: run.firstRow - count, shift: run.shift + count))
        }
        return result
    }

    func selecting(_ rows: [Int]) -> RowOrigin {
        var result = RowOrigin(file: file)
        for (new, old) in rows.enumerated() {
            guard let line = line(ofRow: old) else { return RowOrigin(file: file) }
            result.record(row: new, line: line)
        }
        return result
    }

    mutating func append(_ other: RowOrigin, atRow offset: Int) {
        for run in other.runs { record(row: run.firstRow + offset, line: run.firstRow + run.shift) }
    }
}
