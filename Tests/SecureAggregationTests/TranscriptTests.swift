import BinaryCoding
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite struct TranscriptTests {
    static func finished(keepsVectors: Bool = true) throws -> (RoundHarness, AggregationOutcome) {
        var harness = try RoundHarness(
            members: 6, dropouts: 1, colluding: 1, trust: .active, length: 9, keepsVectors: keepsVectors, seed: 6)
        let outcome = try harness.run(losing: [harness.ids[1]: .maskedInput])
        return (harness, outcome)
    }

    static func bytes(_ transcript: AggregationTranscript) -> [UInt8] {
        var encoder = BinaryEncoder()
        transcript.encode(into: &encoder)
        return encoder.bytes
    }

    @Test func aReplayShowsTheSum() throws {
        let (harness, outcome) = try Self.finished()
        var decoder = BinaryDecoder(Self.bytes(harness.coordinator.transcript))
        let verification = try AggregationTranscript(decoding: &decoder).verify()
        try decoder.finish("transcript")
        #expect(
            verification.sum == outcome.sum && outcome.sum == harness.plainSum(losing: [harness.ids[1]: .maskedInput]))
        #expect(verification.survivors == outcome.survivors)
        #expect(verification.proven.contains { $0.contains("bit for bit") })
        for id in outcome.survivors { #expect(harness.coordinator.transcript.contains(harness.sites[id]!.lastMessage)) }
    }

    @Test func withoutVectorsTheSumIsNotShown() throws {
        let (harness, _) = try Self.finished(keepsVectors: false)
        var decoder = BinaryDecoder(Self.bytes(harness.coordinator.transcript))
        let verification = try AggregationTranscript(decoding: &decoder).verify()
        #expect(verification.sum == nil)
        #expect(verification.unproven.contains { $0.contains("vectors were left out") })
    }

    @Test func commitmentsOpenToTheUpdateAlone() throws {
        let (harness, outcome) = try Self.finished()
        for id in outcome.survivors {
            let nonce = try #require(harness.sites[id]!.commitmentNonce)
            let wanted = harness.coordinator.transcript.commitments[id]
            var update = harness.updates[id]!
            #expect(UpdateCommitment(to: update, nonce: nonce, round: harness.round, member: id) == wanted)
            update[3] += 1
            #expect(UpdateCommitment(to: update, nonce: nonce, round: harness.round, member: id) != wanted)
        }
    }

    /// Every single change of a byte of the transcript is found out.
    @Test func noByteCanBeChanged() throws {
        let (harness, outcome) = try Self.finished()
        let bytes = Self.bytes(harness.coordinator.transcript)
        var random = SeededRandom(seed: 11)
        var places = Set((0..<400).map { _ in Int(random.uniform(below: UInt64(bytes.count))) })
        places.formUnion(bytes.count - 120..<bytes.count)
        for place in places {
            var changed = bytes
            changed[place] ^= UInt8(1 << random.uniform(below: 8))
            var decoder = BinaryDecoder(changed)
            let sum = try? AggregationTranscript(decoding: &decoder).verify().sum
            // The flag that says whether vectors are kept says nothing about the round.
            #expect(sum == nil || sum == outcome.sum && changed[place] <= 1, "byte \(place)")
        }
    }

    /// A site's own messages over two rounds make one chain, in which none can be left out, exchanged or added.
    @Test func journalsOfSitesAreChains() throws {
        var first = try RoundHarness(members: 5, dropouts: 1, colluding: 1, trust: .active, length: 4, seed: 1)
        var second = try RoundHarness(
            members: 5, dropouts: 1, colluding: 1, trust: .active, length: 4, number: 2, seed: 1)
        let id = first.ids[1]
        _ = try first.run()
        second.journals[id] = first.sites[id]!.journal
        _ = try second.run()
        let journal = second.sites[id]!.journal
        let kept =
            first.kept[id, default: []].map { (round: first.round, bytes: $0) }
            + second.kept[id, default: []].map { (round: second.round, bytes: $0) }
        #expect(kept.count == 10 && journal.count == 10 && journal.lastRound == 2)
        try journal.verify(kept, of: id)
        for place in kept.indices {
            var fewer = kept
            fewer.remove(at: place)
            #expect(refusal { try journal.verify(fewer, of: id) }?.code == .brokenJournal)
            var changed = kept
            changed[place].bytes[changed[place].bytes.count - 70] ^= 1
            #expect(refusal { try journal.verify(changed, of: id) }?.code == .forgedSignature)
        }
        #expect(refusal { try journal.verify(kept, of: first.ids[2]) }?.code == .unknownMember)
        var encoder = BinaryEncoder()
        journal.encode(into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        #expect(try SiteJournal(decoding: &decoder) == journal)
    }

    /// The coordinator itself, with its key, cannot state another sum or leave a message out.
    @Test func theCoordinatorCannotLieInIt() throws {
        let (harness, outcome) = try Self.finished()
        var transcript = harness.coordinator.transcript
        var voice = AggregationCoordinator.Voice.identity(harness.coordinatorIdentity)
        var wrong = outcome.sum
        wrong[0] += 1
        try transcript.close(wrong, voice: &voice)
        #expect(refusal { _ = try transcript.verify() }?.code == .invalidTranscript)
        for place in harness.coordinator.transcript.entries.indices {
            var shorter = harness.coordinator.transcript
            shorter.entries.remove(at: place)
            #expect(refusal { _ = try shorter.verify() } != nil, "without message \(place)")
        }
    }
}
