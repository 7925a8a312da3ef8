/// A column of numbers as a model sees it, with what is publicly known about it.
public struct EncodedColumn: Hashable, Sendable, Codable {
    public let name: String
    /// Every value is at least this; nil when nothing is known.
    public let lower: Double?
    /// Every value is at most this; nil when nothing is known.
    public let upper: Double?
    /// Every value is a multiple of 10^−decimals; nil when nothing is known.
    public let decimals: Int?

    public init(name: String, lower: Double?, upper: Double?, decimals: Int?) {
        self.name = name
        self.lower = lower
        self.upper = upper
        self.decimals = decimals
    }

    /// Whether bounds and decimals are all known, so that a fixed-point encoding can be sized.
    public var isSized: Bool { lower != nil && upper != nil && decimals != nil }
}

/// Numbers in rows and columns, row after row.
public struct FeatureMatrix: Hashable, Sendable {
    /// Row r, column c is values[r * columnCount + c].
    public let values: [Double]
    public let rowCount: Int
    public let columns: [EncodedColumn]

    /// - Throws: ``TabularError`` unless there are rowCount · columns.count values, all finite.
    public init(values: [Double], rowCount: Int, columns: [EncodedColumn]) throws(TabularError) {
        guard rowCount >= 0 && values.count == rowCount * columns.count else {
            throw TabularError(
                .shapeMismatch, "values: got \(values.count), want \(rowCount) rows of \(columns.count)")
        }
        guard let bad = values.firstIndex(where: { !$0.isFinite }) else {
            self.values = values
            self.rowCount = rowCount
            self.columns = columns
            return
        }
        throw TabularError(
            .missingValue, "value: got NaN or an infinity, want a finite number; impute missing values first",
            at: DataLocation(row: bad / columns.count + 1, column: columns[bad % columns.count].name))
    }

    public var columnCount: Int { columns.count }
    public var columnNames: [String] { columns.map(\.name) }

    public subscript(row: Int, column: Int) -> Double {
        precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount)
        return values[row * columnCount + column]
    }

    public func row(_ row: Int) -> ArraySlice<Double> { values[row * columnCount..<(row + 1) * columnCount] }

    public func column(_ column: Int) -> [Double] {
        precondition(column >= 0 && column < columnCount)
        return stride(from: column, to: values.count, by: columnCount).map { values[$0] }
    }
}
