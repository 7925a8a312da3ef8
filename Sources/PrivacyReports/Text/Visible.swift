/// Strings from outside, made safe to show.
package enum Visible {
    /// The text with nothing in it that hides, reorders or breaks what is around it.
    ///
    /// Line breaks and tabs become spaces; other control characters their pictures (U+2400…); direction overrides,
    /// invisible separators, tags and unassigned controls become `‹U+202E›`. Joiners stay: names in several scripts
    /// need them.
    package static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: needsCare) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x2028, 0x2029, 0x85: result.append(" ")
            case 0x00..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
            case 0x7F: result.append("\u{2421}")
            default:
                if needsCare(scalar) {
                    let code = String(scalar.value, radix: 16, uppercase: true)
                    let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
                    result.append(contentsOf: "\u{2039}U+\(padded)\u{203A}".unicodeScalars)
                } else {
                    result.append(scalar)
                }
            }
        }
        return String(result)
    }

    private static func needsCare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20..<0x7F: false
        case 0x00..<0x20, 0x7F..<0xA0: true
        // Soft hyphen, Arabic letter mark, zero-width space, direction marks, separators, overrides, isolates,
        // invisible operators, byte-order mark, interlinear marks.
        case 0xAD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: scalar.properties.isNoncharacterCodePoint || scalar.properties.generalCategory == .privateUse
        }
    }

    /// Columns that the text takes in a terminal: two for wide characters and emoji, none for combining marks.
    package static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns($1) }
    }

    package static func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.isASCII { return 1 }
        let properties = first.properties
        if properties.generalCategory == .nonspacingMark || properties.generalCategory == .enclosingMark { return 0 }
        if properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The text cut to a number of columns, with an ellipsis where something was cut.
    package static func fitted(_ text: String, columns limit: Int, ellipsis: Character = "…") -> String {
        guard columns(text) > limit else { return text }
        var kept = ""
        var used = 0
        for character in text {
            let width = columns(character)
            if used + width > limit - 1 { break }
            kept.append(character)
            used += width
        }
        while kept.hasSuffix(" ") { kept.removeLast() }
        return limit > 0 ? kept + String(ellipsis) : ""
    }

    /// Lines of at most so many columns, broken at spaces where there are any.
    package static func wrapped(_ text: String, columns limit: Int) -> [String] {
        let limit = max(1, limit)
        var lines: [String] = []
        var line = ""
        var used = 0
        func flush() {
            if !line.isEmpty { lines.append(line) }
            line = ""
            used = 0
        }
        for word in text.split(separator: " ") {
            let width = columns(String(word))
            if used > 0, used + 1 + width > limit { flush() }
            if width <= limit {
                if used > 0 {
                    line += " "
                    used += 1
                }
                line += word
                used += width
                continue
            }
            // A word wider than the line is broken anywhere.
            if used > 0 { flush() }
            for character in word {
                let width = columns(character)
                if used + width > limit, used > 0 { flush() }
                line.append(character)
                used += width
            }
        }
        flush()
        return lines.isEmpty ? [""] : lines
    }
}
