import Foundation
import Testing

/// What a user sees first, and what a program reads.
@Suite struct HelpTests {
    static let commands = [
        "", "demo", "data", "data list", "data describe", "data schema", "data split", "keys", "keys generate",
        "keys inspect", "keys split", "encrypt", "train", "decrypt", "predict", "evaluate", "report", "report show",
        "report compare", "budget", "budget create", "budget show", "budget history", "budget check", "budget spend",
        "spam", "spam train", "spam encrypt", "spam ask", "spam answer", "spam open", "spam predict",
    ]

    @Test func version() throws {
        #expect(try TacitProcess().succeed("--version").output == "0.1.0\n")
    }

    @Test func everyCommandExplainsItself() throws {
        let process = try TacitProcess()
        for command in Self.commands {
            let words = command.split(separator: " ").map(String.init)
            let outcome = try process.run(words + ["--help"])
            #expect(outcome.status == 0 && outcome.errors == "", "\(command)")
            #expect(outcome.output.contains("USAGE: " + (["tacit"] + words).joined(separator: " ")), "\(command)")
            #expect(outcome.output.contains("OVERVIEW: "), "\(command)")
        }
        #expect(process.folder.names == [])
    }

    @Test func usageErrors() throws {
        let process = try TacitProcess()
        for line in [
            "nonsense", "encrypt", "encrypt --data a --model b --key k --out o", "train --out x",
            "train --plain --out x", "train --encrypted a --out x --rows 1 --folds 2", "decrypt f --out o",
            "decrypt f --key k --share s --out o", "predict --data d --out o", "evaluate --data d",
            "keys generate --shares 3",
            "keys generate --scheme rsa", "keys generate --bits many", "report compare one.json",
            "train --encrypted a --folds 1 --out x", "encrypt --data a --key k --out o --as pictures",
        ] {
            let outcome = try process.run(line.split(separator: " ").map(String.init))
            #expect(outcome.status == 64 && outcome.output == "" && !outcome.errors.isEmpty, "\(line): \(outcome)")
        }
        #expect(process.folder.names == [])
    }

    /// Each command that makes or shows something prints one JSON value, and nothing else, on standard output.
    @Test func jsonOnEveryCommand() throws {
        let process = try TacitProcess(with: [
            "solo.public", "solo.secret", "team.public", "team.share-1", "train.csv", "train.schema.json", "test.csv",
            "test.schema.json", "a.tacit", "b.tacit", "fit.tacit", "one.part", "two.part", "solo.tacit",
            "solo-fit.tacit",
            "features.tacit", "sealed.tacit", "scores.tacit", "plain.safetensors", "rows.tacit",
        ])
        try process.write("x,y\n1,2\n2,4\n3,7\n", to: "own.csv")
        let insecure = "--bits 512 --insecure --unprotected"
        for line in [
            "data list", "data describe --data diabetes", "data schema --data own.csv --target y",
            "data schema --data own.csv --confirm", "data split --data diabetes --out s",
            "keys generate --out new \(insecure)", "keys generate --threshold 2 --shares 2 --out pair \(insecure)",
            "keys inspect solo.secret", "keys split solo.secret --threshold 2 --shares 3 --out solo2 --unprotected",
            "encrypt --data train.csv --key solo.public --out e.tacit",
            "encrypt --data test.csv --key solo.public --out e.tacit --as rows",
            "encrypt --data test.csv --key solo.public --out e.tacit --as features",
            "encrypt --model plain.safetensors --key solo.public --out e.tacit",
            "train --encrypted a.tacit b.tacit --out e.tacit", "train --encrypted rows.tacit --folds 3 --out e.tacit",
            "train --plain --data train.csv --out p.safetensors",
            "decrypt fit.tacit --share team.share-1 --out e.part",
            "decrypt fit.tacit --key team.public --partial one.part two.part --out o.safetensors",
            "decrypt solo-fit.tacit --key solo.secret --out o.safetensors",
            "decrypt solo.tacit --key solo.secret --out o.json",
            "decrypt scores.tacit --key solo.secret --out o.csv",
            "predict --model plain.safetensors --data test.csv --out p.csv",
            "predict --encrypted features.tacit --model plain.safetensors --out p.tacit",
            "predict --encrypted sealed.tacit --data test.csv --out p.tacit",
            "evaluate --model plain.safetensors --data test.csv", "evaluate --predictions p.csv --data test.csv",
            "report show o.report.json", "report compare o.report.json o.report.json",
        ] {
            let outcome = try process.run(line.split(separator: " ").map(String.init) + ["--json"])
            #expect(outcome.status == 0, "\(line): \(outcome.errors)")
            #expect(throws: Never.self, "\(line): \(outcome.output)") {
                _ = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            }
        }
    }

    @Test func quietSaysOnlyResultsAndWarnings() throws {
        let process = try TacitProcess(with: ["solo.secret", "solo-fit.tacit"])
        let loud = try process.succeed("decrypt", "solo-fit.tacit", "--key", "solo.secret", "--out", "m.safetensors")
        let quiet = try process.succeed(
            "decrypt", "solo-fit.tacit", "--key", "solo.secret", "--out", "m.safetensors", "--quiet")
        #expect(loud.errors.contains("privacy report: "))
        #expect(quiet.output == loud.output)
        #expect(quiet.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("warning:") }, "\(quiet.errors)")
    }
}
