/// The one error of this module: a code to act on, a message to read, and where in the data it happened.
///
/// Messages name the quantity, what came and what is wanted. They never quote a cell: tables hold private data, and
/// messages end in logs. Column names and line numbers are enough to find the place.
public struct TabularError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong; an open set, so that a new code breaks no `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String

        public init(_ name: String) { self.name = name }

        public var description: String { name }

        /// A file cannot be opened or read.
        public static let unreadable = Code("unreadable")
        /// A file cannot be written.
        public static let unwritable = Code("unwritable")
        /// Bytes that are not valid UTF-8.
        public static let invalidEncoding = Code("invalid-encoding")
        /// A NUL byte inside a field.
        public static let nulByte = Code("nul-byte")
        /// A quoted field that never ends.
        public static let unterminatedQuote = Code("unterminated-quote")
        /// A quote where RFC 4180 allows none.
        public static let strayQuote = Code("stray-quote")
        /// A row with more or fewer fields than there are columns.
        public static let raggedRow = Code("ragged-row")
        /// A file without a single byte of content.
        public static let emptyFile = Code("empty-file")
        /// A header and nothing below it.
        public static let noRows = Code("no-rows")
        /// Two columns of one name.
        public static let duplicateColumn = Code("duplicate-column")
        /// A column without a name.
        public static let unnamedColumn = Code("unnamed-column")
        /// A field, record, column count or number of categories above its limit.
        public static let limitExceeded = Code("limit-exceeded")
        /// Text where a number is wanted.
        public static let notANumber = Code("not-a-number")
        /// NaN or an infinity, or a number too large for a double.
        public static let notFinite = Code("not-finite")
        /// A fraction where an integer is wanted.
        public static let notAnInteger = Code("not-an-integer")
        /// More decimals than the schema declares.
        public static let tooManyDecimals = Code("too-many-decimals")
        /// A value outside its declared bounds.
        public static let outOfBounds = Code("out-of-bounds")
        /// A category that the schema does not list.
        public static let unknownCategory = Code("unknown-category")
        /// A missing value where none is allowed.
        public static let missingValue = Code("missing-value")
        /// A column that is asked for and not there.
        public static let missingColumn = Code("missing-column")
        /// A column that is there and not declared.
        public static let undeclaredColumn = Code("undeclared-column")
        /// A column of another type than the one asked for.
        public static let wrongType = Code("wrong-type")
        /// Columns, rows or vectors whose sizes do not fit together.
        public static let shapeMismatch = Code("shape-mismatch")
        /// A schema file that cannot be understood.
        public static let invalidSchema = Code("invalid-schema")
        /// A recipe that cannot be fitted or applied.
        public static let invalidRecipe = Code("invalid-recipe")
        /// An argument outside its range.
        public static let invalidArgument = Code("invalid-argument")
        /// A target with one value only, or another quantity that is undefined for the data at hand.
        public static let undefined = Code("undefined")
    }

    public let code: Code
    /// What came and what is wanted, without the place.
    public let message: String
    public let location: DataLocation?

    public init(_ code: Code, _ message: String, at location: DataLocation? = nil) {
        self.code = code
        self.message = message
        self.location = location
    }

    public var description: String {
        guard let location, !location.description.isEmpty else { return message }
        return "\(location): \(message)"
    }
}

/// A place in a data file or a table. Lines count from 1 as editors do; rows count from 1 without the header.
public struct DataLocation: Hashable, Sendable, CustomStringConvertible {
    public var file: String?
    public var line: Int?
    /// Used when the line is unknown, as in a table that was assembled in memory.
    public var row: Int?
    public var column: String?
    /// Offset from the beginning of the file, from 0.
    public var byteOffset: Int?

    public init(
        file: String? = nil, line: Int? = nil, row: Int? = nil, column: String? = nil, byteOffset: Int? = nil
    ) {
        self.file = file
        self.line = line
        self.row = row
        self.column = column
        self.byteOffset = byteOffset
    }

    /// For example `patients.csv:12, column "age"`.
    public var description: String {
        var place = file ?? ""
        if let line { place += place.isEmpty ? "line \(line)" : ":\(line)" }
        var parts = place.isEmpty ? [] : [place]
        if line == nil, let row { parts.append("row \(row)") }
        if let byteOffset { parts.append("byte \(byteOffset)") }
        if let column { parts.append("column \"\(column)\"") }
        return parts.joined(separator: ", ")
    }
}
