/// Reads a CSV file into typed columns, a chunk of rows at a time.
///
/// What is read: RFC 4180, and beyond it any of LF, CRLF and CR as line end, a UTF-8 byte order mark, other separators,
/// and blanks around numbers. Lines without any character are skipped when there are at least two columns; in a file of
/// one column such a line is one empty field. What the schema calls `ignore` is checked as CSV and then dropped.
///
/// Whatever cannot be read exactly throws, with file, line and column: rows with too many or too few fields, repeated or
/// empty column names, an empty file, a header without rows, NaN and infinities, text in a numeric column, a quote that
/// never closes, NUL bytes, bytes that are not UTF-8, fields or records above their limits. Each chunk is also
/// validated against the schema (bounds, categories, decimals, missing values).
/// - Cost: one pass; memory for one record, one chunk and the lists of categories, whatever the length of the file.
/// - Reference: RFC 4180, section 2.
public final class CSVReader {
    /// The names of all columns of the file, in the order of the file.
    public let columnNames: [String]
    /// What the columns of the tables are read as.
    public let schema: Schema
    /// The byte between fields, given or found.
    public let separator: UInt8
    /// What looks odd and is no error.
    public private(set) var warnings: [DataWarning] = []

    private let input: CSVInput
    private let scanner: CSVScanner
    private let format: CSVFormat
    private let validates: Bool
    private let builders: [CSVColumnBuilder]
    /// For each column of the schema that is kept: its position in the file.
    private let order: [Int]
    /// For each column of the file: where its numbers go, when the fast scan may read them.
    private let targets: UnsafeMutablePointer<UnsafeMutablePointer<Double>?>
    private let chunkRows: Int
    private var line: Int
    private var rowsRead = 0
    private var origin: RowOrigin

    /// Opens a file.
    /// - Parameter validates: whether values are held against the schema's bounds, categories, decimals and missing
    ///   values. Types always are.
    /// - Throws: ``TabularError`` when the file or its header cannot be read or does not fit the schema.
    public convenience init(
        path: String, schema: Schema, format: CSVFormat = CSVFormat(), validates: Bool = true
    ) throws(TabularError) {
        try self.init(.file(path), schema: schema, format: format, validates: validates)
    }

    /// Reads from memory; `name` stands for the file in messages.
    public convenience init(
        bytes: [UInt8], name: String, schema: Schema, format: CSVFormat = CSVFormat(), validates: Bool = true
    ) throws(TabularError) {
        try self.init(.bytes(bytes, name: name), schema: schema, format: format, validates: validates)
    }

    /// Reads from anything that fills a buffer and returns how much it put there, 0 at the end.
    public convenience init(
        name: String, schema: Schema, format: CSVFormat = CSVFormat(), validates: Bool = true,
        source: @escaping (UnsafeMutableRawBufferPointer) throws(TabularError) -> Int
    ) throws(TabularError) {
        try self.init(
            CSVInput(name: name, source: source), schema: schema, format: format, validates: validates)
    }

    /// - Parameter schema: nil reads every column as text.
    init(_ input: CSVInput, schema: Schema?, format: CSVFormat, validates: Bool) throws(TabularError) {
        self.input = input
        self.format = format
        let opening = try CSVOpening(input, format: format, schema: schema)
        columnNames = opening.names
        separator = opening.scanner.separator
        scanner = opening.scanner
        line = opening.nextLine
        warnings = opening.warnings
        origin = RowOrigin(file: input.name)
        if let schema {
            self.schema = schema
        } else {
            self.schema = try Schema(columns: opening.names.map { ColumnSchema($0, .text, allowsMissing: true) })
        }
        self.validates = validates && schema != nil

        // Very wide files get shorter chunks, so that a chunk stays within some 64 MB of numbers.
        let rows = min(format.limits.chunkRows, max(64, (1 << 23) / opening.names.count))
        chunkRows = rows
        var declared: [String: Int] = [:]
        for (position, column) in self.schema.columns.enumerated() { declared[column.name] = position }
        var builders: [CSVColumnBuilder] = []
        for name in opening.names {
            guard let position = declared[name] else {
                throw TabularError(
                    .undeclaredColumn,
                    "got a column that the schema does not declare; declare it, if only with the role ignore",
                    at: DataLocation(file: input.name, line: opening.headerLine, column: name))
            }
            let column = self.schema.columns[position]
            builders.append(
                CSVColumnBuilder(
                    name: name, kind: Self.kind(column), categories: column.categories ?? [],
                    missingMarks: column.missingMarks ?? self.schema.missingMarks ?? format.missingMarks,
                    chunkRows: rows, limits: format.limits))
        }
        self.builders = builders
        var order: [Int] = []
        for column in self.schema.columns {
            let position = opening.names.firstIndex(of: column.name)
            if position == nil && column.role != .ignore {
                throw TabularError(
                    .missingColumn,
                    "got no such column, want it as the schema declares it; the file has "
                        + Table.list(opening.names),
                    at: DataLocation(file: input.name, line: opening.headerLine, column: column.name))
            }
            if let position, column.role != .ignore { order.append(position) }
        }
        self.order = order
        targets = .allocate(capacity: builders.count)
        for (position, builder) in builders.enumerated() {
            (targets + position).initialize(to: builder.allowsFastNumbers ? builder.numbers : nil)
        }
    }

    deinit { targets.deallocate() }

    private static func kind(_ column: ColumnSchema) -> CSVColumnBuilder.Kind {
        if column.role == .ignore { return .skipped }
        switch column.type {
        case .number, .integer: return .numeric
        case .category: return .categorical
        case .text: return .text
        }
    }

    /// The next rows, at most ``CSVLimits/chunkRows``; nil behind the last one.
    ///
    /// Columns come in the order of the schema. The categories of a chunk begin with those of the chunk before.
    /// - Throws: ``TabularError``; after an error the reader is of no further use.
    public func next() throws(TabularError) -> Table? {
        var rows = 0
        origin = RowOrigin(file: input.name)
        while true {
            try parseBuffered(&rows)
            if rows == chunkRows || (input.isAtEnd && input.count == 0) { break }
            let limit = format.limits.recordBytes
            guard try input.fill(limit: limit) else {
                throw TabularError(
                    .limitExceeded,
                    "record length: got more than \(limit) bytes, want at most that; is a quote left open?",
                    at: DataLocation(file: input.name, line: line))
            }
        }
        guard rows > 0 else {
            guard rowsRead > 0 else {
                throw TabularError(
                    .noRows, "rows: got none below the header, want at least one",
                    at: DataLocation(file: input.name, line: line))
            }
            return nil
        }
        rowsRead += rows
        let taken = builders.map { $0.take(rows: rows) }
        let table = try Table(columns: order.compactMap { taken[$0] }, origin: origin)
        if validates { try schema.validate(table) }
        return table
    }

    /// All remaining rows as one table.
    /// - Throws: ``TabularError``.
    public func readAll() throws(TabularError) -> Table {
        guard let first = try next() else {
            throw TabularError(
                .noRows, "rows: got none that are left, want at least one", at: DataLocation(file: input.name))
        }
        guard let second = try next() else { return first }
        // As many rows as the file would have if all were as long as the first ones, and some more.
        let share = Double(input.size ?? 0) / Double(max(1, input.fileOffset(input.base)))
        let expected = Double(first.rowCount + second.rowCount) * max(1, share) * 1.02
        var whole = TableAccumulator(first, expectedRows: Int(min(expected, 1e9)))
        try whole.append(second)
        while let chunk = try next() { try whole.append(chunk) }
        return try whole.table()
    }

    /// Takes over as many whole records as the buffer holds.
    private func parseBuffered(_ rowCount: inout Int) throws(TabularError) {
        let base = input.base
        let end = base + input.count
        let isAtEnd = input.isAtEnd
        let separator = separator
        let columnCount = builders.count
        let maximum = chunkRows
        let targets = targets
        let tables = DecimalParser.tables
        var row = rowCount
        var line = line
        var p = base
        records: while row < maximum && p < end {
            let record = p
            let recordLine = line
            if columnCount > 1 && (p[0] == 0x0A || p[0] == 0x0D) {
                if p[0] == 0x0D && p + 1 >= end && !isAtEnd { break records }
                p += p[0] == 0x0D && p[1] == 0x0A && p + 1 < end ? 2 : 1
                line += 1
                continue
            }
            var column = 0
            while true {
                var isDone = false
                if let target = targets[column] {
                    var q = p
                    if let value = DecimalParser.scan(&q, tables) {
                        if q < end ? (q[0] == separator || q[0] == 0x0A || q[0] == 0x0D) : isAtEnd {
                            target[row] = value
                            p = q
                            isDone = true
                        }
                    }
                }
                if !isDone {
                    guard let next = try takeField(p, end, isAtEnd: isAtEnd, column: column, row: row, line: &line)
                    else {
                        line = recordLine
                        p = record
                        for builder in builders { builder.truncate(to: row) }
                        break records
                    }
                    p = next
                }
                if p < end && p[0] == separator {
                    p += 1
                    column += 1
                    if column == columnCount { throw tooManyFields(p, end, line: recordLine) }
                    continue
                }
                if column + 1 < columnCount {
                    throw TabularError(
                        .raggedRow,
                        "fields: got \(column + 1), want \(columnCount); this is the first column that is missing",
                        at: DataLocation(file: input.name, line: recordLine, column: columnNames[column + 1]))
                }
                if p < end {
                    if p[0] == 0x0D {
                        if p + 1 >= end && !isAtEnd {
                            line = recordLine
                            p = record
                            for builder in builders { builder.truncate(to: row) }
                            break records
                        }
                        p += p + 1 < end && p[1] == 0x0A ? 2 : 1
                    } else {
                        p += 1
                    }
                }
                line += 1
                break
            }
            origin.record(row: row, line: recordLine)
            row += 1
        }
        input.consume(p - base)
        self.line = line
        rowCount = row
    }

    /// Reads one field the careful way and appends it to its column.
    /// - Returns: where the field ends, or nil when that is not in the buffer yet.
    private func takeField(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, isAtEnd: Bool, column: Int, row: Int,
        line: inout Int
    ) throws(TabularError) -> UnsafePointer<UInt8>? {
        let found: CSVScanner.Field?
        do { found = try scanner.field(start, end, isAtEnd: isAtEnd) } catch {
            throw TabularError(
                error.code, error.message,
                at: DataLocation(
                    file: input.name, line: line + error.lineEnds, column: columnNames[column],
                    byteOffset: input.fileOffset(start + error.offset)))
        }
        guard let field = found else { return nil }
        let fieldLine = line
        line += field.lineEnds
        let builder = builders[column]
        var bytes = field.bytes
        if builder.kind == .numeric || format.trimsBlanks { bytes = Self.trimmed(bytes) }
        if builder.kind == .skipped { return field.next }
        if builder.isMissingMark(bytes) {
            builder.appendMissing(row: row)
            return field.next
        }
        switch builder.kind {
        case .numeric:
            switch DecimalParser.parse(bytes) {
            case .number(let value): builder.numbers![row] = value
            case let outcome: throw notANumber(outcome, bytes, line: fieldLine, column: column)
            }
        case .categorical:
            guard builder.appendCategory(bytes) else {
                throw TabularError(
                    .limitExceeded,
                    "categories: got more than \(format.limits.categories) distinct values; want the type text?",
                    at: DataLocation(file: input.name, line: fieldLine, column: columnNames[column]))
            }
        case .text: builder.appendText(bytes)
        case .skipped: break
        }
        return field.next
    }

    private static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var low = 0
        var high = bytes.count
        while low < high && (bytes[low] == 0x20 || bytes[low] == 0x09) { low += 1 }
        while high > low && (bytes[high - 1] == 0x20 || bytes[high - 1] == 0x09) { high -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[low..<high])
    }

    private func notANumber(
        _ outcome: DecimalParser.Outcome, _ bytes: UnsafeBufferPointer<UInt8>, line: Int, column: Int
    ) -> TabularError {
        let place = DataLocation(file: input.name, line: line, column: columnNames[column])
        switch outcome {
        case .decimalComma:
            return TabularError(
                .notANumber,
                "number: got a decimal comma (or a comma between thousands), want a decimal point and no grouping",
                at: place)
        case .notFinite:
            return TabularError(
                .notFinite,
                "number: got NaN or an infinity, want a finite number; if it marks a missing value, list it as such",
                at: place)
        case .overflow:
            return TabularError(.notFinite, "number: got one beyond 1.8e308, want one that a double holds", at: place)
        case .malformed, .number:
            let what = bytes.isEmpty ? "an empty field" : "text of \(bytes.count) bytes"
            return TabularError(
                .notANumber, "number: got \(what), want a number or one of the missing marks", at: place)
        }
    }

    private func tooManyFields(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, line: Int
    ) -> TabularError {
        TabularError(
            .raggedRow, "fields: got more than \(columnNames.count), want \(columnNames.count)",
            at: DataLocation(file: input.name, line: line, column: columnNames[columnNames.count - 1]))
    }
}
