import DifferentialPrivacy
import Foundation
import PrivacyLedger
import TacitTestSupport
import Testing

/// Sites that go and do not come back, and coordinators that do.
@Suite(.serialized) struct DropoutTests {
    private func contributors(_ study: NetworkStudy, _ title: String) throws -> [String] {
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        return try #require(rounds.last { ($0["title"] as? String) == title }?["contributors"] as? [String])
    }

    struct Step: CustomTestStringConvertible {
        var protection: String
        var stage: Int
        var testDescription: String { "\(protection), stage \(stage)" }
    }

    /// The upload, and the opening under both protections; every stage in the long tests, since each takes a deadline.
    static let steps =
        ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil
        ? (0...4).map { Step(protection: "secagg", stage: $0) } + (0...1).map { Step(protection: "ckks", stage: $0) }
        : [
            Step(protection: "secagg", stage: 2), Step(protection: "secagg", stage: 4),
            Step(protection: "ckks", stage: 1),
        ]

    /// A site that dies in the second round, before its answer to a stage has left: whoever is left finishes the study,
    /// also where the dead one holds a share of the key and was asked for it.
    @Test(arguments: steps) func aSiteThatDiesIsDoneWithout(_ step: Step) async throws {
        let study = try NetworkStudy(sites: 4, rounds: 3, protection: step.protection)
        try study.startCoordinator(["--no-dashboard", "--patience", "8"])
        for site in [1, 3, 4] { try study.startSite(site) }
        let dying = try LyingSite(2, in: study.folder.path, port: study.port) { purpose, entry, body in
            // Key of ckks, then statistics, then the first round.
            let second = step.protection == "ckks" ? 3 : 2
            return entry.session == second && entry.stage == step.stage ? .init(body: body, isLast: true) : nil
        }
        await #expect(throws: LyingSite.Death.self) { try await dying.run() }
        try await study.finishSites([1, 3, 4])
        #expect(try Set([1, 3, 4].map { try study.model(ofSite: $0) }).count == 1)
        #expect(try contributors(study, "Round 1") == ["Site 1", "Site 2", "Site 3", "Site 4"])
        // Once the masked or encrypted update is there, it is in the sum, whoever opens it.
        let uploaded = step.stage > (step.protection == "ckks" ? 0 : 2)
        #expect(
            try contributors(study, "Round 2")
                == (uploaded ? ["Site 1", "Site 2", "Site 3", "Site 4"] : ["Site 1", "Site 3", "Site 4"]))
        #expect(try contributors(study, "Round 3") == ["Site 1", "Site 3", "Site 4"])
        #expect(study.coordinatorLog.contains { $0["text"]?.hasPrefix("No answer in time from Site 2") ?? false })
    }

    /// A site that was given up while its line was down takes part again, though it has nothing new to say and the
    /// coordinator that gave it up is another process by then.
    @Test func aSiteThatWasCutOffIsAskedAgain() async throws {
        let study = try NetworkStudy(rounds: 12)
        try study.startCoordinator(["--no-dashboard", "--patience", "1"])
        try study.makeLinks()
        for site in 1...3 { try study.startSite(site) }
        try await study.waitForLog { $0["text"]?.hasPrefix("Round 2 committed") ?? false }
        study.links[2].setDown(true)
        try await study.waitForLog { $0["text"]?.hasPrefix("Waiting: 2 sites can be asked") ?? false }
        study.killCoordinator()
        try study.startCoordinator(["--no-dashboard", "--patience", "1"])
        study.links[2].setDown(false)
        try await study.finishSites([1, 2, 3])
        #expect(try Set((1...3).map { try study.model(ofSite: $0) }).count == 1)
        #expect(try contributors(study, "Round 12") == ["Site 1", "Site 2", "Site 3"])
    }

    /// `resume` goes on with those who have joined; after kill -9 in the middle the same study comes to its end.
    @Test func resumingAfterAKill() async throws {
        let study = try NetworkStudy(sites: 4, rounds: 3)
        try study.startCoordinator()
        for site in 1...3 { try study.startSite(site) }
        try await study.waitForLog { $0["text"] == "Site 3 joined" }
        #expect(!study.coordinatorLog.contains { $0["event"] == "committed" })
        study.killCoordinator()
        try study.startCoordinator(["--no-dashboard"], resumes: true)
        try await study.waitForLog { $0["text"]?.hasPrefix("Round 1 committed") ?? false }
        study.killCoordinator()
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished"], resumes: true)
        try await study.finishSites([1, 2, 3])
        #expect(try Set((1...3).map { try study.model(ofSite: $0) }).count == 1)
        for title in ["Round 1", "Round 2", "Round 3"] {
            #expect(try contributors(study, title) == ["Site 1", "Site 2", "Site 3"])
        }
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        #expect(rounds.count == 5)
        #expect(study.waitForCoordinator() == 0)
    }

    /// Noise comes from all who are in the sum, and each site's own ledger says so.
    @Test func everySitesLedgerCountsTheContributors() async throws {
        let study = try NetworkStudy(
            sites: 4, rounds: 2,
            options: ["--minimum", "3", "--noise-multiplier", "2", "--clipping-norm", "0.5", "--delta", "1e-5"])
        try study.startCoordinator(["--no-dashboard", "--exit-when-finished"])
        for site in 1...4 {
            try study.run(
                "budget", "create", "\(site).ledger", "--data", "\(site).csv", "--epsilon", "20", "--delta", "1e-5",
                "--unit", "site", "--neighbouring", "add-or-remove-one")
            try study.startSite(site, options: ["--ledger", "\(site).ledger"])
        }
        try await study.finishSites([1, 2, 3, 4])
        #expect(try Set((1...4).map { try study.model(ofSite: $0) }).count == 1)
        func reference(_ rho: Double) throws -> Double {
            let ledger = try PrivacyLedger.create(
                path: study.folder.file("\(rho).ledger"),
                budget: PrivacyBudget(
                    epsilon: 20, delta: 1e-5, neighbouring: .addOrRemoveOne, unit: PrivacyUnit("site"),
                    dataSet: LedgerDataSet(name: "rows", fingerprint: nil), choice: .adaptive), purpose: "reference",
                identity: LedgerIdentity(program: "test"))
            for _ in 1...2 { _ = try ledger.authorise(.zeroConcentrated(rho: rho), purpose: "reference") }
            return try ledger.standing().spent
        }
        let (least, most) = (try reference(0.75 / 8), try reference(0.75 / 8 * 1.01))
        for site in 1...4 {
            let ledger = try PrivacyLedger(
                path: study.folder.file("\(site).ledger"), access: .reading, identity: LedgerIdentity(program: "test"))
            // Two rounds with four thirds of the noise that is sized for three: ρ = 3/4 · 1/(2·2²) each, and a little for
            // rounding to integers.
            let spent = try ledger.standing().spent
            #expect(spent >= least && spent < most, "\(spent)")
            let runs = try ledger.runs()
            #expect(runs.count == 2 && runs.allSatisfy({ $0.isOver && $0.authorised == 0 }))
        }
    }
}
