/// What a table holds, column by column: what `tacit data describe` shows.
///
/// A summary is computed from the data and is as private as the data.
public struct TableSummary: Hashable, Sendable, Codable {
    public struct ColumnSummary: Hashable, Sendable, Codable {
        public let name: String
        public let type: ColumnType
        public let role: ColumnRole?
        public let count: Int
        public let missing: Int
        /// Numeric columns with at least one value.
        public let numbers: NumberSummary?
        /// Category columns: the most frequent categories, ties in order of the alphabet.
        public let topCategories: [CategoryCount]?
        /// Category and text columns: different values.
        public let distinct: Int?
    }

    public struct NumberSummary: Hashable, Sendable, Codable {
        public let minimum: Double
        public let maximum: Double
        public let mean: Double
        /// With divisor n − 1; nil for a single value.
        public let standardDeviation: Double?
        /// 25, 50 and 75 %, linear between the neighbouring values (type 7 of Hyndman and Fan).
        public let quartiles: [Double]
    }

    public struct CategoryCount: Hashable, Sendable, Codable {
        public let category: String
        public let count: Int
    }

    public let rowCount: Int
    public let columns: [ColumnSummary]
    public let warnings: [DataWarning]

    /// - Parameters:
    ///   - schema: adds roles, and says which column is the target.
    ///   - topCount: how many categories are listed.
    /// - Cost: O(n log n) a column.
    public init(_ table: Table, schema: Schema? = nil, topCount: Int = 5) {
        rowCount = table.rowCount
        columns = table.columns.map { Self.summarise($0, role: schema?[$0.name]?.role, topCount: topCount) }
        warnings = table.warnings(schema: schema)
    }

    private static func summarise(_ column: Column, role: ColumnRole?, topCount: Int) -> ColumnSummary {
        var numbers: NumberSummary?
        var top: [CategoryCount]?
        var distinct: Int?
        switch column.values {
        case .numeric(let values): numbers = summarise(values.presentValues)
        case .categorical(let values):
            let counted = zip(values.categories, values.counts).filter { $0.1 > 0 }
            distinct = counted.count
            top = counted.sorted { $0.1 > $1.1 || ($0.1 == $1.1 && $0.0 < $1.0) }.prefix(max(0, topCount))
                .map { CategoryCount(category: $0.0, count: $0.1) }
        case .text(let values):
            distinct = Set((0..<values.count).lazy.filter { !values.missing[$0] }.map { values.utf8($0) }).count
        }
        return ColumnSummary(
            name: column.name, type: column.type, role: role, count: column.count, missing: column.missingCount,
            numbers: numbers, topCategories: top, distinct: distinct)
    }

    private static func summarise(_ values: [Double]) -> NumberSummary? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let mean = RecipeState.mean(values)
        var squares = 0.0
        for value in values { squares += (value - mean) * (value - mean) }
        let quartiles = [0.25, 0.5, 0.75].map { share -> Double in
            let place = share * Double(sorted.count - 1)
            let low = Int(place)
            let high = min(low + 1, sorted.count - 1)
            return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
        }
        return NumberSummary(
            minimum: sorted[0], maximum: sorted[sorted.count - 1], mean: mean,
            standardDeviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil,
            quartiles: quartiles)
    }
}

extension Table {
    /// What looks odd: columns that are constant or empty, a target of one class, rows that come more than once, a
    /// schema that nobody has confirmed.
    public func warnings(schema: Schema? = nil) -> [DataWarning] {
        var warnings: [DataWarning] = []
        if let schema, !schema.isConfirmed {
            warnings.append(
                DataWarning(
                    .unconfirmedSchema,
                    "the schema is a proposal read off the data: its bounds and categories are private until its owner has "
                        + "replaced them by public knowledge and confirmed it"))
        }
        for column in columns {
            let isTarget = schema?[column.name]?.role == .target
            if column.missingCount == column.count && column.count > 0 {
                warnings.append(DataWarning(.emptyColumn, "every value is missing", column: column.name))
            } else if column.count > 1, Self.isConstant(column) {
                warnings.append(
                    isTarget
                        ? DataWarning(
                            .oneClassTarget, "the target has one value in all rows: nothing can be learnt",
                            column: column.name)
                        : DataWarning(.constantColumn, "has one value in all rows", column: column.name))
            }
        }
        let share = duplicatedRowShare
        if share >= 0.01 {
            let percent = (share * 1000).rounded() / 10
            warnings.append(
                DataWarning(
                    .duplicatedRows,
                    "\(percent) % of the rows repeat an earlier one: a random split puts copies on both sides"))
        }
        return warnings
    }

    private static func isConstant(_ column: Column) -> Bool {
        switch column.values {
        case .numeric(let values):
            let present = values.presentValues
            return present.allSatisfy { $0 == present[0] }
        case .categorical(let values): return values.counts.count { $0 > 0 } == 1
        case .text(let values):
            let present = (0..<values.count).filter { !values.missing[$0] }
            return present.allSatisfy { values.utf8($0) == values.utf8(present[0]) }
        }
    }

    /// The share of rows that equal an earlier row in every column, in [0, 1).
    /// - Cost: expected O(cells).
    public var duplicatedRowShare: Double {
        guard rowCount > 0 else { return 0 }
        // Column by column, rows are refined into classes of equal rows; a class is named by a small number.
        var classes = [Int](repeating: 0, count: rowCount)
        for column in columns {
            guard let keys = try? keys(of: column.name) else { continue }
            var index: [Pair: Int] = [:]
            for row in 0..<rowCount {
                let pair = Pair(a: classes[row], b: keys[row])
                if let known = index[pair] {
                    classes[row] = known
                } else {
                    classes[row] = index.count
                    index[pair] = index.count
                }
            }
            if index.count == rowCount { return 0 }
        }
        return Double(rowCount - Set(classes).count) / Double(rowCount)
    }

    private struct Pair: Hashable {
        let a: Int
        let b: Int
    }
}
