import Foundation
import TacitTestSupport
import Testing

/// Full studies while processes are killed, lines are cut and messages come twice, late, out of order or not at all: the
/// same final model as without, and no update lost or counted twice.
/// One study under each protection, some hundred faults; with TACIT_LONG_TESTS as many studies as 500 faults take.
@Suite(.serialized) struct FaultCampaign {
    /// At least so many of all kinds, over both protections; TACIT_FAULTS asks for another number.
    static let faults: Int = {
        let environment = ProcessInfo.processInfo.environment
        return environment["TACIT_FAULTS"].flatMap { Int($0) } ?? (environment["TACIT_LONG_TESTS"] == nil ? 2 : 500)
    }()

    /// Under ckks the sites' shares of a key must come through as well.
    static let protections =
        ["secagg", "none"] + (ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] == nil ? [] : ["ckks"])

    @Test(arguments: protections) func sameModelWhateverHappens(protection: String) async throws {
        // On a thread of its own: waiting for processes would hold up the relay's tasks.
        try await onThread { try Self.campaign(protection) }
    }

    private static func campaign(_ protection: String) throws {
        let original = try NetworkStudy(rows: 150, rounds: 4, protection: protection)
        let undisturbed = try NetworkStudy(copying: original)
        try undisturbed.startCoordinator()
        for site in 1...3 { try undisturbed.startSite(site) }
        for site in 1...3 { try undisturbed.finishSite(site) }
        let expected = try undisturbed.model(ofSite: 1)

        var generator = TestGenerator(seed: protection == "none" ? 11 : 12)
        var done: [String: Int] = [:]
        var studies = 0
        while done.values.reduce(0, +) < faults / 2 {
            studies += 1
            let study = try NetworkStudy(copying: original)
            try study.startCoordinator()
            try study.makeRelay(seed: UInt64.random(in: 0...UInt64.max, using: &generator))
            try study.makeLinks()
            for site in 1...3 { try study.startSite(site) }
            try disturb(study, &done, using: &generator)
            for (kind, count) in study.relay?.faults ?? [:] { done[kind, default: 0] += count }
            for site in 1...3 {
                try study.finishSite(site)
                #expect(try study.model(ofSite: site) == expected, "faults: \(done)")
            }
            // Every round was committed once, with every site once in its sum.
            let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
            #expect(
                rounds.compactMap { $0["title"] as? String }.filter { $0.hasPrefix("Round") }
                    == (1...4).map { "Round \($0)" })
            for round in rounds { #expect(round["contributors"] as? [String] == ["Site 1", "Site 2", "Site 3"]) }
            // What the relay made up was taken for what it was: no site was refused anything.
            #expect(!study.coordinatorLog.contains { $0["event"] == "refused" })
        }
        print("\(protection): \(studies) studies, faults: \(done.sorted { $0.key < $1.key })")
    }

    /// Until all sites have ended.
    private static func disturb(
        _ study: NetworkStudy, _ done: inout [String: Int], using generator: inout TestGenerator
    ) throws {
        let end = Date().addingTimeInterval(300)
        // Then the study comes to its end in peace: faults without end leave no time for work.
        var left = 60
        while (1...3).contains(where: { study.isRunning($0) }) {
            guard Date() < end else { throw NetworkStudy.StudyError(description: study.account) }
            guard left > 0 else {
                usleep(20_000)
                continue
            }
            left -= 1
            if left == 0 {
                for link in study.links { link.setDelay(microseconds: 0) }
                study.relay?.calmDown()
            }
            let site = Int.random(in: 1...3, using: &generator)
            let isOver = !study.isRunning(site)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                study.killCoordinator()
                try study.startCoordinator()
                done["coordinator killed", default: 0] += 1
            case 1 where !isOver:
                study.killSite(site)
                try study.startSite(site)
                done["site killed", default: 0] += 1
            case 2:
                study.links[site - 1].cut()
                done["line cut", default: 0] += 1
            case 3:
                // In the middle of a message, so that it is sent again.
                study.links[site - 1].cut(afterBytes: Int.random(in: 1...6000, using: &generator))
                done["line cut within a message", default: 0] += 1
            case 4:
                study.links[site - 1].setDelay(microseconds: UInt32.random(in: 0...20_000, using: &generator))
                done["line slowed", default: 0] += 1
            default:
                study.links[site - 1].setDown(true)
                usleep(UInt32.random(in: 5000...60_000, using: &generator))
                study.links[site - 1].setDown(false)
                done["line down", default: 0] += 1
            }
            usleep(UInt32.random(in: 10_000...120_000, using: &generator))
        }
    }
}
