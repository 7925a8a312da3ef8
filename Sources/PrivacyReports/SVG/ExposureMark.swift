extension PrivacyReport.Exposure {
    /// What the mark means, for legends.
    package var legend: String {
        switch self {
        case .own: "its own data"
        case .open: "public"
        case .sealed: "unreadable to it"
        case .share: "useless alone"
        case .noised: "readable, noised"
        case .aggregate: "readable totals or model"
        case .individual: "readable, about single people"
        case .unclassified: "unknown form"
        }
    }

    /// A coloured tile with a glyph of its own, so that nothing depends on colour; centred at (x, y).
    func mark(x: Double, y: Double, size: Double) -> Markup {
        """
        <g transform="translate(\(x - size / 2) \(y - size / 2)) scale(\(size / 20))"><rect width="20" height="20" \
        rx="5" class="fill-\(rawValue)"/>\(glyph)</g>
        """
    }

    /// The mark as an inline picture in text.
    var icon: Markup {
        "<svg class=\"mark\" viewBox=\"0 0 20 20\" aria-hidden=\"true\">\(mark(x: 10, y: 10, size: 20))</svg>"
    }

    private var glyph: Markup {
        switch self {
        case .own: "<circle cx=\"10\" cy=\"10\" r=\"4\" class=\"glyph\"/>"
        case .open: "<circle cx=\"10\" cy=\"10\" r=\"4\" class=\"glyph-line\" stroke-width=\"2\"/>"
        case .sealed:
            """
            <path d="M7 10V7.5a3 3 0 0 1 6 0V10" class="glyph-line" stroke-width="1.8"/>\
            <rect x="5" y="9.5" width="10" height="6.5" rx="1.2" class="glyph"/>
            """
        case .share:
            """
            <circle cx="7" cy="10" r="2.6" class="glyph-line" stroke-width="1.8"/>\
            <path d="M9.6 10H16v3M13.2 10v2.2" class="glyph-line" stroke-width="1.8"/>
            """
        case .noised:
            """
            <path d="M4.5 8.5q2.7-3 5.5 0t5.5 0M4.5 13q2.7-3 5.5 0t5.5 0" class="glyph-line" stroke-width="1.8"/>
            """
        case .aggregate: "<path d=\"M14 6.5V5H6l4.4 5L6 15h8v-1.5\" class=\"glyph-line\" stroke-width=\"1.8\"/>"
        case .individual:
            """
            <circle cx="10" cy="6.8" r="2.8" class="glyph"/><path d="M4.8 16a5.2 5.2 0 0 1 10.4 0z" class="glyph"/>
            """
        case .unclassified: "<text x=\"10\" y=\"14.6\" font-size=\"13\" text-anchor=\"middle\" class=\"glyph\">?</text>"
        }
    }
}
