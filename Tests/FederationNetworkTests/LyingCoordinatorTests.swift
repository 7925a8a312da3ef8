import BinaryCoding
import Federation
import Foundation
import SecureAggregation
import TacitTestSupport
import Testing

/// Real sites meet a coordinator that lies in one session and is honest before and afterwards: each says what is wrong, lets
/// nothing out that would open an update, and takes part again when it is asked as it should be.
@Suite(.serialized) struct LyingCoordinatorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var protection = "secagg"
        var sites = 3
        /// With all of them, the study waits for the one that was lied to.
        var minimum = 3
        /// Who is lied to.
        var site = 3
        /// The first session after the statistics.
        var session = 1
        /// The first stage whose answer must not leave the site.
        var silentFrom: Int
        var complaint: String
        var lie: LyingCoordinator.Lie
        var testDescription: String { "\(protection): \(what)" }
    }

    private static func isDue(_ stage: LyingCoordinator.Stage, _ site: Int, _ session: Int, _ number: Int) -> Bool {
        stage.site == "Site \(site)" && (stage.session, stage.attempt, stage.number) == (session, 0, number)
    }

    static let cases = [
        Case(
            what: "a key list with its own keys in the place of a site's", silentFrom: 1,
            complaint: "secagg: signature: the public keys of member 1 was not signed by its pinned identity"
        ) { liar, stage in
            guard isDue(stage, 3, 1, 1) else { return nil }
            return try liar.resigned(stage.payload) {
                $0.replaceSubrange(LyingCoordinator.keys(of: 0), with: LyingCoordinator.ownKeys())
            }
        },
        Case(
            what: "a key list with other keys for the site itself", silentFrom: 1,
            complaint: "secagg: key list: lacks member 3's keys or has others for it"
        ) { liar, stage in
            guard isDue(stage, 3, 1, 1) else { return nil }
            return try liar.resigned(stage.payload) {
                $0.replaceSubrange(LyingCoordinator.keys(of: 2), with: LyingCoordinator.ownKeys())
            }
        },
        Case(
            what: "a key list that leaves a site out", silentFrom: 1,
            complaint: "secagg: key list: got 2, want at least 3"
        ) { liar, stage in
            guard isDue(stage, 3, 1, 1) else { return nil }
            return try liar.resigned(stage.payload) {
                $0.removeSubrange(4..<4 + LyingCoordinator.entrySize)
                $0[0] -= 1
            }
        },
        Case(
            what: "the key list of an earlier session", silentFrom: 1, complaint: "secagg: round: got a message of "
        ) { liar, stage in
            isDue(stage, 3, 1, 1) ? liar.told("Site 3", session: 0, stage: 1) : nil
        },
        Case(
            what: "a list of survivors that leaves a site out", silentFrom: 3,
            complaint: "secagg: survivors: got 2, want at least 3"
        ) { liar, stage in
            guard isDue(stage, 3, 1, 3) else { return nil }
            return try liar.resigned(stage.payload) { $0[0] = 0b110 }
        },
        Case(
            what: "a second list of survivors to a site that has signed one", sites: 5, minimum: 5, site: 5,
            silentFrom: 4,
            complaint: "secagg: list of survivors: a second one that differs from the first; shares leave for one only"
        ) { liar, stage in
            guard isDue(stage, 5, 1, 4), let first = liar.told("Site 5", session: 1, stage: 3) else { return nil }
            return try liar.resigned(first) { $0[0] = 0b10111 }
        },
        Case(
            what: "different lists of survivors to two sites", sites: 5, site: 5, silentFrom: 4,
            complaint: "secagg: agreement of member 1: is not for the lists that member 5 has seen"
        ) { liar, stage in
            // Five names, of which one may be lost; the fourth is, but only for the fifth.
            if isDue(stage, 5, 1, 3) { return try liar.resigned(stage.payload) { $0[0] = 0b10111 } }
            // The others' signatures, which are for the true list.
            if isDue(stage, 1, 1, 4) {
                var own = stage
                own.site = "Site 5"
                liar.tell("Site 5", own)
            }
            return nil
        },
        Case(
            what: "to open a sum of too few", protection: "ckks", sites: 4, minimum: 4, site: 2, session: 2,
            silentFrom: 1, complaint: "opening: contributors: got 2, want at least 4"
        ) { _, stage in
            isDue(stage, 2, 2, 1) ? try LyingCoordinator.request(stage.payload, over: [1, 2]) : nil
        },
        Case(
            what: "to open a second sum of the same session", protection: "ckks", sites: 4, site: 1, session: 2,
            silentFrom: 2,
            complaint: "opening: request: this party helped to open the sum over [1, 2, 3, 4]; a sum over [1, 2, 3] "
                + "beside it would show single vectors"
        ) { liar, stage in
            guard isDue(stage, 1, 2, 1) else { return nil }
            var second = stage
            second.number = 2
            second.payload = try LyingCoordinator.request(stage.payload, over: [1, 2, 3], isNew: true)
            liar.tellNext(second)
            return nil
        },
        Case(
            what: "its own channel key in the place of a site's", protection: "ckks", sites: 4, minimum: 4, site: 4,
            session: 0, silentFrom: 1, complaint: "key setup: the signature of Site 1 in stage 0 does not hold"
        ) { _, stage in
            isDue(stage, 4, 0, 1) ? try LyingCoordinator.bundles(stage.payload) : nil
        },
    ]

    @Test(arguments: cases) func sitesAreNotTalkedInto(_ one: Case) async throws {
        let study = try NetworkStudy(
            sites: one.sites, rounds: 2, protection: one.protection, options: ["--minimum", "\(one.minimum)"])
        try study.startCoordinator(["--no-dashboard", "--patience", "2"])
        let liar = try LyingCoordinator(study, lie: one.lie)
        try await onThread {
            try study.makeRelay(seed: 1, isRestless: false) { liar.altered($0, $1) }
            try study.makeLinks()
        }
        liar.speaks(through: study.relay)
        study.relay?.add { liar.words($0, $1) }
        let all = Array(1...one.sites)
        for site in all { try study.startSite(site) }
        try await study.finishSites(all)
        liar.speaks(through: nil)
        #expect(liar.lies > 0)
        let name = "Site \(one.site)"
        // Named and logged by the one that was lied to, and by nobody else.
        for site in all {
            let text = try String(contentsOfFile: study.folder.file("site-\(site).log"), encoding: .utf8)
            let declined = text.split(separator: "\n").filter { $0.contains("\"declined\"") }
            #expect(declined.isEmpty == (site != one.site), "site \(site): \(text)")
            if site == one.site { #expect(declined.contains { $0.contains(one.complaint) }, "\(declined)") }
        }
        // What the coordinator holds of this site cannot open anything: the answer never left.
        let left = try (study.relay?.messages(of: name) ?? []).map { try Envelope(decoding: $0).entry }
        #expect(!left.isEmpty)
        #expect(
            !left.contains { ($0.session, $0.attempt) == (one.session, 0) && $0.stage >= one.silentFrom }, "\(left)")
        // And with the honest coordinator everything goes on, with everybody.
        #expect(try Set(all.map { try study.model(ofSite: $0) }).count == 1)
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        let names = all.map { "Site \($0)" }
        for title in ["Round 1", "Round 2"] {
            let round = try #require(rounds.last { ($0["title"] as? String) == title })
            #expect(round["contributors"] as? [String] == names, "\(title)")
        }
        let metrics = try #require(rounds.last?["metrics"] as? [String: Double])
        #expect((metrics["auroc"] ?? 0) > 0.7, "the lie shows: \(metrics)")
    }
}
