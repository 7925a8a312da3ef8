/// A JSON value that keeps numbers as they are written: python-paillier writes integers of thousands of bits.
enum InterchangeJSON {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([InterchangeJSON])
    case object([(key: String, value: InterchangeJSON)])

    subscript(_ key: String) -> InterchangeJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [InterchangeJSON]? { if case .array(let elements) = self { elements } else { nil } }
    /// The digits of an integer, written as a number or as a string.
    var integerText: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    /// - Throws: `invalidInterchange` with the byte's position.
    init(_ text: String) throws(PaillierError) {
        var parser = Parser(bytes: Array(text.utf8))
        self = try parser.parseDocument()
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// RFC 8259, strict, with a limit on nesting.
private struct Parser {
    let bytes: [UInt8]
    var position = 0
    private static let depthLimit = 16

    init(bytes: [UInt8]) { self.bytes = bytes }

    func failure(_ wanted: String) -> PaillierError {
        let got = position < bytes.count ? "byte \(bytes[position])" : "the end"
        return PaillierError(
            code: .invalidInterchange, message: "JSON at byte \(position): got \(got), want \(wanted)")
    }

    mutating func parseDocument() throws(PaillierError) -> InterchangeJSON {
        let value = try parseValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("the end") }
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) throws(PaillierError) {
        guard next == UInt8(ascii: character) else { throw failure("'\(character)'") }
        position += 1
    }

    private mutating func parseValue(depth: Int) throws(PaillierError) -> InterchangeJSON {
        guard depth <= Self.depthLimit else { throw failure("nesting of at most \(Self.depthLimit)") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try parseObject(depth: depth)
        case UInt8(ascii: "["): return try parseArray(depth: depth)
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        default: return .number(try parseNumber())
        }
    }

    private mutating func parseWord(
        _ word: String, _ value: InterchangeJSON
    ) throws(PaillierError) -> InterchangeJSON {
        guard bytes[position...].starts(with: word.utf8) else { throw failure(word) }
        position += word.utf8.count
        return value
    }

    private mutating func parseObject(depth: Int) throws(PaillierError) -> InterchangeJSON {
        try take("{")
        var members: [(key: String, value: InterchangeJSON)] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipSpace()
            let key = try parseString()
            // Which of two equal names counts differs between readers, so neither does.
            guard members.count < 64, !members.contains(where: { $0.key == key }) else {
                throw failure("at most 64 different names in an object")
            }
            skipSpace()
            try take(":")
            members.append((key, try parseValue(depth: depth + 1)))
            skipSpace()
            if next == UInt8(ascii: "}") {
                position += 1
                return .object(members)
            }
            try take(",")
        }
    }

    private mutating func parseArray(depth: Int) throws(PaillierError) -> InterchangeJSON {
        try take("[")
        var elements: [InterchangeJSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try parseValue(depth: depth + 1))
            skipSpace()
            if next == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            }
            try take(",")
        }
    }

    private mutating func parseNumber() throws(PaillierError) -> String {
        let start = position
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
        if next == UInt8(ascii: "-") { position += 1 }
        guard isDigit(next) else { throw failure("a value") }
        if next == UInt8(ascii: "0") {
            position += 1
        } else {
            while isDigit(next) { position += 1 }
        }
        if next == UInt8(ascii: ".") {
            position += 1
            guard isDigit(next) else { throw failure("a digit") }
            while isDigit(next) { position += 1 }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard isDigit(next) else { throw failure("a digit") }
            while isDigit(next) { position += 1 }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func parseString() throws(PaillierError) -> String {
        try take("\"")
        var result: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: result, as: UTF8.self) else { throw failure("valid UTF-8") }
                return text
            case UInt8(ascii: "\\"): result.append(contentsOf: Array(String(try parseEscape()).utf8))
            case 0..<0x20: throw failure("no control character in a string")
            default: result.append(byte)
            }
        }
        throw failure("the end of a string")
    }

    private mutating func parseEscape() throws(PaillierError) -> Character {
        guard let byte = next else { throw failure("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var unit = try parseHexadecimal()
            if (0xD800..<0xDC00).contains(unit) {
                try take("\\")
                try take("u")
                let low = try parseHexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("the second half of a surrogate pair") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw failure("a character") }
            return Character(scalar)
        default: throw failure("an escape")
        }
    }

    private mutating func parseHexadecimal() throws(PaillierError) -> UInt32 {
        guard position + 4 <= bytes.count,
            bytes[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits") }
        position += 4
        return value
    }
}
