/// The colours of a page. Every text colour has a contrast of at least 4.5 : 1 on the ground that it is used on,
/// and every mark carries a glyph or a pattern besides its colour.
package struct Palette: Sendable {
    /// Variable names and colours `#rrggbb`.
    package var colours: [(name: String, value: String)]

    package subscript(name: String) -> String { colours.first { $0.name == name }?.value ?? "#000000" }

    package static let light = Palette(colours: [
        ("ground", "#f6f7f5"), ("card", "#ffffff"), ("ink", "#17211f"), ("soft", "#54615e"), ("rule", "#d9dfdc"),
        ("accent", "#0b5f59"), ("tint", "#e8f1ef"), ("glyph", "#ffffff"),
        ("own", "#475569"), ("open", "#646b73"), ("sealed", "#0f766e"), ("share", "#6d28d9"),
        ("noised", "#1d4ed8"), ("aggregate", "#a14a07"), ("individual", "#b3161b"), ("unclassified", "#1f2937"),
        ("good", "#166534"), ("caution", "#8a4b00"), ("danger", "#a30d12"), ("danger-ink", "#ffffff"),
        ("series-0", "#0f766e"), ("series-1", "#a14a07"), ("series-2", "#5b4bc4"), ("series-3", "#b3165f"),
        ("series-4", "#1d62b8"), ("series-5", "#4d6b12"),
    ])

    package static let dark = Palette(colours: [
        ("ground", "#0f1514"), ("card", "#171f1d"), ("ink", "#e8eeec"), ("soft", "#a3b1ad"), ("rule", "#2f3b38"),
        ("accent", "#5fd3c4"), ("tint", "#1b2b29"), ("glyph", "#0d1413"),
        ("own", "#9fb0c6"), ("open", "#a9adb3"), ("sealed", "#3fcdb9"), ("share", "#c3b1fb"),
        ("noised", "#93bdfb"), ("aggregate", "#f5b84a"), ("individual", "#ff8a85"), ("unclassified", "#e5e7eb"),
        ("good", "#6ee7a0"), ("caution", "#f5b84a"), ("danger", "#ff8a85"), ("danger-ink", "#1c0505"),
        ("series-0", "#3fcdb9"), ("series-1", "#f5b84a"), ("series-2", "#b3a6fb"), ("series-3", "#f78fbf"),
        ("series-4", "#8ab9f7"), ("series-5", "#b5d36b"),
    ])

    package var css: String { colours.map { "--\($0.name):\($0.value)" }.joined(separator: ";") }
}
