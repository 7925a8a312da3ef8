import Foundation

/// How a text for the terminal is made.
public struct TerminalOptions: Hashable, Sendable {
    /// Columns; at least 40.
    public var width: Int
    /// ANSI colours: only for a terminal, and not under NO_COLOR. The caller knows.
    public var colour: Bool
    /// Box drawing and other characters beyond ASCII.
    public var unicode: Bool

    public init(width: Int = 80, colour: Bool = false, unicode: Bool = true) {
        self.width = max(40, width)
        self.colour = colour
        self.unicode = unicode
    }
}

/// Lines of a terminal text under construction. No line is wider than the options say, and no text from a report can
/// contain a control sequence.
struct TerminalText {
    enum Style: String {
        case plain = "", bold = "1", dim = "2", good = "32", caution = "33", danger = "1;31", accent = "1;36"
        case shout = "1;97;41"
    }

    let options: TerminalOptions
    private(set) var lines: [String] = []

    init(_ options: TerminalOptions) { self.options = options }

    var text: String { lines.joined(separator: "\n") + "\n" }
    var width: Int { options.width }

    /// Safe, and in ASCII where that is asked for.
    func clean(_ text: String) -> String {
        let visible = Visible.text(text).replacing("\u{A0}", with: " ")
        return options.unicode ? visible : ASCII.text(visible)
    }

    private func styled(_ text: String, _ style: Style) -> String {
        options.colour && style != .plain && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    mutating func blank() { if lines.last != "" { lines.append("") } }

    mutating func heading(_ title: String) {
        blank()
        let title = clean(title)
        let rule = String(repeating: options.unicode ? "─" : "-", count: max(0, width - Visible.columns(title) - 1))
        lines.append(styled(title, .accent) + " " + styled(rule, .dim))
    }

    /// Wrapped lines; those after the first are indented further.
    mutating func paragraph(
        _ text: String, _ style: Style = .plain, indent: Int = 0, hanging: Int = 0, mark: String = ""
    ) {
        let mark = clean(mark)
        let first = String(repeating: " ", count: indent) + mark
        let rest = String(repeating: " ", count: indent + max(hanging, Visible.columns(mark)))
        let room = width - max(Visible.columns(first), rest.count)
        for (i, line) in Visible.wrapped(clean(text), columns: room).enumerated() {
            lines.append((i == 0 ? first : rest) + styled(line, style))
        }
    }

    /// A block that cannot be overlooked, with or without colours.
    mutating func banner(_ text: String) {
        let bar = String(repeating: "!", count: width)
        lines.append(styled(bar, .shout))
        for line in Visible.wrapped(clean(text), columns: width - 6) {
            let pad = String(repeating: " ", count: max(0, width - 6 - Visible.columns(line)))
            lines.append(styled("!! \(line)\(pad) !!", .shout))
        }
        lines.append(styled(bar, .shout))
    }

    /// "name  value" lines with the names in one column.
    mutating func pairs(_ items: [(String, String)]) {
        let column = min(26, (items.map { Visible.columns(clean($0.0)) }.max() ?? 0)) + 2
        for (name, value) in items {
            let label = Visible.fitted(clean(name), columns: column - 2, ellipsis: options.unicode ? "…" : "~")
            let pad = String(repeating: " ", count: column - Visible.columns(label))
            for (i, line) in Visible.wrapped(clean(value), columns: width - column).enumerated() {
                lines.append((i == 0 ? styled(label, .dim) + pad : String(repeating: " ", count: column)) + line)
            }
        }
    }

    struct Cell {
        var text: String
        var style = Style.plain
        init(_ text: String, _ style: Style = .plain) {
            self.text = text
            self.style = style
        }
    }

    /// A table in a frame, as narrow as its content and never wider than the terminal; long cells are wrapped.
    mutating func table(_ header: [String], numbers: Set<Int> = [], _ rows: [[Cell]]) {
        guard !rows.isEmpty else { return }
        let cells = [header.map { Cell($0, .bold) }] + rows
        let cleaned = cells.map { row in row.map { Cell(clean($0.text), $0.style) } }
        let widths = columnWidths(cleaned, count: header.count)
        let set = Frame(unicode: options.unicode)
        func rule(_ left: String, _ middle: String, _ right: String) -> String {
            styled(
                left + widths.map { String(repeating: set.across, count: $0 + 2) }.joined(separator: middle) + right,
                .dim)
        }
        lines.append(rule(set.topLeft, set.topMiddle, set.topRight))
        for (i, row) in cleaned.enumerated() {
            let wrapped = row.enumerated().map { Visible.wrapped($1.text, columns: widths[$0]) }
            for k in 0..<(wrapped.map(\.count).max() ?? 0) {
                let parts = row.indices.map { j -> String in
                    let line = k < wrapped[j].count ? wrapped[j][k] : ""
                    let pad = String(repeating: " ", count: max(0, widths[j] - Visible.columns(line)))
                    let text = styled(line, row[j].style)
                    return numbers.contains(j) ? " \(pad)\(text) " : " \(text)\(pad) "
                }
                let bar = styled(set.down, .dim)
                lines.append(bar + parts.joined(separator: bar) + bar)
            }
            if i == 0 { lines.append(rule(set.left, set.middle, set.right)) }
        }
        lines.append(rule(set.bottomLeft, set.bottomMiddle, set.bottomRight))
    }

    /// The natural widths; when they are too much, the widest column gives way until the table fits.
    private func columnWidths(_ rows: [[Cell]], count: Int) -> [Int] {
        var widths = (0..<count).map { j in rows.map { j < $0.count ? Visible.columns($0[j].text) : 0 }.max() ?? 0 }
        widths = widths.map { max(1, $0) }
        let room = max(count, width - 3 * count - 1)
        while widths.reduce(0, +) > room, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }) {
            let excess = widths.reduce(0, +) - room
            // Down to the next widest in one go, so that a very long text does not take as many rounds.
            let next = widths.indices.filter { $0 != widest }.map { widths[$0] }.max() ?? 0
            widths[widest] = max(1, max(widths[widest] - excess, min(next, widths[widest] - 1)))
        }
        return widths
    }

    private struct Frame {
        let unicode: Bool
        var across: String { unicode ? "─" : "-" }
        var down: String { unicode ? "│" : "|" }
        var topLeft: String { unicode ? "┌" : "+" }
        var topMiddle: String { unicode ? "┬" : "+" }
        var topRight: String { unicode ? "┐" : "+" }
        var left: String { unicode ? "├" : "+" }
        var middle: String { unicode ? "┼" : "+" }
        var right: String { unicode ? "┤" : "+" }
        var bottomLeft: String { unicode ? "└" : "+" }
        var bottomMiddle: String { unicode ? "┴" : "+" }
        var bottomRight: String { unicode ? "┘" : "+" }
    }
}
