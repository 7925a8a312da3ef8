import BinaryCoding
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

/// What an active coordinator, a site or the network can try, and the name under which it is refused.
@Suite struct AttackTests {
    static func harness(
        trust: CoordinatorTrust = .active, colluding: Int = 1, number: UInt64 = 1, seed: UInt64 = 1
    ) throws -> RoundHarness {
        try RoundHarness(
            members: 7, dropouts: 2, colluding: colluding, trust: trust, length: 12, number: number, seed: seed)
    }

    /// A message that the coordinator did sign.
    static func signed(_ harness: RoundHarness, _ kind: MessageKind, _ body: [UInt8]) -> [UInt8] {
        AggregationMessage(
            kind, round: harness.round.fingerprint, sender: nil, previous: .none, body: body,
            signedBy: harness.coordinatorIdentity
        ).encoded
    }

    static func set(_ harness: RoundHarness, without: [Int]) -> MemberSet {
        var set = MemberSet(size: harness.round.members.count)
        for index in harness.round.members.indices where !without.contains(index) { set.insert(index) }
        return set
    }

    static func body(_ set: MemberSet) -> [UInt8] {
        var encoder = BinaryEncoder()
        set.encode(into: &encoder)
        return encoder.bytes
    }

    @Test func forgedKeyLists() throws {
        var harness = try Self.harness()
        try harness.start()
        _ = try harness.advance()
        let (id, message) = harness.inbox[0]
        let list = try KeyList(
            body: AggregationMessage(decoding: message, round: harness.round).body, round: harness.round)
        func answer(_ change: (inout KeyList) -> Void) -> (code: SecureAggregationError.Code, member: UInt32?)? {
            var list = list
            change(&list)
            var site = harness.sites[id]!
            var random = SeededRandom(seed: 4)
            return refusal {
                _ = try site.receive(Self.signed(harness, .keyList, list.body), using: &random)
            }
        }
        var random = SeededRandom(seed: 7)
        let foreign = random.bytes(count: 32)
        // A key of the coordinator's own in a neighbour's place.
        var refused = answer { $0.entries[3].keys.masking = foreign }
        #expect(refused?.code == .forgedSignature && refused?.member == harness.ids[3])
        refused = answer { $0.entries[2].keys.channel = foreign }
        #expect(refused?.code == .forgedSignature && refused?.member == harness.ids[2])
        #expect(answer { $0.entries[0].keys.masking = foreign }?.code == .invalidKeyList)
        #expect(answer { $0.entries[3].keys = $0.entries[2].keys }?.code == .invalidKeyList)
        #expect(answer { $0.entries.swapAt(1, 2) }?.code == .invalidKeyList)
        #expect(answer { $0.entries[6].index = 9 }?.code == .invalidKeyList)
        #expect(answer { $0.entries.removeFirst() }?.code == .invalidKeyList)
        #expect(answer { $0.entries.removeLast(3) }?.code == .belowThreshold)
        // All-zero keys are of small order; the signature is the member's own here.
        #expect(answer { $0.entries[1].keys.channel = .init(repeating: 0, count: 32) }?.code == .forgedSignature)
    }

    @Test func keysOfSmallOrderAreRefused() throws {
        var harness = try Self.harness(trust: .semiHonest)
        try harness.start()
        _ = try harness.advance()
        let (id, message) = harness.inbox[0]
        var list = try KeyList(
            body: AggregationMessage(decoding: message, round: harness.round).body, round: harness.round)
        list.entries[1].keys.channel = .init(repeating: 0, count: 32)
        #expect(
            refusal {
                _ = try harness.sites[id]!.receive(Self.signed(harness, .keyList, list.body), using: &harness.random)
            }?.code == .invalidKeyList)
    }

    /// The attack on the sum: two lists of survivors, to get both kinds of share of one site.
    @Test func twoListsOfSurvivors() throws {
        var harness = try Self.harness()
        try harness.start()
        for _ in 0..<2 {
            _ = try harness.advance()
            try harness.deliver()
        }
        let all = Self.set(harness, without: []), without = Self.set(harness, without: [6])
        // To the same site: the second is refused.
        var site = harness.sites[harness.ids[0]]!
        let first = try site.receive(Self.signed(harness, .survivors, Self.body(all)), using: &harness.random)
        #expect(
            refusal {
                _ = try site.receive(Self.signed(harness, .survivors, Self.body(without)), using: &harness.random)
            }?.code == .inconsistentLists)
        // After a restart too.
        site = try AggregationSite(decoding: site.encoded, identity: harness.identities[harness.ids[0]]!)
        #expect(
            refusal {
                _ = try site.receive(Self.signed(harness, .survivors, Self.body(without)), using: &harness.random)
            }?.code == .inconsistentLists)
        guard case .send = first else { return #expect(Bool(false), "a share left before the lists were compared") }

        // To different sites: the agreements do not fit together, whatever the coordinator passes on.
        var agreements: [(set: MemberSet, index: Int, signature: [UInt8])] = []
        for (index, id) in harness.ids.enumerated().prefix(6) {
            let set = index < 3 ? all : without
            guard
                case .send(let answer) = try harness.sites[id]!.receive(
                    Self.signed(harness, .survivors, Self.body(set)), using: &harness.random)
            else { continue }
            agreements.append(
                (set, index, try AggregationMessage(decoding: answer, round: harness.round).body))
        }
        for (index, id) in harness.ids.enumerated().prefix(6) {
            let own = agreements[index].set
            let mixed = AgreementsBody(signatures: agreements.map { ($0.index, $0.signature) }).body
            let fitting = AgreementsBody(
                signatures: agreements.filter { $0.set == own }.map { ($0.index, $0.signature) }
            ).body
            for (body, code) in [
                (mixed, SecureAggregationError.Code.inconsistentLists), (fitting, .belowThreshold),
            ] {
                var site = harness.sites[id]!
                let refused = refusal {
                    _ = try site.receive(Self.signed(harness, .agreements, body), using: &harness.random)
                }
                #expect(refused?.code == code)
                #expect(site.phase == .agreements, "no share has left")
            }
        }
    }

    @Test func listsThatContradictWhatTheSiteKnows() throws {
        var harness = try Self.harness()
        try harness.start()
        _ = try harness.advance()
        try harness.deliver(skipping: [harness.ids[6]])
        _ = try harness.advance()
        try harness.deliver()
        let id = harness.ids[0]
        func answer(_ set: MemberSet) -> SecureAggregationError.Code? {
            var site = harness.sites[id]!
            var random = SeededRandom(seed: 4)
            return refusal {
                _ = try site.receive(Self.signed(harness, .survivors, Self.body(set)), using: &random)
            }?.code
        }
        #expect(answer(Self.set(harness, without: [0, 6])) == .inconsistentLists)  // not in it
        #expect(answer(Self.set(harness, without: [])) == .inconsistentLists)  // member 6 sent no shares
        #expect(answer(Self.set(harness, without: [1, 2, 6])) == .belowThreshold)
        #expect(answer(Self.set(harness, without: [1, 6])) == nil)
    }

    @Test func splittingTheRingIsRefused() throws {
        var harness = try RoundHarness(
            members: 320, dropouts: 40, colluding: 5, trust: .active, length: 2, keepsVectors: false, seed: 5)
        let graph = harness.round.graph
        try #require(graph.window > 0 && graph.degree < 319)
        try harness.start()
        for _ in 0..<2 {
            _ = try harness.advance()
            try harness.deliver()
        }
        // The coordinator calls a stretch of the ring lost: half a degree, but for fewer than the window.
        let keys = harness.coordinator.keyList!
        let order = (0..<320).sorted { a, b in
            // Places of the ring, found by walking from neighbour to neighbour is not needed: distance says it all.
            keys.ring.place(of: a) < keys.ring.place(of: b)
        }
        let stretch = order.prefix(graph.degree / 2 - graph.window + 1)
        try #require(stretch.count <= 40)
        let id = harness.ids[order.last!]
        #expect(
            refusal {
                _ = try harness.sites[id]!.receive(
                    Self.signed(harness, .survivors, Self.body(Self.set(harness, without: Array(stretch)))),
                    using: &harness.random)
            }?.code == .disconnected)
    }

    @Test func replayedRoundsAndForeignMessages() throws {
        var first = try Self.harness(number: 1), second = try Self.harness(number: 2)
        try first.start()
        try second.start()
        _ = try first.advance()
        _ = try second.advance()
        let id = first.ids[0]
        // A message of another round, of another coordinator, of a site, of nobody.
        #expect(
            refusal { _ = try second.sites[id]!.receive(first.inbox[0].message, using: &first.random) }?.code
                == .wrongRound)
        var forged = try AggregationMessage(decoding: second.inbox[0].message, round: second.round)
        forged.signature = second.identities[id]!.sign(forged.signedBytes)
        #expect(
            refusal { _ = try second.sites[id]!.receive(forged.encoded, using: &first.random) }?.code
                == .forgedSignature)
        #expect(
            refusal { _ = try second.sites[id]!.receive(second.sites[id]!.lastMessage, using: &first.random) }?.code
                == .unexpected)
        #expect(refusal { try second.coordinator.receive(first.sites[id]!.lastMessage) }?.code == .wrongRound)
        #expect(refusal { try second.coordinator.receive([1, 2, 3]) }?.code == .invalidEncoding)
        #expect(refusal { try second.coordinator.receive(second.inbox[0].message) }?.code == .unknownMember)
        // The same round again, with other keys, is what would break it.
        let journal = second.sites[id]!.journal
        #expect(
            refusal {
                _ = try AggregationSite.start(
                    second.round, member: id, identity: second.identities[id]!, journal: journal, using: &second.random)
            }?.code == .roundReused)
        #expect(
            refusal {
                _ = try AggregationSite.start(
                    first.round, member: id, identity: second.identities[id]!, journal: journal, using: &second.random)
            }?.code == .roundReused)
        #expect(
            refusal {
                _ = try AggregationSite.start(
                    second.round, member: id, identity: second.identities[first.ids[1]]!,
                    journal: SiteJournal(session: "test"), using: &second.random)
            }?.code == .unknownMember)
        #expect(
            refusal {
                _ = try AggregationSite.start(
                    second.round, member: id, identity: second.identities[id]!,
                    journal: SiteJournal(session: "another"), using: &second.random)
            }?.code == .wrongRound)
    }

    @Test func messagesOfSitesOutOfPlace() throws {
        var harness = try Self.harness()
        try harness.start()
        let id = harness.ids[1]
        let identity = harness.identities[id]!
        func message(_ kind: MessageKind, _ body: [UInt8], previous: Fingerprint, from sender: UInt32) -> [UInt8] {
            AggregationMessage(
                kind, round: harness.round.fingerprint, sender: sender, previous: previous, body: body,
                signedBy: identity
            ).encoded
        }
        var random = SeededRandom(seed: 5)
        let keys = random.bytes(count: 64)
        var refused = refusal { try harness.coordinator.receive(message(.keys, keys, previous: .none, from: id)) }
        #expect(refused?.code == .duplicate && refused?.member == id)
        refused = refusal { try harness.coordinator.receive(message(.keys, keys, previous: .none, from: 8)) }
        #expect(refused?.code == .unknownMember && refused?.member == 8)
        refused = refusal {
            try harness.coordinator.receive(message(.keys, keys, previous: .none, from: harness.ids[2]))
        }
        #expect(refused?.code == .forgedSignature && refused?.member == harness.ids[2])
        refused = refusal { try harness.coordinator.receive(message(.shares, [], previous: .none, from: id)) }
        #expect(refused?.code == .unexpected)
        _ = try harness.advance()
        let head = harness.sites[id]!.journal.head
        refused = refusal { try harness.coordinator.receive(message(.shares, [], previous: .none, from: id)) }
        #expect(refused?.code == .brokenJournal && refused?.member == id)
        refused = refusal { try harness.coordinator.receive(message(.shares, [1, 2], previous: head, from: id)) }
        #expect(refused?.code == .wrongLength && refused?.member == id)
        try harness.deliver()
        _ = try harness.advance()
        let next = harness.sites[id]!.journal.head
        refused = refusal {
            try harness.coordinator.receive(message(.maskedInput, keys, previous: next, from: id))
        }
        #expect(refused?.code == .wrongLength && refused?.member == id)
        // A refused message has changed nothing: the round goes on.
        try harness.deliver()
        for _ in 0..<2 {
            _ = try harness.advance()
            try harness.deliver()
        }
        #expect(try harness.advance()?.sum == harness.plainSum())
    }

    @Test func alteredSharesAreRefusedByTheirReceiver() throws {
        var harness = try Self.harness()
        try harness.start()
        _ = try harness.advance()
        try harness.deliver()
        _ = try harness.advance()
        let (id, message) = harness.inbox[2]
        var body = try AggregationMessage(decoding: message, round: harness.round).body
        body[body.count - 20] ^= 1
        let refused = refusal {
            _ = try harness.sites[id]!.receive(Self.signed(harness, .deliveredShares, body), using: &harness.random)
        }
        #expect(refused?.code == .invalidShare && refused?.member == harness.ids[6])
    }

    /// A site that gives wrong shares or a wrong seed is found out, and the sum is right all the same.
    @Test func wrongSharesAreNamed() throws {
        var harness = try Self.harness()
        let gone = harness.ids[5]
        try harness.start()
        for step in 0..<4 {
            _ = try harness.advance()
            if step < 3 { try harness.deliver(skipping: step >= 1 ? [gone] : []) }
        }
        let liar = harness.ids[2]
        for (id, message) in harness.inbox {
            guard case .finish(let answer) = try harness.sites[id]!.receive(message, using: &harness.random) else {
                continue
            }
            var honest = try AggregationMessage(decoding: answer, round: harness.round)
            if id == liar {
                for place in honest.body.indices { honest.body[place] ^= 0x55 }
                let forged = AggregationMessage(
                    .unmasking, round: honest.round, sender: id, previous: honest.previous, body: honest.body,
                    signedBy: harness.identities[id]!)
                try harness.coordinator.receive(forged.encoded)
            } else {
                try harness.coordinator.receive(answer)
            }
        }
        let outcome = try #require(try harness.advance())
        #expect(outcome.suspects == [liar])
        #expect(outcome.sum == harness.plainSum(losing: [gone: .maskedInput]))
    }

    @Test func roundsThatCannotBeSecureAreRefused() throws {
        func code(_ change: (inout AggregationRound.Literal) -> Void) throws -> String? {
            var literal = try Self.harness().round.literal
            change(&literal)
            do {
                _ = try AggregationRound(literal)
                return nil
            } catch { return error.message }
        }
        #expect(try code { _ in } == nil)
        #expect(try code { $0.members.removeLast(5) } == "members: got 2, want 3...65535")
        #expect(
            try code { $0.maximumColluding = 5 }
                == "honest survivors: got 7 members − 2 dropouts − 5 colluding = 0, want at least 2, since the sum of one is "
                + "its update")
        #expect(try code { $0.maximumDropouts = 3 }?.hasPrefix("maximumDropouts: got 3, want at most 2") == true)
        #expect(try code { $0.members.swapAt(0, 1) }?.hasPrefix("members: got ids out of order") == true)
        #expect(
            try code { $0.members[1] = .init(id: 10, verificationKey: [1]) } == "verification key: got 1 bytes, want 32"
        )
        #expect(
            try code { $0.coordinatorKey = $0.members[0].verificationKey }?.hasPrefix("verification keys: got the same")
                == true)
        #expect(try code { $0.values = .bounded(by: 1 << 61) }?.hasPrefix("bound: got") == true)
        #expect(try code { $0.values = .bounded(by: 0) } == "bound: got 0, want at least 1")
        #expect(try code { $0.values = .wrapping(bits: 65) } == "modulus bits: got 65, want 2...64")
        #expect(try code { $0.length = 0 } == "length: got 0, want 1...1073741824")
        #expect(
            try code { $0.graph = .init(degree: 6, threshold: 1, window: 0) } == "share threshold: got 1, want 2...5")
        #expect(
            try code { $0.graph = .init(degree: 4, threshold: 2, window: 1) }?.contains("insecure with probability")
                == true)
    }
}
