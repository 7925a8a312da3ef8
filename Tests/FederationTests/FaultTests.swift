import BinaryCoding
import Federation
import Foundation
import TacitTestSupport
import Testing

/// Whole studies over a network that loses, repeats, delays and reorders, with parties that die at any point and come back
/// from what they stored. Nothing may show in the result.
@Suite struct FaultTests {
    /// A party's process: its state, and its store, which alone survives.
    struct Chaos {
        var test: TestStudy
        var generator: TestGenerator
        var coordinator: Coordinator
        var coordinatorStore = MemoryStore()
        var sites: [Site]
        var siteStores: [MemoryStore]
        var toCoordinator: [[UInt8]] = []
        var toSites: [(Int, [UInt8])] = []
        var restarts = 0
        var lost = 0
        var repeated = 0

        init(_ test: TestStudy, seed: UInt64) throws {
            self.test = test
            generator = TestGenerator(seed: seed)
            coordinator = try test.coordinator()
            sites = try test.identities.indices.map { try test.site($0) }
            siteStores = sites.map { _ in MemoryStore() }
        }

        mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }

        mutating func restartCoordinator() throws {
            restarts += 1
            // From the beginning, or from the last snapshot.
            if chance(2) {
                coordinator = try test.coordinator(replaying: coordinatorStore.records)
            } else {
                let (snapshot, records) = coordinatorStore.load()
                coordinator = try test.coordinator(snapshot: snapshot, replaying: records)
            }
        }

        mutating func restartSite(_ index: Int) throws {
            restarts += 1
            // From the beginning, or from the last snapshot, which other records follow.
            if chance(3) {
                sites[index] = try test.site(index, replaying: siteStores[index].records)
            } else {
                let (snapshot, records) = siteStores[index].load()
                sites[index] = try test.site(index, snapshot: snapshot, replaying: records)
            }
        }

        mutating func feedCoordinator(_ bytes: [UInt8]) throws {
            let transition = coordinator.handle(.message(bytes))
            if chance(40) { return try restartCoordinator() }  // died before the record was stored
            if let record = transition.record { coordinatorStore.append(record) }
            if let snapshot = transition.snapshot { coordinatorStore.keep(snapshot: snapshot) }
            if chance(40) { return try restartCoordinator() }  // died before anything was sent
            for (name, bytes) in transition.messages {
                toSites.append((test.identities.firstIndex { $0.name == name }!, bytes))
            }
        }

        mutating func feedSite(_ index: Int, _ event: SiteEvent) throws {
            let transition = sites[index].handle(event)
            if chance(40) { return try restartSite(index) }
            if let snapshot = transition.snapshot {
                siteStores[index].keep(snapshot: snapshot.encoded)
                if chance(40) { return try restartSite(index) }  // died between the two
            }
            if let record = transition.record { siteStores[index].append(record) }
            if chance(40) { return try restartSite(index) }
            toCoordinator += transition.messages
        }

        mutating func run() throws {
            for index in sites.indices { try feedSite(index, .join) }
            var steps = 0
            while coordinator.phase != .finished || sites.contains(where: { $0.finalModel == nil }) {
                steps += 1
                guard steps < 20_000 else { throw FederationError(code: .store, message: "no end after 20,000 events") }
                if case .failed(let reason) = coordinator.phase { throw FederationError(code: .store, message: reason) }
                if chance(60) { try restartCoordinator() }
                if chance(60) { try restartSite(Int.random(in: sites.indices, using: &generator)) }
                // When all is quiet, whoever waits asks again, as after a reconnection.
                if (toCoordinator.isEmpty && toSites.isEmpty) || chance(30) {
                    let index = Int.random(in: sites.indices, using: &generator)
                    try feedSite(index, sites[index].hasJoined ? .retry : .join)
                    continue
                }
                let total = toCoordinator.count + toSites.count
                let pick = Int.random(in: 0..<total, using: &generator)
                let isLost = chance(8)
                let isRepeated = chance(6)
                if isLost { lost += 1 }
                if isRepeated { repeated += 1 }
                if pick < toCoordinator.count {
                    let bytes = isRepeated ? toCoordinator[pick] : toCoordinator.remove(at: pick)
                    if !isLost { try feedCoordinator(bytes) }
                } else {
                    let (index, bytes) =
                        isRepeated
                        ? toSites[pick - toCoordinator.count] : toSites.remove(at: pick - toCoordinator.count)
                    if !isLost { try feedSite(index, .message(bytes)) }
                }
            }
        }
    }

    struct Setting: CustomTestStringConvertible {
        var kind: ProtectionKind
        var strategy: String
        var schedules: Int
        var perRound: Int? = nil
        var isJoint = false
        var testDescription: String { "\(kind) \(strategy)\(isJoint ? ", joint key" : "")" }
    }

    static let isLong = ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil

    @Test(arguments: [
        Setting(kind: .none, strategy: "fedavg", schedules: 60),
        Setting(kind: .none, strategy: "scaffold", schedules: 20),
        Setting(kind: .none, strategy: "fedadam", schedules: 20, perRound: 3),
        Setting(kind: .none, strategy: "krum", schedules: 10),
        Setting(kind: .secagg, strategy: "fedavg", schedules: 12),
        Setting(kind: .paillier, strategy: "fedavg", schedules: 3),
        Setting(kind: .paillier, strategy: "fedavg", schedules: 1, isJoint: true),
        Setting(kind: .ckks, strategy: "fedavg", schedules: 1),
    ]) func theResultIsThatOfTheUndisturbedRun(_ setting: Setting) throws {
        let sites = setting.strategy == "krum" ? 5 : 4
        let test = try TestStudy(
            sites: sites, rounds: setting.kind == .ckks ? 1 : 3, kind: setting.kind,
            strategy: StrategyLiteral(name: setting.strategy),
            perRound: setting.perRound, isJoint: setting.isJoint)
        let expected = try test.result()
        var (restarts, lost, repeated) = (0, 0, 0)
        for schedule in 0..<setting.schedules * (Self.isLong ? 5 : 1) {
            var chaos = try Chaos(test, seed: UInt64(schedule) + 1)
            try chaos.run()
            #expect(chaos.coordinator.model == expected.coordinator.model, "schedule \(schedule)")
            #expect(chaos.coordinator.result == expected.coordinator.result, "schedule \(schedule)")
            #expect(
                chaos.coordinator.history.map(\.contributors) == expected.coordinator.history.map(\.contributors),
                "schedule \(schedule)")
            #expect(chaos.sites.allSatisfy { $0.finalModel == chaos.coordinator.result }, "schedule \(schedule)")
            // Every journal is one chain, of which the coordinator took each entry once.
            for site in chaos.sites {
                #expect(chaos.coordinator.sites[site.identity.name]?.nextSequence ?? 0 <= site.journal.count)
            }
            restarts += chaos.restarts
            lost += chaos.lost
            repeated += chaos.repeated
        }
        #expect(restarts > 0 && lost > 0 && repeated > 0)
    }

    /// A coordinator that is restarted from records and from a snapshot with the records after it is the same.
    @Test(arguments: [ProtectionKind.none, .secagg, .paillier]) func snapshotsStandForTheRecordsBefore(
        _ kind: ProtectionKind
    )
        throws
    {
        // With a key that the sites make in a session of its own.
        let isJoint = kind == .paillier
        let test = try TestStudy(kind: kind, isJoint: isJoint)
        var records: [[UInt8]] = []
        var coordinator = try test.coordinator()
        var sites = try test.identities.indices.map { try test.site($0) }
        var queue: [[UInt8]] = []
        for index in sites.indices { queue += sites[index].handle(.join).messages }
        var snapshots = 0
        while !queue.isEmpty {
            let transition = coordinator.handle(.message(queue.removeFirst()))
            if let record = transition.record { records.append(record) }
            if let snapshot = transition.snapshot {
                snapshots += 1
                let restored = try test.coordinator(snapshot: snapshot)
                #expect(restored.model == coordinator.model && restored.round == coordinator.round)
                #expect(restored.paillier == coordinator.paillier)
                #expect(
                    restored.stageDue.map { [$0.session, $0.attempt, $0.stage] }
                        == coordinator.stageDue.map { [$0.session, $0.attempt, $0.stage] })
                for site in sites {
                    #expect(restored.pending(for: site.identity.name) == coordinator.pending(for: site.identity.name))
                }
            }
            for (name, bytes) in transition.messages {
                queue += sites[test.identities.firstIndex { $0.name == name }!].handle(.message(bytes)).messages
            }
        }
        #expect(coordinator.phase == .finished && snapshots == (isJoint ? 5 : 4))
        #expect(try test.coordinator(replaying: records).result == coordinator.result)
        // A record that is missing is noticed.
        var damaged = records
        damaged.remove(at: 6)
        #expect(throws: FederationError.self) { try test.coordinator(replaying: damaged) }
    }

    /// A site that is restarted from its snapshot is the one that replays everything, and keeps no update for longer than a
    /// session.
    @Test(arguments: [
        (ProtectionKind.none, "scaffold"), (.secagg, "fedavg"), (.ckks, "fedavg"), (.paillier, "fedavg"),
    ]) func sitesForgetWhatIsOver(_ kind: ProtectionKind, _ strategy: String) throws {
        let test = try TestStudy(
            rounds: kind == .ckks ? 3 : 12, kind: kind, strategy: StrategyLiteral(name: strategy),
            model: ModelDescription(kind: .mlp, hidden: [32]))
        var coordinator = try test.coordinator()
        var sites = try test.identities.indices.map { try test.site($0) }
        var stores = sites.map { _ in MemoryStore() }
        var (largest, snapshots) = ([Int: Int](), 0)
        var queue: [[UInt8]] = []
        func feed(_ index: Int, _ event: SiteEvent) throws {
            let transition = sites[index].handle(event)
            if let snapshot = transition.snapshot {
                snapshots += 1
                stores[index].keep(snapshot: snapshot.encoded)
            }
            if let record = transition.record { stores[index].append(record) }
            queue += transition.messages
            guard transition.snapshot != nil, index == 0 else { return }
            let (snapshot, records) = stores[0].load()
            #expect(records.count == 1)
            largest[coordinator.round] = (snapshot?.count ?? 0) + records[0].count
            var short = try test.site(0, snapshot: snapshot, replaying: records)
            var long = try test.site(0, replaying: stores[0].records)
            #expect(short.journal == long.journal && short.openings == long.openings && short.events == long.events)
            #expect(short.handle(.retry).messages == long.handle(.retry).messages)
            #expect(short.finalModel == long.finalModel)
            // It goes on from there.
            sites[0] = short
        }
        for index in sites.indices { try feed(index, .join) }
        while !queue.isEmpty {
            for (name, bytes) in coordinator.handle(.message(queue.removeFirst())).messages {
                try feed(test.identities.firstIndex { $0.name == name }!, .message(bytes))
            }
        }
        #expect(coordinator.phase == .finished && snapshots > 4 * coordinator.round)
        #expect(try coordinator.result == test.result().coordinator.result)
        #expect(sites[0].openings.count == coordinator.round + 1)
        // What is kept grows by lines of the journal and of the key's use, not by updates.
        let (first, last) = (largest[1] ?? 0, largest[coordinator.round - 1] ?? 0)
        let rounds = coordinator.round - 2
        let all = stores[0].records.reduce(0) { $0 + $1.count }
        print(
            "\(kind) \(strategy): \(first) bytes after a round, \(last) after \(coordinator.round - 1); all records \(all)"
        )
        #expect(first > 0 && last - first < 1500 * rounds)
        // Bytes that were changed on the disk are no state, and no trap.
        let snapshot = stores[0].load().snapshot ?? []
        for length in stride(from: 0, to: snapshot.count, by: max(1, snapshot.count / 40)) {
            #expect(throws: FederationError.self) {
                try test.site(0, snapshot: Array(snapshot.prefix(length)))
            }
        }
        #expect(throws: FederationError.self) { try test.site(1, snapshot: snapshot) }
        guard kind != .ckks else { return }
        Fuzzing.run(valid: [snapshot], iterations: Fuzzing.iterations(oneOf: 20)) {
            guard var site = try? test.site(0, snapshot: $0) else { return }
            _ = site.handle(.retry)
        }
    }

    @Test(arguments: [ProtectionKind.none, .secagg, .paillier]) func dropoutsAtEveryStageDoNotStopARound(
        _ kind: ProtectionKind
    ) throws {
        let test = try TestStudy(sites: 5, kind: kind, minimum: 3, quorum: 0.6)
        for stage in 0..<(kind == .none ? 1 : kind == .secagg ? 5 : 2) {
            var coordinator = try test.coordinator()
            var sites = try test.identities.indices.map { try test.site($0) }
            var queue: [(Int, [UInt8])] = []
            for index in sites.indices {
                for message in sites[index].handle(.join).messages { queue.append((index, message)) }
            }
            var isGone = false
            var deadlines = 0
            while coordinator.phase != .finished {
                if queue.isEmpty {
                    deadlines += 1
                    guard deadlines < 20, let due = coordinator.stageDue else { break }
                    let transition = coordinator.handle(
                        .deadline(session: due.session, attempt: due.attempt, stage: due.stage))
                    for (name, bytes) in transition.messages {
                        let index = test.identities.firstIndex { $0.name == name }!
                        for message in sites[index].handle(.message(bytes)).messages { queue.append((index, message)) }
                    }
                    continue
                }
                let (from, bytes) = queue.removeFirst()
                if let due = coordinator.stageDue, due.session == 1, due.stage == stage { isGone = true }
                // Site 2 dies in the second session at this stage, for good.
                if isGone, from == 1 { continue }
                let transition = coordinator.handle(.message(bytes))
                for (name, bytes) in transition.messages {
                    let index = test.identities.firstIndex { $0.name == name }!
                    if isGone, index == 1 { continue }
                    for message in sites[index].handle(.message(bytes)).messages { queue.append((index, message)) }
                }
            }
            #expect(coordinator.phase == .finished, "stage \(stage): \(coordinator.phase)")
            #expect(coordinator.round == 3)
            #expect(coordinator.history.last?.contributors.count == 4, "stage \(stage)")
            #expect(coordinator.sites["site-2"]?.isSilent == true)
        }
    }
}
