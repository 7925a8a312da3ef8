import BinaryCoding
import CoordinatorStore
import Federation
import Foundation
import NeuralNetworks
import Transports

/// A figure to compare with, such as that of a central model.
public struct StudyBaseline: Hashable, Sendable, Codable {
    public var name: String
    /// `auroc`, `accuracy`, `auprc` or `loss`; nil for the page's first.
    public var metric: String?
    public var value: Double

    public init(name: String, metric: String?, value: Double) {
        self.name = name
        self.metric = metric
        self.value = value
    }
}

/// Runs a study's ``Coordinator`` with a store, a clock and sites that send messages.
///
/// Guarantee: a message is answered only when it and everything that follows from it is in the store; after a crash at any
/// moment the same state comes back, and a message that was committed is never counted again (its identifier and the
/// site's own sequence number are both in the store). What sites are told is not stored: the coordinator works it out again
/// after a restart.
public actor CoordinatorService: CoordinatorExchange {
    public let study: Study
    private(set) var coordinator: Coordinator
    let store: CoordinatorStore
    private let patience: Duration
    private let keepsTranscript: Bool
    let log: @Sendable (LogLine) -> Void
    nonisolated let counters = Counters()
    nonisolated let changes = WakeUp()

    /// The last instruction to each site. It stays when it was handed over: what was written to a connection is lost when
    /// the connection breaks, and only the site's own cursor says what arrived. A newer one makes it void, because the
    /// study waits for one answer of a site at a time.
    private var outgoing: [String: OutgoingMessage] = [:]
    /// Words to the sender of a message up to this size travel with the answer to it, and are kept with it.
    private static let directLimit = 8192
    /// Beyond every number of an earlier run, so that a site's cursor from before a restart is behind all of them.
    private var nextSequence: UInt64
    private var alarm: (due: StageKey, task: Task<Void, Never>)?
    /// When the open session was opened; nil after a restart.
    private var openedAt: ContinuousClock.Instant?
    var connections: [String: Int] = [:]
    var lastHeard: [String: Date] = [:]
    /// When a site's last connection ended.
    var left: [String: ContinuousClock.Instant] = [:]
    /// Sites to which everything was handed over after the study was over.
    var served: Set<String> = []
    /// What the model has to be compared with, if somebody worked it out.
    let baselines: [StudyBaseline]

    private struct StageKey: Hashable {
        var session: Int
        var attempt: Int
        var stage: Int
    }

    /// Reads the store and comes back to where it ended.
    /// - Parameters:
    ///   - identity: the coordinator's, which signs under secagg.
    ///   - patience: how long a stage waits for its answers.
    ///   - keepsTranscript: whether records are kept after their session, for `verify`; under protection none they hold
    ///     the sites' updates.
    public init(
        study: Study, identity: SiteIdentity?, store: CoordinatorStore, patience: Duration, keepsTranscript: Bool,
        baselines: [StudyBaseline] = [], log: @escaping @Sendable (LogLine) -> Void
    ) throws(FederationServiceError) {
        self.study = study
        self.store = store
        self.patience = patience
        self.keepsTranscript = keepsTranscript
        self.baselines = baselines
        self.log = log
        nextSequence = UInt64(max(0, Date().timeIntervalSince1970 * 1e6))
        do {
            let inputs = try store.inputs(after: try Self.position(store))
            let records = try inputs.compactMap { try Self.record($0) }
            coordinator = try Coordinator(
                study, identity: identity, snapshot: try store.state("snapshot"), replaying: records)
            log(
                LogLine(
                    .info, "opened",
                    [
                        "study": study.literal.name, "records": "\(records.count)", "round": "\(coordinator.round)",
                        "fingerprint": study.fingerprint.hexadecimal,
                    ]))
        } catch { throw .store("\(error)") }
    }

    /// To be called once the network is there: puts what is due on its way again.
    public func start() {
        for site in study.sites {
            if let pending = coordinator.pending(for: site.name) { enqueue(pending, to: site.name) }
        }
        schedule()
    }

    /// Goes on with the sites that have joined.
    public func begin() throws(FederationServiceError) {
        do { _ = try handle(.begin, from: nil, identifier: nil, arrived: nil) } catch { throw .store(error.message) }
    }

    /// No alarms any more.
    public func stop() {
        alarm?.task.cancel()
        alarm = nil
    }

    /// The best model that was evaluated, or the last, as a file.
    public func modelFile() throws(FederationError) -> TensorFile {
        try coordinator.result.file(study, scaling: coordinator.scaling)
    }

    /// Everything that was taken in, for `verify`.
    /// - Throws: ``FederationServiceError`` with code `store` when records went with their sessions.
    public func transcript() throws -> Transcript {
        let records = try store.inputs().map { input in
            guard let record = try Self.record(input) else {
                throw FederationServiceError.store(
                    "transcript: records were removed when their session was over; serve the study with --keep-transcript from "
                        + "the beginning")
            }
            return record
        }
        return Transcript(study: study, records: records)
    }

    public var isFinished: Bool { coordinator.phase == .finished }

    // MARK: Exchange

    public func admit(
        identifier: Fingerprint, byteCount: Int, from peer: EnrolledPeer
    ) async throws(TransportsError) -> Admission {
        do {
            if let known = try store.input(peer: peer.name, identifier: identifier), !isSilent(peer.name) {
                return .accepted(reply: known.reply)
            }
        } catch { throw Self.cannotStore(error) }
        let limit = 64 << 20 + 128 * coordinator.model.count
        guard byteCount <= limit else {
            throw TransportsError(
                code: .tooLarge, message: "message of \(peer.name): got \(byteCount) bytes, want at most \(limit)")
        }
        return .wanted
    }

    public func accept(
        _ message: IncomingMessage, from peer: EnrolledPeer
    ) async throws(TransportsError) -> [UInt8] {
        let bytes = try message.body.read()
        let entry: Envelope.Entry
        do { entry = try Envelope.entry(of: bytes) } catch {
            throw TransportsError(code: .refused, message: error.message)
        }
        // Who connects is who signs: an enrolled site cannot speak in another one's name even with its old messages.
        guard entry.site == peer.name else {
            throw TransportsError(
                code: .refused, message: "message: is signed by \(entry.site), and the connection is \(peer.name)'s")
        }
        lastHeard[peer.name] = Date()
        do {
            if let known = try store.input(peer: peer.name, identifier: message.identifier) {
                guard isSilent(peer.name) else { return known.reply }
                // Nothing new, but a sign of life: whoever was given up is asked again from here on.
                return try handle(.message(bytes), from: peer.name, identifier: nil, arrived: nil)
            }
            return try handle(.message(bytes), from: peer.name, identifier: message.identifier, arrived: message)
        } catch { throw Self.cannotStore(error) }
    }

    public func next(
        for peer: EnrolledPeer, after sequence: UInt64, within time: Duration
    ) async throws(TransportsError) -> OutgoingMessage? {
        let version = changes.version
        if let message = due(to: peer.name, after: sequence) { return message }
        await changes.wait(after: version, within: time)
        return due(to: peer.name, after: sequence)
    }

    /// Whether `sequence` is the last message to a site.
    func isLast(_ sequence: UInt64, to site: String) -> Bool {
        outgoing[site].map { $0.sequence <= sequence } ?? true
    }

    private func due(to site: String, after sequence: UInt64) -> OutgoingMessage? {
        outgoing[site].flatMap { $0.sequence > sequence ? $0 : nil }
    }

    private func isSilent(_ site: String) -> Bool { coordinator.sites[site]?.isSilent ?? false }

    private static func cannotStore(_ error: CoordinatorStoreError) -> TransportsError {
        TransportsError(code: .cannotStore, message: "coordinator: \(error.message)")
    }

    // MARK: Events

    /// Handles an event on a copy, stores what follows, then takes the copy.
    /// - Returns: the reply to the sender.
    private func handle(
        _ event: CoordinatorEvent, from sender: String?, identifier: Fingerprint?, arrived: IncomingMessage?
    ) throws(CoordinatorStoreError) -> [UInt8] {
        let began = ContinuousClock.now
        var next = coordinator
        let transition = next.handle(event)
        let now = Date()
        // Short words to the sender travel with the answer, everything else by the way of all messages; the final model
        // too, so that it is known who has it. So does what follows from a repetition, whose answer is not stored anew.
        let last = sender.flatMap { next.phase == .finished ? next.pending(for: $0) : nil }
        func isDirect(_ message: (site: String, bytes: [UInt8])) -> Bool {
            identifier != nil && message.site == sender && message.bytes.count <= Self.directLimit
                && message.bytes != last
        }
        let direct = transition.messages.filter(isDirect).map(\.bytes)
        var encoder = BinaryEncoder()
        encoder.encode(list: direct) { $0.encode(bytes: $1) }
        let reply = encoder.bytes
        let seconds = openedAt.map { (began - $0) / Duration.seconds(1) }
        let notes = transition.notices.map { CoordinatorNote($0, seconds: seconds) }
        try store.commit { transaction in
            if let record = transition.record {
                try Self.store(
                    record, of: event, sender: sender ?? "", identifier: identifier, arrived: arrived, reply: reply,
                    at: now,
                    transaction)
            }
            for note in notes { try transaction.note(note.kind, note.json, at: now) }
            if let snapshot = transition.snapshot {
                try transaction.setState("snapshot", snapshot)
                try transaction.setState("position", Array("\(try transaction.lastInput())".utf8))
                if !keepsTranscript { try transaction.forgetInputs() }
            }
        }
        coordinator = next
        for message in transition.messages where !isDirect(message) { enqueue(message.bytes, to: message.site) }
        report(notes, at: now)
        if let sender, let identifier, transition.record != nil {
            counters.add("tacit_messages_committed_total", site: sender)
            log(LogLine(.info, "message", ["site": sender, "identifier": "\(identifier)"], at: now))
        }
        counters.add("tacit_handling_seconds_total", (ContinuousClock.now - began) / Duration.seconds(1))
        schedule()
        changes.signal()
        return reply
    }

    private func enqueue(_ bytes: [UInt8], to site: String) {
        let digest = digest(of: bytes)
        if outgoing[site]?.digest == digest { return }
        nextSequence += 1
        outgoing[site] = OutgoingMessage(sequence: nextSequence, digest: digest, body: .bytes(bytes))
    }

    /// The same message often goes to all sites; its hash is worked out once.
    private var lastDigest: (bytes: [UInt8], digest: Fingerprint)?
    private func digest(of bytes: [UInt8]) -> Fingerprint {
        if let lastDigest, lastDigest.bytes == bytes { return lastDigest.digest }
        let digest = Fingerprint(of: bytes)
        lastDigest = (bytes, digest)
        return digest
    }

    private func report(_ notes: [CoordinatorNote], at moment: Date) {
        for note in notes {
            switch note.kind {
            case "opened": openedAt = .now
            case "committed":
                counters.add("tacit_rounds_committed_total")
                if let seconds = note.seconds { counters.add("tacit_round_seconds_total", seconds) }
            case "dropped": for site in note.sites { counters.add("tacit_dropouts_total", site: site) }
            case "refused": counters.add("tacit_messages_refused_total", site: note.sites.first ?? "")
            default: break
            }
            log(LogLine(note.isTrouble ? .warning : .info, note.kind, ["text": note.text], at: moment))
        }
    }

    // MARK: Clock

    private func schedule() {
        let due = coordinator.stageDue.map { StageKey(session: $0.session, attempt: $0.attempt, stage: $0.stage) }
        guard alarm?.due != due else { return }
        alarm?.task.cancel()
        alarm = nil
        guard let due else { return }
        let patience = patience
        let task = Task { [weak self] in
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                guard await self?.expire(due) == false else { return }
            }
        }
        alarm = (due, task)
    }

    /// - Returns: false when the deadline could not be stored, and has to come again.
    private func expire(_ due: StageKey) -> Bool {
        guard alarm?.due == due else { return true }
        do {
            _ = try handle(
                .deadline(session: due.session, attempt: due.attempt, stage: due.stage), from: nil, identifier: nil,
                arrived: nil)
            return true
        } catch {
            log(LogLine(.error, "store", ["text": error.message]))
            return false
        }
    }

    // MARK: Records

    /// A record of a long message holds the message's own bytes, which are on the disk already: the file is kept as it
    /// came, and only what the record has around them is written.
    private static func store(
        _ record: [UInt8], of event: CoordinatorEvent, sender: String, identifier: Fingerprint?,
        arrived: IncomingMessage?, reply: [UInt8],
        at moment: Date,
        _ transaction: StoreTransaction
    ) throws {
        let name = identifier ?? Fingerprint(of: record + Array("\(moment.timeIntervalSince1970)".utf8))
        if let arrived, case .file(let path, let count) = arrived.body, record.count >= count + 5 {
            if case .message(let message) = event, isEqual(message, record, from: 5) {
                try transaction.take(
                    peer: sender, identifier: name, digest: arrived.digest, .file(path: path, byteCount: count),
                    wrapping: Array(record[..<5]) + Array(record[(5 + count)...]), reply: reply, at: moment)
                return
            }
        }
        try transaction.take(
            peer: sender, identifier: name, digest: Fingerprint(of: record), .bytes(record), reply: reply, at: moment)
    }

    /// Whether `part` stands in `whole` at an offset. Both are long.
    private static func isEqual(_ part: [UInt8], _ whole: [UInt8], from offset: Int) -> Bool {
        guard whole.count >= offset + part.count else { return false }
        return part.withUnsafeBytes { part in
            whole.withUnsafeBytes { whole in
                part.isEmpty || memcmp(part.baseAddress!, whole.baseAddress! + offset, part.count) == 0
            }
        }
    }

    /// nil for a record whose session is over.
    static func record(_ input: StoredInput) throws -> [UInt8]? {
        let body: [UInt8]
        switch input.body {
        case .forgotten: return nil
        case .bytes(let bytes): body = bytes
        case .file(let path, let count): body = try MessageBody.file(path: path, byteCount: count).read()
        }
        guard Fingerprint(of: body) == input.digest else {
            throw FederationServiceError.store("message \(input.sequence): was altered on the disk")
        }
        guard input.wrapping.count >= 5 else { return body }
        return Array(input.wrapping[..<5]) + body + Array(input.wrapping[5...])
    }

    /// The last record that the snapshot holds.
    static func position(_ store: CoordinatorStore) throws -> Int64 {
        try store.state("position").flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
    }
}
