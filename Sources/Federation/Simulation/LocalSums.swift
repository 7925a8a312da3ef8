import BinaryCoding
import Foundation
import MultipartyCKKS
import Paillier
import Randomness
import SecureAggregation

/// Protected sums with all parties in this process: the protocols' own messages, without study, network or store.
///
/// For measurements and for inspecting what crosses a wire. A federation runs the same parties by ``Coordinator`` and ``Site``.
public struct LocalSums: Sendable {
    /// What came of a sum, and what the sites sent for it.
    public struct Record: Sendable {
        public let result: ProtectedResult
        /// Each site's messages, in their order.
        public let messages: [[[UInt8]]]
        /// Seconds of computing, all parties one after the other.
        public let seconds: Double
    }

    public let protection: ProtectionKind
    private let names: [String]
    private let minimum: Int
    private let identities: [SiteIdentity]
    private let coordinator: SiteIdentity
    private var journals: [SiteJournal]
    private var shares: [PaillierKeyShare] = []
    private var collective: CollectiveSetting?
    private var keyShares: [CollectiveKeyShare] = []
    /// The same for all sums; random, so that no two sets of parties share one.
    private let session: Fingerprint
    private var round: UInt64 = 0

    /// Makes identities, and keys where the protection has any; a dealer in this process makes those of Paillier.
    /// - Parameters:
    ///   - sites: at least 3 with secagg, 2 otherwise.
    ///   - threshold: sites that open a sum of ciphertexts, and the fewest contributors.
    ///   - openings: ciphertexts of 4,096 numbers that may be opened, with ckks.
    /// - Throws: ``FederationError``.
    public init(
        protection: ProtectionKind, sites: Int, threshold: Int, openings: Int,
        paillier: PaillierParameters = .bits3072
    ) throws(FederationError) {
        self.protection = protection
        minimum = threshold
        names = (1...max(1, sites)).map { "site-\($0)" }
        var random = SystemRandom()
        var list: [SiteIdentity] = []
        for name in names { list.append(try .generate(name: name, using: &random)) }
        identities = list
        coordinator = try .generate(name: "coordinator", using: &random)
        session = Fingerprint(of: random.bytes(count: 32))
        let label = session.hexadecimal
        journals = names.map { _ in SiteJournal(session: label) }
        switch protection {
        case .none, .secagg: break
        case .paillier:
            do { shares = try PaillierSecretKey.generate(paillier).split(threshold: threshold, shares: sites) } catch {
                throw .protection(error.message)
            }
        case .ckks:
            let group = try CollectiveSetting(
                sites: sites, threshold: threshold, openings: openings, label: label)
            collective = group
            let publicIdentities = list.map(\.publicIdentity)
            let session = session
            var clients = list.indices.map {
                CollectiveSetupClient(
                    collective: group, session: session, position: $0, identity: list[$0], identities: publicIdentities)
            }
            var server: any SumServer = KeySetupServer(.ckks, parties: sites)
            _ = try Self.run(&server, &clients, [[Int64]](repeating: [], count: sites), [])
            keyShares = clients.compactMap { $0.keys?.share }
        }
    }

    /// Adds up one vector of each site.
    /// - Parameters:
    ///   - vectors: integers of the layout, site after site.
    ///   - absent: by stage, from 0, sites that do not answer in it.
    /// - Throws: ``FederationError``.
    public mutating func sum(
        _ layout: VectorLayout, _ vectors: [[Int64]], absent: [Set<Int>] = []
    ) throws(FederationError) -> Record {
        round += 1
        let setting = SumSetting(
            layout: layout, cohort: names, minimum: minimum,
            session: Fingerprint(of: session.bytes + Array("\(round)".utf8)))
        switch protection {
        case .none:
            var server: any SumServer = PlainSumServer(setting)
            var clients = names.map { _ in PlainSumClient(layout: layout) }
            return try Self.run(&server, &clients, vectors, absent)
        case .secagg:
            let round = try aggregation(setting)
            var server: any SumServer = try MaskedSumServer(setting, round: round, identity: coordinator)
            var clients: [MaskedSumClient] = []
            for (position, identity) in identities.enumerated() {
                clients.append(
                    MaskedSumClient(
                        round: round, position: position, identity: try identity.aggregationIdentity(),
                        journal: journals[position]))
            }
            let record = try Self.run(&server, &clients, vectors, absent)
            journals = clients.map(\.journal)
            return record
        case .paillier:
            var server: any SumServer = try PaillierSumServer(setting, shares[0].sharing)
            var clients = shares.map { PaillierSumClient(setting: setting, share: $0) }
            return try Self.run(&server, &clients, vectors, absent)
        case .ckks:
            guard let collective else { throw .protection("ckks: got no collective setting") }
            var server: any SumServer = try CKKSSumServer(setting, collective, parties: names.indices.map { $0 + 1 })
            var clients = keyShares.map { CKKSSumClient(setting, collective, share: $0) }
            let record = try Self.run(&server, &clients, vectors, absent)
            keyShares = clients.map(\.share)
            return record
        }
    }

    private func aggregation(_ setting: SumSetting) throws(FederationError) -> AggregationRound {
        let members = identities.enumerated().map {
            AggregationMember(id: UInt32($0.offset + 1), verificationKey: $0.element.publicIdentity.key)
        }
        let limit = setting.layout.segments.map(\.limit).max() ?? 1
        do {
            let graph = AggregationGraph.choose(members: names.count, colluding: 0, dropouts: 0, coordinator: .active)
            return try AggregationRound(
                .init(
                    session: session.hexadecimal, number: round, members: members,
                    coordinatorKey: coordinator.publicIdentity.key, coordinator: .active, maximumDropouts: 0,
                    maximumColluding: 0, length: setting.layout.count, values: .bounded(by: limit + 1), graph: graph))
        } catch { throw .protection("secagg: \(error.message)") }
    }

    private static func run<Client: SumClient>(
        _ server: inout any SumServer, _ clients: inout [Client], _ vectors: [[Int64]], _ absent: [Set<Int>]
    ) throws(FederationError) -> Record {
        precondition(
            vectors.count == clients.count, "vectors: got \(vectors.count), want one of each of \(clients.count) sites")
        var system = SystemRandom()
        var randoms = (0...clients.count).map {
            SessionRandom(seed: SecretBytes.random(count: 32, using: &system), label: "party \($0)")
        }
        var messages = [[[UInt8]]](repeating: [], count: clients.count)
        var told: [Int: [UInt8]] = [:]
        var stage = 0
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            for site in server.missing where !(stage < absent.count && absent[stage].contains(site)) {
                let vector = vectors[site]
                let body = try clients[site].answer(
                    stage: stage, payload: told[site] ?? [],
                    vector: { () throws(FederationError) -> [Int64] in vector }, using: &randoms[site])
                messages[site].append(body)
                try server.receive(body, from: site)
            }
            guard server.received >= server.required else {
                throw FederationError(
                    code: .tooFewSites,
                    message: "stage \(stage): got \(server.received) answers, want at least \(server.required)")
            }
            switch try server.close(using: &randoms[clients.count]) {
            case .next(let payloads):
                told = payloads
                stage += 1
            case .finished(let result):
                let seconds = (clock.now - start) / .seconds(1)
                return Record(result: result, messages: messages, seconds: seconds)
            }
        }
    }
}

extension LocalSums.Record {
    /// What a site sent.
    public func bytes(site: Int) -> Int { messages[site].reduce(0) { $0 + $1.count } }
}
