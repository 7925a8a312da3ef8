import BinaryCoding
import CoordinatorStore
import Federation
import FederationService
import Foundation
import Tabular
import TacitTestSupport
import Testing
import Transports

/// The coordinator's service without a network.
@Suite struct ServiceTests {
    /// A message that was handed to a connection may be lost with it. The site then asks again from where it is, and must
    /// get it; and an older connection, not yet known to be broken, must not take it away.
    @Test func whatWasHandedOverIsDueUntilItIsVoid() async throws {
        let made = try NetworkStudy(rounds: 1, protection: "none")
        let files = StudyFiles(path: made.folder.file("hospital.yaml"))
        let (study, found) = try files.readStudy()
        let schema = try #require(found)
        let store = try CoordinatorStore(servingFrom: files.stateFolder, study: study.fingerprint)
        let service = try CoordinatorService(
            study: study, identity: files.readCoordinator().signing, store: store, patience: .seconds(600),
            keepsTranscript: false, log: { _ in })
        await service.start()
        var sites: [Site] = []
        var peers: [EnrolledPeer] = []
        for number in 1...3 {
            let party = try PartyIdentity(file: made.folder.file("site-\(number).key"))
            let table = try Table(
                csv: made.folder.file("\(number).csv"), schema: schema, format: CSVFormat())
            sites.append(
                try Site(
                    study, identity: party.signing,
                    data: SiteData(rows: study.rows(table), training: Array(0..<120), heldOut: Array(120..<150))))
            peers.append(
                EnrolledPeer(name: party.name, fingerprint: party.transport.certificate.fingerprint))
        }
        /// Hands a site's messages in and its words in return to the site, until both are silent.
        func handle(_ event: SiteEvent, at index: Int) async throws {
            var events = [event]
            while !events.isEmpty {
                for bytes in sites[index].handle(events.removeFirst()).messages {
                    let digest = Fingerprint(of: bytes)
                    let reply = try await service.accept(
                        IncomingMessage(identifier: digest, digest: digest, body: .bytes(bytes)), from: peers[index])
                    var decoder = BinaryDecoder(reply)
                    events += try decoder.decodeList("reply", minimumElementSize: 4) {
                        decoder throws(BinaryCodingError) in
                        SiteEvent.message(try decoder.decodeBytes("message"))
                    }
                }
            }
        }
        // The last to join is asked for its statistics in the answer, and gives them.
        for index in sites.indices { try await handle(.join, at: index) }
        // Site 1 is asked for its statistics. The line breaks, again and again.
        let first = try #require(try await service.next(for: peers[0], after: 0, within: .zero))
        #expect(try await service.next(for: peers[0], after: first.sequence, within: .zero) == nil)
        let again = try #require(try await service.next(for: peers[0], after: 0, within: .zero))
        #expect(again.sequence == first.sequence && again.digest == first.digest)
        #expect(try await service.next(for: peers[0], after: first.sequence, within: .zero) == nil)
        // Site 2 answers, then site 1 does; the next task makes the old one void.
        for index in [1, 0] {
            let due = try #require(try await service.next(for: peers[index], after: 0, within: .zero))
            try await handle(.message(try due.body.read()), at: index)
        }
        let next = try #require(try await service.next(for: peers[1], after: 0, within: .zero))
        #expect(next.sequence > first.sequence && next.digest != first.digest)
        guard case .task(let task) = try Instruction(decoding: next.body.read(), study: study.fingerprint) else {
            Issue.record("no task")
            return
        }
        #expect(task.purpose == .training && task.session == 1)
    }
}
