/// The fields at the head of a message or of a part.
struct MailFields {
    /// Names in small letters; of several fields of a name the first.
    private var values: [String: [UInt8]] = [:]

    init() {}

    subscript(_ name: String) -> [UInt8]? { values[name] }

    var areOfAMessage: Bool {
        ["from", "received", "return-path", "content-type", "mime-version"].contains { values[$0] != nil }
    }

    /// A line before the fields in which mailboxes note sender and day.
    static func withoutEnvelope(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard bytes.starts(with: Array("From ".utf8)), let end = bytes.firstIndex(of: 10) else { return bytes }
        return bytes[(end + 1)...]
    }

    /// Fields up to the first empty line, and what is behind it; nil when a line is no field.
    static func read(_ bytes: ArraySlice<UInt8>) -> (fields: MailFields, body: ArraySlice<UInt8>)? {
        var fields = MailFields()
        var place = bytes.startIndex
        var name: String?
        while place < bytes.endIndex {
            let end = bytes[place...].firstIndex(of: 10) ?? bytes.endIndex
            var line = bytes[place..<end]
            place = min(end + 1, bytes.endIndex)
            if line.last == 13 { line = line.dropLast() }
            guard let first = line.first else { return (fields, bytes[place...]) }
            if first == 32 || first == 9 {
                guard let name else { return nil }
                fields.values[name]?.append(contentsOf: line)
                continue
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ (33...126).contains($0) })
            else { return nil }
            let found = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            if fields.values[found] == nil {
                fields.values[found] = Array(line[(colon + 1)...])
                name = found
            } else {
                // What follows it belongs to a field that is not kept.
                name = "\(found) again"
            }
        }
        return (fields, bytes[place...])
    }
}

/// A type with its parameters: `text/plain; charset="utf-8"`.
struct ContentType {
    var name = "text/plain"
    /// Names in small letters.
    var parameters: [String: String] = [:]

    init(_ field: [UInt8]?) {
        guard let field else { return }
        var pieces = Self.pieces(field)
        let type = pieces.removeFirst().lowercased()
        if type.contains("/") { name = type }
        for piece in pieces {
            guard let equals = piece.firstIndex(of: "=") else { continue }
            let key = Self.trimmed(piece[..<equals]).lowercased()
            if parameters[key] == nil { parameters[key] = Self.trimmed(piece[piece.index(after: equals)...]) }
        }
    }

    /// What stands between semicolons outside quotation marks, without the marks.
    private static func pieces(_ field: [UInt8]) -> [String] {
        var pieces: [[UInt8]] = [[]]
        var isQuoted = false
        var isEscaped = false
        for byte in field {
            if isEscaped {
                pieces[pieces.count - 1].append(byte)
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ";"), !isQuoted {
                pieces.append([])
            } else {
                pieces[pieces.count - 1].append(byte)
            }
        }
        return pieces.map { trimmed(String(decoding: $0, as: UTF8.self)) }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(text[first...last])
    }
}

/// The parts between lines of two hyphens and the boundary.
enum Multipart {
    /// Without a single such line, the body is the only part.
    static func parts(of body: ArraySlice<UInt8>, boundary: [UInt8]) -> [ArraySlice<UInt8>] {
        let mark = [45, 45] + boundary
        var parts: [ArraySlice<UInt8>] = []
        var start: Int?
        var place = body.startIndex
        var isAny = false
        while place < body.endIndex, parts.count <= MailText.mostParts {
            let end = body[place...].firstIndex(of: 10) ?? body.endIndex
            let line = body[place..<end]
            let next = min(end + 1, body.endIndex)
            if line.starts(with: mark) {
                let rest = line.dropFirst(mark.count)
                let isLast = rest.starts(with: [45, 45])
                if isLast || rest.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) {
                    if let start { parts.append(body[start..<place]) }
                    isAny = true
                    start = isLast ? nil : next
                    if isLast { break }
                }
            }
            place = next
        }
        // A mail that was cut off has no last line.
        if let start { parts.append(body[start...]) }
        return isAny ? parts : [body]
    }
}
