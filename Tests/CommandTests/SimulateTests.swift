import Foundation
import TacitTestSupport
import Testing

/// `tacit federation simulate` and `verify`, as a user runs them.
@Suite struct SimulateTests {
    private let common = [
        "federation", "simulate", "--data", "breast-cancer", "--sites", "4", "--rounds", "3", "--rate", "0.1",
    ]

    private func simulate(_ process: TacitProcess, _ options: String...) throws -> [String: Any] {
        let outcome = try process.run(common + ["--json"] + options)
        try #require(outcome.status == 0, "\(options): \(outcome.errors)")
        #expect(process.litter.isEmpty)
        return try process.json(outcome.output)
    }

    @Test func protectionsGiveOneModel() throws {
        let process = try TacitProcess()
        var models: Set<String> = []
        for protection in ["none", "secagg", "ckks"] {
            let result = try simulate(process, "--protection", protection)
            models.insert(try #require(result["model"] as? String))
            let figures = try #require(result["federated"] as? [String: Any])
            #expect(try #require(figures["auroc"] as? Double) > 0.97)
            #expect(result["protection"] as? String == protection && result["sites"] as? Int == 4)
        }
        // A key that the sites make, and a dealer's.
        for extra in [[], ["--dealer"]] {
            let weak = try process.run(
                common + ["--json", "--protection", "paillier", "--insecure", "--out", "study"] + extra)
            try #require(weak.status == 0, "\(weak.errors)")
            models.insert(try #require(process.json(weak.output)["model"] as? String))
            #expect(weak.errors.contains("joint key: 4 sites") == extra.isEmpty)
            let report = try process.succeed("report", "show", "study/report.json").output
            #expect(report.contains("Dealer") == !extra.isEmpty && report.contains("1024"), "\(report)")
        }
        #expect(models.count == 1)
    }

    @Test func whatIsWrittenHoldsAndChangesAreFound() throws {
        let process = try TacitProcess()
        _ = try simulate(process, "--partition", "dirichlet:0.5", "--out", "study")
        let verify = [
            "federation", "verify", "--study", "study/study.yaml", "--schema", "study/schema.yaml", "--transcript",
            "study/coordinator.transcript", "--journal", "study/site-1.journal", "--model", "study/model.safetensors",
        ]
        let proof = try process.run(verify)
        #expect(proof.status == 0 && proof.output.contains("The model in use is that model."), "\(proof)")
        let report = try process.succeed("report", "show", "study/report.json")
        #expect(report.output.contains("secure aggregation with pairwise masks"))
        // A record that was changed.
        var bytes = try process.read("study/coordinator.transcript")
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: process.folder.file("study/coordinator.transcript")))
        let found = try process.run(verify)
        #expect(found.status == 65 && found.output == "" && found.errors.contains("error:"), "\(found)")
    }

    private func writeTexts(_ process: TacitProcess) throws {
        var generator = TestGenerator(seed: 8)
        for kind in ["spam", "ham"] {
            let place = process.folder.file("mails/\(kind)")
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            for number in 0..<200 {
                let words = (0..<12).map { _ in
                    "w\(Int.random(in: kind == "spam" ? 0..<60 : 30..<90, using: &generator))"
                }
                try words.joined(separator: " ").write(
                    toFile: "\(place)/\(number)", atomically: false, encoding: .utf8)
            }
        }
    }

    @Test func texts() throws {
        let process = try TacitProcess()
        try writeTexts(process)
        let outcome = try process.run([
            "federation", "simulate", "--data", "mails", "--model", "text:12:3", "--sites", "5", "--rounds", "3",
            "--rate", "0.3", "--partition", "dirichlet:1", "--out", "study", "--json",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("vocabulary, part 1: 5 sites") && outcome.errors.contains("counts of words"))
        let result = try process.json(outcome.output)
        let figures = try #require(result["federated"] as? [String: Any])
        let pooled = try #require(result["central"] as? [String: Any])
        #expect(try #require(figures["accuracy"] as? Double) > 0.9 && (pooled["accuracy"] as? Double ?? 0) > 0.9)
        let proof = try process.run([
            "federation", "verify", "--study", "study/study.yaml", "--transcript", "study/coordinator.transcript",
            "--model", "study/model.safetensors",
        ])
        #expect(proof.status == 0, "\(proof)")
        let report = try process.succeed("report", "show", "study/report.json")
        #expect(report.output.contains("Which of 2^12 hashes of words 3 texts of all sites together have"))
    }

    /// A filter that sites trained together scores mails that stay at home, and stays encrypted.
    @Test(arguments: ["text:12", "text:12:3"]) func federatedFiltersScoreInPrivate(model: String) throws {
        let process = try TacitProcess()
        try writeTexts(process)
        let outcome = try process.run([
            "federation", "simulate", "--data", "mails", "--model", model, "--sites", "3", "--rounds", "2", "--rate",
            "0.3",
            "--out", "study",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let mails = ["mails/spam/1", "mails/ham/1"]
        try process.succeed("spam", "encrypt", "study/model.safetensors", "--out", "own")
        try process.succeed("spam", "ask", mails[0], mails[1], "--model", "own.model", "--out", "mine")
        try process.succeed(
            "spam", "answer", "mine.question", "--model", "own.model", "--key", "own.secret", "--out", "mine.answer")
        func scores(_ arguments: [String]) throws -> [Double] {
            let outcome = try process.run(arguments + ["--json"])
            try #require(outcome.status == 0, "\(outcome.errors)")
            let mails = try #require(process.json(outcome.output)["scores"] as? [[String: Any]])
            return mails.compactMap { $0["score"] as? Double }
        }
        let opened = try scores(["spam", "open", "mine.answer", "--model", "own.model", "--blinding", "mine.blinding"])
        let clear = try scores(["spam", "predict"] + mails + ["--model", "study/model.safetensors"])
        #expect(opened.count == 2 && clear.count == 2 && clear[0] > 0 && clear[1] < 0)
        for (a, b) in zip(opened, clear) { #expect(abs(a - b) < 0.003) }
    }

    @Test func otherModelsAreNoFilters() throws {
        let process = try TacitProcess()
        _ = try simulate(process, "--out", "study")
        try process.refuse(
            65, ["study/model.safetensors: is no model of texts; want the model of a study with --model text:16"],
            "spam",
            "encrypt", "study/model.safetensors", "--out", "own")
        try writeTexts(process)
        try process.succeed(
            "federation", "simulate", "--data", "mails", "--model", "text:20:3", "--sites", "3", "--rounds", "1",
            "--out",
            "wide")
        try process.refuse(
            65, ["its words are hashed into 2^20 buckets, and an encrypted model holds 2^10 to 2^18"], "spam",
            "encrypt",
            "wide/model.safetensors", "--out", "own")
    }

    @Test func vectorsOfWords() throws {
        let process = try TacitProcess()
        try writeTexts(process)
        let outcome = try process.run([
            "federation", "simulate", "--data", "mails", "--model", "embedding-bag:4:12:3", "--sites", "4", "--rounds",
            "20",
            "--rate", "1", "--clip", "20", "--strategy", "fedadam", "--strategy-option", "rate=0.3", "--json",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let result = try process.json(outcome.output)
        for name in ["federated", "central"] {
            let figures = try #require(result[name] as? [String: Any])
            #expect(try #require(figures["auroc"] as? Double) > 0.9, "\(name): \(figures)")
        }
    }

    /// Real mails: a mailbox divided among five sites.
    @Test func realMails() throws {
        guard let data = RealData.directory else { return }
        let process = try TacitProcess()
        let outcome = try process.run([
            "federation", "simulate", "--data", data + "/enron-spam/enron1.tar.gz", "--model", "text:20:3", "--sites",
            "5",
            "--rounds", "5", "--batch", "32", "--rate", "0.3", "--clip", "4", "--json",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let result = try process.json(outcome.output)
        let figures = try #require(result["federated"] as? [String: Any])
        let accuracy = try #require(figures["accuracy"] as? Double)
        print(
            "enron1, five sites: accuracy \(accuracy), pooled \((result["central"] as? [String: Any])?["accuracy"] ?? "")"
        )
        #expect(accuracy > 0.97)
    }

    @Test func badInput() throws {
        let process = try TacitProcess()
        try writeTexts(process)
        func refuse(_ status: Int32, _ words: [String], _ arguments: [String]) throws {
            let outcome = try process.run(["federation", "simulate"] + arguments)
            #expect(outcome.status == status && outcome.output == "", "\(arguments): \(outcome)")
            for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
        }
        let cancer = ["--data", "breast-cancer"]
        try refuse(66, ["nowhere.csv: no such file"], ["--data", "nowhere.csv"])
        try refuse(64, ["--model: got lstm"], cancer + ["--model", "lstm"])
        try refuse(
            78, ["krum", "under secagg the coordinator only ever sees their sum"], cancer + ["--strategy", "krum"])
        try refuse(64, ["--strategy-option: got speed"], cancer + ["--strategy-option", "speed=2"])
        try refuse(66, ["nowhere: not found; want a folder of texts"], ["--data", "nowhere", "--model", "text:12:3"])
        try refuse(64, ["texts have no columns"], ["--data", "mails", "--model", "text:12:3", "--unit", "x"])
        try refuse(
            78, ["strategy scaffold: corrects every weight"],
            ["--data", "mails", "--model", "text:12:3", "--strategy", "scaffold", "--protection", "none"])
        try refuse(64, ["--model: got twelve, want such as text:25:3"], ["--data", "mails", "--model", "text:twelve"])
    }
}
