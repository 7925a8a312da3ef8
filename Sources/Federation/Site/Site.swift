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
/// Events go to ``handle(_:)``; a record to store comes back, then messages to send. With the record that begins a session
/// comes a snapshot of what was before, with which earlier records may go. After a restart the same records give
/// the same state; what was trained is not trained again, and what left once leaves again byte for byte. A site never
/// answers one stage in two ways, and never goes back to an earlier attempt.
public struct Site: Sendable {
    public let study: Study
    public let identity: SiteIdentity
    public let data: SiteData
    /// A dealer's, or the one that the sites made.
    var paillier: PaillierKeyShare?
    let charging: (any PrivacyCharging)?
    let aggregation: AggregationIdentity?
    let collective: CollectiveSetting?
    /// Of the study's model.
    let tensors: [ModelTensor]

    /// Lines of the journal: what left, in order.
    public internal(set) var journal: [Envelope.Entry] = []
    /// The final model, when the study is over.
    public internal(set) var finalModel: GlobalModel?
    /// What each round's update cost: with the noise of the contributors that the sum has; of the fewest allowed as long
    /// as that is not known, and when the site did not hear of it.
    public internal(set) var events: [PrivacyEvent] = []
    /// Of the commitments in ``journal``, in order.
    public internal(set) var openings: [Opening] = []
    public var hasJoined: Bool { !journal.isEmpty }

    var outbox: [(sequence: Int, bytes: [UInt8])] = []
    var firstMessage: [UInt8] = []
    var lastMessage: [UInt8]?
    var session: SiteSession?
    var latest: (session: Int, attempt: Int)?
    var share: CollectiveKeyShare?
    var maskJournal: SiteJournal?
    var control: [Double] = []
    var nextControl: (round: Int, values: [Double])?

    struct SiteSession: Sendable {
        var task: SessionTask
        var client: any SumClient
        var stage: Int
        var vector: [Int64]?
        var commitment: Fingerprint
        var seed: [UInt8]
        /// Of the update, in the site's ledger.
        var charge = ""
    }

    /// - Parameters:
    ///   - data: encoded by ``Study/rows(_:)``.
    ///   - paillier: the site's share of a dealer's key, under protection paillier; without it the sites make the key.
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
        self.study = study
        self.identity = identity
        self.data = data
        self.paillier = paillier
        self.charging = charging
        tensors = try study.network.initialModel().tensors
        aggregation = study.kind == .secagg ? try identity.aggregationIdentity() : nil
        collective = study.kind == .ckks ? try study.collective() : nil
        maskJournal = study.kind == .secagg ? SiteJournal(session: study.fingerprint.hexadecimal) : nil
    }

    /// The state after these records.
    /// - Parameter snapshot: a stored one, to which the records are later; nil for all records from the beginning.
    /// - Throws: `store`.
    public init(
        _ study: Study, identity: SiteIdentity, data: SiteData, paillier: PaillierKeyShare? = nil,
        charging: (any PrivacyCharging)? = nil, snapshot: [UInt8]? = nil, replaying records: [[UInt8]]
    ) throws(FederationError) {
        try self.init(study, identity: identity, data: data, paillier: paillier, charging: charging)
        if let snapshot { try restore(snapshot) }
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

    func envelope(
        _ kind: Envelope.Kind, session: Int, attempt: Int, stage: Int, body: [UInt8], commitment: Fingerprint
    ) -> Envelope {
        Envelope(
            entry: Envelope.Entry(
                study: study.fingerprint, site: identity.name, sequence: journal.count,
                previous: journal.last?.hash ?? .none, kind: kind, session: session, attempt: attempt, stage: stage,
                body: body, commitment: commitment), body: body, identity: identity)
    }

    mutating func keep(_ envelope: Envelope, _ bytes: [UInt8]) {
        if journal.isEmpty { firstMessage = bytes }
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
            transition.snapshot = SiteSnapshot(site: self)
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
            let before = self
            try answer(begin(task), stage: 0, payload: [], instruction: bytes, seed: true, &transition)
            transition.snapshot = SiteSnapshot(site: before)
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
}

extension SecretBytes {
    convenience init(copying bytes: [UInt8]) {
        var copy = bytes
        self.init(wiping: &copy)
    }
}
