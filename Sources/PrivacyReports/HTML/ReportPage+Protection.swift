extension ReportPage {
    var cryptography: Markup {
        guard !report.cryptography.isEmpty else {
            return section("cryptography", "Cryptography", "<p>None was used, or none is recorded.</p>")
        }
        let items = report.cryptography.map { item -> Markup in
            let security: Markup
            if let bits = item.estimatedSecurityBits {
                let source: Markup = item.securitySource.map { ", by \($0)" } ?? ", source not given"
                security = "\(Quantity.bits(bits))\(source)"
            } else {
                security = "unknown"
            }
            let insecure: Markup = item.insecure ? " <span class=\"tag serious\">INSECURE</span>" : ""
            return """
                <div class="card">\(pairs([
                    ("Scheme", "<b>\(item.scheme)</b>\(insecure)"),
                    ("Protects", plain(item.purpose)),
                    ("Parameter set", "<code>\(item.parameterSet)</code>"),
                    ("Modulus", item.modulusBits.map { "\(Quantity.integer($0)) bits" }),
                    ("Estimated security", security),
                    ("Opened by", item.threshold.map { "any \($0.required) of \($0.shares) shares together" }),
                    ("Randomness", plain(item.randomness)),
                    ("Remark", item.note.map(plain)),
                ]))</div>
                """
        }
        return section("cryptography", "Cryptography", items.joined())
    }

    var privacy: Markup {
        let model = report.differentialPrivacy
        let remark: Markup = model.explanation.isEmpty ? "" : "<p>\(model.explanation)</p>"
        guard !model.guarantees.isEmpty else {
            return section(
                "differential-privacy", "Differential privacy",
                "<p><b>None.</b> No noise was added; the output is exact.</p>\(remark)")
        }
        var table = HTMLTable(
            caption: "Guarantees", isQuiet: true,
            columns: [
                .text("Release"), .number("ε"), .number("δ"), .text("Protects each"), .text("Neighbours"),
                .text("Accountant"), .text("Mechanism"),
            ])
        for item in model.guarantees {
            table.rows.append([
                plain(item.release), plain(Quantity.number(item.epsilon)), plain(Quantity.number(item.delta)),
                plain(item.unit), plain(item.neighbouring), plain(item.accountant), plain(item.mechanism),
            ])
        }
        return section("differential-privacy", "Differential privacy", "\(table.markup)\(remark)")
    }

    var audits: Markup {
        let remark: Markup = report.audits.explanation.isEmpty ? "" : "<p>\(report.audits.explanation)</p>"
        guard !report.audits.runs.isEmpty else {
            return section(
                "audits", "Attacks that were tried", "<p><b>None.</b> No audit was run on this output.</p>\(remark)")
        }
        var table = HTMLTable(
            caption: "Success of each attack, beside someone who saw nothing",
            columns: [
                .text("Attack"), .text("Measure"), .number("Success"), .number("Interval"), .number("Seeing nothing"),
                .text("Remark"),
            ])
        for run in report.audits.runs {
            let interval = run.interval.map { interval in
                "\(Quantity.number(interval.low, digits: 4)) to \(Quantity.number(interval.high, digits: 4)) "
                    + "(\(Quantity.number(interval.confidence * 100, digits: 3))\u{A0}%)"
            }
            table.rows.append([
                plain(run.attack), plain(run.metric), plain(Quantity.number(run.value)), interval.map(plain),
                plain(Quantity.number(run.baseline)), run.remark.map(plain),
            ])
        }
        if report.audits.runs.allSatisfy({ $0.remark == nil }) {
            table.columns.removeLast()
            for i in table.rows.indices { table.rows[i].removeLast() }
        }
        return section("audits", "Attacks that were tried", "\(table.markup)\(remark)")
    }
}
