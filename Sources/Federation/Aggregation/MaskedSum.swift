import BinaryCoding
import Randomness
import SecureAggregation
import Synchronization

/// The round of secure aggregation that a session is; both sides make the same.
enum MaskedRound {
    /// Choosing a graph takes exact sums over distributions; all sites of a process share the result.
    private static let graphs = Mutex<[[Int]: AggregationGraph]>([:])

    /// - Parameters:
    ///   - colluding, dropouts: as the study says, or what suits the size: a third of the sites may collude, and so many may
    ///     drop out that two lists of survivors still cannot both find a quorum.
    static func make(
        _ setting: SumSetting, study: Study, session: Int, attempt: Int
    ) throws(FederationError) -> AggregationRound {
        guard let coordinator = study.literal.coordinator else { throw .study("coordinator: is missing") }
        let n = setting.cohort.count
        let colluding = study.literal.protection.colluding ?? max(0, (n - 2) / 3)
        let most = max(0, min(n - ((n + colluding) / 2 + 1), n - setting.minimum, n - colluding - 2))
        let dropouts = min(study.literal.protection.dropouts ?? most, most)
        let graph = graphs.withLock { known in
            if let graph = known[[n, colluding, dropouts]] { return graph }
            let graph = AggregationGraph.choose(
                members: n, colluding: colluding, dropouts: dropouts, coordinator: .active)
            known[[n, colluding, dropouts]] = graph
            return graph
        }
        var members: [AggregationMember] = []
        for (position, name) in setting.cohort.enumerated() {
            guard let identity = study.identity(of: name) else {
                throw FederationError(code: .unknownSite, message: "cohort: \(name) is not a site of the study")
            }
            members.append(AggregationMember(id: UInt32(position + 1), verificationKey: identity.key))
        }
        let limit = setting.layout.segments.map(\.limit).max() ?? 1
        do {
            return try AggregationRound(
                .init(
                    session: study.fingerprint.hexadecimal, number: UInt64(session) << 20 | UInt64(attempt),
                    members: members, coordinatorKey: coordinator.key, coordinator: .active,
                    maximumDropouts: dropouts, maximumColluding: colluding, length: setting.layout.count,
                    values: setting.noiseMargin > 0
                        ? .wrapping(bits: setting.layout.wordBits) : .bounded(by: limit + 1), graph: graph))
        } catch { throw .protection("secagg: \(error.message)") }
    }
}

extension SiteIdentity {
    /// The same key for secure aggregation, whose messages have labels of their own.
    func aggregationIdentity() throws(FederationError) -> AggregationIdentity {
        do { return try AggregationIdentity(secret: encoded(SecretAccess("identity for secure aggregation"))) } catch {
            throw .protection(error.message)
        }
    }
}

/// Pairwise masks: the stages are those of ``AggregationCoordinator``.
struct MaskedSumServer: SumServer {
    private var state: AggregationCoordinator
    private let minimum: Int

    /// - Parameter identity: nil when recorded messages are only checked, not answered.
    init(_ setting: SumSetting, round: AggregationRound, identity: SiteIdentity?) throws(FederationError) {
        minimum = setting.minimum
        guard let identity else {
            var random = SystemRandom()
            state = AggregationCoordinator(
                round, voice: .identity(AggregationIdentity(using: &random)), keepsVectors: false)
            return
        }
        do { state = try AggregationCoordinator(round, identity: identity.aggregationIdentity()) } catch let error
            as FederationError
        {
            throw error
        } catch { throw .protection("secagg: \(error)") }
    }

    var missing: [Int] { state.missing.map { Int($0) - 1 } }
    var required: Int {
        switch state.phase {
        case .keys, .shares, .maskedInputs: max(minimum, state.round.minimumSurvivors)
        case .agreements: state.round.quorum
        case .unmasking, .finished: 0
        }
    }
    var received: Int { state.answeredCount }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        guard missing.contains(site) else {
            throw FederationError(
                code: .conflicting, message: "site \(site): has answered this stage or was lost before")
        }
        do { try state.receive(body) } catch {
            guard error.member == nil || error.member == UInt32(site + 1) else {
                throw FederationError(code: .forged, message: "secagg: a message of another member")
            }
            throw .protection("secagg: \(error.message)")
        }
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        do {
            switch try state.advance() {
            case .send(let messages):
                return .next(Dictionary(uniqueKeysWithValues: messages.map { (Int($0.member) - 1, $0.message) }))
            case .finish(let outcome):
                return .finished(
                    ProtectedResult(
                        contributors: outcome.survivors.map { Int($0) - 1 }, sums: outcome.sum.map(Double.init),
                        individual: nil, suspects: outcome.suspects.map { Int($0) - 1 }))
            }
        } catch {
            throw FederationError(
                code: error.code == .belowThreshold || error.code == .disconnected ? .tooFewSites : .protection,
                message: "secagg: \(error.message)")
        }
    }
}

struct MaskedSumClient: SumClient {
    let round: AggregationRound
    let member: UInt32
    let identity: AggregationIdentity
    /// Of the study; kept by the site from session to session.
    private(set) var journal: SiteJournal
    private var state: AggregationSite?
    /// How many updates the sum has, once a quorum has signed the list of them and the site has answered to that.
    var agreedContributors: Int? { state.flatMap { $0.phase == .finished ? $0.survivorCount : nil } }

    init(round: AggregationRound, position: Int, identity: AggregationIdentity, journal: SiteJournal) {
        self.round = round
        member = UInt32(position + 1)
        self.identity = identity
        self.journal = journal
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        do {
            if stage == 0 {
                let (site, message) = try AggregationSite.start(
                    round, member: member, identity: identity, journal: journal, using: &random)
                state = site
                journal = site.journal
                return message
            }
            guard var site = state else {
                throw FederationError.protection("secagg: got stage \(stage) before stage 0")
            }
            var transition = try site.receive(payload, using: &random)
            if case .wantsUpdate = transition { transition = try site.submit(try vector(), using: &random) }
            state = site
            journal = site.journal
            switch transition {
            case .send(let message), .finish(let message): return message
            case .wantsUpdate: throw FederationError.protection("secagg: an update was asked for twice")
            }
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("secagg: \(error)") }
    }
}
