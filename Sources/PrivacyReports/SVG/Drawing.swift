/// An SVG picture under construction; lengths are in units of one CSS pixel at its natural width.
struct Drawing {
    /// The two widths for which each picture is laid out: text keeps its size on a phone instead of shrinking.
    enum Layout: String, CaseIterable {
        case wide, narrow
        var width: Double { self == .wide ? 894 : 320 }
        /// The ordinary text size.
        var text: Double { self == .wide ? 14 : 13 }
    }

    enum Anchor: String { case start, middle, end }

    let layout: Layout
    var height: Double
    let title: String
    let summary: String
    private var content: [Markup] = []

    init(_ layout: Layout, height: Double, title: String, summary: String) {
        self.layout = layout
        self.height = height
        self.title = title
        self.summary = summary
    }

    var width: Double { layout.width }

    mutating func add(_ markup: Markup) { content.append(markup) }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String = "rule") {
        content.append("<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" class=\"\(style)\"/>")
    }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, radius: Double = 0, _ style: String,
        tip: String = ""
    ) {
        let inner: Markup = tip.isEmpty ? "/>" : "><title>\(tip)</title></rect>"
        content.append(
            """
            <rect x="\(x)" y="\(y)" width="\(max(0, width))" height="\(max(0, height))" rx="\(radius)" \
            class="\(style)"\(inner)
            """)
    }

    mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ style: String) {
        content.append("<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(radius)\" class=\"\(style)\"/>")
    }

    /// One line of text, cut to `limit` pixels; what is cut stands in a tooltip.
    mutating func text(
        _ x: Double, _ y: Double, _ text: String, size: Double? = nil, anchor: Anchor = .start, _ style: String = "",
        weight: Int = 400, limit: Double = .infinity
    ) {
        let size = size ?? layout.text
        let shown = TextWidth.fitted(Visible.text(text), limit, size: size)
        let tip: Markup = shown == Visible.text(text) ? "" : "<title>\(text)</title>"
        content.append(
            """
            <text x="\(x)" y="\(y)" font-size="\(size)" font-weight="\(weight)" text-anchor="\(anchor.rawValue)" \
            class="\(style)">\(shown)\(tip)</text>
            """)
    }

    /// The finished element; `title` and `summary` are read out by screen readers.
    var markup: Markup {
        """
        <svg class="plot \(layout.rawValue)" viewBox="0 0 \(width) \(height)" role="img" \
        aria-label="\(title)"><title>\(title)</title><desc>\(summary)</desc>\(content)</svg>
        """
    }

    /// Both layouts of one picture; the style sheet shows the one that fits.
    static func both(_ draw: (Layout) -> Drawing) -> Markup {
        Layout.allCases.map { draw($0).markup }.joined()
    }
}

/// Estimated widths of text: the font is the reader's, so the estimate is on the wide side.
enum TextWidth {
    static func estimate(_ text: String, size: Double) -> Double {
        text.reduce(0) { $0 + em($1) } * size
    }

    static func fitted(_ text: String, _ limit: Double, size: Double) -> String {
        guard limit.isFinite, estimate(text, size: size) > limit else { return text }
        var kept = ""
        var used = em("…") * size
        for character in text {
            used += em(character) * size
            if used > limit { break }
            kept.append(character)
        }
        while kept.hasSuffix(" ") { kept.removeLast() }
        return kept + "…"
    }

    /// Lines of at most `limit` pixels, at most `count` of them.
    static func wrapped(_ text: String, _ limit: Double, size: Double, count: Int) -> [String] {
        var lines: [String] = []
        for word in Visible.text(text).split(separator: " ") {
            if let last = lines.last, estimate(last + " " + word, size: size) <= limit {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        if lines.count > count {
            lines[count - 1] = lines[(count - 1)...].joined(separator: " ")
            lines.removeLast(lines.count - count)
        }
        return lines.map { fitted($0, limit, size: size) }
    }

    private static func em(_ character: Character) -> Double {
        if Visible.columns(character) == 2 { return 1.1 }
        return switch character {
        case "i", "j", "l", "t", "f", "I", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "-": 0.38
        case "m", "w", "M", "W", "%", "@", "…": 1.02
        case _ where character.isUppercase: 0.74
        default: 0.625
        }
    }
}
