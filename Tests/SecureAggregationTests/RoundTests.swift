import BinaryCoding
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite struct RoundTests {
    @Test(arguments: [CoordinatorTrust.semiHonest, .active], [Int64(1000), 1 << 40])
    func sumEqualsThePlainSumBitForBit(trust: CoordinatorTrust, bound: Int64) throws {
        var random = SeededRandom(seed: 3)
        for trial in 0..<12 {
            let n = 5 + Int(random.uniform(below: 8))
            let d = Int(random.uniform(below: UInt64(n / 3))) + 1
            let c = trust == .active ? max(0, n - 2 * d - 2) / 2 : max(0, min(n - d - 2, 2))
            var harness = try RoundHarness(
                members: n, dropouts: d, colluding: c, trust: trust, length: 300 + trial * 7,
                values: .bounded(by: bound),
                seed: UInt64(trial))
            var losing: [UInt32: RoundHarness.Step] = [:]
            for _ in 0..<random.uniform(below: UInt64(d + 1)) {
                let id = harness.ids[Int(random.uniform(below: UInt64(n)))]
                losing[id] = RoundHarness.Step.allCases[Int(random.uniform(below: 5))]
            }
            let outcome = try harness.run(losing: losing)
            #expect(outcome.sum == harness.plainSum(losing: losing), "n \(n), d \(d), lost \(losing)")
            #expect(outcome.suspects.isEmpty)
        }
    }

    /// A member lost at each step alone, pairs of members at each pair of steps.
    @Test(arguments: [CoordinatorTrust.semiHonest, .active])
    func dropoutsAtEveryStep(trust: CoordinatorTrust) throws {
        let steps = RoundHarness.Step.allCases
        for first in steps {
            for second in [nil] + steps.map(Optional.some) {
                var harness = try RoundHarness(
                    members: 7, dropouts: 2, colluding: 1, trust: trust, length: 40, seed: UInt64(first.rawValue))
                var losing = [harness.ids[0]: first]
                if let second { losing[harness.ids[4]] = second }
                let outcome = try harness.run(losing: losing)
                #expect(
                    outcome.sum == harness.plainSum(losing: losing), "lost at \(first), \(String(describing: second))")
                #expect(try harness.coordinator.transcript.verify().sum == outcome.sum)
            }
        }
    }

    @Test func tooManyDropoutsEndTheRound() throws {
        for step in RoundHarness.Step.allCases {
            var harness = try RoundHarness(
                members: 7, dropouts: 2, colluding: 1, trust: .active, length: 5, seed: 9)
            let losing = Dictionary(uniqueKeysWithValues: harness.ids.prefix(4).map { ($0, step) })
            #expect(refusal { _ = try harness.run(losing: losing) }?.code == .belowThreshold, "\(step)")
        }
    }

    @Test(arguments: [CoordinatorTrust.semiHonest, .active])
    func ringOfNeighbours(trust: CoordinatorTrust) throws {
        let (n, d, c) = trust == .active ? (320, 16, 5) : (240, 24, 10)
        var harness = try RoundHarness(
            members: n, dropouts: d, colluding: c, trust: trust, length: 20, keepsVectors: false, seed: 5)
        try #require(harness.round.graph.degree < n - 1, "the ring is smaller than the complete graph")
        var losing: [UInt32: RoundHarness.Step] = [:]
        let steps: [RoundHarness.Step] =
            trust == .active ? [.shares, .maskedInput, .unmasking] : [.keys, .maskedInput]
        for k in 0..<(d - 2) { losing[harness.ids[(k * 13) % n]] = steps[k % steps.count] }
        let outcome = try harness.run(losing: losing)
        #expect(outcome.sum == harness.plainSum(losing: losing))
        let verification = try harness.coordinator.transcript.verify()
        #expect(verification.sum == nil && verification.survivors == outcome.survivors)
    }

    @Test func valuesWrapWhenAskedTo() throws {
        for bits in [2, 9, 31, 32, 33, 63, 64] {
            var harness = try RoundHarness(
                members: 4, dropouts: 1, colluding: 0, trust: .active, length: 70, values: .wrapping(bits: bits),
                seed: 8)
            let outcome = try harness.run(losing: [harness.ids[2]: .maskedInput])
            #expect(outcome.sum == harness.plainSum(losing: [harness.ids[2]: .maskedInput]), "\(bits) bits")
        }
    }

    /// Every state goes through bytes after every step, as after a restart, and old messages are repeated.
    @Test func statesSurviveRestartsAndRepetitions() throws {
        var harness = try RoundHarness(members: 6, dropouts: 1, colluding: 1, trust: .active, length: 30, seed: 2)
        func restart(_ harness: inout RoundHarness) throws {
            for id in harness.ids {
                harness.sites[id] = try AggregationSite(
                    decoding: harness.sites[id]!.encoded, identity: harness.identities[id]!)
            }
            harness.coordinator = try AggregationCoordinator(
                decoding: harness.coordinator.encoded, identity: harness.coordinatorIdentity)
        }
        let gone: Set<UInt32> = [harness.ids[3]]
        try harness.start()
        try restart(&harness)
        for step in 0..<4 {
            _ = try harness.advance()
            try restart(&harness)
            let inbox = harness.inbox
            try harness.deliver(skipping: step >= 1 ? gone : [])
            try restart(&harness)
            // What arrives twice is answered alike and counted once.
            harness.inbox = inbox
            for (id, message) in inbox where step < 1 || !gone.contains(id) {
                let before = harness.sites[id]!.lastMessage
                switch try harness.sites[id]!.receive(message, using: &harness.random) {
                case .send(let again), .finish(let again):
                    #expect(again == before)
                    #expect(try harness.coordinator.receive(again) == false)
                case .wantsUpdate: Issue.record("an update was asked for twice")
                }
            }
        }
        let outcome = try #require(try harness.advance())
        #expect(outcome.sum == harness.plainSum(losing: [harness.ids[3]: .maskedInput]))
        try restart(&harness)
        #expect(try harness.coordinator.transcript.verify().sum == outcome.sum)
    }

    @Test func oneUpdatePerRoundAndWithinItsBound() throws {
        var harness = try RoundHarness(members: 3, dropouts: 1, colluding: 0, trust: .semiHonest, length: 4, seed: 1)
        try harness.start()
        _ = try harness.advance()
        try harness.deliver()
        _ = try harness.advance()
        let id = harness.ids[0]
        var site = harness.sites[id]!
        var random = SeededRandom(seed: 1)
        #expect(try site.receive(harness.inbox[0].message, using: &random) == .wantsUpdate)
        #expect(refusal { _ = try site.submit([1, 2, 3], using: &random) }?.code == .wrongLength)
        #expect(refusal { _ = try site.submit([1, 2, 3, 1001], using: &random) }?.code == .outOfRange)
        #expect(refusal { _ = try site.submit([1, 2, .min, 1], using: &random) }?.code == .outOfRange)
        _ = try site.submit([1, 2, 3, -1000], using: &random)
        #expect(refusal { _ = try site.submit([1, 2, 3, 4], using: &random) }?.code == .unexpected)
    }

    @Test func uploadIsSmall() throws {
        // 50,635 weights of 24-bit magnitude from 100 sites.
        var harness = try RoundHarness(
            members: 100, dropouts: 10, colluding: 33, trust: .active, length: 50_635, values: .bounded(by: 1 << 24),
            seed: 1)
        try harness.start()
        _ = try harness.advance()
        try harness.deliver()
        _ = try harness.advance()
        let (id, message) = harness.inbox[0]
        let keys = harness.sites[id]!.lastMessage.count + 64 + AggregationMessage.overhead
        var site = harness.sites[id]!
        _ = try site.receive(message, using: &harness.random)
        guard case .send(let input) = try site.submit(harness.updates[id]!, using: &harness.random) else { return }
        #expect(input.count <= 210_000, "\(input.count) bytes")
        // All that a site sends in a round: keys, shares, input, agreement, shares of one kind.
        #expect(input.count + keys + 2 * AggregationMessage.overhead + 64 + 32 * 100 <= 225_000)
    }
}
