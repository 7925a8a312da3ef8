/// Bytes that were made fit for seven-bit lines (RFC 2045, section 6).
enum TransferEncoding {
    static func decode(_ body: ArraySlice<UInt8>, _ field: [UInt8]?) -> [UInt8] {
        let name = String(decoding: (field ?? []).filter { $0 > 32 }, as: UTF8.self).lowercased()
        switch name {
        case "quoted-printable": return quotedPrintable(body)
        case "base64": return base64(body)
        default: return Array(body)
        }
    }

    /// What is not two hexadecimal digits or the end of a line behind an equals sign stays as it is.
    static func quotedPrintable(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let byte = bytes[place]
            place += 1
            guard byte == UInt8(ascii: "=") else {
                result.append(byte)
                continue
            }
            if place + 1 < bytes.endIndex, let high = hexadecimal(bytes[place]), let low = hexadecimal(bytes[place + 1])
            {
                result.append(high << 4 | low)
                place += 2
                continue
            }
            let end = bytes[place...].firstIndex { $0 != 32 && $0 != 9 && $0 != 13 } ?? bytes.endIndex
            if end == bytes.endIndex || bytes[end] == 10 {
                place = min(end + 1, bytes.endIndex)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Bytes outside the alphabet are passed over; an equals sign ends a group.
    static func base64(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                (bits, count) = (0, 0)
                continue
            default: continue
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        return result
    }
}

/// Words of a field in another character set: `=?ISO-8859-1?Q?caf=E9?=` (RFC 2047).
enum EncodedWords {
    static func decode(_ field: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var place = field.startIndex
        /// Where white space begins that is dropped when another encoded word follows it.
        var gap: Int?
        while place < field.endIndex {
            if field[place] == UInt8(ascii: "="), let (word, end) = word(field, at: place) {
                if let gap { result.removeLast(result.count - gap) }
                result += word
                gap = result.count
                place = end
                continue
            }
            if !(field[place] == 32 || field[place] == 9 || field[place] == 13 || field[place] == 10) { gap = nil }
            result.append(field[place])
            place += 1
        }
        return result
    }

    /// A word has at most 75 bytes; longer ones are found in practice, up to a kilobyte is looked at.
    private static func word(_ field: [UInt8], at start: Int) -> (bytes: [UInt8], end: Int)? {
        let window = field[start..<min(field.endIndex, start + 1024)]
        guard window.starts(with: [61, 63]) else { return nil }
        let marks = window.dropFirst(2).indices.lazy.filter { window[$0] == 63 }.prefix(3)
        let places = Array(marks)
        guard places.count == 3, places[1] == places[0] + 2, places[2] + 1 < window.endIndex,
            window[places[2] + 1] == 61
        else { return nil }
        let content = window[(places[1] + 1)..<places[2]]
        // RFC 2231 adds a language behind an asterisk.
        let set = String(decoding: window[(start + 2)..<places[0]].prefix { $0 != UInt8(ascii: "*") }, as: UTF8.self)
        let decoded: [UInt8]
        switch window[places[0] + 1] {
        case UInt8(ascii: "B"), UInt8(ascii: "b"): decoded = TransferEncoding.base64(content)
        case UInt8(ascii: "Q"), UInt8(ascii: "q"):
            decoded = TransferEncoding.quotedPrintable(content.map { $0 == UInt8(ascii: "_") ? 32 : $0 }[...])
        default: return nil
        }
        return (CharacterSets.utf8(decoded, set), places[2] + 2)
    }
}
