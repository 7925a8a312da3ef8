import Foundation
import TacitTestSupport
import Testing

/// Training on CKKS rows and predictions through the command, with keys of an insecure size so that it is quick.
@Suite struct EncryptedLogisticTests {
    private func quality(_ process: TacitProcess, _ arguments: String...) throws -> [String: Double] {
        let answer = try process.json(process.succeed(["evaluate", "--json"] + arguments).output)
        return try #require(answer["model"] as? [String: Double])
    }

    private func column(_ process: TacitProcess, _ name: String) throws -> [Double] {
        try String(decoding: process.read(name), as: UTF8.self).split(separator: "\n").dropFirst().map {
            try #require(Double($0))
        }
    }

    @Test func aHospitalTrainsOnAServerWithoutKeys() throws {
        let process = try TacitProcess()
        try process.succeed(
            "data", "split", "--data", "breast-cancer", "--stratify", "diagnosis", "--out", "bc")
        let circuit = ["--data", "bc-train.csv", "--model", "logistic", "--iterations", "5", "--insecure"]
        try process.succeed(["keys", "generate", "--scheme", "ckks", "--out", "clinic"] + circuit)
        #expect(try process.mode("clinic.secret") == 0o600)
        #expect(try process.mode("clinic.evaluation") == 0o644)
        let shown = try process.succeed("keys", "inspect", "clinic.public").output
        #expect(shown.contains("CKKS") && shown.contains("NONE"))
        try process.succeed(
            "encrypt", "--scheme", "ckks", "--data", "bc-train.csv", "--as", "rows", "--key", "clinic.public", "--out",
            "rows.tacit", "--owner", "Clinic")
        let made = try process.json(
            process.succeed(
                "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
                "--iterations", "auto", "--out", "model.tacit", "--json"
            ).output)
        #expect(made["iterations"] as? Int == 5)
        #expect(made["rows"] as? Int == 455)
        try process.succeed("decrypt", "model.tacit", "--key", "clinic.secret", "--out", "model.safetensors")
        let model = try quality(process, "--model", "model.safetensors", "--data", "bc-test.csv")
        #expect(model["accuracy"]! > 0.93)
        #expect(model["auroc"]! > 0.98)
        let report = try process.succeed("report", "show", "model.report.json").output
        #expect(report.contains("CKKS") && report.contains("Clinic"))

        // The rows do not leave without the key.
        let wrong = try process.run(["decrypt", "model.tacit", "--key", "clinic.public", "--out", "x"])
        #expect(wrong.status == 65 && wrong.errors.contains("kind: got public key, want a secret key"))
        let keyless = try process.run(["train", "--encrypted", "rows.tacit", "--model", "logistic", "--out", "x"])
        #expect(keyless.status == 64 && keyless.errors.contains("--evaluation-keys"))
        let other = try process.run([
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "linear",
            "--out", "x",
        ])
        #expect(other.status == 65 && other.errors.contains("were encrypted for a logistic model"))
        let deep = try process.run([
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "logistic",
            "--iterations", "9", "--out", "x",
        ])
        #expect(deep.status == 64 && deep.errors.contains("iterations: got 9, want at most 5"))

        // Predictions: encrypted rows and a clear model, in both layouts; clear rows and an encrypted model.
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--prediction", "--rows", "1", "--columns", "30", "--insecure",
            "--out", "bed")
        try process.succeed("predict", "--model", "model.safetensors", "--data", "bc-test.csv", "--out", "plain.csv")
        let plain = try column(process, "plain.csv")
        for layout in [[], ["--single-row"]] {
            try process.succeed(
                ["encrypt", "--data", "bc-test.csv", "--as", "features", "--like", "model.safetensors", "--key"]
                    + ["bed.public", "--out", "features.tacit"] + layout)
            try process.succeed(
                "predict", "--encrypted", "features.tacit", "--model", "model.safetensors", "--evaluation-keys",
                "bed.evaluation", "--out", "scores.tacit")
            try process.succeed("decrypt", "scores.tacit", "--key", "bed.secret", "--out", "opened.csv")
            for (ours, theirs) in zip(try column(process, "opened.csv"), plain) { #expect(abs(ours - theirs) < 1e-4) }
        }
        try process.succeed("encrypt", "--model", "model.safetensors", "--key", "bed.public", "--out", "sealed.tacit")
        try process.succeed("predict", "--encrypted", "sealed.tacit", "--data", "bc-test.csv", "--out", "scores.tacit")
        try process.succeed("decrypt", "scores.tacit", "--key", "bed.secret", "--out", "opened.csv")
        let opened = try column(process, "opened.csv")
        #expect(opened.count == plain.count)
        for (ours, theirs) in zip(opened, plain) { #expect(abs(ours - theirs) < 1e-4) }
    }

    /// Numbers that no computation is for are refused, where they once ended the program.
    @Test func numbersBeyondAllMeasure() throws {
        let process = try TacitProcess()
        for error in ["nan", "inf", "-inf", "1.5", "0", "1e-320"] {
            for more in [[], ["--release"]] {
                let outcome = try process.run(
                    [
                        "explain", "--rows", "100", "--columns", "5", "--model", "logistic", "--iterations", "3",
                        "--error=\(error)",
                    ]
                        + more)
                #expect(
                    outcome.status == 64 && outcome.errors.contains("want a number above 0 and at most 1"), "\(outcome)"
                )
            }
        }
        for (rows, columns) in [("9223372036854775807", "5"), ("10", "9223372036854775807"), ("0", "5")] {
            try process.refuse(
                64, ["--rows, --columns: got \(rows) and \(columns), want 1..."], "explain", "--prediction", "--rows",
                rows,
                "--columns", columns)
        }
        // More rows a step than there are: all of them.
        try process.succeed(
            "train", "--plain", "--data", "breast-cancer", "--model", "mlp", "--epochs", "1", "--batch-size",
            "9223372036854775807", "--out", "m.safetensors")
    }

    @Test func linearModelsToo() throws {
        let process = try TacitProcess()
        try process.succeed("data", "split", "--data", "diabetes", "--out", "d")
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--data", "d-train.csv", "--model", "linear", "--iterations", "7",
            "--insecure", "--out", "clinic", "--unprotected")
        try process.succeed(
            "encrypt", "--data", "d-train.csv", "--as", "rows", "--key", "clinic.secret", "--out", "rows.tacit")
        try process.succeed(
            "train", "--encrypted", "rows.tacit", "--evaluation-keys", "clinic.evaluation", "--model", "linear",
            "--out", "model.tacit")
        try process.succeed("decrypt", "model.tacit", "--key", "clinic.secret", "--out", "model.safetensors")
        let model = try quality(process, "--model", "model.safetensors", "--data", "d-test.csv")
        #expect(model["rSquared"]! > 0.4)
    }
}
