import BinaryCoding
import DifferentialPrivacy
import Foundation
import Paillier
import Randomness
import Tabular

/// The coordinator of a study as a state machine without input, output or clock.
///
/// Events go to ``handle(_:)``; what comes back is a record to store, then messages to send. The state after a restart is
/// that of the same records handled again (or of a snapshot and the records after it); sites repeat what was not
/// acknowledged, and a message that was taken before changes nothing. So every committed update counts once.
///
/// - Threat model: sites are authenticated by the keys that the study pins. What the coordinator learns of a single update
///   is everything with protection none and nothing but the sum with the others, as their own types say.
public struct Coordinator: Sendable {
    public enum Phase: Hashable, Sendable {
        /// For sites to join.
        case waiting
        case running
        /// For enough sites to come back.
        case stalled(String)
        case finished
        case failed(String)
    }

    public struct Standing: Hashable, Sendable {
        public var hasJoined = false
        public var hasLeft = false
        /// Did not answer in time, and has not been heard of since.
        public var isSilent = false
        /// Of the next entry of its journal.
        public var nextSequence = 0
        public var journalHead = Fingerprint.none
        var isAble: Bool { hasJoined && !hasLeft && !isSilent }
    }

    public let study: Study
    let identity: SiteIdentity?
    /// The public side of the key under which updates are encrypted, with protection paillier.
    public internal(set) var paillier: PaillierSharing?
    let collective: CollectiveSetting?

    public internal(set) var phase = Phase.waiting
    public internal(set) var sites: [String: Standing]
    public internal(set) var model: GlobalModel
    public internal(set) var history: [RoundSummary] = []
    /// The best model that was evaluated, after how many rounds, and how it did.
    public internal(set) var best: (model: GlobalModel, round: Int, metrics: EvaluationMetrics)?
    /// Training rounds committed.
    public internal(set) var round = 0
    public internal(set) var scaling: ColumnScaling?
    /// In studies of texts the buckets that are features, ascending, once all pieces are known; empty where all are.
    public var vocabulary: [Int32] { texts.pieces == study.texts?.pieces ? texts.members : [] }
    /// What is known of the words.
    var texts = TextState()
    /// Rows of all sites, from the statistics.
    public internal(set) var totalRows: Double?
    public internal(set) var clippingNorm: Double
    var strategyState = StrategyState()
    var hasKeys = false
    var hasBegun = false
    var nextSession = 0
    var session: ActiveSession?
    var asynchronous = AsynchronousState()

    /// Seeds of the event at hand: replayed ones first, drawn ones behind.
    private var replayed: [[UInt8]] = []
    private var drawn: [[UInt8]] = []
    /// Seeds drawn before the snapshot of the event at hand.
    private var drawnBeforeSnapshot = 0

    struct ActiveSession: Sendable {
        var task: SessionTask
        var server: any SumServer
        var random: SessionRandom
        var stage = 0
        /// Of the stage, for each site that is asked.
        var instructions: [Int: [UInt8]]
        /// Sites whose answer was refused.
        var faulty: Set<Int> = []
        var bytesReceived = 0
        var bytesSent = 0
    }

    /// - Parameters:
    ///   - identity: signs under secagg; the study pins its public half.
    ///   - paillier: the public side of a dealer's key; without it the sites make the key.
    /// - Throws: `invalidStudy` when what the protection needs is missing.
    public init(
        _ study: Study, identity: SiteIdentity? = nil, paillier: PaillierSharing? = nil
    ) throws(FederationError) {
        if study.kind == .secagg, identity?.publicIdentity.key != study.literal.coordinator?.key {
            throw .study("coordinator: the identity is not the one that the study names")
        }
        if study.kind == .paillier {
            if paillier == nil { _ = try study.jointKey() }
            let wanted = paillier?.threshold ?? study.threshold
            guard wanted <= study.perRound else {
                throw .study("paillier: the key wants \(wanted) sites to open a sum, a round asks \(study.perRound)")
            }
        }
        try self.init(study, identity: identity, paillier: paillier, unchecked: ())
    }

    private init(
        _ study: Study, identity: SiteIdentity?, paillier: PaillierSharing?, unchecked: Void
    ) throws(FederationError) {
        self.study = study
        self.identity = identity
        self.paillier = paillier
        collective = study.kind == .ckks ? try study.collective() : nil
        sites = Dictionary(uniqueKeysWithValues: study.sites.map { ($0.name, Standing()) })
        model = try study.network.initialModel()
        clippingNorm = study.literal.privacy?.clippingNorm ?? 0
    }

    /// The state after these records.
    /// - Parameters:
    ///   - snapshot: a stored one, to which the records are later; nil for all records from the beginning.
    /// - Throws: `store` for records that are damaged or do not follow.
    public init(
        _ study: Study, identity: SiteIdentity? = nil, paillier: PaillierSharing? = nil, snapshot: [UInt8]? = nil,
        replaying records: [[UInt8]]
    ) throws(FederationError) {
        try self.init(study, identity: identity, paillier: paillier)
        if let snapshot { try restore(snapshot) }
        try replay(records)
    }

    /// For whoever checks records without the coordinator's secret identity: under secagg what it said is signed by a throw-away
    /// key, which changes nothing of what the sites' messages add up to.
    /// - Parameter opened: is told every sum that was opened.
    init(
        verifying study: Study, paillier: PaillierSharing?, _ records: [[UInt8]],
        opened: (OpenedSum) throws(FederationError) -> Void
    ) throws(FederationError) {
        try self.init(study, identity: nil, paillier: paillier, unchecked: ())
        try replay(records, opened: opened)
    }

    private mutating func replay(
        _ records: [[UInt8]], opened: (OpenedSum) throws(FederationError) -> Void = { _ in }
    ) throws(FederationError) {
        for (index, bytes) in records.enumerated() {
            let sums: [OpenedSum]
            do {
                let record = try CoordinatorRecord(decoding: bytes)
                let transition = handle(record.event, seeds: record.seeds)
                guard transition.record == bytes else {
                    throw FederationError.message("it does not follow from those before")
                }
                sums = transition.sums
            } catch {
                throw FederationError(code: .store, message: "record \(index): \(error)")
            }
            for sum in sums { try opened(sum) }
        }
    }

    /// The model to use: the best that was evaluated, or the last.
    public var result: GlobalModel { best?.model ?? model }

    /// Session, attempt and stage in which answers are due; nil when none are. A deadline event names it.
    public var stageDue: (session: Int, attempt: Int, stage: Int)? {
        session.map { ($0.task.session, $0.task.attempt, $0.stage) }
    }

    /// What the open session adds up; nil when none is open.
    public var purposeDue: SessionPurpose? { session?.task.purpose }

    /// How models that each site trained without the others do on its own held-out rows, once it is known.
    public var alone: EvaluationMetrics? { history.last { $0.purpose == "\(SessionPurpose.local)" }?.metrics }

    /// Names of the sites whose answer is due.
    public var missing: [String] {
        guard let session else { return Array(asynchronous.assignments.keys).sorted() }
        return session.server.missing.map { session.task.cohort[$0] }
    }

    // MARK: Events

    /// Takes an event in. Never fails: what is wrong with a message is told to its site and in a notice.
    public mutating func handle(_ event: CoordinatorEvent) -> CoordinatorTransition { handle(event, seeds: nil) }

    private mutating func handle(_ event: CoordinatorEvent, seeds: [[UInt8]]?) -> CoordinatorTransition {
        replayed = seeds ?? []
        drawn = []
        var transition = CoordinatorTransition()
        var changed = true
        switch event {
        case .begin:
            changed = !hasBegun
            hasBegun = true
            if changed { goOn(&transition) }
        case .message(let bytes):
            do { changed = try take(bytes, &transition) } catch {
                changed = false
                transition.notices.append(.refused(site: nil, reason: error.message))
            }
        case .deadline(let number, let attempt, let stage):
            if let due = stageDue, due == (number, attempt, stage) { expire(&transition) } else { changed = false }
        }
        if changed { transition.record = CoordinatorRecord(event: event, seeds: drawn).encoded }
        if let state = transition.snapshot {
            transition.snapshot = Self.snapshot(state, openingWith: Array(drawn.dropFirst(drawnBeforeSnapshot)))
        }
        return transition
    }

    /// Opens what a snapshot was followed by, with the seeds of then.
    mutating func reopen(_ seeds: [[UInt8]]) {
        replayed = seeds
        var transition = CoordinatorTransition()
        goOn(&transition)
    }

    mutating func seed() -> SecretBytes {
        var bytes: [UInt8]
        if replayed.isEmpty {
            var random = SystemRandom()
            bytes = random.bytes(count: 32)
        } else {
            bytes = replayed.removeFirst()
        }
        drawn.append(bytes)
        return SecretBytes(wiping: &bytes)
    }

    /// What a site should have been told: to be sent again when it asks, or when it was restarted.
    public func pending(for site: String) -> [UInt8]? {
        guard sites[site]?.hasJoined ?? false else { return nil }
        if phase == .finished { return Instruction.finished(model: result).encoded(study: study.fingerprint) }
        if let task = asynchronous.assignments[site] { return Instruction.task(task).encoded(study: study.fingerprint) }
        guard let session, let position = session.task.cohort.firstIndex(of: site),
            session.server.missing.contains(position)
        else { return nil }
        return session.instructions[position]
    }

    /// - Returns: whether the state changed.
    /// - Throws: for bytes that are no message of a site of this study; there is nobody to answer then.
    private mutating func take(_ bytes: [UInt8], _ transition: inout CoordinatorTransition) throws(FederationError)
        -> Bool
    {
        let envelope = try Envelope(decoding: bytes)
        let entry = envelope.entry
        guard entry.study == study.fingerprint else {
            throw FederationError(
                code: .wrongStudy,
                message:
                    "\(entry.site): has study \(entry.study), this is \(study.fingerprint); compare the study files")
        }
        guard let pinned = study.identity(of: entry.site), var standing = sites[entry.site] else {
            throw FederationError(
                code: .unknownSite, message: "\(entry.site): is not a site of this study, or was revoked")
        }
        try envelope.verify(pinned)
        func answer(_ instruction: Instruction) {
            transition.messages.append((entry.site, instruction.encoded(study: study.fingerprint)))
        }
        if entry.sequence < standing.nextSequence {
            guard entry.sequence + 1 < standing.nextSequence || entry.hash == standing.journalHead else {
                throw FederationError(
                    code: .conflicting,
                    message: "\(entry.site): a different message number \(entry.sequence) was taken before; "
                        + "the site went back to an old state")
            }
            // Said before: said again what it has to know. A site that was silent is back.
            answer(.accepted(sequence: entry.sequence))
            if let pending = pending(for: entry.site) { transition.messages.append((entry.site, pending)) }
            guard standing.isSilent else { return false }
            sites[entry.site]?.isSilent = false
            if session == nil { goOn(&transition) }
            return true
        }
        // A later message came first; the site repeats the one between.
        guard entry.sequence == standing.nextSequence else { return false }
        guard entry.previous == standing.journalHead else {
            throw FederationError(
                code: .forged, message: "\(entry.site): message \(entry.sequence) does not follow its journal")
        }
        standing.nextSequence += 1
        standing.journalHead = entry.hash
        standing.isSilent = false
        sites[entry.site] = standing
        do {
            switch entry.kind {
            case .join:
                sites[entry.site]?.hasJoined = true
                sites[entry.site]?.hasLeft = false
                transition.notices.append(.joined(entry.site))
            case .leave: sites[entry.site]?.hasLeft = true
            case .report: try report(envelope, &transition)
            }
            transition.messages.insert(
                (entry.site, Instruction.accepted(sequence: entry.sequence).encoded(study: study.fingerprint)), at: 0)
        } catch {
            transition.notices.append(.refused(site: entry.site, reason: error.message))
            answer(.refused(sequence: entry.sequence, reason: error.message))
        }
        settle(&transition)
        if session == nil { goOn(&transition) }
        return true
    }

    private mutating func report(
        _ envelope: Envelope, _ transition: inout CoordinatorTransition
    ) throws(FederationError) {
        let entry = envelope.entry
        if study.strategy.bufferSize != nil, asynchronous.assignments[entry.site]?.session == entry.session {
            return try takeAsynchronous(envelope, &transition)
        }
        guard let due = stageDue, due == (entry.session, entry.attempt, entry.stage),
            let position = session?.task.cohort.firstIndex(of: entry.site)
        else {
            throw FederationError(
                code: .wrongRound,
                message:
                    "report of session \(entry.session), attempt \(entry.attempt), stage \(entry.stage): is not due"
                    + (stageDue.map { "; session \($0.session), attempt \($0.attempt), stage \($0.stage) is" } ?? ""))
        }
        do { try session?.server.receive(envelope.body, from: position) } catch {
            session?.faulty.insert(position)
            throw error
        }
        session?.bytesReceived += envelope.encoded.count
    }

    // MARK: Sessions

    /// Closes stages as long as nobody is left to wait for.
    private mutating func settle(_ transition: inout CoordinatorTransition) {
        while let current = session, current.server.missing.allSatisfy({ current.faulty.contains($0) }) {
            close(&transition)
        }
    }

    private mutating func expire(_ transition: inout CoordinatorTransition) {
        guard let current = session else { return }
        let names = current.server.missing.map { current.task.cohort[$0] }
        for name in names { sites[name]?.isSilent = true }
        transition.notices.append(.dropped(sites: names, stage: current.stage))
        close(&transition)
        settle(&transition)
        if session == nil { goOn(&transition) }
    }

    private mutating func close(_ transition: inout CoordinatorTransition) {
        guard var current = session else { return }
        let quorum = current.stage == 0 ? Int((study.quorum * Double(current.task.cohort.count)).rounded(.up)) : 0
        let needed = max(current.server.required, current.task.purpose == .keys ? 0 : quorum)
        do throws(FederationError) {
            guard current.server.received >= needed else {
                throw FederationError(
                    code: .tooFewSites,
                    message:
                        "got \(current.server.received) of \(current.task.cohort.count) answers, want at least \(needed)"
                )
            }
            switch try current.server.close(using: &current.random) {
            case .next(let payloads):
                current.stage += 1
                current.instructions = [:]
                for (position, payload) in payloads {
                    let bytes = Instruction.stage(
                        session: current.task.session, attempt: current.task.attempt, stage: current.stage,
                        payload: payload
                    ).encoded(study: study.fingerprint)
                    current.instructions[position] = bytes
                    current.bytesSent += bytes.count
                }
                for position in current.instructions.keys.sorted() {
                    transition.messages.append((current.task.cohort[position], current.instructions[position] ?? []))
                }
                session = current
            case .finished(let result):
                try commit(result, current, &transition)
                transition.sums.append(
                    OpenedSum(
                        session: current.task.session, attempt: current.task.attempt,
                        contributors: result.contributors.map { current.task.cohort[$0] }, sums: result.sums))
                session = nil
                transition.snapshot = snapshot
                drawnBeforeSnapshot = drawn.count
            }
        } catch {
            abandon(current, error, &transition)
        }
    }

    private mutating func abandon(
        _ current: ActiveSession, _ error: FederationError, _ transition: inout CoordinatorTransition
    ) {
        for position in current.faulty { sites[current.task.cohort[position]]?.isSilent = true }
        transition.notices.append(
            .abandoned(session: current.task.session, attempt: current.task.attempt, reason: error.message))
        session = nil
        // Data and models are the same in another attempt.
        guard current.task.attempt < 10, error.code != .diverged, error.code != .invalidData else {
            phase = .failed(error.message)
            return
        }
        open(current.task.purpose, number: current.task.session, attempt: current.task.attempt + 1, &transition)
    }

    /// Opens what comes next, when nothing is open.
    mutating func goOn(_ transition: inout CoordinatorTransition) {
        guard session == nil, phase != .finished else { return }
        if case .failed = phase { return }
        let joined = study.sites.filter { sites[$0.name]?.hasJoined ?? false }.count
        let able = study.sites.filter { study.identity(of: $0.name) != nil }.count
        if !hasBegun {
            guard joined == able else { return }
            hasBegun = true
        }
        if study.kind == .ckks && !hasKeys || study.kind == .paillier && paillier == nil {
            return open(.keys, number: nextSession, attempt: stalledAttempt, &transition)
        }
        if study.standardises, scaling == nil {
            return open(.statistics, number: nextSession, attempt: stalledAttempt, &transition)
        }
        if let plan = study.texts {
            if texts.pieces < plan.pieces {
                return open(.vocabulary, number: nextSession, attempt: stalledAttempt, &transition)
            }
            if plan.start != nil, !texts.hasStart {
                return open(.counts, number: nextSession, attempt: stalledAttempt, &transition)
            }
        }
        if round < study.rounds {
            if study.strategy.bufferSize != nil { return assign(&transition) }
            return open(.training, number: nextSession, attempt: stalledAttempt, &transition)
        }
        if study.literal.localBaseline ?? false, alone == nil {
            return open(.local, number: nextSession, attempt: stalledAttempt, &transition)
        }
        if study.literal.privacy == nil {
            return open(.evaluation, number: nextSession, attempt: stalledAttempt, &transition)
        }
        finish(&transition)
    }

    /// Attempt numbers go on where a stalled session left off, since keys and noise are bound to them.
    private var stalledAttempt: Int { stalled?.session == nextSession ? (stalled?.attempt ?? 0) : 0 }
    private var stalled: (session: Int, attempt: Int)?

    private mutating func open(
        _ purpose: SessionPurpose, number: Int, attempt: Int, _ transition: inout CoordinatorTransition
    ) {
        let all = study.sites.map(\.name).filter { sites[$0]?.isAble ?? false }
        var cohort = all
        // Masks among thousands of sites cost more than statistics of a few hundred of them are less exact.
        let most = purpose == .training ? study.perRound : study.kind == .secagg ? max(256, study.perRound) : all.count
        if all.count > most {
            var generator = ShuffleGenerator(
                seed: study.seed &* 0x9E37_79B9 &+ UInt64(number) &* 1_000_003 &+ UInt64(attempt))
            generator.shuffle(&cohort)
            let chosen = Set(cohort.prefix(most))
            cohort = all.filter { chosen.contains($0) }
        }
        var needed = study.minimum
        if purpose == .keys { needed = study.sites.count }
        if study.kind == .ckks { needed = max(needed, study.threshold) }
        if let paillier { needed = max(needed, paillier.threshold) }
        guard cohort.count >= needed else {
            stalled = (number, attempt)
            phase = .stalled("\(cohort.count) sites can be asked, \(needed) are needed")
            transition.notices.append(.waiting(reason: "\(cohort.count) sites can be asked, \(needed) are needed"))
            return
        }
        let task = SessionTask(
            purpose: purpose, session: number, attempt: attempt, round: purpose == .vocabulary ? texts.pieces : round,
            cohort: cohort,
            model: purpose == .training || purpose == .evaluation ? model : nil,
            control: purpose == .training && study.strategy.uploadsControl
                ? strategyState.vector(0, count: model.count) : [],
            scaling: scaling, clippingNorm: purpose == .training ? clippingNorm : 0, vocabulary: vocabulary)
        do {
            let server = try study.server(task, paillier: paillier, collective: collective, identity: identity)
            let bytes = Instruction.task(task).encoded(study: study.fingerprint)
            session = ActiveSession(
                task: task, server: server,
                random: SessionRandom(seed: seed(), label: "coordinator \(study.sessionName(task).hexadecimal)"),
                instructions: Dictionary(uniqueKeysWithValues: cohort.indices.map { ($0, bytes) }),
                bytesSent: bytes.count * cohort.count)
            nextSession = number
            phase = .running
            transition.notices.append(.opened(purpose: purpose, round: task.round, attempt: attempt, cohort: cohort))
            for name in cohort { transition.messages.append((name, bytes)) }
        } catch {
            phase = .failed(error.message)
            transition.notices.append(.abandoned(session: number, attempt: attempt, reason: error.message))
        }
    }

    mutating func finish(_ transition: inout CoordinatorTransition) {
        phase = .finished
        transition.notices.append(.finished)
        let bytes = Instruction.finished(model: result).encoded(study: study.fingerprint)
        for site in study.sites where sites[site.name]?.hasJoined ?? false {
            transition.messages.append((site.name, bytes))
        }
        transition.snapshot = snapshot
        drawnBeforeSnapshot = drawn.count
    }
}
