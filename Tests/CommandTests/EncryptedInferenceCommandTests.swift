import Foundation
import TacitTestSupport
import Testing

/// Predictions of networks on encrypted inputs through the command, with keys of an insecure size so that it is quick.
@Suite struct EncryptedInferenceCommandTests {
    @Test func aClientAsksAServerThatNeverSeesItsRow() throws {
        let process = try TacitProcess()
        let adapted = try process.json(
            process.succeed(
                "adapt", "--fresh", "mlp", "--data", "breast-cancer", "--epochs", "100", "--learning-rate", "0.01",
                "--out", "net.safetensors", "--json"
            ).output)
        #expect((adapted["accuracy"] as? Double ?? 0) > 0.93)
        #expect(adapted["levels"] as? Int == 5)

        // The server publishes what clients need; they have no model.
        let shown = try process.succeed("explain", "--model", "net.safetensors", "--out", "net.circuit").output
        for word in ["128 bits", "group 3", "5 of 5 levels", "measured on"] { #expect(shown.contains(word), "\(word)") }
        try process.succeed(
            "keys", "generate", "--scheme", "ckks", "--model", "net.circuit", "--out", "me")
        #expect(try process.mode("me.secret") == 0o600)
        try process.succeed(
            "encrypt", "--data", "breast-cancer", "--row", "7", "--key", "me.secret", "--out", "in.tacit")
        let half = try process.read("in.tacit").count
        #expect(half < 400_000)
        try process.succeed(
            "predict", "--encrypted", "in.tacit", "--model", "net.safetensors", "--evaluation-keys", "me.evaluation",
            "--out", "scores.tacit")
        let opened = try process.json(
            process.succeed("decrypt", "scores.tacit", "--key", "me.secret", "--out", "p.csv", "--json").output)
        let prediction = try #require((opened["predictions"] as? [[String: Any]])?.first)
        #expect(["M", "B"].contains(prediction["prediction"] as? String))
        #expect(prediction["isBeyondBounds"] as? Bool == false)
        #expect(String(decoding: try process.read("p.csv"), as: UTF8.self).hasPrefix("prediction,p_"))
        let report = try process.succeed("report", "show", "p.report.json").output
        #expect(report.contains("Encrypted inference (CKKS)"))

        // The same in one process says the same, and says that it hides nothing.
        let local = try process.run([
            "predict", "--encrypted", "--model", "net.safetensors", "--data", "breast-cancer", "--row", "7", "--out",
            "local.csv", "--json",
        ])
        #expect(local.status == 0 && local.errors.contains("keeps nothing from this machine"))
        let same = try #require((try process.json(local.output)["predictions"] as? [[String: Any]])?.first)
        #expect(same["prediction"] as? String == prediction["prediction"] as? String)

        // What does not fit is refused with the reason.
        try process.succeed(
            "adapt", "--fresh", "mlp", "--data", "breast-cancer", "--epochs", "1", "--seed", "9", "--out",
            "other.safetensors")
        func refusal(_ arguments: String...) throws -> (status: Int32, errors: String) {
            let result = try process.run(arguments)
            return (result.status, result.errors)
        }
        let other = try refusal(
            "predict", "--encrypted", "in.tacit", "--model", "other.safetensors", "--evaluation-keys", "me.evaluation",
            "--out", "x")
        #expect(other.status == 65 && other.errors.contains("was encrypted for model"))
        let keyless = try refusal("predict", "--encrypted", "in.tacit", "--model", "net.safetensors", "--out", "x")
        #expect(keyless.status == 64 && keyless.errors.contains("--evaluation-keys"))
        let row = try refusal(
            "encrypt", "--data", "breast-cancer", "--row", "569", "--key", "me.secret", "--out", "x")
        #expect(row.status == 64 && row.errors.contains("--row: got 569, want 0...568"))
        let again = try refusal("keys", "generate", "--scheme", "ckks", "--model", "net.circuit", "--out", "me")
        #expect(again.status == 73 && again.errors.contains("never overwritten"))
        let picture = try refusal("encrypt", "--image", "p.csv", "--key", "me.secret", "--out", "x")
        #expect(picture.status == 65 && picture.errors.contains("p.csv: is neither a PNG nor a binary PGM picture"))
        #expect(!FileManager.default.fileExists(atPath: process.folder.file("x")))
    }

    @Test func networksThatCannotRunAreRefusedBeforeAnyWork() throws {
        let process = try TacitProcess()
        try process.succeed(
            "train", "--plain", "--data", "breast-cancer", "--model", "mlp", "--epochs", "3", "--out",
            "relu.safetensors")
        for command in [
            ["explain", "--model", "relu.safetensors"],
            ["keys", "generate", "--scheme", "ckks", "--model", "relu.safetensors", "--out", "me"],
        ] {
            let refused = try process.run(command)
            #expect(refused.status == 64)
            #expect(
                refused.errors.contains(
                    "relu.safetensors: layer 1: relu cannot be computed on ciphertexts; put a polynomial in its place with "
                        + "`tacit adapt`"))
        }
        // The way out that the message names.
        let adapted = try process.json(
            process.succeed(
                "adapt", "--model", "relu.safetensors", "--data", "breast-cancer", "--epochs", "10", "--out",
                "net.safetensors", "--json"
            ).output)
        #expect((adapted["replacements"] as? [Any])?.count == 2)
        try process.succeed("explain", "--model", "net.safetensors")

        // Weights out and in again are the same weights.
        try process.succeed("export", "--model", "net.safetensors", "--out", "net.npz")
        try process.succeed("export", "--model", "net.safetensors", "--out", "net.onnx")
        try process.succeed("import", "--weights", "net.npz", "--like", "net.safetensors", "--out", "back.safetensors")
        try process.succeed("export", "--model", "back.safetensors", "--out", "back.npz")
        #expect(try process.read("net.npz") == process.read("back.npz"))
        let wrong = try process.run([
            "import", "--weights", "net.npz", "--own-layout", "--like", "net.safetensors", "--out", "x",
        ])
        #expect(wrong.status == 65 && wrong.errors.contains("net.npz: weights: 0.weight: got shape"))
        let ending = try process.run(["export", "--model", "net.safetensors", "--out", "net.txt"])
        #expect(ending.status == 64 && ending.errors.contains("--out"))
    }
}
