import BinaryCoding
import Federation
import TacitTestSupport
import Testing

/// Updates that sites show: those they were committed to, which add up to what was opened.
@Suite struct DisclosureTests {
    private struct Run {
        var transcript: Transcript
        var disclosures: [UpdateDisclosure]
    }

    /// A study whose sites keep every record.
    private func run(_ test: TestStudy) throws -> Run {
        var coordinator = try test.coordinator()
        var sites = try test.identities.indices.map { try test.site($0) }
        var records = [[[UInt8]]](repeating: [], count: sites.count)
        var taken: [[UInt8]] = []
        var queue: [[UInt8]] = []
        func feed(_ index: Int, _ event: SiteEvent) {
            let transition = sites[index].handle(event)
            if let record = transition.record { records[index].append(record) }
            queue += transition.messages
        }
        for index in sites.indices { feed(index, .join) }
        while !queue.isEmpty {
            let transition = coordinator.handle(.message(queue.removeFirst()))
            if let record = transition.record { taken.append(record) }
            for (name, bytes) in transition.messages {
                feed(test.identities.firstIndex { $0.name == name }!, .message(bytes))
            }
        }
        #expect(coordinator.phase == .finished)
        return Run(
            transcript: Transcript(study: test.study, records: taken),
            disclosures: try sites.indices.map {
                let made = try UpdateDisclosure(test.study, site: test.identities[$0].name, records: records[$0])
                return try UpdateDisclosure(decoding: made.encoded)
            })
    }

    private func verify(_ test: TestStudy, _ run: Run, _ shown: [UpdateDisclosure]) throws -> [String] {
        try run.transcript.verify(
            study: test.study, paillier: test.shares.first?.sharing, journals: [], updates: shown, model: nil
        ).proven
    }

    @Test(arguments: [ProtectionKind.none, .secagg, .ckks, .paillier]) func whatIsShownFits(_ kind: ProtectionKind)
        throws
    {
        let test = try TestStudy(rounds: 2, kind: kind)
        let run = try run(test)
        #expect(run.disclosures.allSatisfy { $0.updates.count == 3 })
        #expect(run.disclosures[0].updates.map(\.purpose) == [.training, .training, .evaluation])
        let all = try verify(test, run, run.disclosures)
        #expect(all.contains { $0.contains("site-2: the 3 updates that it shows are those to which it was committed") })
        #expect(all.contains { $0.contains("In 3 sums every contributor's update is shown, and they add up") })
        let some = try verify(test, run, Array(run.disclosures.dropLast()))
        #expect(some.count == all.count - 2 && !some.contains { $0.contains("every contributor's") })

        // One number more, another round's update, another site's, one without a commitment, one twice.
        func refusal(_ change: (inout [UpdateDisclosure]) -> Void) -> String {
            var shown = run.disclosures
            change(&shown)
            return message { _ = try verify(test, run, shown) }
        }
        typealias Update = UpdateDisclosure.Update
        func changed(_ update: Update, session: Int? = nil, integers: [Int64]? = nil, nonce: [UInt8]? = nil) -> Update {
            Update(
                session: session ?? update.session, attempt: update.attempt, purpose: update.purpose,
                round: update.round, nonce: nonce ?? update.nonce, integers: integers ?? update.integers)
        }
        var other = run.disclosures[1].updates[0].integers
        other[0] += 1
        let wrong = "is not what the site committed to before the sum was known"
        // Where all updates are shown the sum is wrong already.
        let sum = refusal { $0[1].updates[0] = changed($0[1].updates[0], integers: other) }
        #expect(sum.contains("of the updates adds up to"), "\(sum)")
        #expect(
            refusal {
                $0.removeLast()
                $0[1].updates[0] = changed($0[1].updates[0], integers: other)
            }.contains("updates of site-2: session \(run.disclosures[1].updates[0].session), attempt 0: \(wrong)"))
        #expect(
            refusal {
                $0.removeLast()
                $0[1].updates[0] = changed($0[1].updates[0], nonce: $0[0].updates[0].nonce)
            }.contains(wrong))
        #expect(
            refusal {
                $0.removeLast()
                $0[1].updates = [changed($0[1].updates[0], session: 99)]
            }.contains("session 99, attempt 0: no message in the transcript commits to it"))
        #expect(refusal { $0[1].updates.append($0[1].updates[0]) }.contains("is there twice"))
        let stranger = try TestStudy(rounds: 1, kind: .none, seed: 5)
        let foreign = try self.run(stranger).disclosures[0]
        #expect(refusal { $0[0] = foreign }.contains("belong to another study"))
    }

    @Test func foreignBytes() throws {
        let test = try TestStudy(rounds: 1)
        let bytes = try run(test).disclosures[0].encoded
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: FederationError.self) { try UpdateDisclosure(decoding: Array(bytes.prefix(length))) }
        }
        Fuzzing.run(valid: [bytes], iterations: Fuzzing.iterations(oneOf: 10)) { altered in
            guard let read = try? UpdateDisclosure(decoding: altered) else { return }
            #expect(read.encoded == altered)
        }
    }
}
