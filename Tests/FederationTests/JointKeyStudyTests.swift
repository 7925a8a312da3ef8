import BinaryCoding
import Federation
import Foundation
import Paillier
import TacitTestSupport
import Testing

/// Studies under a Paillier key that the sites make in the study's first session.
@Suite(.serialized) struct JointKeyStudyTests {
    @Test func sameModelAsWithoutProtection() throws {
        for (sites, change) in [(3, nil), (5, 4)] as [(Int, Int?)] {
            let plain = try TestStudy(sites: sites).result().coordinator
            let run = try TestStudy(sites: sites, kind: .paillier, isJoint: true) { $0.protection.threshold = change }
                .result()
            let coordinator = run.coordinator
            #expect(coordinator.phase == .finished && coordinator.result.floats == plain.result.floats)
            let sharing = try #require(coordinator.paillier)
            #expect(sharing.isJoint && sharing.shareCount == sites && sharing.threshold == change ?? sites / 2 + 1)
            #expect(coordinator.history.first?.purpose == "keys")
            #expect(coordinator.cryptography.contains { $0.scheme.contains("made by the sites") && $0.insecure })
        }
    }

    @Test func transcriptsHoldTheKey() throws {
        let test = try TestStudy(rounds: 2, kind: .paillier, isJoint: true)
        let run = try test.result()
        let transcript = Transcript(study: test.study, records: run.store!.records)
        let journals = run.sites.values.map { JournalFile($0) }
        let result = try transcript.verify(
            study: test.study, paillier: nil, journals: journals, model: run.coordinator.result.floats)
        #expect(result.model == run.coordinator.result && result.isFinished)
        // A bundle of the keys' session that was changed.
        var records = run.store!.records
        records[8][records[8].count / 2] ^= 1
        #expect(throws: FederationError.self) {
            try Transcript(study: test.study, records: records).verify(
                study: test.study, paillier: nil, journals: [], model: nil)
        }
    }

    @Test func refusals() throws {
        expect("want 3...255") { _ = try TestStudy(sites: 2, kind: .paillier, minimum: 2, isJoint: true).coordinator() }
        expect("want at least 3072 for 128-bit security") {
            _ = try TestStudy(sites: 3, kind: .paillier) { $0.protection.modulusBits = 2048 }
        }
        expect("the key wants 3 sites to open a sum, a round asks 2") {
            _ = try TestStudy(sites: 5, kind: .paillier, perRound: 2, minimum: 2, isJoint: true).coordinator()
        }
    }

    private func expect(_ text: String, _ body: () throws -> Void) {
        let got = message(body)
        #expect(got.contains(text), "got \(got)")
    }
}
