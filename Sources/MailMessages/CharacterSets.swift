/// Character sets to UTF-8, so that a word is the same bytes whatever its mail was written in.
enum CharacterSets {
    static func utf8(_ bytes: [UInt8], _ name: String?) -> [UInt8] {
        switch (name ?? "").lowercased() {
        case "iso-8859-1", "latin1", "iso8859-1", "l1", "windows-1252", "cp1252": single(bytes, windows1252)
        case "iso-8859-15", "latin9", "iso8859-15": single(bytes, latin9)
        case "utf-16", "utf16": utf16(bytes)
        case "utf-16le": utf16(bytes, isBigEndian: false)
        case "utf-16be": utf16(bytes, isBigEndian: true)
        default: bytes
        }
    }

    /// A file that begins with a byte order mark, in UTF-8 and without the mark.
    static func unmarked(_ file: [UInt8]) -> [UInt8] {
        if file.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(file.dropFirst(3)) }
        return file.starts(with: [0xFE, 0xFF]) || file.starts(with: [0xFF, 0xFE]) ? utf16(file) : file
    }

    private static func single(_ bytes: [UInt8], _ differences: [UInt8: Unicode.Scalar]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte < 128 {
                result.append(byte)
            } else {
                append(differences[byte] ?? Unicode.Scalar(byte), to: &result)
            }
        }
        return result
    }

    /// Where it differs from ISO 8859-1; mail that says it is in the latter is read as the former, as browsers do.
    private static let windows1252: [UInt8: Unicode.Scalar] = [
        0x80: "\u{20AC}", 0x82: "\u{201A}", 0x83: "\u{0192}", 0x84: "\u{201E}", 0x85: "\u{2026}", 0x86: "\u{2020}",
        0x87: "\u{2021}", 0x88: "\u{02C6}", 0x89: "\u{2030}", 0x8A: "\u{0160}", 0x8B: "\u{2039}", 0x8C: "\u{0152}",
        0x8E: "\u{017D}", 0x91: "\u{2018}", 0x92: "\u{2019}", 0x93: "\u{201C}", 0x94: "\u{201D}", 0x95: "\u{2022}",
        0x96: "\u{2013}", 0x97: "\u{2014}", 0x98: "\u{02DC}", 0x99: "\u{2122}", 0x9A: "\u{0161}", 0x9B: "\u{203A}",
        0x9C: "\u{0153}", 0x9E: "\u{017E}", 0x9F: "\u{0178}",
    ]

    private static let latin9: [UInt8: Unicode.Scalar] = [
        0xA4: "\u{20AC}", 0xA6: "\u{0160}", 0xA8: "\u{0161}", 0xB4: "\u{017D}", 0xB8: "\u{017E}", 0xBC: "\u{0152}",
        0xBD: "\u{0153}", 0xBE: "\u{0178}",
    ]

    /// With a mark of its order, or the higher byte first.
    private static func utf16(_ bytes: [UInt8], isBigEndian: Bool? = nil) -> [UInt8] {
        var rest = bytes[...]
        var isBigEndian = isBigEndian
        if rest.starts(with: [0xFE, 0xFF]) || rest.starts(with: [0xFF, 0xFE]) {
            isBigEndian = isBigEndian ?? (rest.first == 0xFE)
            rest = rest.dropFirst(2)
        }
        let places = stride(from: rest.startIndex, to: rest.endIndex - 1, by: 2)
        let units = places.map { place in
            isBigEndian ?? true
                ? UInt16(rest[place]) << 8 | UInt16(rest[place + 1])
                : UInt16(rest[place + 1]) << 8 | UInt16(rest[place])
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: Unicode.UTF8.encode(scalar) ?? .init())
    }
}
