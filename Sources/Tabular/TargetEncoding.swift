/// How the target column becomes a number: itself, or 1 for one category and 0 for the others.
public struct TargetEncoding: Hashable, Sendable, Codable {
    public let column: EncodedColumn
    /// The category that counts as 1; nil for a numeric target.
    public let positive: String?

    /// - Parameter positive: needed for a category target, except that of two declared categories the second is taken.
    /// - Throws: ``TabularError`` for a text target, or a category target whose positive category is unclear.
    public init(_ target: ColumnSchema, positive: String? = nil) throws(TabularError) {
        let place = DataLocation(column: target.name)
        switch target.type {
        case .number, .integer:
            guard positive == nil else {
                throw TabularError(
                    .invalidArgument, "positive: got a category for a numeric target, want none", at: place)
            }
            self.positive = nil
            column = EncodedColumn(
                name: target.name, lower: target.bounds?.lower, upper: target.bounds?.upper,
                decimals: target.type == .integer ? 0 : target.decimals)
        case .category:
            let categories = target.categories ?? []
            guard let chosen = positive ?? (categories.count == 2 ? categories[1] : nil) else {
                throw TabularError(
                    .invalidArgument, "positive: got none, want one of \(Table.list(categories))", at: place)
            }
            guard categories.isEmpty || categories.contains(chosen) else {
                throw TabularError(
                    .unknownCategory, "positive: got \"\(chosen)\", want one of \(Table.list(categories))", at: place)
            }
            self.positive = chosen
            column = EncodedColumn(name: target.name, lower: 0, upper: 1, decimals: 0)
        case .text:
            throw TabularError(.wrongType, "target: got text, want a number or a category", at: place)
        }
    }

    /// The target of every row.
    /// - Throws: ``TabularError`` with file, line and column for a missing value, or one outside bounds or decimals.
    public func apply(to table: Table) throws(TabularError) -> [Double] {
        if let positive {
            let values = try table.categorical(column.name)
            let code = values.categories.firstIndex(of: positive).map(Int32.init)
            var result: [Double] = []
            result.reserveCapacity(values.count)
            for row in 0..<values.count {
                guard values.code(row) >= 0 else { throw missing(table, row) }
                result.append(values.code(row) == code ? 1 : 0)
            }
            return result
        }
        let values = try table.numeric(column.name)
        if let row = values.missing.missingRows.first { throw missing(table, row) }
        let bounds: Bounds? =
            if let lower = column.lower, let upper = column.upper { try Bounds(lower, upper) } else { nil }
        try Schema(
            columns: [ColumnSchema(column.name, .number, role: .target, bounds: bounds, decimals: column.decimals)]
        ).validate(table)
        return values.values
    }

    private func missing(_ table: Table, _ row: Int) -> TabularError {
        TabularError(
            .missingValue, "target: got a missing value, want one in every row (drop such rows first)",
            at: table.location(row: row, column: column.name))
    }
}
