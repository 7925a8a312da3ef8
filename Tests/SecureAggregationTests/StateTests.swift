import BinaryCoding
import Foundation
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite struct StateTests {
    /// A process that stores its state, sends its masked input and is killed; another one goes on from the file and gives
    /// the same answer again, and refuses a second update.
    @Test func aKilledSiteGoesOn() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            var harness = try RoundHarness(
                members: 5, dropouts: 1, colluding: 1, trust: .active, length: 8, seed: 21)
            try harness.start()
            _ = try harness.advance()
            try harness.deliver()
            _ = try harness.advance()
            let (id, message) = harness.inbox[0]
            _ = try harness.sites[id]!.receive(message, using: &harness.random)
            _ = try harness.sites[id]!.submit(harness.updates[id]!, using: &harness.random)
            let state = harness.sites[id]!.encoded.copy(SecretAccess("test"))
            try Data(state).write(to: URL(fileURLWithPath: path + "/state"))
            try Data(harness.sites[id]!.lastMessage).write(to: URL(fileURLWithPath: path + "/sent"))
            try Data(message).write(to: URL(fileURLWithPath: path + "/received"))
            kill(getpid(), SIGKILL)
        }
        func file(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
        }
        let harness = try RoundHarness(members: 5, dropouts: 1, colluding: 1, trust: .active, length: 8, seed: 21)
        let id = harness.ids[0]
        var site = try AggregationSite(
            decoding: SecretBytes(copying: file("state")), identity: harness.identities[id]!)
        var random = SeededRandom(seed: 99)
        #expect(try site.receive(file("received"), using: &random) == .send(file("sent")))
        #expect(refusal { _ = try site.submit(harness.updates[id]!, using: &random) }?.code == .unexpected)
    }

    /// All that is decoded from outside: messages at every step and state, rounds, journals, states, transcripts.
    @Test func fuzzDecoders() throws {
        var harness = try RoundHarness(members: 4, dropouts: 1, colluding: 1, trust: .active, length: 6, seed: 3)
        var toSite: [[UInt8]] = [], fromSite: [[UInt8]] = [], states: [[UInt8]] = [], coordinators: [[UInt8]] = []
        var sites: [AggregationSite] = [], receivers: [AggregationCoordinator] = []
        func note(_ harness: RoundHarness) {
            let site = harness.sites[harness.ids[0]]!
            sites.append(site)
            receivers.append(harness.coordinator)
            fromSite.append(site.lastMessage)
            states.append(site.encoded.copy(SecretAccess("test")))
            coordinators.append(harness.coordinator.encoded)
            toSite += harness.inbox.prefix(1).map(\.message)
        }
        try harness.start()
        note(harness)
        for _ in 0..<4 {
            _ = try harness.advance()
            note(harness)
            try harness.deliver()
            note(harness)
        }
        _ = try harness.advance()
        note(harness)
        let identity = harness.identities[harness.ids[0]]!
        let coordinatorIdentity = harness.coordinatorIdentity
        let iterations = Fuzzing.iterations(oneOf: 20)
        Fuzzing.run(valid: toSite, seed: 1, iterations: iterations) { bytes in
            var random = SeededRandom(seed: 1)
            for var site in sites { _ = try? site.receive(bytes, using: &random) }
        }
        // With a right signature around wrong bodies, so that what is inside is read.
        let bodies = try toSite.map { try AggregationMessage(decoding: $0, round: harness.round) }
        for kind in [MessageKind.keyList, .deliveredShares, .survivors, .agreements] {
            Fuzzing.run(
                valid: bodies.filter { $0.kind == kind }.map(\.body), seed: 2, iterations: iterations / 4
            ) { body in
                let message = AttackTests.signed(harness, kind, body)
                var random = SeededRandom(seed: 1)
                for var site in sites { _ = try? site.receive(message, using: &random) }
            }
        }
        Fuzzing.run(valid: fromSite, seed: 3, iterations: iterations) { bytes in
            for var coordinator in receivers { _ = try? coordinator.receive(bytes) }
        }
        Fuzzing.run(valid: states, seed: 4, iterations: iterations) { bytes in
            guard var site = try? AggregationSite(decoding: SecretBytes(copying: bytes), identity: identity) else {
                return
            }
            // A state that is accepted does not trap later.
            var random = SeededRandom(seed: 1)
            for message in toSite { _ = try? site.receive(message, using: &random) }
            _ = try? site.submit([1, 2, 3, 4, 5, 6], using: &random)
        }
        Fuzzing.run(valid: coordinators, seed: 5, iterations: iterations) { bytes in
            guard var coordinator = try? AggregationCoordinator(decoding: bytes, identity: coordinatorIdentity) else {
                return
            }
            for message in fromSite { _ = try? coordinator.receive(message) }
            _ = try? coordinator.advance()
        }
        let transcript = TranscriptTests.bytes(harness.coordinator.transcript)
        Fuzzing.run(valid: [transcript], seed: 6, iterations: iterations) { bytes in
            var decoder = BinaryDecoder(bytes)
            _ = try? AggregationTranscript(decoding: &decoder).verify()
        }
        var encoder = BinaryEncoder()
        harness.round.encode(into: &encoder)
        Fuzzing.run(valid: [encoder.bytes], seed: 7, iterations: iterations) { bytes in
            var decoder = BinaryDecoder(bytes)
            _ = try? AggregationRound(decoding: &decoder)
        }
    }
}
