import BinaryCoding
import Randomness

// What a site does with the instructions of a session, and how it comes back to the same state afterwards.
extension Site {
    func checkNew(_ task: SessionTask) throws(FederationError) {
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
        let vocabulary = try checkedVocabulary(task)
        if task.purpose == .training || task.purpose == .evaluation {
            let wanted =
                vocabulary.isEmpty ? tensors : try study.network(vocabulary: vocabulary).initialModel().tensors
            guard let model = task.model, model.tensors == wanted else {
                throw .message("task: the model has another architecture than the study")
            }
            guard task.control.isEmpty || task.control.count == model.count else {
                throw .message("task: the control variate has another length than the model")
            }
        }
        if task.purpose == .local, !(study.literal.localBaseline ?? false) {
            throw .message("task: the study asks no site to train alone")
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

    /// The features that a task names; what is found out first has none yet.
    private func checkedVocabulary(_ task: SessionTask) throws(FederationError) -> [Int32] {
        guard let texts = study.texts else {
            guard task.vocabulary.isEmpty, task.purpose != .vocabulary, task.purpose != .counts else {
                throw .message("task: asks for words, the study has none")
            }
            return []
        }
        switch task.purpose {
        case .keys, .vocabulary:
            guard task.vocabulary.isEmpty, task.purpose == .keys || task.round < texts.pieces else {
                throw .message("task: piece \(task.round) of the vocabulary, want one of \(texts.pieces)")
            }
        case .counts where texts.start == nil: throw .message("task: the study counts no words")
        default:
            // Before anything is made of that size: the list comes from the coordinator.
            try texts.checkSize(features: texts.fixedFeatures ?? task.vocabulary.count, study.literal.model)
            _ = try texts.vocabulary(task.vocabulary)
        }
        return task.vocabulary
    }

    func begin(_ task: SessionTask, seed: [UInt8]? = nil) throws(FederationError) -> SiteSession {
        var bytes = seed ?? []
        if bytes.isEmpty {
            var random = SystemRandom()
            bytes = random.bytes(count: 32)
        }
        return SiteSession(task: task, client: try client(task), stage: -1, vector: nil, commitment: .none, seed: bytes)
    }

    /// Each stage has a stream of its own, so that an answer that failed leaves no trace in the next one.
    func random(_ session: SiteSession, _ use: String) -> SessionRandom {
        SessionRandom(
            seed: SecretBytes(copying: session.seed),
            label: "site \(identity.name) \(study.sessionName(session.task).hexadecimal) \(use)")
    }

    func client(_ task: SessionTask) throws(FederationError) -> any SumClient {
        let setting = try study.setting(task)
        guard let position = task.cohort.firstIndex(of: identity.name) else {
            throw .message("task: not in the cohort")
        }
        if task.purpose == .keys {
            guard task.cohort == study.sites.map(\.name), let place = try study.parties([identity.name]).first else {
                throw .message("task: keys are made by all sites of a study together")
            }
            if study.kind == .paillier, paillier == nil {
                return PaillierSetupClient(
                    try study.jointKey(), session: setting.session, position: place - 1, identity: identity,
                    identities: study.sites)
            }
            guard let collective else { throw .message("task: this study has no keys to make, or has them") }
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
            guard let paillier else { throw .protection("paillier: the sites' key is not made yet") }
            return PaillierSumClient(setting: setting, share: paillier)
        case .ckks:
            guard let collective, let share else { throw .protection("ckks: the sites' key is not made yet") }
            return CKKSSumClient(setting, collective, share: share)
        }
    }

    /// Works out the answer to a stage, stores it, sends it.
    mutating func answer(
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
            current.charge = try chargePrivacy(task)
            record.charge = current.charge
            current.vector = made.integers
            current.commitment = Self.commitment(
                made.integers, nonce: Self.nonce(seed: current.seed), session: study.sessionName(task))
            record.vector = made.integers
            record.control = made.control
            transition.notices += made.notices
        } else {
            do { try settlePrivacy(current) } catch {
                transition.notices.append(
                    .declined(reason: "ledger: what was reserved stays charged: \(error.message)"))
            }
        }
        let envelope = envelope(
            .report, session: task.session, attempt: task.attempt, stage: stage, body: body,
            commitment: current.commitment)
        record.instruction = instruction
        record.seed = seed ? current.seed : []
        record.envelope = envelope.encoded
        noteEvents(current, isUpload: made != nil)
        accept(current, stage: stage, record: record, envelope)
        transition.record = record.encoded
        transition.messages = [record.envelope]
        transition.notices.append(.answered(purpose: task.purpose, stage: stage, byteCount: record.envelope.count))
    }

    /// The state after an answer, when it was just made and when it is replayed.
    mutating func accept(_ answered: SiteSession, stage: Int, record: SiteRecord, _ envelope: Envelope) {
        var current = answered
        current.stage = stage
        if let client = current.client as? PaillierSetupClient { paillier = client.share ?? paillier }
        if let client = current.client as? CollectiveSetupClient { share = client.keys?.share ?? share }
        if let client = current.client as? CKKSSumClient { share = client.share }
        if let client = current.client as? MaskedSumClient { maskJournal = client.journal }
        latest = (current.task.session, current.task.attempt)
        if let next = nextControl, current.task.round > next.round {
            control = next.values
            nextControl = nil
        }
        if !record.vector.isEmpty {
            openings.append(
                Opening(
                    session: current.task.session, attempt: current.task.attempt,
                    nonce: Self.nonce(seed: current.seed)))
        }
        if !record.control.isEmpty { nextControl = (current.task.round, record.control) }
        session = current
        keep(envelope, record.envelope)
    }

    mutating func replay(_ record: SiteRecord) throws(FederationError) {
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
            if !record.charge.isEmpty { current.charge = record.charge }
            noteEvents(current, isUpload: !record.vector.isEmpty)
            accept(current, stage: stage, record: record, envelope)
        }
    }
}
