import Foundation
import TacitTestSupport
import Testing

/// The gradient ring, the demo, fetching, and python-paillier's forms, through the command.
@Suite struct RingAndExchangeTests {
    private func key(_ process: TacitProcess, _ name: String) throws {
        try process.succeed("keys", "generate", "--bits", "1024", "--insecure", "--unprotected", "--out", name)
    }

    @Test func fiveSitesTrainALogisticModel() throws {
        let process = try TacitProcess()
        try key(process, "ring")
        try process.succeed(
            "data", "split", "--data", "breast-cancer", "--parts", "5", "--stratify", "diagnosis", "--out", "site")
        let files = (1...5).map { "site-\($0).csv" }
        let outcome = try process.run(
            ["train", "--ring"] + files + [
                "--key", "ring.secret", "--model", "logistic", "--rounds", "50", "--out", "m.safetensors", "--json",
            ])
        #expect(outcome.status == 0, "\(outcome)")
        let metrics = try #require(process.json(outcome.output)["metrics"] as? [String: Double])
        // 357 of 569 are benign: guessing gives 0.627.
        #expect(metrics["accuracy"]! >= 0.97)
        #expect(metrics["auroc"]! >= 0.99)
        #expect(outcome.errors.contains("INSECURE"))
        let quality = try process.json(
            process.succeed("evaluate", "--model", "m.safetensors", "--data", "breast-cancer", "--json").output)
        #expect((quality["model"] as? [String: Double])?["accuracy"] == metrics["accuracy"])
    }

    @Test func aRingNeedsAKeyAndEnoughRows() throws {
        let process = try TacitProcess()
        try key(process, "ring")
        try process.succeed("data", "split", "--data", "diabetes", "--parts", "3", "--out", "s")
        let noKey = try process.run(["train", "--ring", "s-1.csv", "s-2.csv", "--out", "m"])
        #expect(noKey.status == 64)
        #expect(noKey.errors.contains("--ring needs --key"))
        let small = try process.run([
            "train", "--ring", "s-1.csv", "s-2.csv", "--key", "ring.secret", "--min-cohort", "500", "--out", "m",
        ])
        #expect(small.status == 77, "\(small)")
        #expect(small.errors.contains("minimum cohort"))
        let wrong = try process.run([
            "train", "--ring", "s-1.csv", "s-2.csv", "--key", "ring.secret", "--model", "logistic", "--out", "m",
        ])
        #expect(wrong.status == 64, "\(wrong)")
        #expect(wrong.errors.contains("a logistic model needs one between 0 and 1"))
    }

    @Test func pythonPaillierFormsComeBack() throws {
        let process = try TacitProcess()
        try key(process, "k")
        try process.succeed("phe", "export-key", "k.secret", "--secret", "--out", "secret.json")
        #expect(try process.mode("secret.json") == 0o600)
        try process.succeed("phe", "export-key", "k.public", "--out", "public.json")
        try process.succeed("phe", "import-key", "secret.json", "--unprotected", "--out", "back")
        try process.succeed("phe", "import-key", "public.json", "--out", "half")
        #expect(!FileManager.default.fileExists(atPath: process.folder.file("half.secret")))
        // Encrypted under the key without h_s, opened by the original.
        try process.succeed(
            "phe", "encrypt", "--data", "diabetes", "--column", "bmi", "--bits", "16", "--key", "half.public", "--out",
            "numbers.json")
        try process.succeed("phe", "decrypt", "numbers.json", "--key", "back.secret", "--out", "numbers.csv")
        let values = try String(decoding: process.read("numbers.csv"), as: UTF8.self).split(separator: "\n").dropFirst()
        #expect(values.count == 442)
        #expect(abs(try #require(values.first.flatMap { Double($0) }) - 32.1) < 1e-4)
        try process.write("{\"v\": \"not a number\", \"e\": 0}", to: "bad.json")
        let bad = try process.run(["phe", "decrypt", "bad.json", "--key", "k.secret", "--out", "x.csv"])
        #expect(bad.status == 65, "\(bad)")
        #expect(bad.errors.contains("bad.json: "))
        #expect(!FileManager.default.fileExists(atPath: process.folder.file("x.csv")))
    }

    @Test func theDemoTellsItsStory() throws {
        let process = try TacitProcess()
        let outcome = try process.run(["demo", "--out", "story", "--json"])
        #expect(outcome.status == 0, "\(outcome)")
        let report = try process.json(outcome.output)
        let checks = try #require(report["agreement"] as? [[String: Any]])
        #expect(checks.count == 3)
        for check in checks {
            let difference = try #require(check["difference"] as? Double)
            #expect(difference <= (check["tolerance"] as? Double ?? 0), "\(check)")
        }
        // The aggregator's folder: uploads, the result, the model it was given, the clinic's ciphertexts; no key.
        let files = try FileManager.default.contentsOfDirectory(atPath: process.folder.file("story/aggregator"))
            .sorted()
        #expect(
            files == [
                "A.tacit", "B.tacit", "C.tacit", "model.safetensors", "model.tacit", "patients.tacit", "scores.tacit",
            ])
        #expect(!FileManager.default.fileExists(atPath: process.folder.file("story/dealer/joint.share-1")))
        let again = try process.run(["demo", "--out", "story", "--quiet"])
        #expect(again.status == 0, "\(again)")
        try FileManager.default.createDirectory(
            atPath: process.folder.file("mine"), withIntermediateDirectories: false)
        let refused = try process.run(["demo", "--out", "mine"])
        #expect(refused.status == 73)
        #expect(refused.errors.contains("mine: exists and was not made by the demo"))
    }

    @Test func fetchingSaysWhatIsWrong() throws {
        let process = try TacitProcess()
        let embedded = try process.succeed("data", "fetch", "diabetes")
        #expect(embedded.output.contains("is part of the program"))
        let unknown = try process.run(["data", "fetch", "nonsense"])
        #expect(unknown.status == 64, "\(unknown)")
        #expect(unknown.errors.contains("hospital-readmission"))
    }
}
