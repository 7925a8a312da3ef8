/// A table that turns into cards on a narrow screen. The roles are spelled out, since a browser forgets them when the
/// display of a table's parts is changed.
struct HTMLTable {
    struct Column {
        var title: String
        var isNumber: Bool

        static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
        static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
    }

    var caption: String
    /// The caption says no more than the heading above: it is for screen readers only.
    var isQuiet = false
    var columns: [Column]
    /// The first cell of a row is its header. Nil cells are empty.
    var rows: [[Markup?]] = []

    var markup: Markup {
        guard !rows.isEmpty else { return "" }
        let head = columns.map { column -> Markup in
            column.isNumber
                ? "<th role=\"columnheader\" scope=\"col\" class=\"num\">\(column.title)</th>"
                : "<th role=\"columnheader\" scope=\"col\">\(column.title)</th>"
        }
        let body = rows.map { cells -> Markup in "<tr role=\"row\">\(zip(columns, cells).enumerated().map(cell))</tr>" }
        let style: Markup = isQuiet ? "stack quiet" : "stack"
        return """
            <table class="\(style)" role="table"><caption>\(caption)</caption><thead role="rowgroup"><tr role="row">\
            \(head)</tr></thead><tbody role="rowgroup">\(body)</tbody></table>
            """
    }

    private func cell(_ index: Int, _ pair: (column: Column, content: Markup?)) -> Markup {
        if index == 0 { return "<th role=\"rowheader\" scope=\"row\">\(pair.content ?? "")</th>" }
        let style: Markup = pair.column.isNumber ? "num" : ""
        guard let content = pair.content else {
            return """
                <td role="cell" class="\(style) empty" data-label="\(pair.column.title)">\
                <span class="none" aria-label="nothing">\u{2013}</span></td>
                """
        }
        return "<td role=\"cell\" class=\"\(style)\" data-label=\"\(pair.column.title)\"><span>\(content)</span></td>"
    }
}
