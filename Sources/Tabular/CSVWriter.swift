import AtomicFiles

/// Writes tables as CSV, as RFC 4180 has it: commas, quotes only where needed, a header. Lines end in LF by default.
///
/// Numbers are written in the shortest form that reads back as the same double, integers without a point. A missing
/// value is an empty field, and in a table of one column a quoted empty one, so that the line is not blank.
/// - Edge cases: an empty string reads back as missing, since RFC 4180 cannot tell the two apart.
public struct CSVWriter: Sendable {
    public enum LineEnd: String, Hashable, Sendable { case lf = "\n", crlf = "\r\n" }

    public var lineEnd: LineEnd

    public init(lineEnd: LineEnd = .lf) { self.lineEnd = lineEnd }

    /// The table as bytes.
    public func encoded(_ table: Table) -> [UInt8] {
        var bytes = header(table)
        for row in 0..<table.rowCount { append(table, row: row, to: &bytes) }
        return bytes
    }

    /// Writes a file, whole or not at all.
    /// - Throws: ``TabularError`` when it cannot be written.
    /// - Cost: memory for some 64 kB of text beside the table.
    public func write(_ table: Table, to path: String, permissions: UInt16 = 0o644) throws(TabularError) {
        do throws(AtomicFilesError) {
            let file = try AtomicFile(path: path, permissions: permissions)
            var bytes = header(table)
            for row in 0..<table.rowCount {
                append(table, row: row, to: &bytes)
                if bytes.count > 1 << 16 {
                    try file.write(bytes)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
            try file.write(bytes)
            try file.commit()
        } catch {
            throw TabularError(.unwritable, error.message)
        }
    }

    private func header(_ table: Table) -> [UInt8] {
        var bytes: [UInt8] = []
        for (position, column) in table.columns.enumerated() {
            if position > 0 { bytes.append(0x2C) }
            Self.appendField(Array(column.name.utf8)[...], to: &bytes)
        }
        bytes.append(contentsOf: lineEnd.rawValue.utf8)
        return bytes
    }

    private func append(_ table: Table, row: Int, to bytes: inout [UInt8]) {
        for (position, column) in table.columns.enumerated() {
            if position > 0 { bytes.append(0x2C) }
            if column.isMissing(row) {
                if table.columns.count == 1 { bytes.append(contentsOf: [0x22, 0x22]) }
                continue
            }
            switch column.values {
            case .numeric(let numbers): if let value = numbers[row] { bytes.append(contentsOf: Self.text(value).utf8) }
            case .categorical(let values):
                if let value = values[row] { Self.appendField(Array(value.utf8)[...], to: &bytes) }
            case .text(let text): Self.appendField(text.utf8(row), to: &bytes)
            }
        }
        bytes.append(contentsOf: lineEnd.rawValue.utf8)
    }

    /// The shortest decimal form that reads back as the same double; `5` rather than `5.0`.
    static func text(_ value: Double) -> String {
        if value == value.rounded(.towardZero) && value.magnitude < 1e15 && !(value == 0 && value.sign == .minus) {
            return String(Int(value))
        }
        return value.description
    }

    private static func appendField(_ field: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        // Blanks at the ends are quoted as well: RFC 4180 keeps them, other readers may not.
        let needsQuotes =
            field.isEmpty || field.first == 0x20 || field.last == 0x20 || field.first == 0xEF
            || field.contains { [0x22, 0x0A, 0x0D].contains($0) || [0x2C, 0x3B, 0x09, 0x7C].contains($0) }
        guard needsQuotes else {
            bytes.append(contentsOf: field)
            return
        }
        bytes.append(0x22)
        for byte in field {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }
}
