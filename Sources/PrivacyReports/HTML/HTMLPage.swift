/// How a page is made.
public struct HTMLOptions: Hashable, Sendable {
    /// Light or dark; `automatic` follows the reader's system.
    public enum Theme: String, Hashable, Sendable, CaseIterable { case automatic, light, dark }

    public var theme: Theme

    public init(theme: Theme = .automatic) { self.theme = theme }
}

/// The frame of a page.
struct HTMLPage {
    var title: String
    var options: HTMLOptions
    var header: Markup
    var main: Markup
    var footer: Markup

    /// The policy forbids scripts and every outside load, in case a string should ever slip through the escaping.
    package static let policy: Markup =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"

    var source: String {
        let theme: Markup = options.theme == .automatic ? "" : " data-theme=\"\(options.theme.rawValue)\""
        let start: Markup = """
            <!DOCTYPE html>
            <html lang="en"\(theme)>
            <head>
            <meta charset="utf-8">
            \(Self.policy)
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            """
        let body: Markup = """
            </head>
            <body>
            <header class="top">
            \(header)
            </header>
            <main>
            \(main)
            </main>
            <footer>
            \(footer)
            </footer>
            </body>
            </html>

            """
        return start.source + "\n<style>\n" + StyleSheet.text + "\n</style>\n" + body.source
    }
}
