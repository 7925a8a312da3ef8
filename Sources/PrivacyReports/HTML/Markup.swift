import Foundation

/// A piece of HTML or SVG. What is put into it is escaped unless it is markup itself, so that forgetting to escape is
/// not possible: `"<td>\(name)</td>"` is safe for any `name`.
package struct Markup: ExpressibleByStringInterpolation, Sendable {
    package private(set) var source: String

    package init(stringLiteral value: String) { source = value }
    package init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }
    private init(source: String) { self.source = source }

    package static let empty: Markup = ""
    package var isEmpty: Bool { source.isEmpty }

    package static func + (a: Markup, b: Markup) -> Markup { Markup(source: a.source + b.source) }
    package static func += (a: inout Markup, b: Markup) { a.source += b.source }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            source.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { source += literal }
        package mutating func appendInterpolation(_ text: String) { source += Markup.escaped(text) }
        package mutating func appendInterpolation(_ number: Int) { source += String(number) }
        /// A coordinate, in hundredths.
        package mutating func appendInterpolation(_ coordinate: Double) { source += Markup.coordinate(coordinate) }
        package mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
        package mutating func appendInterpolation(_ pieces: [Markup]) {
            for piece in pieces { source += piece.source }
        }
    }

    package static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in Visible.text(text).unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "`": result += "&#96;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func coordinate(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e7 else { return "0" }
        let hundredths = (value * 100).rounded() / 100
        return hundredths == hundredths.rounded() ? String(Int(hundredths)) : String(format: "%.2f", hundredths)
    }
}

extension [Markup] {
    package func joined(_ separator: Markup = "") -> Markup {
        guard let first else { return "" }
        return dropFirst().reduce(into: first) { $0 += separator + $1 }
    }
}
