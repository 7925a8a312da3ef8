/// The one style sheet of all pages; no font, image or script is loaded from anywhere.
package enum StyleSheet {
    package static var text: String {
        """
        :root{\(Palette.light.css);color-scheme:light}
        @media(prefers-color-scheme:dark){:root:not([data-theme=light]){\(Palette.dark.css);color-scheme:dark}}
        :root[data-theme=dark]{\(Palette.dark.css);color-scheme:dark}
        @media print{:root,:root:not([data-theme=light]),:root[data-theme=dark]{\(Palette.light.css);--ground:#ffffff;\
        color-scheme:light}}
        """ + base + tables + figures + narrow
    }

    private static let base = """
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 -apple-system,"Segoe UI",Roboto,\
        "Helvetica Neue",Arial,"Liberation Sans",system-ui,sans-serif;overflow-wrap:anywhere}
        main,header.top,footer{max-width:960px;margin:0 auto;padding:0 32px}
        header.top{padding-top:56px;padding-bottom:8px}
        .eyebrow{margin:0 0 10px;font-size:13px;font-weight:600;letter-spacing:.08em;text-transform:uppercase;\
        color:var(--accent)}
        h1{margin:0 0 20px;font-size:20px;line-height:1.3;font-weight:600;color:var(--soft)}
        .headline{margin:0 0 24px;font-size:33px;line-height:1.22;font-weight:650;letter-spacing:-.015em;\
        max-width:26em;text-wrap:balance}
        .meta{margin:0;color:var(--soft);font-size:14.5px}
        .meta b{font-weight:600;color:var(--ink)}
        h2{margin:0 0 14px;font-size:22px;line-height:1.3;font-weight:650;letter-spacing:-.01em}
        h3{margin:30px 0 8px;font-size:16px;line-height:1.35;font-weight:650}
        .lead{margin:-8px 0 20px;color:var(--soft);max-width:44em}
        section{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:30px 32px;margin:22px 0}
        p{margin:0 0 12px;max-width:46em}
        ul.plain{margin:0;padding:0;list-style:none}
        ul.plain li{margin:0 0 8px}
        .soft{color:var(--soft)}
        .small{font-size:14px}
        .facts{display:grid;grid-template-columns:repeat(4,1fr);gap:1px;margin:28px 0 0;padding:0;\
        background:var(--rule);border:1px solid var(--rule);border-radius:14px;overflow:hidden}
        .facts div{background:var(--card);padding:15px 18px}
        .facts dt{margin:0;font-size:13px;color:var(--soft)}
        .facts dd{margin:1px 0 0;font-size:19px;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums}
        .facts dd small{display:block;font-size:13px;font-weight:400;color:var(--soft)}
        .shout{margin:28px 0 0;padding:18px 22px;border-radius:14px;background:var(--danger);color:var(--danger-ink)}
        .shout strong{display:block;font-size:21px;line-height:1.25;letter-spacing:.02em}
        .shout p{margin:6px 0 0}
        .gaps{border-left:5px solid var(--caution)}
        .gaps ul{margin:0;padding:0;list-style:none}
        .gaps li{margin:0;padding:9px 0;border-top:1px solid var(--rule)}
        .gaps li:first-child{border-top:0}
        .gaps li.grave b{color:var(--danger)}
        .gaps b{display:block;font-weight:600}
        .gaps b::first-letter{text-transform:uppercase}
        .note{display:flex;gap:10px;margin:10px 0 0;font-size:15px}
        .tag{flex:none;align-self:flex-start;font-size:12px;line-height:1.6;font-weight:650;letter-spacing:.03em;\
        padding:1px 9px;border-radius:99px;border:1.5px solid currentColor;white-space:nowrap}
        .tag.note-tag{color:var(--soft)}.tag.caution{color:var(--caution)}.tag.serious{color:var(--danger)}
        .tag.good{color:var(--good)}
        .card{padding:16px 0;border-top:1px solid var(--rule)}
        .card:first-of-type{border-top:0;padding-top:4px}
        dl.pairs{display:grid;grid-template-columns:minmax(9em,15em) 1fr;gap:7px 20px;margin:0}
        dl.pairs dt{color:var(--soft)}
        dl.pairs dd{margin:0}
        code{font:13.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
        pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--tint);border-radius:8px;\
        padding:10px 14px}
        footer{padding-bottom:48px;color:var(--soft);font-size:13.5px}

        """

    private static let tables = """
        table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:15px}
        caption{text-align:left;color:var(--soft);font-size:14px;padding:0 0 6px}
        th,td{text-align:left;vertical-align:top;padding:8px 14px 8px 0;border-top:1px solid var(--rule)}
        th:last-child,td:last-child{padding-right:0}
        thead th{border-top:0;font-size:13px;font-weight:600;color:var(--soft);vertical-align:bottom}
        tbody th{font-weight:600;min-width:8em}
        .num{text-align:right;min-width:5em}
        .mark{display:inline-block;width:18px;height:18px;vertical-align:-3.5px;margin-right:6px;flex:none}
        .cell{display:block}
        .cell small{display:block;font-size:13px;font-weight:400;color:var(--soft)}
        .cell.amount,.cell.amount small{white-space:nowrap}
        .scroll{overflow-x:auto}
        thead th:not(:first-child){min-width:6.9em}
        thead th.num:not(:first-child){min-width:4em}
        table.quiet caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        .scroll th:first-child{min-width:11em}
        .scroll th,.scroll td{padding-right:10px}
        th .soft{font-weight:400}
        .none{color:var(--soft)}

        """

    private static let figures = """
        figure{margin:18px 0 0}
        figcaption{margin:0 0 8px;font-weight:600;font-size:15.5px}
        figure .under{margin:8px 0 0;font-size:14px;color:var(--soft);font-weight:400}
        svg.plot{display:block;width:100%;height:auto;font-family:inherit;overflow:hidden}
        svg.plot+svg.plot{margin-top:18px}
        svg.narrow{display:none}
        svg text{fill:var(--ink)}
        svg text.soft{fill:var(--soft)}
        svg .rule{stroke:var(--rule);stroke-width:1;fill:none}
        svg .axis{stroke:var(--soft);stroke-width:1;fill:none}
        svg .diagonal{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4;fill:none}
        svg .box{fill:var(--tint);stroke:var(--rule)}
        svg .glyph{fill:var(--glyph);stroke:none}
        svg text.glyph{fill:var(--glyph);font-weight:700}
        svg .glyph-line{fill:none;stroke:var(--glyph)}
        svg .number{fill:var(--ink)}
        svg text.on-number{fill:var(--card);font-weight:700}
        svg .trunk{fill:none;stroke-width:2}
        svg .sender{fill:var(--card);stroke-width:2}

        """
        + Exposure.allCases.map {
            ".fill-\($0.rawValue){fill:var(--\($0.rawValue))}.line-\($0.rawValue){stroke:var(--\($0.rawValue))}"
        }.joined(separator: "\n") + "\n"
        + (0..<6).map { "svg .fill-s\($0){fill:var(--series-\($0))}svg .line-s\($0){stroke:var(--series-\($0))}" }
        .joined(separator: "\n") + """

            .legend{display:flex;flex-wrap:wrap;gap:6px 20px;margin:12px 0 0;padding:0;list-style:none;font-size:14px;\
            color:var(--soft)}
            .legend li{display:flex;align-items:center}
            .steps{margin:20px 0 0;padding:0;list-style:none}
            .steps li{display:grid;grid-template-columns:28px 1fr;gap:2px 10px;padding:10px 0;\
            border-top:1px solid var(--rule)}
            .steps .n{display:inline-flex;align-items:center;justify-content:center;width:22px;height:22px;\
            border-radius:50%;background:var(--ink);color:var(--card);font-size:12.5px;font-weight:700}
            .steps b{font-weight:600}
            .steps span.soft{display:block;font-size:14.5px}

            """

    private static let narrow = """
        @media(max-width:760px){.facts{grid-template-columns:repeat(2,1fr)}}
        @media screen and (max-width:640px){
        main,header.top,footer{padding-left:16px;padding-right:16px}
        header.top{padding-top:32px}
        .headline{font-size:24px}
        section{padding:22px 18px;border-radius:12px;margin:16px 0}
        dl.pairs{grid-template-columns:1fr;gap:0}
        dl.pairs dd{margin:0 0 10px}
        svg.wide{display:none}
        svg.narrow{display:block}
        .note{flex-direction:column;gap:4px}
        table.stack,table.stack tbody,table.stack tr,table.stack th,table.stack td{display:block}
        table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        table.stack caption{display:block}
        table.stack tr{padding:10px 0;border-top:1px solid var(--rule)}
        table.stack tr:first-child{border-top:0}
        table.stack th,table.stack td{border:0;padding:2px 0}
        table.stack td{display:grid;grid-template-columns:42% 1fr;gap:10px;text-align:left}
        table.stack td::before{content:attr(data-label);color:var(--soft);font-size:14px}
        table.stack td.num{text-align:left;min-width:0}
        table.stack thead th:not(:first-child),.scroll th:first-child{min-width:0}
        .cell.amount small{white-space:normal}
        table.stack td.empty{display:none}
        }
        @media print{
        body{font-size:10.5pt}
        main,header.top,footer{max-width:none;padding-left:0;padding-right:0}
        header.top{padding-top:0}
        section{border:0;border-top:1px solid var(--rule);border-radius:0;padding:16px 0;margin:8px 0}
        figure,tr,.steps li,.card,.facts,.shout{break-inside:avoid}
        h2,h3,figcaption{break-after:avoid}
        *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
        }
        """

    private typealias Exposure = PrivacyReport.Exposure
}
