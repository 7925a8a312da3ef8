/// How the bytes of a CSV file are to be read. The defaults read what RFC 4180 describes.
public struct CSVFormat: Hashable, Sendable {
    /// What stands between fields.
    public enum Separator: Hashable, Sendable {
        /// Comma, semicolon, tab or bar, whichever the beginning of the file shows (see ``CSVReader/detectSeparator(_:)``).
        case automatic
        case comma, semicolon, tab, bar
        /// Any other ASCII byte but a quote, a line end or NUL.
        case byte(UInt8)
    }

    /// Where column names come from.
    public enum Header: Hashable, Sendable {
        /// The first record.
        case present
        /// There is none; columns are called `column1`, `column2`, … or, with a schema, as the schema says.
        case absent
        /// There is none; these are the names.
        case names([String])
    }

    public enum Encoding: Hashable, Sendable {
        case utf8
        /// ISO 8859-1: every byte is the Unicode scalar of its value.
        case latin1
    }

    public var separator: Separator
    public var header: Header
    public var encoding: Encoding
    /// Fields that stand for a missing value, compared after unquoting. A schema column may have its own list.
    public var missingMarks: [String]
    /// Whether blanks around text and categories are dropped. Around numbers they always are.
    public var trimsBlanks: Bool
    public var limits: CSVLimits

    public init(
        separator: Separator = .automatic, header: Header = .present, encoding: Encoding = .utf8,
        missingMarks: [String] = [""], trimsBlanks: Bool = false, limits: CSVLimits = CSVLimits()
    ) {
        self.separator = separator
        self.header = header
        self.encoding = encoding
        self.missingMarks = missingMarks
        self.trimsBlanks = trimsBlanks
        self.limits = limits
    }
}

/// Bounds on what a file may make the reader allocate.
public struct CSVLimits: Hashable, Sendable {
    /// Bytes of one field, quotes included.
    public var fieldBytes: Int
    /// Bytes of one record.
    public var recordBytes: Int
    public var columns: Int
    /// Distinct values of one categorical column.
    public var categories: Int
    /// Rows that are gathered before they are handed on; the memory of a chunk is at most this many rows.
    public var chunkRows: Int

    public init(
        fieldBytes: Int = 1 << 20, recordBytes: Int = 1 << 24, columns: Int = 16_384, categories: Int = 100_000,
        chunkRows: Int = 16_384
    ) {
        self.fieldBytes = max(1, fieldBytes)
        self.recordBytes = max(1, recordBytes)
        self.columns = max(1, columns)
        self.categories = max(1, min(categories, Int(Int32.max)))
        self.chunkRows = max(1, chunkRows)
    }
}
