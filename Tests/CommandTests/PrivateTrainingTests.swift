import Foundation
import TacitTestSupport
import Testing

/// `tacit train --private` and `--plain` of networks, as a user runs them.
@Suite struct PrivateTrainingTests {
    private static let schema = """
        {"formatVersion": 1, "confirmed": true, "columns": [
          {"name": "patient", "type": "category", "role": "privacy-unit"},
          {"name": "age", "type": "number", "bounds": {"lower": 0, "upper": 10}, "decimals": 1},
          {"name": "ward", "type": "category", "categories": ["A", "B"]},
          {"name": "outcome", "type": "category", "role": "target", "categories": ["no", "yes"]}
        ]}
        """

    /// A table of patients with two rows each.
    private func prepared(rows: Int = 1500) throws -> TacitProcess {
        let process = try TacitProcess()
        var text = "patient,age,ward,outcome\n"
        for row in 0..<rows {
            let age = Double(row * 37 % 101) / 10.1
            text += "p\(row / 2),\(String(format: "%.1f", age)),\(row % 3 == 0 ? "A" : "B"),\(age > 5 ? "yes" : "no")\n"
        }
        try process.write(text, to: "d.csv")
        try process.write(Self.schema, to: "d.schema.json")
        return process
    }

    private static let train = [
        "train", "--private", "--data", "d.csv", "--model", "mlp", "--hidden", "8", "--epsilon", "4", "--delta", "1e-5",
        "--epochs", "8", "--out", "m.safetensors",
    ]

    @Test func fromTableToPredictions() throws {
        let process = try prepared()
        let outcome = try process.run(Self.train + ["--unit", "patient", "--json"])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let made = try process.json(outcome.output)
        #expect((made["epsilon"] as? Double ?? 9) <= 4 && (made["epsilon"] as? Double ?? 0) > 3.9)
        #expect(made["unit"] as? String == "patient" && made["neighbouring"] as? String == "addOrRemoveOne")
        for words in ["600 units", "epoch 8", "ε so far", "held-out rows"] {
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        #expect(process.litter.isEmpty && !process.folder.names.contains("m.safetensors.checkpoint"))
        let report = try process.json(String(decoding: process.read("m.report.json"), as: UTF8.self))
        let privacy = try #require(report["differentialPrivacy"] as? [String: Any])
        let guarantee = try #require((privacy["guarantees"] as? [[String: Any]])?.first)
        #expect(guarantee["epsilon"] as? Double == made["epsilon"] as? Double && guarantee["delta"] as? Double == 1e-5)
        #expect(
            guarantee["unit"] as? String == "patient" && guarantee["neighbouring"] as? String == "add or remove one")
        let page = String(decoding: try process.read("m.report.html"), as: UTF8.self)
        #expect(page.contains("No audit was run") && page.contains("Poisson samples"))

        let quality = try process.json(
            process.succeed("evaluate", "--model", "m.safetensors", "--data", "d.csv", "--json").output)
        let accuracy = (quality["model"] as? [String: Any])?["accuracy"] as? Double
        #expect((accuracy ?? 0) > 0.9, "\(quality)")
        try process.succeed("predict", "--model", "m.safetensors", "--data", "d.csv", "--out", "p.csv")
        let lines = String(decoding: try process.read("p.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1501 && lines[0] == "prediction")
        try process.succeed("report", "show", "m.report.json")
    }

    @Test func plainNetworksAndOrderedOnes() throws {
        let process = try prepared()
        let plain = try process.succeed(
            "train", "--plain", "--data", "d.csv", "--model", "mlp", "--hidden", "8", "--epochs", "12", "--out",
            "plain.safetensors")
        #expect(plain.output.contains("no privacy"))
        // Layers of the user's own.
        func layers(_ outputs: Int) -> String {
            """
            [{"dense": {"bias": true, "outputs": 5}}, {"activation": {"_0": {"tanh": {}}}},
             {"dense": {"bias": false, "outputs": \(outputs)}}]
            """
        }
        try process.write(layers(2), to: "two.json")
        try process.write(layers(7), to: "seven.json")
        try process.write("[{\"dense\": 3}]", to: "wrong.json")
        let own = ["train", "--plain", "--data", "d.csv", "--model", "mlp", "--epochs", "60", "--out"]
        try process.succeed(own + ["own.safetensors", "--layers", "two.json"])
        let quality = try process.json(
            process.succeed("evaluate", "--model", "own.safetensors", "--data", "d.csv", "--json").output)
        #expect((quality["model"] as? [String: Any])?["accuracy"] as? Double ?? 0 > 0.9, "\(quality)")
        for (file, words) in [
            ("seven.json", "seven.json: layers: got 7 outputs, want 2"),
            ("wrong.json", "wrong.json: layers: cannot be"),
        ] {
            let refused = try process.run(own + ["x.safetensors", "--layers", file])
            #expect(refused.status == 65 && refused.errors.contains(words), "\(refused)")
        }
        // Ciphertexts cannot compute a hyperbolic tangent.
        let hyperbolic = try process.run(
            own + ["x.safetensors", "--layers", "two.json", "--activation", "polynomial"])
        #expect(hyperbolic.status == 65 && hyperbolic.errors.contains("two.json: "), "\(hyperbolic)")
        let misplaced = try process.run(Self.train + ["--unit", "row", "--layers", "two.json"])
        #expect(misplaced.status == 64 && misplaced.errors.contains("--layers: belongs to --plain"))
        #expect(!process.folder.names.contains("x.safetensors"))
        for noise in [["banded", "--bands", "4"], ["tree", "--most-rows", "2000"]] {
            let outcome = try process.run(
                Self.train + ["--unit", "row", "--batch-size", "100", "--ordered"] + noise)
            #expect(outcome.status == 0 && outcome.errors.contains("ε so far"), "\(outcome)")
        }
        let adaptive = try process.run(Self.train + ["--unit", "row", "--adaptive-clipping", "--optimizer", "adam"])
        #expect(adaptive.status == 0 && adaptive.errors.contains("--unit row: patient says to whom"), "\(adaptive)")
    }

    /// The ledger decides before the data are opened, counts the whole run, and stops a second one.
    @Test func ledgersDecideFirst() throws {
        let process = try prepared(rows: 300)
        func create(_ name: String, _ epsilon: String, _ unit: String = "patient") throws {
            try process.succeed(
                "budget", "create", name, "--data", "d.csv", "--epsilon", epsilon, "--delta", "1e-5", "--unit", unit,
                "--neighbouring", "add-or-remove-one", "--choice", "planned")
        }
        try create("l", "4")
        let arguments = Self.train + ["--unit", "patient", "--ledger", "l", "--quiet"]
        let outcome = try process.run(arguments)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let shown = try process.json(process.succeed("budget", "show", "l", "--json").output)
        #expect((shown["spent"] as? Double ?? 0) > 3.9 && (shown["spent"] as? Double ?? 9) <= 4)
        // Not even the schema is read now.
        for name in ["d.csv", "d.schema.json"] { try FileManager.default.removeItem(atPath: process.folder.file(name)) }
        let refused = try process.run(arguments)
        #expect(refused.status == 77 && refused.errors.contains("budget exceeded"), "\(refused)")
        #expect(refused.output == "")
        try prepared(rows: 300).read("d.csv").write(to: URL(fileURLWithPath: process.folder.file("d.csv")))
        try create("rows", "9", "row")
        let other = try process.run(Self.train + ["--unit", "patient", "--ledger", "rows"])
        #expect(other.status == 65 && other.errors.contains("privacy unit: got patient, want row"), "\(other)")
    }

    /// Killed and interrupted in the middle: accounting goes on, and the whole run is charged once.
    @Test(arguments: [[], ["--ordered", "banded", "--batch-size", "100"]])
    func killedRunsGoOn(_ options: [String]) throws {
        let process = try prepared(rows: 4000)
        try process.succeed(
            "budget", "create", "l", "--data", "d.csv", "--epsilon", "4", "--delta", "1e-5", "--unit", "row",
            "--neighbouring", "add-or-remove-one", "--choice", "planned")
        let arguments =
            [
                "train", "--private", "--data", "d.csv", "--model", "mlp", "--hidden", "256,256", "--epsilon", "4",
                "--delta", "1e-5", "--epochs", "200", "--unit", "row", "--out", "m.safetensors", "--ledger", "l",
                "--json",
            ] + options
        func stopped(by number: Int32, resuming: Bool) throws -> Int32 {
            let (running, output, errors) = try process.prepare(arguments + (resuming ? ["--resume"] : []))
            try running.run()
            let deadline = Date() + 60
            while !process.folder.names.contains("m.safetensors.checkpoint"), Date() < deadline { usleep(10_000) }
            usleep(700_000)
            kill(running.processIdentifier, number)
            running.waitUntilExit()
            return process.finish(running, output, errors).status
        }
        #expect(try stopped(by: SIGKILL, resuming: false) == SIGKILL)
        #expect(process.folder.names.contains("m.safetensors.checkpoint"))
        #expect(!process.folder.names.contains("m.safetensors"))
        // Neither a second run over the first, nor other settings, nor a damaged checkpoint.
        let again = try process.run(arguments)
        #expect(again.status == 73 && again.errors.contains("--resume"), "\(again)")
        let whole = try process.read("m.safetensors.checkpoint")
        var damaged = Array(whole)
        damaged[damaged.count - 5] ^= 1
        try process.write(damaged, to: "m.safetensors.checkpoint")
        let refused = try process.run(arguments + ["--resume"])
        #expect(refused.status == 65 && refused.errors.contains("is damaged"), "\(refused)")
        try whole.write(to: URL(fileURLWithPath: process.folder.file("m.safetensors.checkpoint")))

        let status = try stopped(by: SIGINT, resuming: true)
        #expect(status == 130 || status == 0)
        if status == 130 {
            let finished = try process.run(arguments + ["--resume"])
            try #require(finished.status == 0, "\(finished.errors)")
        }
        #expect(process.folder.names.contains("m.safetensors"))
        #expect(!process.folder.names.contains("m.safetensors.checkpoint"))
        let shown = try process.json(process.succeed("budget", "show", "l", "--json").output)
        #expect((shown["spent"] as? Double ?? 9) <= 4 && (shown["spent"] as? Double ?? 0) > 3.9, "\(shown)")
    }

    @Test func badInput() throws {
        let process = try prepared(rows: 60)
        func refuse(_ status: Int32, _ words: [String], _ more: [String]) throws {
            let outcome = try process.run(Self.train + more)
            #expect(outcome.status == status && outcome.output == "", "\(more): \(outcome)")
            for word in words { #expect(outcome.errors.contains(word), "\(more): \(outcome.errors)") }
            #expect(!process.folder.names.contains("m.safetensors") && process.litter.isEmpty)
            #expect(!process.folder.names.contains("m.report.json"))
        }
        // Options that come twice count as the last one.
        for (option, value) in [
            ("--epsilon", "0"), ("--epsilon", "-1"), ("--epsilon", "nan"), ("--epsilon", "inf"), ("--delta", "0"),
            ("--delta", "1"), ("--delta", "-1e-5"), ("--delta", "nan"), ("--sampling-rate", "0"),
            ("--sampling-rate", "1.5"), ("--clip", "0"), ("--clip", "nan"), ("--epochs", "0"),
            ("--learning-rate", "-1"),
            ("--hidden", "8,x"), ("--held-out", "1"), ("--batch-size", "0"),
        ] { try refuse(64, [option, "want"], ["--unit", "row", "\(option)=\(value)"]) }
        try refuse(64, ["--unit: want row, or the column"], [])
        try refuse(64, ["give --sampling-rate"], ["--unit", "row", "--batch-size", "10"])
        try refuse(64, ["belongs to --model scatter"], ["--unit", "row", "--head", "cnn"])
        try refuse(64, ["belongs to --model mlp"], ["--unit", "row", "--model", "cnn"])
        try refuse(65, ["nobody"], ["--unit", "nobody"])
        try refuse(78, ["age", "privacy-unit or identifier"], ["--unit", "age"])
        try refuse(66, ["no such checkpoint"], ["--unit", "row", "--resume"])
        try refuse(66, ["none.ledger"], ["--unit", "row", "--ledger", "none.ledger"])
        try refuse(64, ["--most-rows"], ["--unit", "row", "--ordered", "tree"])
        try refuse(64, ["want row"], ["--unit", "patient", "--ordered", "banded"])
        try refuse(64, ["at most 1"], ["--unit", "row", "--ordered", "banded", "--batch-size", "100"])
        try refuse(
            65, ["lower the learning rate"], ["--unit", "row", "--optimizer", "sgd", "--learning-rate", "1e300"])
        let warned = try process.run(Self.train + ["--unit", "row", "--delta", "0.05", "--epochs", "1"])
        #expect(warned.status == 0 && warned.errors.contains("--delta: 0.05 is at least 1/48"), "\(warned)")
    }

    /// Image files that are not what was published.
    @Test func imageFilesCutShort() throws {
        let process = try TacitProcess()
        try FileManager.default.createDirectory(atPath: process.folder.file("mnist"), withIntermediateDirectories: true)
        let line = [
            "train", "--private", "--data", "mnist", "--model", "scatter", "--epsilon", "3", "--delta", "1e-5",
            "--data-dir",
            ".", "--out", "m.safetensors",
        ]
        var outcome = try process.run(line)
        #expect(outcome.status == 66 && outcome.errors.contains("tacit data fetch mnist"), "\(outcome)")
        try process.write([31, 139, 8, 0], to: "mnist/train-images-idx3-ubyte.gz")
        outcome = try process.run(line)
        #expect(outcome.status == 65 && outcome.errors.contains("got 4 bytes, want 9912422"), "\(outcome)")
        outcome = try process.run(line + ["--unit", "digit"])
        #expect(outcome.status == 64 && outcome.errors.contains("want image"), "\(outcome)")
        #expect(process.folder.names == ["mnist"])
    }
}
