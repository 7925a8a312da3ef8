import Foundation
import TacitTestSupport
import Testing

/// The coordinator's page in a real browser, beside a study that really runs. To see the pictures, name a folder:
/// TACIT_KEEP_SCREENSHOTS.
@Suite(.serialized, .enabled(if: HeadlessBrowser.program != nil, "SKIPPED: no Chromium"))
struct BrowserTests {
    @Test func aStudyIsFollowedLive() throws {
        let study = try NetworkStudy(rounds: 6, options: ["--local-baseline"])
        try study.startCoordinator([
            "--dashboard-port", "0", "--baseline", "Central=0.93", "--baseline", "Central:accuracy=0.86", "--patience",
            "2",
        ])
        let origin = "http://127.0.0.1:\(study.dashboardPort)"
        let token = try String(contentsOfFile: study.folder.file("hospital.state/dashboard.token"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let browser = try HeadlessBrowser()

        // The token is needed, and can be typed.
        try browser.view(width: 1280, height: 900, isDark: false)
        try browser.visit(origin)
        #expect(try browser.text("document.activeElement.id") == "token")
        #expect(try !browser.text("document.documentElement.outerHTML").contains("hospital"))
        try look(browser, "sign-in")
        try browser.type("not the token at all")
        try browser.press("Enter", code: 13)
        try browser.wait("document.body.innerText.includes('That is not the token.')")
        try browser.wait("document.activeElement.id === 'token'")
        try browser.type(token)
        try browser.press("Enter", code: 13)
        try browser.wait("!!document.getElementById('rounds') && document.title !== 'Tacit'")
        try browser.wait("document.getElementById('phase').textContent === 'Waiting: 0 of 3 sites have joined'")
        #expect(
            try browser.text("document.getElementById('adversary').textContent").contains("never one site's update"))
        try look(browser, "waiting")

        // Rounds appear without a reload: what a script left on the page is still there.
        _ = try browser.evaluate(
            "window.marker = 7; window.seen = []; new MutationObserver(() => window.seen.push("
                + "document.querySelectorAll('#rounds tr:not(:has(.hint))').length)).observe(document.getElementById('rounds'), {childList: true})"
        )
        for site in 1...3 { try study.startSite(site) }
        try browser.wait("document.querySelectorAll('#rounds tr:not(:has(.hint))').length >= 1")
        try browser.wait("document.getElementById('phase').textContent === 'Finished after 6 rounds'", within: 60)
        #expect(try browser.isTrue("window.marker === 7 && new Set(window.seen).size >= 2"))
        for site in 1...3 { try study.finishSite(site) }

        // What the page says is what the coordinator knows.
        let rows = try browser.text(
            "[...document.querySelectorAll('#rounds tr')].map(r => [...r.cells].map(c => c.textContent).join('|')).join('\\n')"
        )
        #expect(rows.contains("Site 1, Site 2, Site 3") && rows.contains("Round 6"))
        let comparison = try browser.text(
            "[...document.querySelectorAll('#comparison tr')].map(r => [...r.cells].map(c => c.textContent).join('|')).join('\\n')"
        )
        #expect(comparison.hasPrefix("|Now|Best|Majority|Each site alone|Central\nAUROC|0.9"), "\(comparison)")
        #expect(
            try #require(comparison.firstMatch(of: /\|0\.5000\|(0\.[89]\d+)\|0\.9300\nAccuracy\|/)).output.1.count == 6,
            "\(comparison)")
        #expect(comparison.contains("|0.8600\n"), "\(comparison)")
        #expect(try browser.isTrue("document.querySelectorAll('#plot .base').length === 3"))
        for view in [(1280, 900, false), (1280, 900, true), (390, 844, false), (390, 844, true)] {
            try browser.view(width: view.0, height: view.1, isDark: view.2, isPhone: view.0 < 500)
            try look(browser, "finished-\(view.0)-\(view.2 ? "dark" : "light")", isPhone: view.0 < 500)
        }
        try browser.view(width: 1280, height: 900, isDark: false)

        // By keyboard alone: everything is reached in the order of the page, and one sees where one is.
        _ = try browser.evaluate("document.activeElement.blur(); document.body.focus()")
        var order: [String] = []
        for _ in 0..<12 {
            try browser.press("Tab", code: 9)
            let name = try browser.text(
                "(e => e === document.body ? 'body' : e.id || (e.value || e.textContent || e.getAttribute('aria-labelledby')).trim())("
                    + "document.activeElement)")
            if name == "body" || order.contains(name) { break }
            order.append(name)
            #expect(
                try browser.isTrue(
                    "(e => { const s = getComputedStyle(e.closest('label') || e); return s.outlineStyle !== 'none' && "
                        + "parseFloat(s.outlineWidth) >= 2; })(document.activeElement)"), "\(name) shows no focus")
            // In sight, the skip link too.
            #expect(
                try browser.isTrue(
                    "(r => r.left >= 0 && r.right <= innerWidth + 1)(document.activeElement.getBoundingClientRect())"),
                "\(name) is not in sight")
        }
        #expect(
            order.prefix(5) == ["Skip to the rounds", "Privacy report", "as JSON", "Sign out", "auroc"], "\(order)")
        #expect(order.last == "events", "\(order)")
        // Arrows choose what is plotted.
        _ = try browser.evaluate("document.querySelector('#choice input').focus()")
        try browser.press("ArrowRight", code: 39)
        try browser.wait("document.getElementById('h-column').textContent === 'Accuracy'")
        #expect(
            try browser.text("document.getElementById('plot-title').textContent").hasPrefix("Accuracy after each round")
        )

        // The report is the study's, and names what protects it.
        let report = try browser.text("fetch('/report/privacy-report.html').then(r => r.text())")
        for word in [
            "X25519", "ChaCha20", "Ed25519", "TLS 1.3", "AUROC", "Round 6, 3 sites", "Site 2", "Each site alone",
        ] {
            #expect(report.contains(word), "the report does not say \(word)")
        }
        // A picture in the tab, and nothing from elsewhere, nothing refused, nothing thrown.
        #expect(
            try browser.isTrue(
                "fetch('/favicon.ico').then(r => r.ok && r.headers.get('content-type') === 'image/svg+xml')"))
        #expect(browser.requests.count > 5)
        for request in browser.requests {
            #expect(request.hasPrefix(origin + "/") || request == "about:blank", "\(request)")
        }
        #expect(browser.complaints.filter { !$0.contains("403") }.isEmpty, "\(browser.complaints)")

        // A coordinator that is gone is said to be gone; signing out closes the page.
        try browser.press("Tab", code: 9)
        _ = try browser.evaluate("document.querySelector('form[action=\"/logout\"] button').click()")
        try browser.wait("!!document.getElementById('token')")
    }

    @Test func dropoutsAndALostCoordinatorAreShown() throws {
        let study = try NetworkStudy(rounds: 40)
        try study.startCoordinator(["--dashboard-port", "0", "--patience", "1"])
        let origin = "http://127.0.0.1:\(study.dashboardPort)"
        let token = try String(contentsOfFile: study.folder.file("hospital.state/dashboard.token"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        for site in 1...3 { try study.startSite(site) }
        let browser = try HeadlessBrowser()
        try browser.view(width: 390, height: 844, isDark: false, isPhone: true)
        try browser.visit(origin)
        try browser.type(token)
        try browser.press("Enter", code: 13)
        try browser.wait("document.querySelectorAll('#rounds tr:not(:has(.hint))').length >= 2")
        study.killSite(2)
        try browser.wait(
            "document.body.innerText.includes('silent') || document.body.innerText.includes('Waiting for sites')")
        try look(browser, "dropout-390-light", isPhone: true)
        study.killCoordinator()
        try browser.wait("!document.getElementById('offline').hidden")
        try look(browser, "lost-390-light", isPhone: true)
    }

    // MARK: How it looks

    /// Nothing sticks out, covers another text or is hard to read.
    private func look(_ browser: HeadlessBrowser, _ name: String, isPhone: Bool = false) throws {
        let faults = try browser.text(Self.faults.replacing("PHONE", with: isPhone ? "true" : "false"))
        #expect(faults.isEmpty, "\(name): \(faults)")
        let picture = try browser.picture()
        #expect(picture.count > 3000)
        if let keep = ProcessInfo.processInfo.environment["TACIT_KEEP_SCREENSHOTS"] {
            try picture.write(to: URL(fileURLWithPath: keep).appending(path: "dashboard-\(name).png"))
        }
    }

    /// Contrast as WCAG 2 defines it: 4.5 for text, 3 for large text.
    private static let faults = """
        (() => {
          const faults = [], shown = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
          const name = e => e.tagName + ' ' + (e.id || e.textContent.trim().slice(0, 30));
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth > width) faults.push('wider than the window by '
            + (document.documentElement.scrollWidth - width));
          const light = c => { const p = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(v => { v /= 255;
            return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * p[0] + .7152 * p[1] + .0722 * p[2]; };
          const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)' && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
          for (const e of document.querySelectorAll('body *')) {
            if (!shown(e) || e.closest('.skip') || e.closest('thead') && PHONE) continue;
            const r = e.getBoundingClientRect();
            if ((r.right > width + 1 || r.left < -1) && !e.closest('.scroll')) faults.push('outside: ' + name(e));
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own) continue;
            const style = getComputedStyle(e), svg = !!e.closest('svg');
            const ink = light(svg ? style.fill : style.color), back = light(ground(e));
            const contrast = (Math.max(ink, back) + .05) / (Math.min(ink, back) + .05);
            if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faults.push('contrast ' + contrast.toFixed(2) + ': ' + name(e));
          }
          const texts = [...document.querySelectorAll('#plot text')].filter(shown).map(e => [e, e.getBoundingClientRect()]);
          texts.forEach(([e, a], i) => texts.slice(i + 1).forEach(([f, b]) => {
            if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
              faults.push('over each other: ' + e.textContent + ' | ' + f.textContent); }));
          const edge = document.getElementById('plot')?.getBoundingClientRect();
          for (const [e, r] of texts) if (r.right > edge.right + 1 || r.left < edge.left - 1) faults.push('cut: ' + e.textContent);
          if (PHONE) for (const e of document.querySelectorAll('a.button, button, .choice label, input[type=password]'))
            if (shown(e) && e.getBoundingClientRect().height < 44) faults.push('small to touch: ' + name(e));
          return [...new Set(faults)].slice(0, 12).join('; ');
        })()
        """
}
