/// The beginning of a CSV file: byte order mark, separator, header.
struct CSVOpening {
    let names: [String]
    let scanner: CSVScanner
    /// The line of the header, nil when there is none.
    let headerLine: Int?
    /// The line on which the first record begins.
    let nextLine: Int
    private(set) var warnings: [DataWarning] = []

    /// How much of the file the separator is judged by.
    private static let sampleBytes = 1 << 16

    init(_ input: CSVInput, format: CSVFormat, schema: Schema?) throws(TabularError) {
        let here = DataLocation(file: input.name, line: 1)
        while input.count < Self.sampleBytes && !input.isAtEnd {
            guard try input.fill(limit: format.limits.recordBytes) else { break }
        }
        if input.count >= 2, Set([input.base[0], input.base[1]]) == [0xFE, 0xFF] {
            throw TabularError(
                .invalidEncoding, "encoding: got a UTF-16 byte order mark, want UTF-8; convert the file first",
                at: here)
        }
        if input.count >= 3, input.base[0] == 0xEF, input.base[1] == 0xBB, input.base[2] == 0xBF { input.consume(3) }
        var line = 1
        while input.count > 0, input.base[0] == 0x0A || input.base[0] == 0x0D {
            let isPair = input.count > 1 && input.base[0] == 0x0D && input.base[1] == 0x0A
            input.consume(isPair ? 2 : 1)
            line += 1
            if input.count < 2 && !input.isAtEnd { _ = try input.fill(limit: format.limits.recordBytes) }
        }
        guard input.count > 0 else {
            throw TabularError(
                .emptyFile, "file: got no content, want a header and rows", at: DataLocation(file: input.name))
        }
        let sample = UnsafeBufferPointer(start: input.base, count: min(input.count, Self.sampleBytes))
        let separator = try Self.separator(format.separator, sample)
        scanner = CSVScanner(separator: separator, format: format)

        let (fields, length, lines) = try Self.record(input, scanner, format: format, line: line)
        switch format.header {
        case .present:
            names = fields
            headerLine = line
            input.consume(length)
            line += lines
            if fields.count > 1, fields.allSatisfy(Self.isNumber) {
                warnings.append(
                    DataWarning(
                        .headerLooksLikeData,
                        "header: every name is a number; if the file has no header, say so (header absent)"))
            }
        case .absent:
            headerLine = nil
            names = schema?.columns.map(\.name) ?? (1...fields.count).map { "column\($0)" }
        case .names(let given):
            headerLine = nil
            names = given
        }
        nextLine = line
        guard names.count == fields.count else {
            throw TabularError(
                .raggedRow, "fields: got \(fields.count), want \(names.count), one for each name", at: here)
        }
        try Self.check(names, file: input.name, line: headerLine)
    }

    private static func isNumber(_ text: String) -> Bool {
        if case .number = text.utf8.withContiguousStorageIfAvailable({ DecimalParser.parse($0) }) { return true }
        return false
    }

    /// The fields of the record at the beginning of the input, its length in bytes and its number of lines.
    private static func record(
        _ input: CSVInput, _ scanner: CSVScanner, format: CSVFormat, line: Int
    ) throws(TabularError) -> ([String], Int, Int) {
        while true {
            if let result = try completeRecord(input, scanner, format: format, line: line) { return result }
            let limit = format.limits.recordBytes
            guard try input.fill(limit: limit) else {
                throw TabularError(
                    .limitExceeded, "record length: got more than \(limit) bytes, want at most that",
                    at: DataLocation(file: input.name, line: line))
            }
        }
    }

    private static func completeRecord(
        _ input: CSVInput, _ scanner: CSVScanner, format: CSVFormat, line: Int
    ) throws(TabularError) -> ([String], Int, Int)? {
        let base = input.base
        let end = base + input.count
        var p = base
        var fields: [String] = []
        var lines = 1
        while true {
            let found: CSVScanner.Field?
            do { found = try scanner.field(p, end, isAtEnd: input.isAtEnd) } catch {
                throw TabularError(
                    error.code, error.message,
                    at: DataLocation(
                        file: input.name, line: line + lines - 1 + error.lineEnds,
                        byteOffset: input.fileOffset(p + error.offset)))
            }
            guard let field = found else { return nil }
            fields.append(String(decoding: field.bytes, as: UTF8.self))
            guard fields.count <= format.limits.columns else {
                throw TabularError(
                    .limitExceeded, "columns: got more than \(format.limits.columns), want at most that",
                    at: DataLocation(file: input.name, line: line))
            }
            lines += field.lineEnds
            p = field.next
            if p < end && p[0] == scanner.separator {
                p += 1
                continue
            }
            if p < end {
                if p[0] == 0x0D && p + 1 >= end && !input.isAtEnd { return nil }
                p += p[0] == 0x0D && p + 1 < end && p[1] == 0x0A ? 2 : 1
            }
            return (fields, p - base, lines)
        }
    }

    private static func check(_ names: [String], file: String, line: Int?) throws(TabularError) {
        var seen: [String: Int] = [:]
        for (position, name) in names.enumerated() {
            guard !name.isEmpty else {
                throw TabularError(
                    .unnamedColumn,
                    "name of column \(position + 1): got an empty one, want a name (a row index is best left out)",
                    at: DataLocation(file: file, line: line))
            }
            if let first = seen.updateValue(position + 1, forKey: name) {
                throw TabularError(
                    .duplicateColumn, "name: columns \(first) and \(position + 1) have the same, want distinct ones",
                    at: DataLocation(file: file, line: line, column: name))
            }
        }
    }

    static func separator(
        _ wanted: CSVFormat.Separator, _ sample: UnsafeBufferPointer<UInt8>
    ) throws(TabularError) -> UInt8 {
        switch wanted {
        case .automatic: return detectSeparator(sample)
        case .comma: return 0x2C
        case .semicolon: return 0x3B
        case .tab: return 0x09
        case .bar: return 0x7C
        case .byte(let byte):
            guard byte > 0 && byte < 0x80 && byte != 0x22 && byte != 0x0A && byte != 0x0D else {
                throw TabularError(
                    .invalidArgument,
                    "separator: got byte \(byte), want an ASCII byte that is no quote, line end or NUL")
            }
            return byte
        }
    }

    /// See ``CSVReader/detectSeparator(_:)``.
    static func detectSeparator(_ sample: UnsafeBufferPointer<UInt8>) -> UInt8 {
        let candidates: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]
        var records: [[Int]] = []
        var counts = [0, 0, 0, 0]
        var decimalCommas = 0
        var commas = 0
        var isQuoted = false
        var isEmpty = true
        var index = 0
        func isDigit(_ index: Int) -> Bool { index >= 0 && index < sample.count && sample[index] &- 0x30 < 10 }
        while index < sample.count && records.count < 10 {
            let byte = sample[index]
            if byte == 0x22 { isQuoted.toggle() }
            if !isQuoted && (byte == 0x0A || byte == 0x0D) {
                if !isEmpty { records.append(counts) }
                counts = [0, 0, 0, 0]
                isEmpty = true
            } else {
                isEmpty = false
                if !isQuoted, let candidate = candidates.firstIndex(of: byte) {
                    counts[candidate] += 1
                    if candidate == 0 {
                        commas += 1
                        if isDigit(index - 1) && isDigit(index + 1) { decimalCommas += 1 }
                    }
                }
            }
            index += 1
        }
        // The last line of the sample counts only when the file ends there or nothing else is known.
        if records.isEmpty && !isEmpty { records.append(counts) }
        guard let first = records.first else { return candidates[0] }
        let steady = candidates.indices.filter { candidate in
            first[candidate] > 0 && records.allSatisfy { $0[candidate] == first[candidate] }
        }
        if steady.contains(0) && steady.contains(1) && commas == decimalCommas { return candidates[1] }
        let pool = steady.isEmpty ? Array(candidates.indices) : steady
        let best = pool.max { first[$0] < first[$1] || (first[$0] == first[$1] && $0 > $1) }
        return best.map { first[$0] > 0 ? candidates[$0] : candidates[0] } ?? candidates[0]
    }
}

extension CSVReader {
    /// Which of comma, semicolon, tab and bar separates the fields of a file that begins with these bytes.
    ///
    /// The rule: in the first ten records that are not empty, count each candidate outside quotes. A candidate is steady
    /// when every record has as many as the first one, and at least one. The steady candidate with the highest count
    /// wins, ties going to the one named first above; but when both comma and semicolon are steady and every comma
    /// stands between two digits, the commas are decimal commas and the semicolon wins. Without a steady candidate the
    /// one most frequent in the first record wins, and the comma when there is none: the file then has one column.
    public static func detectSeparator(_ beginning: [UInt8]) -> UInt8 {
        beginning.withUnsafeBufferPointer { CSVOpening.detectSeparator($0) }
    }
}
