extension Table {
    /// One table under another.
    ///
    /// Every table must have the same columns, by name, in the same order and of the same kind. Category lists may
    /// differ: the result lists the categories in order of first appearance, and codes are translated.
    /// - Throws: ``TabularError`` for no table at all, or columns that differ.
    /// - Cost: O(cells); numbers are copied once.
    public static func concatenating(_ tables: [Table]) throws(TabularError) -> Table {
        guard let first = tables.first else {
            throw TabularError(.invalidArgument, "tables: got none, want at least one")
        }
        if tables.count == 1 { return first }
        var whole = TableAccumulator(first, expectedRows: tables.reduce(0) { $0 + $1.rowCount })
        for table in tables.dropFirst() { try whole.append(table) }
        return try whole.table()
    }
}

/// A table that grows at its end.
struct TableAccumulator {
    /// One column; what its kind does not use stays empty. Not an enumeration: its arrays are changed in place.
    private struct Part {
        enum Kind { case numeric, categorical, text }
        let kind: Kind
        var numbers: [Double] = []
        var missing = MissingMask(count: 0)
        var codes: [Int32] = []
        var categories: [String] = []
        var index: [String: Int32] = [:]
        var bytes: [UInt8] = []
        var offsets = [0]
    }

    private let names: [String]
    private let types: [ColumnType]
    private var parts: [Part] = []
    private var rowCount = 0
    /// Nil once tables of several files have come.
    private var origin: RowOrigin?
    private var tableCount = 0

    /// - Parameter expectedRows: for how many rows room is made; more may come.
    init(_ first: Table, expectedRows: Int) {
        names = first.columnNames
        types = first.columns.map(\.type)
        origin = first.origin.map { RowOrigin(file: $0.file) }
        for column in first.columns {
            var part: Part
            switch column.values {
            case .numeric:
                part = Part(kind: .numeric)
                part.numbers.reserveCapacity(expectedRows)
            case .categorical:
                part = Part(kind: .categorical)
                part.codes.reserveCapacity(expectedRows)
            case .text: part = Part(kind: .text)
            }
            parts.append(part)
        }
        // Its own columns cannot differ from themselves.
        for position in parts.indices { _ = append(first.columns[position], to: position) }
        finish(first)
    }

    mutating func append(_ table: Table) throws(TabularError) {
        guard table.columnNames == names else {
            throw TabularError(
                .shapeMismatch,
                "columns of table \(tableCount + 1): got \(Table.list(table.columnNames)), want \(Table.list(names))",
                at: DataLocation(file: table.origin?.file))
        }
        for (position, column) in table.columns.enumerated() where !append(column, to: position) {
            throw TabularError(
                .wrongType,
                "type in table \(tableCount + 1): got \(column.type.rawValue), want \(types[position].rawValue)",
                at: DataLocation(file: table.origin?.file, column: column.name))
        }
        finish(table)
    }

    private mutating func finish(_ table: Table) {
        if let known = origin, let part = table.origin, part.file == known.file {
            origin?.append(part, atRow: rowCount)
        } else {
            origin = nil
        }
        rowCount += table.rowCount
        tableCount += 1
    }

    /// - Returns: false for a column of another kind.
    private mutating func append(_ column: Column, to position: Int) -> Bool {
        switch (parts[position].kind, column.values) {
        case (.numeric, .numeric(let added)):
            added.withUnsafeValues { parts[position].numbers.append(contentsOf: $0) }
            parts[position].missing.append(added.missing)
        case (.categorical, .categorical(let added)):
            let translation = added.categories.map { category -> Int32 in
                if let code = parts[position].index[category] { return code }
                let code = Int32(parts[position].categories.count)
                parts[position].index[category] = code
                parts[position].categories.append(category)
                return code
            }
            parts[position].codes.append(
                contentsOf: (0..<added.count).lazy.map { row in
                    let code = added.code(row)
                    return code < 0 ? -1 : translation[Int(code)]
                })
        case (.text, .text(let added)):
            for row in 0..<added.count {
                parts[position].bytes.append(contentsOf: added.utf8(row))
                parts[position].offsets.append(parts[position].bytes.count)
            }
            parts[position].missing.append(added.missing)
        default: return false
        }
        return true
    }

    func table() throws(TabularError) -> Table {
        var columns: [Column] = []
        for (name, part) in zip(names, parts) {
            switch part.kind {
            case .numeric:
                columns.append(Column(name, .numeric(NumericColumn(storage: part.numbers, missing: part.missing))))
            case .categorical:
                columns.append(
                    Column(name, .categorical(CategoricalColumn(storage: part.codes, categories: part.categories))))
            case .text:
                columns.append(
                    Column(
                        name, .text(TextColumn(bytes: part.bytes, offsets: part.offsets, missing: part.missing))))
            }
        }
        return try Table(columns: columns, origin: origin)
    }
}
