import BinaryCoding
import Crypto
import DifferentialPrivacy
import Foundation
import MultipartyCKKS
import Paillier
import Randomness
import SecureAggregation

/// A site of a study as a state machine without input, output or clock.
///
/// Events go to ``handle(_:)``; a record to store comes back, then messages to send. After a restart the same records give
/// the same state; what was trained is not trained again, and what left once leaves again byte for byte. A site never
/// answers one stage in two ways, and never goes back to an earlier attempt.
public struct Site: Sendable {
    public let study: Study
    public let identity: SiteIdentity
    public let data: SiteData
    let paillier: PaillierKeyShare?
    let charging: (any PrivacyCharging)?
    let aggregation: AggregationIdentity?
    let collective: CollectiveSetting?

    /// Lines of the journal: what left, in order.
    public private(set) var journal: [Envelope.Entry] = []
    /// The final model, when the study is over.
    public private(set) var finalModel: GlobalModel?
    /// What was charged for, round by round: with the noise that the fewest contributors allowed give together, since the
    /// real number is known only when the update has left.
    public private(set) var events: [PrivacyEvent] = []
    public var hasJoined: Bool { !journal.isEmpty }

    private var outbox: [(sequence: Int, bytes: [UInt8])] = []
    private var lastMessage: [UInt8]?
    private var session: SiteSession?
    private var latest: (session: Int, attempt: Int)?
    private var keys: CollectiveKeys?
    private var maskJournal: SiteJournal?
    private var control: [Double] = []
    private var nextControl: (round: Int, values: [Double])?

    private struct SiteSession: Sendable {
        var task: SessionTask
        var client: any SumClient
        var stage: Int
        var vector: [Int64]?
        var commitment: Fingerprint
        var seed: [UInt8]
    }

    /// - Parameters:
    ///   - data: encoded by ``Study/rows(_:)``.
    ///   - paillier: the site's share of the key, under protection paillier.
    ///   - charging: where differential privacy is entered; without it nothing is recorded outside the study.
    /// - Throws: `unknownSite`, `invalidStudy`, `invalidData`.
    public init(
        _ study: Study, identity: SiteIdentity, data: SiteData, paillier: PaillierKeyShare? = nil,
        charging: (any PrivacyCharging)? = nil
    ) throws(FederationError) {
        guard study.identity(of: identity.name) == identity.publicIdentity else {
            throw FederationError(
                code: .unknownSite,
                message:
                    "\(identity.name): the study does not name this identity (\(identity.publicIdentity.fingerprint)), or revoked it"
            )
        }
        guard data.rows.width == study.width, data.rows.task == study.task else {
            throw .data(
                "rows: got \(data.rows.width) columns for \(data.rows.task), the study wants \(study.width) for \(study.task)"
            )
        }
        guard study.kind != .paillier || paillier != nil else {
            throw .study("paillier: got no share of the key, want the site's")
        }
        self.study = study
        self.identity = identity
        self.data = data
        self.paillier = paillier
        self.charging = charging
        aggregation = study.kind == .secagg ? try identity.aggregationIdentity() : nil
        collective = study.kind == .ckks ? try study.collective() : nil
        maskJournal = study.kind == .secagg ? SiteJournal(session: study.fingerprint.hexadecimal) : nil
    }

    /// The state after these records.
    /// - Throws: `store`.
    public init(
        _ study: Study, identity: SiteIdentity, data: SiteData, paillier: PaillierKeyShare? = nil,
        charging: (any PrivacyCharging)? = nil, replaying records: [[UInt8]]
    ) throws(FederationError) {
        try self.init(study, identity: identity, data: data, paillier: paillier, charging: charging)
        for (index, bytes) in records.enumerated() {
            do { try replay(SiteRecord(decoding: bytes)) } catch {
                throw FederationError(code: .store, message: "record \(index): \(error.message)")
            }
        }
    }

    // MARK: Events

    public mutating func handle(_ event: SiteEvent) -> SiteTransition {
        var transition = SiteTransition()
        switch event {
        case .join:
            guard !hasJoined else {
                transition.messages = repeated
                return transition
            }
            say(.join, &transition)
        case .leave: say(.leave, &transition)
        case .retry: transition.messages = repeated
        case .message(let bytes):
            do { try take(bytes, &transition) } catch {
                transition.notices.append(.declined(reason: error.message))
            }
        }
        return transition
    }

    /// What may have been lost: all that was not acknowledged, or the last message, to which the coordinator answers what is
    /// due.
    private var repeated: [[UInt8]] { outbox.isEmpty ? lastMessage.map { [$0] } ?? [] : outbox.map(\.bytes) }

    private mutating func say(_ kind: Envelope.Kind, _ transition: inout SiteTransition) {
        let envelope = envelope(kind, session: 0, attempt: 0, stage: 0, body: [], commitment: .none)
        var record = SiteRecord(kind == .join ? .joined : .left)
        record.envelope = envelope.encoded
        keep(envelope, record.envelope)
        transition.record = record.encoded
        transition.messages = [record.envelope]
    }

    private func envelope(
        _ kind: Envelope.Kind, session: Int, attempt: Int, stage: Int, body: [UInt8], commitment: Fingerprint
    ) -> Envelope {
        Envelope(
            entry: Envelope.Entry(
                study: study.fingerprint, site: identity.name, sequence: journal.count,
                previous: journal.last?.hash ?? .none, kind: kind, session: session, attempt: attempt, stage: stage,
                body: body, commitment: commitment), body: body, identity: identity)
    }

    private mutating func keep(_ envelope: Envelope, _ bytes: [UInt8]) {
        journal.append(envelope.entry)
        outbox.append((envelope.entry.sequence, bytes))
        lastMessage = bytes
    }

    private mutating func take(_ bytes: [UInt8], _ transition: inout SiteTransition) throws(FederationError) {
        switch try Instruction(decoding: bytes, study: study.fingerprint) {
        case .accepted(let sequence): acknowledge(sequence, &transition)
        case .refused(let sequence, let reason):
            acknowledge(sequence, &transition)
            transition.notices.append(.refused(reason: reason))
        case .finished(let model):
            guard finalModel == nil else { return }
            finalModel = model
            session = nil
            var record = SiteRecord(.finished)
            record.instruction = bytes
            transition.record = record.encoded
            transition.notices.append(.finished)
        case .task(let task):
            if let session, (session.task.session, session.task.attempt) == (task.session, task.attempt) {
                transition.messages = repeated
                return
            }
            try checkNew(task)
            try answer(begin(task), stage: 0, payload: [], instruction: bytes, seed: true, &transition)
        case .stage(let number, let attempt, let stage, let payload):
            guard let current = session, (current.task.session, current.task.attempt) == (number, attempt) else {
                throw FederationError(
                    code: .wrongRound,
                    message: "stage \(stage) of session \(number), attempt \(attempt): this site is not in it")
            }
            if stage <= current.stage {
                transition.messages = repeated
                return
            }
            try answer(current, stage: stage, payload: payload, instruction: bytes, seed: false, &transition)
        }
    }

    private mutating func acknowledge(_ sequence: Int, _ transition: inout SiteTransition) {
        guard outbox.contains(where: { $0.sequence <= sequence }) else { return }
        outbox.removeAll { $0.sequence <= sequence }
        var record = SiteRecord(.acknowledged)
        record.sequence = sequence
        transition.record = record.encoded
    }

    // MARK: Sessions

    private func checkNew(_ task: SessionTask) throws(FederationError) {
        guard finalModel == nil else { throw FederationError(code: .wrongRound, message: "task: the study is over") }
        if let latest, (task.session, task.attempt) <= latest {
            throw FederationError(
                code: .wrongRound,
                message: "task: session \(task.session), attempt \(task.attempt) is older than the last one")
        }
        guard task.cohort.contains(identity.name) else { throw .message("task: this site is not in the cohort") }
        guard Set(task.cohort).count == task.cohort.count, task.cohort.allSatisfy({ study.identity(of: $0) != nil })
        else {
            throw .message("task: the cohort has a site twice or one that the study does not name")
        }
        let least = study.strategy.bufferSize != nil && task.purpose == .training ? 1 : study.minimum
        guard task.cohort.count >= least else {
            throw FederationError(
                code: .tooFewSites, message: "task: got a cohort of \(task.cohort.count), want at least \(least)")
        }
        if task.purpose == .training || task.purpose == .evaluation {
            guard let model = task.model, model.tensors == (try study.network.initialModel()).tensors else {
                throw .message("task: the model has another architecture than the study")
            }
            guard task.control.isEmpty || task.control.count == model.count else {
                throw .message("task: the control variate has another length than the model")
            }
        }
        guard task.means.isEmpty || task.means.count == study.width else {
            throw .message("task: got means of \(task.means.count) columns, want \(study.width)")
        }
        if let privacy = study.literal.privacy {
            guard task.purpose == .training, task.clippingNorm > 0,
                privacy.adaptive != nil || task.clippingNorm == privacy.clippingNorm
            else {
                throw .message(
                    "task: \(task.purpose) with bound \(task.clippingNorm) is not what the study's privacy allows")
            }
        }
    }

    private func begin(_ task: SessionTask, seed: [UInt8]? = nil) throws(FederationError) -> SiteSession {
        var bytes = seed ?? []
        if bytes.isEmpty {
            var random = SystemRandom()
            bytes = random.bytes(count: 32)
        }
        return SiteSession(task: task, client: try client(task), stage: -1, vector: nil, commitment: .none, seed: bytes)
    }

    /// Each stage has a stream of its own, so that an answer that failed leaves no trace in the next one.
    private func random(_ session: SiteSession, _ use: String) -> SessionRandom {
        SessionRandom(
            seed: SecretBytes(copying: session.seed),
            label: "site \(identity.name) \(study.sessionName(session.task).hexadecimal) \(use)")
    }

    private func client(_ task: SessionTask) throws(FederationError) -> any SumClient {
        let setting = try study.setting(task)
        guard let position = task.cohort.firstIndex(of: identity.name) else {
            throw .message("task: not in the cohort")
        }
        if task.purpose == .keys {
            guard let collective, task.cohort == study.sites.map(\.name),
                let place = try study.parties([identity.name]).first
            else { throw .message("task: keys are made by all sites of a study with protection ckks") }
            return CollectiveSetupClient(
                collective: collective, session: setting.session, position: place - 1, identity: identity,
                identities: study.sites)
        }
        switch study.kind {
        case .none: return PlainSumClient(layout: setting.layout)
        case .secagg:
            guard let aggregation, let maskJournal else { throw .study("secagg: the site has no identity for it") }
            return MaskedSumClient(
                round: try MaskedRound.make(setting, study: study, session: task.session, attempt: task.attempt),
                position: position, identity: aggregation, journal: maskJournal)
        case .paillier:
            guard let paillier else { throw .study("paillier: got no share of the key") }
            return PaillierSumClient(setting: setting, share: paillier)
        case .ckks:
            guard let collective, let keys else { throw .protection("ckks: the sites' key is not made yet") }
            return CKKSSumClient(setting, collective, keys: keys)
        }
    }

    /// Works out the answer to a stage, stores it, sends it.
    private mutating func answer(
        _ begun: SiteSession, stage: Int, payload: [UInt8], instruction: [UInt8], seed: Bool,
        _ transition: inout SiteTransition
    ) throws(FederationError) {
        var current = begun
        var made: UploadedVector?
        let known = current.vector
        let task = current.task
        let maker = self
        var random = random(current, "stage \(stage)")
        let body = try current.client.answer(
            stage: stage, payload: payload,
            vector: { () throws(FederationError) in
                if let known { return known }
                var noise = maker.random(begun, "noise")
                let vector = try maker.upload(task, using: &noise)
                made = vector
                return vector.integers
            }, using: &random)
        var record = SiteRecord(.answered)
        if let made {
            try chargePrivacy(task)
            current.vector = made.integers
            current.commitment = Self.commitment(made.integers, seed: current.seed, session: study.sessionName(task))
            record.vector = made.integers
            record.control = made.control
            transition.notices += made.notices
        }
        let envelope = envelope(
            .report, session: task.session, attempt: task.attempt, stage: stage, body: body,
            commitment: current.commitment)
        record.instruction = instruction
        record.seed = seed ? current.seed : []
        record.envelope = envelope.encoded
        accept(current, stage: stage, record: record, envelope)
        transition.record = record.encoded
        transition.messages = [record.envelope]
        transition.notices.append(.answered(purpose: task.purpose, stage: stage, byteCount: record.envelope.count))
    }

    /// The state after an answer, when it was just made and when it is replayed.
    private mutating func accept(_ answered: SiteSession, stage: Int, record: SiteRecord, _ envelope: Envelope) {
        var current = answered
        current.stage = stage
        if let client = current.client as? CollectiveSetupClient { keys = client.keys ?? keys }
        if let client = current.client as? CKKSSumClient { keys = client.keys }
        if let client = current.client as? MaskedSumClient { maskJournal = client.journal }
        latest = (current.task.session, current.task.attempt)
        if let next = nextControl, current.task.round > next.round {
            control = next.values
            nextControl = nil
        }
        if !record.control.isEmpty { nextControl = (current.task.round, record.control) }
        session = current
        keep(envelope, record.envelope)
    }

    private mutating func replay(_ record: SiteRecord) throws(FederationError) {
        switch record.kind {
        case .joined, .left: keep(try Envelope(decoding: record.envelope), record.envelope)
        case .acknowledged: outbox.removeAll { $0.sequence <= record.sequence }
        case .finished:
            if case .finished(let model) = try Instruction(decoding: record.instruction, study: study.fingerprint) {
                finalModel = model
                session = nil
            }
        case .answered:
            var current: SiteSession
            let stage: Int
            let payload: [UInt8]
            switch try Instruction(decoding: record.instruction, study: study.fingerprint) {
            case .task(let task):
                current = try begin(task, seed: record.seed)
                (stage, payload) = (0, [])
            case .stage(_, _, let number, let bytes):
                guard let session else { throw .message("answer to stage \(number) without a session") }
                current = session
                (stage, payload) = (number, bytes)
            default: throw .message("answer to what is no task")
            }
            let envelope = try Envelope(decoding: record.envelope)
            guard envelope.entry.sequence == journal.count, envelope.entry.previous == journal.last?.hash ?? .none
            else {
                throw FederationError(code: .forged, message: "the message does not follow the journal")
            }
            if !record.vector.isEmpty { current.vector = record.vector }
            let known = current.vector
            var random = random(current, "stage \(stage)")
            _ = try current.client.answer(
                stage: stage, payload: payload,
                vector: { () throws(FederationError) in
                    guard let known else { throw FederationError.message("the stored update is missing") }
                    return known
                }, using: &random)
            current.commitment = envelope.entry.commitment
            if !record.vector.isEmpty { noteEvent(current.task) }
            accept(current, stage: stage, record: record, envelope)
        }
    }

    // MARK: Updates

    /// What a site uploads in a session.
    private struct UploadedVector {
        var integers: [Int64]
        /// cᵢ⁺, for SCAFFOLD.
        var control: [Double] = []
        var notices: [SiteTransition.Notice] = []
    }

    private func upload(_ task: SessionTask, using random: inout SessionRandom) throws(FederationError)
        -> UploadedVector
    {
        let layout = try study.setting(task).layout
        switch task.purpose {
        case .keys: throw .message("task: keys have no update")
        case .statistics: return UploadedVector(integers: try layout.integers(try statistics()).integers)
        case .evaluation:
            guard let model = task.model else { throw .message("task: the model is missing") }
            return UploadedVector(integers: try layout.integers(try evaluation(model, task.scaling)).integers)
        case .training: return try training(task, layout, using: &random)
        }
    }

    /// Counts and sums of the columns moved to [0, 1].
    private func statistics() throws(FederationError) -> [[Double]] {
        let bounds = try study.columnBounds()
        var sums = [Double](repeating: 0, count: bounds.count)
        var squares = sums
        let rows = Array(data.training.prefix(study.maximumRows))
        for row in rows {
            for (column, bound) in bounds.enumerated() {
                let raw = (Double(data.rows.features[row * data.rows.width + column]) - bound.lower) / bound.width
                let z = min(max(raw, 0), 1)
                sums[column] += z
                squares[column] += z * z
            }
        }
        return [[Double(rows.count)], sums, squares]
    }

    private func evaluation(_ model: GlobalModel, _ scaling: ColumnScaling?) throws(FederationError) -> [[Double]] {
        let empty = [Double](repeating: 0, count: EvaluationSums.count(study.task))
        let values = try data.evaluate(model, study.network, scaling: scaling)?.values ?? empty
        let parts = [[values[0]], [values[1]], [values[2]], Array(values[3...])]
        return parts.filter { !$0.isEmpty }
    }

    private func training(
        _ task: SessionTask, _ layout: VectorLayout, using random: inout SessionRandom
    ) throws(FederationError) -> UploadedVector {
        guard let model = task.model else { throw .message("task: the model is missing") }
        let own = currentControl(task, count: model.count)
        let local = LocalTraining(
            network: study.network, parameters: study.literal.training, correction: study.strategy.correction)
        let hash = Fingerprint(of: Array("order of rows \(study.seed) \(identity.name) \(task.round)".utf8))
        let seed = hash.bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let result = try local.run(
            from: model, data, scaling: task.scaling, round: task.round, seed: seed,
            control: study.strategy.uploadsControl ? (task.control, own) : nil)
        let rows = min(data.training.count, study.maximumRows)
        if let privacy = study.literal.privacy {
            let integers = try privateUpdate(result.change, task, layout, privacy, using: &random)
            return UploadedVector(
                integers: integers.integers,
                notices: [.trained(round: task.round, rows: rows, loss: result.loss, clippedShare: integers.clipped)])
        }
        let weight = Double(rows) / Double(study.maximumRows)
        let clip = layout.segments[0].bound
        let moved = result.change.count { abs($0) > clip }
        var parts = [result.change.map { min(max($0, -clip), clip) * weight }]
        if study.strategy.uploadsControl { parts.append(result.controlChange.map { $0 - 0 }) }
        parts.append([Double(rows)])
        parts += try evaluation(model, task.scaling)
        var upload = UploadedVector(integers: try layout.integers(parts).integers)
        if study.strategy.uploadsControl { upload.control = zip(own, result.controlChange).map(+) }
        upload.notices = [
            .trained(
                round: task.round, rows: rows, loss: result.loss,
                clippedShare: Double(moved) / Double(max(1, result.change.count)))
        ]
        return upload
    }

    private func currentControl(_ task: SessionTask, count: Int) -> [Double] {
        if let next = nextControl, task.round > next.round { return next.values }
        return control.isEmpty ? [Double](repeating: 0, count: count) : control
    }

    // MARK: Differential privacy

    private func privateUpdate(
        _ change: [Double], _ task: SessionTask, _ layout: VectorLayout, _ privacy: ClientPrivacy,
        using random: inout SessionRandom
    ) throws(FederationError) -> (integers: [Int64], clipped: Double) {
        let norm = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let bound = task.clippingNorm
        let factor = norm > bound ? bound / norm : 1
        var parts = [change.map { $0 * factor }]
        if privacy.adaptive != nil { parts.append([norm <= bound ? 0.5 : -0.5]) }
        var integers = try layout.integers(parts).integers
        if privacy.placement == .distributed {
            let noise = try privacy.draw(
                privacy.noise(norm: bound, layout: layout, parts: study.minimum), layout: layout, using: &random)
            for index in integers.indices { integers[index] += noise[index] }
        }
        return (integers, norm > bound ? 1 : 0)
    }

    private func event(_ task: SessionTask) throws(FederationError) -> PrivacyEvent? {
        guard let privacy = study.literal.privacy, task.purpose == .training else { return nil }
        let layout = try study.setting(task).layout
        return privacy.event(norm: task.clippingNorm, layout: layout, contributors: study.minimum, sized: study.minimum)
    }

    /// Before the update leaves: the release is paid for from here on.
    private mutating func chargePrivacy(_ task: SessionTask) throws(FederationError) {
        guard let event = try event(task) else { return }
        try charging?.charge(event, purpose: "federation \(study.literal.name), round \(task.round + 1)")
        events.append(event)
    }

    private mutating func noteEvent(_ task: SessionTask) {
        if let event = try? event(task) { events.append(event) }
    }

    // MARK: Commitments

    /// SHA-256 of a nonce, which follows from the session's seed, the session's name and the integers.
    static func commitment(_ integers: [Int64], seed: [UInt8], session: Fingerprint) -> Fingerprint {
        var hash = SHA256()
        hash.update(data: Data("tacit federation commitment".utf8))
        hash.update(data: Data(nonce(seed: seed)))
        hash.update(data: Data(session.bytes))
        integers.map(\.littleEndian).withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Fingerprint(bytes: Array(hash.finalize())) ?? .none
    }

    /// Opens a commitment without opening the session's randomness.
    static func nonce(seed: [UInt8]) -> [UInt8] { Fingerprint(of: Array("tacit federation nonce".utf8) + seed).bytes }
}

extension SecretBytes {
    convenience init(copying bytes: [UInt8]) {
        var copy = bytes
        self.init(wiping: &copy)
    }
}
