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
