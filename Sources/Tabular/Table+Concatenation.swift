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
        for (position, table) in tables.enumerated().dropFirst() where table.columnNames != first.columnNames {
            throw TabularError(
                .shapeMismatch,
                "columns of table \(position + 1): got \(list(table.columnNames)), want \(list(first.columnNames))",
                at: DataLocation(file: table.origin?.file))
        }
        var columns: [Column] = []
        for position in first.columns.indices {
            let parts = tables.map { $0.columns[position] }
            columns.append(try concatenate(parts, files: tables.map { $0.origin?.file }))
        }
        var origin: RowOrigin?
        if let file = first.origin?.file, tables.allSatisfy({ $0.origin?.file == file }) {
            var merged = RowOrigin(file: file)
            var offset = 0
            for table in tables {
                if let part = table.origin { merged.append(part, atRow: offset) }
                offset += table.rowCount
            }
            origin = merged
        }
        return try Table(columns: columns, origin: origin)
    }

    private static func concatenate(_ parts: [Column], files: [String?]) throws(TabularError) -> Column {
        let total = parts.reduce(0) { $0 + $1.count }
        let name = parts[0].name
        func mismatch(_ position: Int) -> TabularError {
            TabularError(
                .wrongType,
                "type in table \(position + 1): got \(parts[position].type.rawValue), want \(parts[0].type.rawValue)",
                at: DataLocation(file: files[position], column: name))
        }
        switch parts[0].values {
        case .numeric:
            var values: [Double] = []
            values.reserveCapacity(total)
            var missing = MissingMask(count: 0)
            for (position, part) in parts.enumerated() {
                guard case .numeric(let column) = part.values else { throw mismatch(position) }
                column.withUnsafeValues { values.append(contentsOf: $0) }
                missing.append(column.missing)
            }
            return Column(name, .numeric(NumericColumn(storage: values, missing: missing)))
        case .categorical:
            var index: [String: Int32] = [:]
            var categories: [String] = []
            var codes: [Int32] = []
            codes.reserveCapacity(total)
            for (position, part) in parts.enumerated() {
                guard case .categorical(let column) = part.values else { throw mismatch(position) }
                let translation = column.categories.map { category -> Int32 in
                    if let code = index[category] { return code }
                    let code = Int32(categories.count)
                    index[category] = code
                    categories.append(category)
                    return code
                }
                for code in column.codes { codes.append(code < 0 ? -1 : translation[Int(code)]) }
            }
            return Column(name, .categorical(CategoricalColumn(storage: codes, categories: categories)))
        case .text:
            var bytes: [UInt8] = []
            var offsets = [0]
            offsets.reserveCapacity(total + 1)
            var missing = MissingMask(count: 0)
            for (position, part) in parts.enumerated() {
                guard case .text(let column) = part.values else { throw mismatch(position) }
                for row in 0..<column.count {
                    bytes.append(contentsOf: column.utf8(row))
                    offsets.append(bytes.count)
                }
                missing.append(column.missing)
            }
            return Column(name, .text(TextColumn(bytes: bytes, offsets: offsets, missing: missing)))
        }
    }
}
