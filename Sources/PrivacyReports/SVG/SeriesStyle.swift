/// How the n-th series looks: a colour, and a dash pattern or point shape of its own.
struct SeriesStyle {
    let index: Int

    private static let dashes = ["", "7 4", "2 4", "10 4 2 4", "4 3", "12 3"]
    var colour: Int { index % 6 }
    var dash: String { Self.dashes[index % Self.dashes.count] }

    /// A point at (x, y): circle, square, triangle, diamond, cross, ring.
    func point(_ x: Double, _ y: Double, size r: Double) -> Markup {
        switch index % 6 {
        case 0: "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(r)\" class=\"fill-s\(colour)\" fill-opacity=\".62\"/>"
        case 1:
            """
            <rect x="\(x - r)" y="\(y - r)" width="\(2 * r)" height="\(2 * r)" class="fill-s\(colour)" \
            fill-opacity=".62"/>
            """
        case 2:
            """
            <path d="M\(x) \(y - r * 1.3)L\(x + r * 1.2) \(y + r)H\(x - r * 1.2)Z" class="fill-s\(colour)" \
            fill-opacity=".62"/>
            """
        case 3:
            """
            <path d="M\(x) \(y - r * 1.4)L\(x + r * 1.4) \(y)L\(x) \(y + r * 1.4)L\(x - r * 1.4) \(y)Z" \
            class="fill-s\(colour)" fill-opacity=".62"/>
            """
        case 4:
            """
            <path d="M\(x - r) \(y - r)L\(x + r) \(y + r)M\(x - r) \(y + r)L\(x + r) \(y - r)" \
            class="trunk line-s\(colour)"/>
            """
        default: "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(r)\" class=\"trunk line-s\(colour)\"/>"
        }
    }

    enum Sample { case line, point, bar }

    /// A legend entry.
    func legend(_ name: String, _ sample: Sample) -> Markup {
        let picture: Markup =
            switch sample {
            case .line:
                """
                <svg viewBox="0 0 34 12" width="34" height="12" aria-hidden="true"><path d="M1 6H33" \
                class="trunk line-s\(colour)" stroke-dasharray="\(dash)"/></svg>
                """
            case .point:
                "<svg viewBox=\"0 0 14 14\" width=\"14\" height=\"14\" aria-hidden=\"true\">\(point(7, 7, size: 4))</svg>"
            case .bar:
                """
                <svg viewBox="0 0 22 12" width="22" height="12" aria-hidden="true"><rect y="1" width="22" \
                height="\(BarPlot.thickness(index) * 0.8)" rx="2" class="fill-s\(colour)"/></svg>
                """
            }
        return "<li>\(picture)&nbsp;\(name)</li>"
    }
}
