import Foundation
import PrivacyReports
import Testing

/// Looks at the pages in a real browser. To see the pictures: TACIT_KEEP_SCREENSHOTS=directory swift test …
@Suite("Pages in a browser", .serialized)
struct ScreenshotTests {
    struct View: CustomTestStringConvertible, Sendable {
        var sample: Sample
        var theme: HTMLOptions.Theme
        var width: Int
        var testDescription: String { "\(sample.name), \(theme), \(width) px" }
        var fileName: String { testDescription.replacing(", ", with: "-").replacing(" ", with: "-") }
    }

    static let views = Sample.all.flatMap { sample in
        [
            View(sample: sample, theme: .light, width: 1280), View(sample: sample, theme: .dark, width: 1280),
            View(sample: sample, theme: .light, width: 390),
        ]
    }

    @Test(
        "A page is drawn whole, is not blank, and fits its width",
        .enabled(if: ExternalProgram.browser != nil && ExternalProgram.python != nil, "SKIPPED: no browser or python3"),
        arguments: views)
    func screenshot(view: View) throws {
        try ExternalProgram.withDirectory { directory in
            let html = view.sample.report.html(HTMLOptions(theme: view.theme))
            let measured = try measure(html, width: view.width, directory: directory, name: view.fileName)
            #expect(measured.scrollWidth == view.width, "the page is wider than the window")
            #expect(measured.outside.isEmpty, "elements stick out: \(measured.outside)")
            #expect(measured.overlaps.isEmpty, "texts overlap: \(measured.overlaps)")

            let picture = directory.appending(path: view.fileName + ".png")
            try shoot(
                frame(html, width: view.width, height: measured.height), width: view.width,
                height: measured.height, to: picture, directory: directory)
            let pixels = try look(at: picture)
            #expect(pixels.width == max(view.width, 500))
            #expect(pixels.height == measured.height)
            #expect(pixels.colours > 200, "the picture is nearly blank")
            // The ground of the theme fills most of the page.
            let brightness = try #require(pixels.commonest)
            #expect(view.theme == .dark ? brightness < 60 : brightness > 220)
        }
    }

    @Test(
        "A hostile report draws a whole page, and runs nothing",
        .enabled(if: ExternalProgram.browser != nil, "SKIPPED: no browser"), arguments: [1280, 390])
    func hostile(width: Int) throws {
        try ExternalProgram.withDirectory { directory in
            let html = SampleReports.hostile.html()
            let measured = try measure(html, width: width, directory: directory, name: "hostile-\(width)")
            #expect(measured.scrollWidth == width)
            #expect(measured.title == "Privacy report")
            #expect(measured.outside.isEmpty, "elements stick out: \(measured.outside)")
        }
    }

    // MARK: The browser

    struct Measured: Codable {
        var scrollWidth: Int
        var height: Int
        var title: String
        var outside: [String]
        var overlaps: [String]
    }

    /// Puts the page into a frame of the wanted width: a headless window is never narrower than 500 pixels.
    private func frame(_ html: String, width: Int, height: Int) -> String {
        "<!DOCTYPE html><body style=\"margin:0\"><iframe src=\"page.html\" style=\"border:0;display:block;"
            + "width:\(width)px;height:\(height)px\"></iframe>"
    }

    /// Loads the page with a script added that measures it; the policy against scripts is taken out for that.
    private func measure(_ html: String, width: Int, directory: URL, name: String) throws -> Measured {
        let policy = "<meta http-equiv=\"Content-Security-Policy\""
        #expect(html.contains(policy))
        try html.write(to: directory.appending(path: "page.html"), atomically: true, encoding: .utf8)
        let open = html.replacing(policy, with: "<meta name=\"was-policy\"")
            .replacing("</body>", with: "<script>\(Self.script)</script></body>")
        try open.write(to: directory.appending(path: "inner.html"), atomically: true, encoding: .utf8)
        let outer = directory.appending(path: "outer.html")
        try """
        <!DOCTYPE html><body style="margin:0"><pre id="out"></pre>
        <script>addEventListener('message', e => document.getElementById('out').textContent = '@@' + e.data + '@@')
        </script><iframe src="inner.html" style="border:0;width:\(width)px;height:800px"></iframe>
        """.write(to: outer, atomically: true, encoding: .utf8)
        let dump = try ExternalProgram.run(
            try #require(ExternalProgram.browser),
            Self.flags + [
                "--window-size=\(max(width, 500)),900", "--virtual-time-budget=4000", "--dump-dom",
                outer.absoluteString,
            ],
            errors: false)
        let parts = dump.output.components(separatedBy: "@@")
        let text = parts.count > 2 ? parts[1] : ""
        let json = text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        return try JSONDecoder().decode(Measured.self, from: Data(json.utf8))
    }

    private static let flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        "--allow-file-access-from-files",
    ]

    /// Elements beyond the right edge or squeezed to a letter per line, and pairs of texts in one drawing that cover each other.
    private static let script = """
        addEventListener('load', () => {
          const limit = document.documentElement.clientWidth + 1;
          const name = e => (e.tagName + ' ' + e.textContent).slice(0, 60);
          const shown = e => e.getClientRects().length > 0;
          const outside = [...document.querySelectorAll('body *')].filter(e => shown(e) &&
            !e.closest('table.stack thead') && !e.parentElement.closest('.scroll') &&
            (e.getBoundingClientRect().right > limit || e.getBoundingClientRect().left < -1)).map(name).slice(0, 5);
          const squeezed = [...document.querySelectorAll('body *')].filter(e => shown(e) && !e.children.length &&
            e.textContent.length > 12 && !e.closest('svg') && !e.closest('.quiet caption') && !e.closest('table.stack thead') &&
            e.getBoundingClientRect().height > 6 * e.getBoundingClientRect().width).map(name);
          outside.push(...squeezed.map(t => 'squeezed: ' + t));
          const overlaps = [];
          for (const svg of document.querySelectorAll('svg.plot')) {
            const edge = svg.getBoundingClientRect();
            const texts = [...svg.querySelectorAll('text')].filter(shown)
              .map(e => ({e, r: e.getBoundingClientRect()}));
            for (const {e, r} of texts) if (r.left < edge.left - 1 || r.right > edge.right + 1 ||
              r.top < edge.top - 2 || r.bottom > edge.bottom + 2) outside.push('cut: ' + name(e));
            for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
              const a = texts[i].r, b = texts[j].r;
              const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
              const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
              if (w > 1 && h > 5) overlaps.push(name(texts[i].e) + ' | ' + name(texts[j].e));
            }
          }
          parent.postMessage(JSON.stringify({scrollWidth: document.documentElement.scrollWidth,
            height: Math.ceil(document.documentElement.getBoundingClientRect().height),
            title: document.querySelector('.eyebrow').textContent, outside, overlaps: overlaps.slice(0, 8)}), '*');
        });
        """

    private func shoot(_ wrapper: String, width: Int, height: Int, to picture: URL, directory: URL) throws {
        let page = directory.appending(path: "frame.html")
        try wrapper.write(to: page, atomically: true, encoding: .utf8)
        try? FileManager.default.removeItem(at: picture)
        let outcome = try ExternalProgram.run(
            try #require(ExternalProgram.browser),
            Self.flags + [
                "--window-size=\(max(width, 500)),\(height)", "--screenshot=\(picture.path)", page.absoluteString,
            ])
        #expect(FileManager.default.fileExists(atPath: picture.path), "no screenshot: \(outcome.output)")
    }

    // MARK: The picture

    struct Pixels: Codable {
        var width: Int
        var height: Int
        var colours: Int
        /// The mean of red, green and blue of the most frequent colour.
        var commonest: Double?
    }

    private func look(at picture: URL) throws -> Pixels {
        let outcome = try ExternalProgram.run(
            try #require(ExternalProgram.python), ["-c", Self.decoder, picture.path])
        return try JSONDecoder().decode(Pixels.self, from: Data(outcome.output.utf8))
    }

    /// Undoes the PNG filters of every row, and counts colours on every seventh one, near the top.
    private static let decoder = """
        import sys, zlib, struct, json, collections
        data = open(sys.argv[1], 'rb').read()
        at, parts = 8, []
        while at < len(data):
            size, kind = struct.unpack('>I4s', data[at:at + 8])
            body = data[at + 8:at + 8 + size]
            if kind == b'IHDR': width, height, depth, colour = struct.unpack('>IIBB', body[:10])
            if kind == b'IDAT': parts.append(body)
            at += 12 + size
        n = {2: 3, 6: 4}[colour]
        raw, row, seen = zlib.decompress(b''.join(parts)), bytearray(width * n), collections.Counter()
        for y in range(min(height, 1500)):
            start = y * (width * n + 1)
            f, line = raw[start], bytearray(raw[start + 1:start + 1 + width * n])
            if f == 1:
                for i in range(n, len(line)): line[i] = (line[i] + line[i - n]) & 255
            elif f == 2: line = bytearray((a + b) & 255 for a, b in zip(line, row))
            elif f == 3:
                for i in range(len(line)): line[i] = (line[i] + ((line[i - n] if i >= n else 0) + row[i]) // 2) & 255
            elif f == 4:
                for i in range(len(line)):
                    a, b, c = (line[i - n], row[i], row[i - n]) if i >= n else (0, row[i], 0)
                    p = a + b - c
                    d = abs(p - a), abs(p - b), abs(p - c)
                    line[i] = (line[i] + (a if d[0] <= d[1] and d[0] <= d[2] else b if d[1] <= d[2] else c)) & 255
            row = line
            if y % 7 == 0: seen.update(bytes(line[i:i + 3]) for i in range(0, len(line), n))
        print(json.dumps(dict(width=width, height=height, colours=len(seen),
                              commonest=sum(seen.most_common(1)[0][0]) / 3)))
        """
}
