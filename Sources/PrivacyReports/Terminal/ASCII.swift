import Foundation

/// Text for terminals that show nothing beyond ASCII.
enum ASCII {
    private static let spelled: [Unicode.Scalar: String] = [
        "ε": "epsilon", "δ": "delta", "σ": "sigma", "×": "x", "−": "-", "–": "-", "—": "-", "→": "->", "≤": "<=",
        "≥": ">=", "∞": "infinity", "µ": "u", "²": "^2", "✓": "+", "✗": "x", "…": "...", "“": "\"", "”": "\"",
        "‘": "'", "’": "'", "‹": "<", "›": ">", "•": "*", "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "ł": "l", "Ł": "L",
    ]
    private static let raised: [Character: Character] = [
        "⁻": "-", "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9",
    ]

    static func text(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
        var plain = ""
        var inExponent = false
        for character in powers(text) {
            if let digit = raised[character] {
                // 10⁻³ is 10^-3, as is R² R^2.
                plain += (inExponent ? "" : "^") + String(digit)
                inExponent = true
                continue
            }
            inExponent = false
            plain.append(character)
        }
        var result = ""
        for scalar in plain.decomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.isASCII {
                result.unicodeScalars.append(scalar)
            } else if let spelling = spelled[scalar] {
                result += spelling
            } else if scalar.properties.generalCategory != .nonspacingMark {
                result += "?"
            }
        }
        return result
    }

    /// 3.1 × 10⁻¹³ becomes 3.1e-13.
    private static func powers(_ text: String) -> String {
        text.replacing(" × 10⁻", with: "e⁻").replacing(" × 10", with: "e").replacing("e⁻", with: "e-")
            .replacing(/e-?[⁰¹²³⁴⁵⁶⁷⁸⁹]+/) { match in String(match.output.map { raised[$0] ?? $0 }) }
    }
}
