/// What a reader of a page sees of its text: tags, comments, scripts and styles are left out, references resolved.
enum HTMLText {
    /// Tags within a word do not end it; all others do.
    private static let withinWords: Set<String> = [
        "a", "b", "big", "em", "font", "i", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr",
    ]

    static func text(of page: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        let lastEnd = page.lastIndex(of: UInt8(ascii: ">")) ?? -1
        var place = 0
        while place < page.count {
            let byte = page[place]
            if byte == UInt8(ascii: "<"), place < lastEnd, let end = tag(page, at: place, &result) {
                place = end
            } else if byte == UInt8(ascii: "&"), let end = reference(page, at: place, &result) {
                place = end
            } else {
                result.append(byte)
                place += 1
            }
        }
        return result
    }

    /// The place behind a tag, or nil when it is none. Some `>` follows.
    private static func tag(_ page: [UInt8], at start: Int, _ result: inout [UInt8]) -> Int? {
        if page[start...].starts(with: Array("<!--".utf8)) {
            return find(Array("-->".utf8), in: page, from: start + 4) ?? page.count
        }
        var place = start + 1
        guard place < page.count else { return nil }
        let isEnd = page[place] == UInt8(ascii: "/")
        if isEnd { place += 1 }
        let name = String(
            decoding: page[place...].prefix(16).prefix { isLetter($0) || (48...57).contains($0) }, as: UTF8.self
        ).lowercased()
        guard !name.isEmpty || page[start + 1] == UInt8(ascii: "!") || page[start + 1] == UInt8(ascii: "?"),
            let end = page[place...].firstIndex(of: UInt8(ascii: ">"))
        else { return nil }
        if !withinWords.contains(name) { result.append(32) }
        if !isEnd, name == "script" || name == "style" {
            let closing = find(Array("</\(name)".utf8), in: page, from: end + 1) ?? page.count
            return page[closing...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? page.count
        }
        return end + 1
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }

    /// The place behind the next occurrence; letters of either size are the same.
    private static func find(_ wanted: [UInt8], in page: [UInt8], from start: Int) -> Int? {
        func small(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }
        var place = start
        while place + wanted.count <= page.count {
            if wanted.indices.allSatisfy({ small(page[place + $0]) == wanted[$0] }) { return place + wanted.count }
            place += 1
        }
        return nil
    }

    private static let names: [String: Unicode.Scalar] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "euro": "\u{20AC}",
        "pound": "\u{A3}", "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü",
        "szlig": "ß", "eacute": "é", "egrave": "è", "agrave": "à", "ccedil": "ç", "ntilde": "ñ",
    ]

    private static func reference(_ page: [UInt8], at start: Int, _ result: inout [UInt8]) -> Int? {
        let window = page[(start + 1)..<min(page.count, start + 12)]
        guard let end = window.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: page[(start + 1)..<end], as: UTF8.self)
        let scalar: Unicode.Scalar?
        if name.hasPrefix("#x") || name.hasPrefix("#X") {
            scalar = UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        } else if name.hasPrefix("#") {
            scalar = UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
        } else {
            scalar = names[name]
        }
        guard let scalar else { return nil }
        // No-break spaces separate words as others do; soft hyphens and the like are within them.
        if scalar == "\u{A0}" {
            result.append(32)
        } else if scalar != "\u{AD}" && scalar != "\u{200B}" {
            CharacterSets.append(scalar, to: &result)
        }
        return end + 1
    }
}
