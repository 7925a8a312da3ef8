import Randomness
import SecureAggregation
import TacitTestSupport

/// A round with all its parties in one process, driven step by step.
struct RoundHarness {
    var round: AggregationRound
    var coordinatorIdentity: AggregationIdentity
    var identities: [UInt32: AggregationIdentity] = [:]
    var sites: [UInt32: AggregationSite] = [:]
    var coordinator: AggregationCoordinator
    var updates: [UInt32: [Int64]] = [:]
    var random: SeededRandom
    /// Journals from earlier rounds, and what each site sent.
    var journals: [UInt32: SiteJournal] = [:]
    var kept: [UInt32: [[UInt8]]] = [:]
    /// Messages under way to the sites.
    var inbox: [(member: UInt32, message: [UInt8])] = []

    /// A step at which a member may be lost: it never sends the message of this step nor any later one.
    enum Step: Int, CaseIterable {
        case keys, shares, maskedInput, agreement, unmasking
    }

    init(
        members n: Int, dropouts: Int, colluding: Int, trust: CoordinatorTrust, length: Int,
        values: AggregationRound.Values = .bounded(by: 1000), graph: AggregationGraph? = nil, number: UInt64 = 1,
        keepsVectors: Bool = true, seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let coordinatorIdentity = AggregationIdentity(using: &random)
        var identities: [UInt32: AggregationIdentity] = [:]
        for place in 0..<n { identities[UInt32(3 * place + 7)] = AggregationIdentity(using: &random) }
        let members = identities.keys.sorted().map {
            AggregationMember(id: $0, verificationKey: identities[$0]!.verificationKey)
        }
        self.coordinatorIdentity = coordinatorIdentity
        self.identities = identities
        round = try AggregationRound(
            .init(
                session: "test", number: number, members: members, coordinatorKey: coordinatorIdentity.verificationKey,
                coordinator: trust, maximumDropouts: dropouts,
                maximumColluding: colluding, length: length, values: values, graph: graph))
        coordinator = try AggregationCoordinator(round, identity: coordinatorIdentity, keepsVectors: keepsVectors)
        let bound: Int64 = if case .bounded(let bound) = values { bound } else { Int64.max }
        for id in identities.keys.sorted() {
            updates[id] = (0..<length).map { _ in
                bound == .max
                    ? Int64(bitPattern: random.nextUInt64())
                    : Int64(random.uniform(below: UInt64(2 * bound + 1))) - bound
            }
        }
        self.random = random
    }

    var ids: [UInt32] { round.members.map(\.id) }

    mutating func start(skipping: Set<UInt32> = []) throws {
        for id in ids {
            let (site, message) = try AggregationSite.start(
                round, member: id, identity: identities[id]!, journal: journals[id] ?? SiteJournal(session: "test"),
                using: &random)
            sites[id] = site
            kept[id] = [message]
            if !skipping.contains(id) { try coordinator.receive(message) }
        }
    }

    /// Delivers what is in the inbox; the answers go to the coordinator, but for members that are lost.
    mutating func deliver(skipping: Set<UInt32> = []) throws {
        for (id, message) in inbox {
            guard !skipping.contains(id) else { continue }
            switch try sites[id]!.receive(message, using: &random) {
            case .send(let answer), .finish(let answer):
                kept[id]!.append(answer)
                try coordinator.receive(answer)
            case .wantsUpdate:
                guard case .send(let answer) = try sites[id]!.submit(updates[id]!, using: &random) else { continue }
                kept[id]!.append(answer)
                try coordinator.receive(answer)
            }
        }
        inbox = []
    }

    /// Closes a phase.
    mutating func advance() throws -> AggregationOutcome? {
        switch try coordinator.advance() {
        case .send(let messages):
            inbox = messages
            return nil
        case .finish(let outcome): return outcome
        }
    }

    /// The whole round with members lost at given steps.
    mutating func run(losing: [UInt32: Step] = [:]) throws -> AggregationOutcome {
        func lost(by step: Step) -> Set<UInt32> {
            Set(losing.filter { $0.value.rawValue <= step.rawValue }.keys)
        }
        try start(skipping: lost(by: .keys))
        for step in Step.allCases.dropFirst() where step != .agreement || round.literal.coordinator == .active {
            _ = try advance()
            try deliver(skipping: lost(by: step))
        }
        guard let outcome = try advance() else {
            throw SecureAggregationError(code: .unexpected, message: "no outcome")
        }
        return outcome
    }

    /// Σ of the updates of those who sent a masked input, in plain integers modulo 2^b.
    func plainSum(losing: [UInt32: Step] = [:]) -> [Int64] {
        let shift = Int64(64 - round.modulusBits)
        return (0..<round.literal.length).map { place in
            let sum = ids.reduce(Int64(0)) { sum, id in
                (losing[id]?.rawValue ?? 9) > Step.maskedInput.rawValue ? sum &+ updates[id]![place] : sum
            }
            return (sum << shift) >> shift
        }
    }
}

/// Runs the body and gives the code and the member of the error that it must throw.
func refusal(_ body: () throws -> Void) -> (code: SecureAggregationError.Code, member: UInt32?)? {
    do {
        try body()
        return nil
    } catch let error as SecureAggregationError {
        return (error.code, error.member)
    } catch {
        return nil
    }
}
