import Foundation
import TacitTestSupport
import Testing

/// Training on CKKS rows beyond one plain run: bootstrapped, over several owners, in folds, stopped by the key owner,
/// refused. Keys have an insecure size so that it is quick.
@Suite struct EncryptedRunTests {
    private func quality(_ process: TacitProcess, _ arguments: String...) throws -> [String: Double] {
        let answer = try process.json(process.succeed(["evaluate", "--json"] + arguments).output)
        return try #require(answer["model"] as? [String: Double])
    }

    /// Keys for few columns of the breast cancer table, and its rows in two files.
    private func study(iterations: Int) throws -> TacitProcess {
        let process = try TacitProcess()
        try process.succeed(
            "data", "split", "--data", "breast-cancer", "--stratify", "diagnosis", "--out", "bc")
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--data", "bc-train.csv", "--model", "logistic", "--iterations",
            "\(iterations)", "--insecure", "--out", "clinic")
        return process
    }

    @Test func moreIterationsThanLevels() throws {
        let process = try TacitProcess()
        try process.succeed(
            "data", "split", "--data", "breast-cancer", "--stratify", "diagnosis", "--out", "bc")
        let explained = try process.json(
            process.succeed(
                "explain", "--data", "bc-train.csv", "--iterations", "14", "--insecure", "--json"
            ).output)
        let foreseen = try #require(explained["bootstrapping"] as? [String: Any])
        #expect((foreseen["refreshes"] as? Int ?? 0) >= 5)
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--data", "bc-train.csv", "--iterations", "14", "--insecure",
            "--out", "clinic")
        #expect(process.folder.names.contains("clinic.bootstrapping"))
        try process.succeed(
            "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.secret", "--out", "rows.tacit")
        let made = try process.json(
            process.succeed(
                "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
                "--iterations", "14", "--out", "model.tacit", "--json"
            ).output)
        #expect(made["refreshes"] as? Int == foreseen["refreshes"] as? Int)
        try process.succeed("decrypt", "model.tacit", "--key", "clinic.secret", "--out", "model.safetensors")
        let model = try quality(process, "--model", "model.safetensors", "--data", "bc-test.csv")
        #expect(model["accuracy"]! > 0.93)
        #expect(model["auroc"]! > 0.98)

        // Other keys' bootstrapping keys, none, and a file that is something else.
        try process.write(process.read("clinic.bootstrapping").dropLast(100).map { $0 }, to: "cut.bootstrapping")
        let train = [
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--iterations", "14", "--out", "x.tacit", "--bootstrapping-keys",
        ]
        for (file, status, words) in [
            ("cut.bootstrapping", 65, "cut.bootstrapping: section: the file ends early"),
            ("clinic.evaluation", 65, "kind: got evaluation keys, want bootstrapping keys"),
            ("absent", 66, "absent"),
        ] as [(String, Int32, String)] {
            let outcome = try process.run(train + [file])
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        try FileManager.default.removeItem(atPath: process.folder.file("clinic.bootstrapping"))
        let without = try process.run(Array(train.dropLast()))
        #expect(without.status == 64 && without.errors.contains("there is no clinic.bootstrapping"))
    }

    @Test func tooLittleMemoryIsRefusedBeforeTheWork() throws {
        var process = try study(iterations: 3)
        try process.succeed(
            "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.secret", "--out", "rows.tacit")
        process.environment["TACIT_MEMORY_LIMIT"] = "1000000"
        try process.refuse(
            69, ["memory: this training takes about", "the machine has 1.0 MB left"], "train", "--encrypted",
            "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic", "--out", "x.tacit")
        try process.refuse(
            69, ["memory: making keys for CKKS"], "keys", "generate", "--scheme", "ckks", "--data", "bc-train.csv",
            "--iterations", "3", "--insecure", "--out", "other")
        process.environment["TACIT_MEMORY_LIMIT"] = nil
        try process.succeed(
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--out", "m.tacit")
        try process.succeed("decrypt", "m.tacit", "--key", "clinic.secret", "--out", "m.safetensors")
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--prediction", "--rows", "1", "--columns", "30", "--insecure",
            "--out", "bed")
        try process.succeed(
            "encrypt", "--data", "bc-test.csv", "--as", "features", "--like", "m.safetensors", "--key", "bed.public",
            "--out", "features.tacit")
        process.environment["TACIT_MEMORY_LIMIT"] = "1000000"
        try process.refuse(
            69, ["memory: prediction with features.tacit"], "predict", "--encrypted", "features.tacit", "--model",
            "m.safetensors", "--out", "scores.tacit")
    }

    /// Three owners: sums under one scheme give the scaling, rows under the other give the model.
    @Test func ownersTrainTogether() throws {
        let process = try study(iterations: 4)
        let lines = try String(decoding: process.read("bc-train.csv"), as: UTF8.self).split(separator: "\n")
        let schema = try process.read("bc-train.schema.json")
        for (name, range) in [("a", 1..<200), ("b", 200..<220), ("c", 220..<lines.count)] {
            try process.write(([lines[0]] + lines[range]).joined(separator: "\n") + "\n", to: "\(name).csv")
            try process.write(Array(schema), to: "\(name).schema.json")
        }
        try process.succeed("keys", "generate", "--bits", "2048", "--out", "sums", "--unprotected")
        for name in ["a", "b", "c"] {
            try process.succeed(
                "encrypt", "--data", "\(name).csv", "--as", "sums", "--key", "sums.public", "--out", "\(name).sums")
        }
        try process.succeed("train", "--encrypted", "a.sums", "b.sums", "c.sums", "--out", "total.tacit")
        try process.succeed(
            "decrypt", "total.tacit", "--key", "sums.secret", "--out", "linear.safetensors", "--scaling",
            "study.scaling.json")
        #expect(try process.mode("study.scaling.json") == 0o600)
        for name in ["a", "b", "c"] {
            try process.succeed(
                "encrypt", "--data", "\(name).csv", "--as", "rows", "--key", "clinic.public", "--scaling",
                "study.scaling.json", "--out", "\(name).tacit")
        }
        let made = try process.json(
            process.succeed(
                "train", "--encrypted", "a.tacit", "b.tacit", "c.tacit", "--evaluation-keys", "clinic.evaluation",
                "--model", "logistic", "--out", "together.tacit", "--json"
            ).output)
        #expect(made["rows"] as? Int == 455 && made["owners"] as? Int == 3)
        try process.succeed("decrypt", "together.tacit", "--key", "clinic.secret", "--out", "together.safetensors")
        let together = try quality(process, "--model", "together.safetensors", "--data", "bc-test.csv")
        // As if one had all rows.
        try process.succeed(
            "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.public", "--scaling",
            "study.scaling.json", "--out", "all.tacit")
        try process.succeed(
            "train", "--encrypted", "all.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--out", "pooled.tacit")
        try process.succeed("decrypt", "pooled.tacit", "--key", "clinic.secret", "--out", "pooled.safetensors")
        let pooled = try quality(process, "--model", "pooled.safetensors", "--data", "bc-test.csv")
        #expect(abs(together["auroc"]! - pooled["auroc"]!) < 1e-3)
        #expect(abs(together["logLoss"]! - pooled["logLoss"]!) < 1e-3)
        let report = try process.succeed("report", "show", "together.report.json").output
        #expect(report.contains("3 owners"))

        try process.succeed(
            "encrypt", "--data", "a.csv", "--as", "rows", "--key", "clinic.public", "--out", "alone.tacit")
        try process.refuse(
            65, ["rows were scaled by their own mean and deviation"], "train", "--encrypted", "alone.tacit", "b.tacit",
            "--evaluation-keys", "clinic.evaluation", "--model", "logistic", "--out", "x.tacit")
        try process.write("{}", to: "empty.json")
        try process.refuse(
            65, ["empty.json: scaling: format: missing"], "encrypt", "--data", "a.csv", "--as", "rows", "--key",
            "clinic.public", "--scaling", "empty.json", "--out", "x.tacit")
    }

    @Test func foldsAreMeasuredOnTheRowsLeftOut() throws {
        let process = try study(iterations: 4)
        try process.succeed(
            "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.secret", "--out", "rows.tacit")
        try process.succeed(
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--folds", "3", "--seed", "7", "--out", "m.tacit")
        let files = (1...3).map { "m.fold-\($0).tacit" }
        let result = try process.json(
            process.succeed(["validate"] + files + ["--key", "clinic.secret", "--data", "bc-train.csv", "--json"])
                .output)
        let parts = try #require(result["files"] as? [[String: Any]])
        #expect(parts.compactMap { $0["rows"] as? Int }.reduce(0, +) == 455)
        #expect(result["accuracy"] as? Double ?? 0 > 0.95)
        #expect(result["auroc"] as? Double ?? 0 > 0.98)
        let other = try process.run(["validate", files[0], "--key", "clinic.secret", "--data", "bc-test.csv"])
        #expect(other.status == 65 && other.errors.contains("want the 455 that m.fold-1.tacit was trained on"))
    }

    /// Weights for others than the key owner: with keys that were made for it, and a refusal with others.
    @Test func weightsThatMayLeave() throws {
        let process = try TacitProcess()
        try process.succeed("data", "split", "--data", "breast-cancer", "--stratify", "diagnosis", "--out", "bc")
        let circuit = ["--data", "bc-train.csv", "--model", "logistic", "--iterations", "3", "--insecure"]
        let explained = try process.succeed(["explain", "--release"] + circuit).output
        #expect(explained.contains("released ") && explained.contains("key recovery at a loss of 1 bits"))
        for (name, options) in [("clinic", ["--release"]), ("plain", [])] {
            try process.succeed(["keys", "generate", "--scheme", "ckks", "--out", name] + circuit + options)
            try process.succeed(
                "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "\(name).secret", "--out", "rows.tacit")
            try process.succeed(
                "train", "--encrypted", "rows.tacit", "--evaluation-keys", "\(name).evaluation", "--model", "logistic",
                "--iterations", "3", "--out", "\(name).tacit")
        }
        let opening = ["decrypt", "clinic.tacit", "--key", "clinic.secret", "--out", "model.safetensors"]
        let released = try process.succeed(opening + ["--release"])
        #expect(released.errors.contains("flooded for release") && released.errors.contains("bits of precision"))
        let report = String(decoding: try process.read("model.report.json"), as: UTF8.self)
        #expect(report.contains("bits less than the owner's own decryption"))
        #expect(try quality(process, "--model", "model.safetensors", "--data", "bc-test.csv")["auroc"]! > 0.97)
        let first = try process.read("model.safetensors")
        try process.succeed(opening + ["--release"])
        #expect(try process.read("model.safetensors") != first)
        // Thirty bits of indistinguishability find no room; keys that were not made for it leave little.
        let refused = try process.run(opening + ["--release", "--release-bits", "30"])
        #expect(refused.status == 78 && refused.errors.contains("keys generate --release"), "\(refused)")
        let coarse = try process.succeed(
            "decrypt", "plain.tacit", "--key", "plain.secret", "--release", "--out", "coarse.safetensors")
        #expect(coarse.errors.contains("of the interval only"), "\(coarse.errors)")
        let bits = try process.run(opening + ["--release-bits", "30"])
        #expect(bits.status == 64 && bits.errors.contains("belong to --release"))
    }

    /// The server waits after each checkpoint; the owner answers until the loss no longer falls; the server is killed
    /// once on the way and goes on.
    @Test func theKeyOwnerStopsTraining() throws {
        let process = try study(iterations: 9)
        try process.succeed(
            "encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.secret", "--out", "rows.tacit")
        let arguments = [
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--iterations", "9", "--checkpoint", "run.tacit", "--every", "2", "--answer", "run.answer", "--out",
            "model.tacit",
        ]
        func waiting(_ body: () throws -> Bool) throws {
            let deadline = Date().addingTimeInterval(60)
            while try !body() {
                try #require(Date() < deadline, "nothing happened for a minute")
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        var (server, output, errors) = try process.prepare(arguments)
        try server.run()
        var iteration = 0
        var decision = ""
        while decision != "stop", iteration < 8 {
            iteration += 2
            let wanted = "iteration \(iteration): run.tacit is ready"
            try waiting { try String(contentsOfFile: errors, encoding: .utf8).contains(wanted) }
            if iteration == 4 {
                // Interrupted while it waits.
                kill(server.processIdentifier, SIGINT)
                server.waitUntilExit()
                #expect(server.terminationStatus == 128 + SIGINT)
                #expect(process.folder.names.contains("run.tacit"))
                #expect(!process.folder.names.contains("model.tacit"))
                (server, output, errors) = try process.prepare(arguments)
                try server.run()
                // It goes on from the checkpoint, whose question is open still.
                try waiting { try String(contentsOfFile: errors, encoding: .utf8).contains(wanted) }
                #expect(try String(contentsOfFile: errors, encoding: .utf8).contains("going on after iteration 4"))
            }
            // A tolerance that no loss meets: the second look finds no improvement.
            let answer = try process.json(
                process.succeed(
                    "validate", "run.tacit", "--key", "clinic.secret", "--data", "bc-test.csv", "--history",
                    "history.json", "--answer", "run.answer", "--best", "best.safetensors", "--patience", "1",
                    "--tolerance", iteration < 6 ? "0" : "0.3", "--json"
                ).output)
            decision = try #require(answer["decision"] as? String)
        }
        server.waitUntilExit()
        let outcome = process.finish(server, output, errors)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("after 6 iterations"), "\(outcome.output)")
        #expect(!process.folder.names.contains("run.tacit"))
        #expect(try process.mode("history.json") == 0o600)
        try process.succeed("decrypt", "model.tacit", "--key", "clinic.secret", "--out", "model.safetensors")
        let model = try quality(process, "--model", "model.safetensors", "--data", "bc-test.csv")
        #expect(model["auroc"]! > 0.98)
        #expect(try quality(process, "--model", "best.safetensors", "--data", "bc-test.csv")["auroc"]! > 0.97)
    }
}

extension TacitProcess {
    /// As ``succeed(_:sourceLocation:)`` for a list made elsewhere.
    @discardableResult
    func succeed(
        _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try run(arguments)
        try #require(
            outcome.status == 0, "tacit \(arguments.joined(separator: " ")): \(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome
    }
}
