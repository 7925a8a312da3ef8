import Foundation
import TacitTestSupport
import Testing

/// `tacit train --private` for models that are no networks, as a user runs it.
@Suite struct PrivateTableTests {
    private let privacy = ["--unit", "row", "--epsilon", "3", "--delta", "1e-5"]

    @Test(arguments: ["logistic", "naive-bayes", "boosted-trees"]) func classifiers(model: String) throws {
        let process = try TacitProcess()
        let outcome = try process.run(
            ["train", "--private", "--data", "breast-cancer", "--model", model, "--out", "m.safetensors", "--json"]
                + privacy)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let made = try process.json(outcome.output)
        let epsilon = try #require(made["epsilon"] as? Double)
        #expect(epsilon <= 3 && epsilon > 2.8 && made["unit"] as? String == "row")
        let metrics = try #require(made["metrics"] as? [String: Double])
        // Far from chance at this ε; the worst of many runs was 0.93.
        #expect(try #require(metrics["held-out AUROC"]) > 0.75, "\(metrics)")
        let evaluated = try process.run(["evaluate", "--model", "m.safetensors", "--data", "breast-cancer"])
        #expect(evaluated.status == 0 && evaluated.output.contains("AUROC"), "\(evaluated.errors)")
        let predicted = try process.run(
            ["predict", "--model", "m.safetensors", "--data", "breast-cancer", "--out", "p.csv"])
        #expect(predicted.status == 0, "\(predicted.errors)")
        let lines = String(decoding: try process.read("p.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 570 && lines[0] == "prediction")
        let report = String(decoding: try process.read("m.report.json"), as: UTF8.self)
        for word in ["differentialPrivacy", "add or remove one", "PLD"] { #expect(report.contains(word), "\(word)") }
        #expect(process.litter.isEmpty)
    }

    @Test func otherModels() throws {
        let process = try TacitProcess()
        for (model, more) in [
            ("linear", ["--data", "diabetes", "--scaling", "bounds"]),
            ("k-means", ["--data", "breast-cancer", "--clusters", "2"]),
            ("principal-components", ["--data", "breast-cancer", "--components", "3"]),
            (
                "logistic",
                [
                    "--data", "breast-cancer", "--solver", "gradient-descent", "--sampling-rate", "0.3",
                    "--steps", "40",
                ]
            ),
            ("logistic", ["--data", "breast-cancer", "--neighbouring", "replace-one"]),
        ] {
            let outcome = try process.run(
                ["train", "--private", "--model", model, "--out", "m.safetensors", "--json"] + more + privacy)
            #expect(outcome.status == 0, "\(model): \(outcome.errors)")
            let data = more[1]
            let predicted = try process.run(["predict", "--model", "m.safetensors", "--data", data, "--out", "p.csv"])
            #expect(predicted.status == 0, "\(model): \(predicted.errors)")
            let first = String(decoding: try process.read("p.csv"), as: UTF8.self).split(separator: "\n")[0]
            #expect(first == (model == "principal-components" ? "component_1,component_2,component_3" : "prediction"))
        }
    }

    /// A table of several rows a patient: the ledger is for patients, and refuses what goes beyond its budget.
    @Test func ledgerDecides() throws {
        let process = try TacitProcess()
        var csv = "patient,x,y\n"
        for row in 0..<600 { csv += "\(row / 3),\(row % 7),\(row % 7 > 3 ? 1 : 0)\n" }
        try process.write(csv, to: "t.csv")
        try process.write(
            """
            {"formatVersion": 1, "confirmed": true, "columns": [
              {"name": "patient", "type": "integer", "role": "privacy-unit"},
              {"name": "x", "type": "integer", "role": "feature", "bounds": {"lower": 0, "upper": 6}},
              {"name": "y", "type": "integer", "role": "target", "bounds": {"lower": 0, "upper": 1}}]}
            """, to: "t.schema.json")
        let create = try process.run(
            [
                "budget", "create", "b.ledger", "--data", "t.csv", "--epsilon", "2", "--delta", "1e-4", "--unit",
                "patient",
                "--neighbouring", "add-or-remove-one",
            ])
        try #require(create.status == 0, "\(create.errors)")
        let train = [
            "train", "--private", "--data", "t.csv", "--model", "naive-bayes", "--ledger", "b.ledger",
            "--epsilon", "1.2", "--delta", "1e-5", "--out", "m.safetensors",
        ]
        let wrong = try process.run(train + ["--unit", "row"])
        #expect(wrong.status != 0 && wrong.errors.contains("patient"), "\(wrong.errors)")
        let first = try process.run(train + ["--unit", "patient", "--rows-per-unit", "2"])
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("rows are left out"), "\(first.errors)")
        let second = try process.run(train.map { $0 == "1.2" ? "1.9" : $0 } + ["--unit", "patient"])
        #expect(second.status == 77 && second.errors.contains("budget"), "\(second.status) \(second.errors)")
    }

    @Test func badInput() throws {
        let process = try TacitProcess()
        func refuse(_ status: Int32, _ word: String, _ arguments: [String]) throws {
            let outcome = try process.run(["train", "--out", "n.safetensors"] + arguments)
            #expect(outcome.status == status && outcome.errors.contains(word), "\(arguments): \(outcome.errors)")
        }
        let cancer = ["--private", "--data", "breast-cancer"]
        try refuse(64, "--clusters", cancer + ["--model", "k-means"] + privacy)
        try refuse(64, "components", cancer + ["--model", "principal-components", "--components", "31"] + privacy)
        try refuse(
            64, "epsilon", cancer + ["--model", "logistic", "--unit", "row", "--epsilon", "50", "--delta", "1e-5"])
        try refuse(64, "--rows-per-unit", cancer + ["--model", "logistic", "--rows-per-unit", "0"] + privacy)
        try refuse(64, "--unit", cancer + ["--model", "logistic", "--epsilon", "1", "--delta", "1e-5"])
        try refuse(64, "ridge", cancer + ["--model", "ridge"] + privacy)
        try refuse(64, "--private only", ["--plain", "--data", "breast-cancer", "--model", "k-means"])
        try refuse(64, "--resume", cancer + ["--model", "logistic", "--resume"] + privacy)
        try refuse(64, "want 0 and 1", ["--private", "--data", "diabetes", "--model", "logistic"] + privacy)
        #expect(!FileManager.default.fileExists(atPath: process.folder.file("n.safetensors")))
    }
}
