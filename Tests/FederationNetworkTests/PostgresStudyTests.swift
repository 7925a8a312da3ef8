import Foundation
import TacitTestSupport
import Testing

/// A whole study between processes whose coordinator keeps its state in a PostgreSQL database.
@Suite(.enabled(if: PostgresServer.isPossible, "SKIPPED: PostgreSQL (initdb, postgres, psql) is not installed"))
struct PostgresStudyTests {
    @Test func aKilledCoordinatorGoesOnFromTheDatabase() throws {
        let server = try PostgresServer.shared.get()
        let study = try NetworkStudy(rounds: 5)
        let database = try server.databaseURL()
        let options = ["--no-dashboard", "--exit-when-finished", "--keep-transcript"]
        try study.startCoordinator(options + ["--store", database])
        let state = study.folder.file("hospital.state")
        #expect(try String(contentsOfFile: state + "/store", encoding: .utf8) == database + "\n")
        #expect(!FileManager.default.fileExists(atPath: state + "/coordinator.sqlite"))
        // Another coordinator, with a folder of its own.
        let other = try NetworkStudy(copying: study)
        let second = try other.run(
            ["federation", "serve", "--study", "hospital.yaml", "--port", "0", "--no-dashboard", "--store", database],
            status: 74)
        #expect(second.contains("another coordinator serves this study; stop it first"))
        func waitForMessages(_ count: Int) {
            let end = Date().addingTimeInterval(30)
            while study.coordinatorLog.filter({ $0["event"] == "message" }).count < count, Date() < end {
                usleep(5000)
            }
        }
        for site in 1...3 { try study.startSite(site) }
        // Killed twice amid the study; the choice need not be said again.
        for count in [4, 12] {
            waitForMessages(count)
            study.killCoordinator()
            try study.startCoordinator(options)
        }
        // Its sessions are cut: it ends by itself, says why, and is started again.
        waitForMessages(15)
        try #require(try study.status()["standing"] as? String != "finished", "too late for the cut")
        try server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                + "AND pid <> pg_backend_pid()", in: database)
        #expect(study.waitForCoordinator() == 69)
        #expect(study.account.contains("the connection is lost, and with it the hold on the study"))
        try study.startCoordinator(options)
        for site in 1...3 { try study.finishSite(site) }
        #expect(study.waitForCoordinator() == 0)
        #expect(try Set((1...3).map { try study.model(ofSite: $0) }).count == 1)
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        for round in rounds { #expect(round["contributors"] as? [String] == ["Site 1", "Site 2", "Site 3"]) }
        #expect(try server.sql("SELECT count(*) FROM tacit.input WHERE peer <> ''", in: database) != "0")
        #expect(!FileManager.default.fileExists(atPath: state + "/coordinator.sqlite"))
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result", "--transcript")
        let verdict = try study.run(
            "federation", "verify", "--study", "hospital.yaml", "--schema", "hospital.schema.json", "--transcript",
            "result.transcript", "--model", "result.safetensors")
        #expect(verdict.contains("The transcript holds."))
        // A single changed byte is found.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: study.folder.file("result.transcript")))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: study.folder.file("altered.transcript")))
        try study.run(
            [
                "federation", "verify", "--study", "hospital.yaml", "--schema", "hospital.schema.json", "--transcript",
                "altered.transcript",
            ], status: 65)
        // Who may connect is in the database too.
        try study.run("federation", "revoke", "--study", "hospital.yaml", "Site 2")
        #expect(
            try server.sql("SELECT name FROM tacit.peer WHERE revoked IS NOT NULL", in: database) == "Site 2")
    }

    @Test func wordsThatNameNoDatabaseAreRefused() throws {
        let study = try NetworkStudy()
        func complaint(_ store: String, _ status: Int32) throws -> String {
            try study.run(
                [
                    "federation", "serve", "--study", "hospital.yaml", "--port", "0", "--no-dashboard", "--store",
                    store,
                ],
                status: status)
        }
        let secret = try complaint("postgres://tacit:hunter2@localhost/hospital", 64)
        #expect(secret.contains("~/.pgpass") && !secret.contains("hunter2"))
        #expect(try complaint("postgres://db.example/hospital", 77).contains("add sslmode=verify-full"))
        #expect(
            try complaint("postgres://tacit@127.0.0.1:1/hospital", 69)
                .contains("PostgreSQL database hospital at 127.0.0.1:1: "))
        // The study is where it was.
        #expect(try study.status()["standing"] != nil)
    }
}
