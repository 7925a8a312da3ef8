import Foundation

/// Numbers with units, the same on every machine and in every locale.
package enum Quantity {
    /// Adds without a trap: counts in a report come from outside.
    package static func sum(_ a: Int, _ b: Int) -> Int {
        let (value, overflow) = a.addingReportingOverflow(b)
        return overflow ? Int.max : value
    }

    /// 1,234,567
    package static func integer(_ n: Int) -> String {
        let digits = String(n.magnitude)
        var grouped = ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i).isMultiple(of: 3) { grouped += "," }
            grouped.append(digit)
        }
        return (n < 0 ? "-" : "") + grouped
    }

    /// "1 sum", "78 sums"
    package static func counted(_ n: Int, _ noun: String) -> String {
        "\(integer(n)) \(n == 1 ? noun : Prose.plural(noun))"
    }

    /// Six significant digits at most; powers of ten only where a plain number would be long.
    package static func number(_ value: Double, digits: Int = 6) -> String {
        if value.isNaN { return "not a number" }
        // A real minus sign: as wide as a plus, and never taken for a hyphen.
        if value < 0 { return "−" + number(-value, digits: digits) }
        if value.isInfinite { return "∞" }
        if value == 0 { return "0" }
        let magnitude = abs(value)
        if magnitude >= 1e9 || magnitude < 1e-4 { return scientific(value, digits: min(digits, 3)) }
        // Digits before the point are never cut.
        let before = Int(Foundation.log10(magnitude).rounded(.down)) + 1
        let decimals = max(0, min(digits - before, 10))
        var text = String(format: "%.\(decimals)f", value)
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return grouped(text)
    }

    /// 1.2 × 10⁻¹⁰
    private static func scientific(_ value: Double, digits: Int) -> String {
        let text = String(format: "%.\(digits - 1)e", value)
        let parts = text.split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return text }
        var mantissa = String(parts[0])
        if mantissa.contains(".") {
            while mantissa.hasSuffix("0") { mantissa.removeLast() }
            if mantissa.hasSuffix(".") { mantissa.removeLast() }
        }
        let raised = String(exponent).map { superscripts[$0] ?? $0 }
        return mantissa == "1" ? "10" + String(raised) : "\(mantissa) × 10" + String(raised)
    }

    private static let superscripts: [Character: Character] = [
        "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]

    private static func grouped(_ text: String) -> String {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard let whole = parts.first, let n = Int(whole), abs(n) >= 10_000 else { return text }
        return integer(n) + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// Decimal units, as on data sheets: 38.4 kB.
    package static func bytes(_ n: Int) -> String {
        if n < 1000 { return n == 1 ? "1 byte" : "\(n) bytes" }
        var value = Double(n)
        for unit in ["kB", "MB", "GB", "TB"] {
            value /= 1000
            if value < 999.5 || unit == "TB" {
                return String(format: value < 9.95 ? "%.1f" : "%.0f", value) + " " + unit
            }
        }
        return "\(n) bytes"
    }

    /// 0.4 ms, 12 ms, 3.2 s, 4 min 10 s, 3 h 20 min
    package static func seconds(_ value: Double) -> String {
        guard value.isFinite else { return number(value) }
        if value == 0 { return "0 s" }
        if value < 0.00095 { return String(format: "%.0f µs", value * 1e6) }
        if value < 0.00995 { return String(format: "%.1f ms", value * 1e3) }
        if value < 0.995 { return String(format: "%.0f ms", value * 1e3) }
        if value < 9.95 { return String(format: "%.1f s", value) }
        if value < 119.5 { return String(format: "%.0f s", value) }
        if value > 3.6e8 { return number(value / 3600) + " h" }
        let total = Int(value.rounded())
        if total < 7200 { return "\(total / 60) min \(total % 60) s" }
        return "\(integer(total / 3600)) h \(total % 3600 / 60) min"
    }

    package static func bits(_ value: Double) -> String { number(value, digits: 4) + " bits" }
}
