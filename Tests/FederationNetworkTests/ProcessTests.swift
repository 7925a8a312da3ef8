import Foundation
import TacitTestSupport
import Testing

/// Whole studies between processes.
@Suite(.serialized) struct ProcessTests {
    @Test(arguments: ["none", "secagg", "paillier"]) func threeSitesTrainTogether(protection: String) throws {
        let study = try NetworkStudy(protection: protection, options: protection == "paillier" ? ["--insecure"] : [])
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished"])
        for site in 1...3 { try study.startSite(site, options: ["--out", "model-\(site).safetensors"]) }
        for site in 1...3 { try study.finishSite(site) }
        let models = try (1...3).map { try study.model(ofSite: $0) }
        #expect(Set(models).count == 1)
        let files = try (1...3).map {
            try Data(contentsOf: URL(fileURLWithPath: study.folder.file("model-\($0).safetensors")))
        }
        #expect(Set(files).count == 1)
        let state = try study.status()
        #expect(state["standing"] as? String == "finished")
        let rounds = try #require(state["rounds"] as? [[String: Any]])
        let titles = rounds.compactMap { $0["title"] as? String }
        #expect(titles.filter { $0.hasPrefix("Round") } == ["Round 1", "Round 2", "Round 3"])
        for round in rounds { #expect(round["contributors"] as? [String] == ["Site 1", "Site 2", "Site 3"]) }
        let metrics = try #require(rounds.last?["metrics"] as? [String: Double])
        #expect((metrics["auroc"] ?? 0) > 0.8, "the model learnt nothing: \(metrics)")
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result")
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: study.folder.file("result.safetensors"))) == files[0])
        let report = try study.run("report", "show", "result.report.json")
        #expect(report.contains("Federation hospital"))
    }

    /// Sites with folders of texts, killed while words are counted and while models are trained.
    @Test(arguments: ["secagg", "ckks"]) func textsTrainAFilterTogether(protection: String) throws {
        func outcome(disturbed: Bool) throws -> (model: String, study: NetworkStudy) {
            let study = try NetworkStudy(
                rows: 120, protection: protection, model: protection == "ckks" ? "text:12:2sites" : "text:23:3",
                options: ["--rate", "0.3", "--clip", "4"], isText: true)
            let options = ["--no-dashboard", "--exit-when-finished", "--keep-transcript"]
            try study.startCoordinator(options)
            let files = ["--out", "model.safetensors", "--journal", "1.journal"]
            for site in 1...3 { try study.startSite(site, options: site == 1 ? files : []) }
            if disturbed {
                for title in ["Vocabulary, part 1 committed", "Counts of words committed", "Round 2 committed"] {
                    let end = Date() + 60
                    while !study.coordinatorLog.contains(where: { $0["text"]?.hasPrefix(title) ?? false }), Date() < end
                    {
                        usleep(3000)
                    }
                    study.killSite(1)
                    study.killCoordinator()
                    try study.startCoordinator(options)
                    try study.startSite(1, options: files)
                }
            }
            for site in 1...3 { try study.finishSite(site) }
            return (try study.model(ofSite: 2), study)
        }
        let (model, study) = try outcome(disturbed: true)
        // Kills leave no trace: the same texts give the same model, whatever the keys.
        #expect(try outcome(disturbed: false).model == model)
        #expect(Set(try (1...3).map { try study.model(ofSite: $0) }) == [model])
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        let titles = rounds.compactMap { $0["title"] as? String }.filter { $0 != "Joint key" }
        let parts = protection == "ckks" ? ["Vocabulary, part 1"] : ["Vocabulary, part 1", "Vocabulary, part 2"]
        #expect(titles == parts + ["Counts of words", "Round 1", "Round 2", "Round 3", "Final evaluation"])
        let metrics = try #require(rounds.last?["metrics"] as? [String: Double])
        #expect((metrics["accuracy"] ?? 0) > 0.9, "\(metrics)")
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result", "--transcript")
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: study.folder.file("result.safetensors")))
                == Data(contentsOf: URL(fileURLWithPath: study.folder.file("model.safetensors"))))
        let proof = try study.run(
            "federation", "verify", "--study", "hospital.yaml", "--transcript", "result.transcript", "--model",
            "model.safetensors", "--journal", "1.journal")
        #expect(proof.contains("The transcript holds."))
        let report = try study.run("report", "show", "result.report.json")
        #expect(report.contains("Which of 2^\(protection == "ckks" ? 12 : 23) hashes of words"), "\(report)")
    }

    /// Sites show their updates to an auditor, who finds what they were committed to and what the sum was.
    @Test func updatesAreDisclosed() throws {
        let study = try NetworkStudy(rounds: 2)
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished", "--keep-transcript"])
        for site in 1...3 { try study.startSite(site, options: site == 3 ? [] : ["--keep-records"]) }
        for site in 1...3 { try study.finishSite(site) }
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result", "--transcript")
        func disclose(_ site: Int, _ options: String..., status: Int32 = 0) throws -> String {
            try study.run(
                [
                    "federation", "disclose", "--identity", "site-\(site).key", "--invitation", "hospital.invitation",
                    "--out",
                    "\(site).updates",
                ] + options, status: status)
        }
        func verify(_ sites: [Int], status: Int32 = 0) throws -> String {
            try study.run(
                [
                    "federation", "verify", "--study", "hospital.yaml", "--schema", "hospital.schema.json",
                    "--transcript",
                    "result.transcript", "--updates",
                ] + sites.map { "\($0).updates" }, status: status)
        }
        #expect(try disclose(1).contains("1.updates: 4 updates"))
        #expect(try disclose(2, "--rounds", "1", "2").contains("2.updates: 2 updates"))
        #expect(try disclose(3, "--rounds", "1", status: 65).contains("holds no update of round 1; sites keep theirs"))
        #expect(try disclose(3, status: 65).contains("site-3.state: holds no update; sites keep theirs"))
        #expect(try disclose(1, "--state", "gone", status: 66).contains("gone: not found"))
        let mode = try FileManager.default.attributesOfItem(atPath: study.folder.file("1.updates"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let proof = try verify([1, 2])
        #expect(proof.contains("Site 1: the 4 updates that it shows are those to which it was committed"))
        #expect(proof.contains("Site 2: the 2 updates") && !proof.contains("every contributor's update is shown"))
        // One number is another.
        let place = URL(fileURLWithPath: study.folder.file("1.updates"))
        var bytes = try Data(contentsOf: place)
        bytes[bytes.count - 8] ^= 1
        try bytes.write(to: place)
        #expect(try verify([1], status: 65).contains("is not what the site committed to before the sum was known"))
        try bytes.prefix(100).write(to: place)
        #expect(try verify([1], status: 65).contains("updates"))
    }

    @Test func badTextsAreNamed() throws {
        let study = try NetworkStudy(rows: 20, model: "text:10", isText: true)
        func refusal(_ data: String, status: Int32, _ options: String...) throws -> String {
            try study.run(
                ["federation", "join", "https://127.0.0.1:1", "--identity", "site-1.key", "--data", data] + options,
                status: status)
        }
        #expect(try refusal("none", status: 66).contains("none: not found; want a folder of texts or a .tar.gz of one"))
        #expect(
            try refusal("hospital.yaml", status: 65).contains("hospital.yaml: want a folder with the folders spam and"))
        try FileManager.default.createDirectory(
            atPath: study.folder.file("1/mails/other"), withIntermediateDirectories: true)
        try "word".write(toFile: study.folder.file("1/mails/other/1.txt"), atomically: false, encoding: .utf8)
        #expect(
            try refusal("1", status: 65).contains("1/mails: got the folders ham, other, spam, want spam and one other"))
        #expect(try refusal("1/mails/ham", status: 65).contains("has no folder spam with texts"))
        #expect(try refusal("2", status: 64, "--unit", "x").contains("--unit: texts have no columns"))
        let schema = try study.run(
            ["federation", "init", "b.yaml", "--model", "logistic", "--sites", "site-1.public", "site-2.public"],
            status: 64)
        #expect(schema.contains("--schema: is missing"))
        let words = try study.run(
            ["federation", "init", "b.yaml", "--model", "text:x", "--sites", "site-1.public", "site-2.public"],
            status: 64)
        #expect(words.contains("--model: got x, want such as text:25:3"))
    }

    /// What each site reaches without the others stands in status and report, and is that of no joint model.
    @Test func eachSiteAloneIsShown() throws {
        let study = try NetworkStudy(rounds: 2, protection: "ckks", options: ["--local-baseline"])
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished"])
        for site in 1...3 { try study.startSite(site) }
        for site in 1...3 { try study.finishSite(site) }
        let state = try study.status()
        let rounds = try #require(state["rounds"] as? [[String: Any]])
        #expect(rounds.suffix(2).compactMap { $0["title"] as? String } == ["Each site alone", "Final evaluation"])
        let lines = try #require(state["baselines"] as? [[String: Any]]).filter {
            $0["name"] as? String == "Each site alone"
        }
        #expect(lines.compactMap { $0["metric"] as? String } == ["auroc", "accuracy", "auprc", "loss"])
        let value = try #require(lines.first?["value"] as? Double)
        #expect(value > 0.7 && value < 1)
        let text = try study.run("federation", "status", "--study", "hospital.yaml")
        #expect(text.contains(String(format: "Each site alone: AUROC %.4f", value)), "\(text)")
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result")
        let report = try study.run("report", "show", "result.report.json")
        #expect(report.contains("Each site alone, on its own held-out rows"), "\(report)")
    }

    @Test func aRevokedSiteIsShutOutAndTheOthersGoOn() throws {
        let study = try NetworkStudy(sites: 4, rounds: 2)
        try study.startCoordinator(["--no-dashboard", "--patience", "3", "--exit-when-finished"])
        // Site 4 joins and is revoked while it waits for the others.
        try study.startSite(4)
        while !study.coordinatorLog.contains(where: { $0["event"] == "message" && $0["site"] == "Site 4" }) {
            usleep(20_000)
        }
        try study.run("federation", "revoke", "--study", "hospital.yaml", "Site 4")
        let end = Date().addingTimeInterval(10)
        while study.isRunning(4), Date() < end { usleep(20_000) }
        #expect(!study.isRunning(4))
        let log = try String(contentsOfFile: study.folder.file("site-4.log"), encoding: .utf8)
        #expect(log.contains("identity of Site 4 ("))
        #expect(log.contains("was revoked; ask the coordinator why"))
        for site in 1...3 { try study.startSite(site) }
        for site in 1...3 { try study.finishSite(site) }
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        #expect(rounds.last?["contributors"] as? [String] == ["Site 1", "Site 2", "Site 3"])
        #expect(study.coordinatorLog.contains { $0["event"] == "refused" && $0["reason"] == "revoked" })
    }

    @Test func shutdownInOrderAndGoingOn() throws {
        let study = try NetworkStudy(rounds: 2)
        try study.startCoordinator()
        try study.startSite(1)
        try study.startSite(2)
        while study.coordinatorLog.filter({ $0["event"] == "message" }).count < 2 { usleep(20_000) }
        let moment = Date()
        #expect(study.terminateCoordinator() == 0)
        #expect(Date().timeIntervalSince(moment) < 4)
        #expect(study.coordinatorLog.last?["event"] == "stopped")
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished"])
        try study.startSite(3)
        for site in 1...3 { try study.finishSite(site) }
        #expect(try Set((1...3).map { try study.model(ofSite: $0) }).count == 1)
        #expect(study.coordinatorLog.allSatisfy { $0["time"] != nil && $0["level"] != nil })
    }

    @Test func badInputIsNamed() throws {
        let study = try NetworkStudy()
        func complaint(_ status: Int32, _ arguments: String...) throws -> String {
            try study.run(arguments, status: status)
        }
        #expect(
            try complaint(
                78, "federation", "init", "hospital.yaml", "--schema", "table.schema.json", "--sites", "site-1.public"
            )
            .contains("hospital.yaml: exists already; a new study needs another name"))
        #expect(
            try complaint(78, "federation", "identity", "--name", "Site 1", "--out", "site-1")
                .contains("site-1.key: exists already; remove it or choose another name"))
        #expect(
            try complaint(64, "federation", "join", "http://x", "--data", "1.csv", "--identity", "site-1.key")
                .contains("address: got “http://x”, want https://host:port"))
        #expect(
            try complaint(
                78, "federation", "join", "https://127.0.0.1:1", "--data", "1.csv", "--identity", "site-1.public"
            )
            .contains("site-1.public: others may read this private key; run: chmod 600 site-1.public"))
        #expect(
            try complaint(65, "federation", "revoke", "--study", "hospital.yaml", "Site 9")
                .contains("Site 9: is not enrolled; enrolled are Site 1, Site 2, Site 3"))
        try study.run("federation", "identity", "--name", "Stranger", "--out", "stranger")
        #expect(
            try complaint(65, "federation", "enroll", "--study", "hospital.yaml", "stranger.public")
                .contains("Stranger: is no site of hospital.yaml"))
        try study.startCoordinator()
        #expect(
            try complaint(74, "federation", "serve", "--study", "hospital.yaml", "--port", "0", "--no-dashboard")
                .contains("hospital.state: another coordinator serves this study; stop it first"))
        // Another study's invitation at this coordinator.
        let other = try NetworkStudy()
        let text = try String(contentsOfFile: other.folder.file("hospital.invitation"), encoding: .utf8)
        try text.write(toFile: study.folder.file("other.inv"), atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(
            atPath: other.folder.file("site-1.key"), toPath: study.folder.file("other.key"))
        #expect(
            try complaint(
                77, "federation", "join", "https://127.0.0.1:\(study.port)", "--data", "1.csv", "--identity",
                "other.key",
                "--invitation", "other.inv"
            ).contains("somebody else answers at this address"))
        // A schema that the table does not follow.
        try "x1,x2,x3,x4,ill\n7,0,0,0,yes\n".write(
            toFile: study.folder.file("bad.csv"), atomically: true, encoding: .utf8)
        #expect(
            try complaint(
                65, "federation", "join", "https://127.0.0.1:\(study.port)", "--data", "bad.csv", "--identity",
                "site-1.key"
            ).contains("bad.csv"))
    }
}
