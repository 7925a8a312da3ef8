import BinaryCoding
import CoordinatorStore
import Federation
import Foundation
import Transports

/// Runs a ``Site`` with a store and a connection.
///
/// Guarantee: nothing leaves before it is in the store, and after a crash at any moment the same bytes leave again; what was
/// trained is not trained again.
public actor SiteService {
    public private(set) var site: Site
    /// Mean and deviation of the columns, which belong to the model; nil in studies without.
    public private(set) var scaling: ColumnScaling?
    /// The buckets that are features, which belong to a model of texts; empty where all are.
    public private(set) var vocabulary: [Int32] = []
    private let store: CoordinatorStore
    private let connection: CoordinatorConnection
    private let repeatInterval: Duration
    private let keepsRecords: Bool
    private let onNotice: @Sendable (SiteTransition.Notice) -> Void
    private var isHandling = false
    /// Whether the last instruction was refused by the site.
    private var hasDeclined = false
    private var lastHeard = ContinuousClock.now

    /// - Parameters:
    ///   - store: the site's own, in a folder of its own.
    ///   - keepsRecords: whether updates and seeds are kept when their session is over, to open commitments later.
    ///   - repeatInterval: how long a site that did not do what it was told waits before it makes itself heard again; one
    ///     that hears nothing waits ten times as long.
    ///   - charging: where differential privacy is entered before an update leaves; once for each, also after restarts.
    ///   - onNotice: for logs; no secrets.
    /// - Throws: ``FederationServiceError`` with code `store` or `study`.
    public init(
        study: Study, identity: SiteIdentity, data: SiteData, store: CoordinatorStore,
        connection: CoordinatorConnection, charging: (any PrivacyCharging)? = nil,
        keepsRecords: Bool = false, repeatInterval: Duration = .seconds(30),
        onNotice: @escaping @Sendable (SiteTransition.Notice) -> Void
    ) throws(FederationServiceError) {
        self.store = store
        self.connection = connection
        self.keepsRecords = keepsRecords
        self.repeatInterval = repeatInterval
        self.onNotice = onNotice
        do {
            let records = try store.inputs(after: CoordinatorService.position(store))
                .compactMap { try CoordinatorService.record($0) }
            site = try Site(
                study, identity: identity, data: data, charging: charging, snapshot: try store.state("snapshot"),
                replaying: records)
            if let known = try store.state("scaling") {
                var decoder = BinaryDecoder(known)
                func numbers(_ what: String) throws(BinaryCodingError) -> [Double] {
                    try decoder.decodeList(what, minimumElementSize: 8) { decoder throws(BinaryCodingError) in
                        try decoder.decodeDouble(what)
                    }
                }
                scaling = ColumnScaling(means: try numbers("means"), deviations: try numbers("deviations"))
            }
            if let known = try store.state("vocabulary") {
                var decoder = BinaryDecoder(known)
                vocabulary = try decoder.decodeList("vocabulary", minimumElementSize: 4) {
                    decoder throws(BinaryCodingError) in try decoder.decode(Int32.self, "word")
                }
            }
        } catch let error as FederationError {
            throw FederationServiceError(code: error.code == .store ? .store : .study, message: error.message)
        } catch { throw .store("\(error)") }
    }

    /// What a site wrote down, as far as it is kept.
    /// - Throws: ``FederationServiceError`` with code `store`.
    public static func records(in store: CoordinatorStore) throws(FederationServiceError) -> [[UInt8]] {
        do { return try store.inputs().compactMap { try CoordinatorService.record($0) } } catch {
            throw .store("\(error)")
        }
    }

    /// Takes part until the study is over.
    /// - Returns: the final model.
    /// - Throws: ``TransportsError`` when the coordinator refuses the site or the patience is over.
    public func run() async throws -> GlobalModel {
        if let model = site.finalModel { return model }
        try await process(site.hasJoined ? .retry : .join)
        if let model = site.finalModel { return model }
        let beat = Task { [weak self, repeatInterval] in
            while (try? await Task.sleep(for: repeatInterval)) != nil { await self?.makeItselfHeard() }
        }
        defer { beat.cancel() }
        try await connection.receive(after: 0) { _, bytes in
            try await self.process(.message(bytes))
            return await self.site.finalModel == nil
        }
        guard let model = site.finalModel else {
            throw FederationServiceError(code: .failed, message: "study: ended without a model")
        }
        return model
    }

    /// A coordinator that asked for what it must not get has given the site up since, as has one that this site was cut
    /// off from for long; it asks again once it hears of it.
    private func makeItselfHeard() async {
        guard !isHandling, hasDeclined || ContinuousClock.now - lastHeard > repeatInterval * 10 else { return }
        lastHeard = .now
        // What fails here is said again next time.
        try? await process(.retry)
    }

    /// One event after the other: the caller waits for the answer to be taken before it brings the next.
    private func process(_ event: SiteEvent) async throws {
        var events = [event]
        while !events.isEmpty {
            let messages = try await handle(events.removeFirst())
            for message in messages {
                let digest = Fingerprint(of: message)
                let reply = try await connection.send(.bytes(message), identifier: digest, digest: digest)
                var decoder = BinaryDecoder(reply)
                events += try decoder.decodeList("reply", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                    SiteEvent.message(try decoder.decodeBytes("message"))
                }
                try decoder.finish("reply")
            }
        }
    }

    /// The columns' scaling and the words that are features come with the tasks, and the final model without.
    private func remember(_ bytes: [UInt8]) throws {
        guard
            site.study.standardises && scaling == nil || site.study.texts?.union != nil && vocabulary.isEmpty,
            case .task(let task) = try? Instruction(decoding: bytes, study: site.study.fingerprint)
        else { return }
        if !task.vocabulary.isEmpty {
            var encoder = BinaryEncoder()
            encoder.encode(list: task.vocabulary) { $0.encode($1) }
            let encoded = encoder.bytes
            try store.commit { try $0.setState("vocabulary", encoded) }
            vocabulary = task.vocabulary
        }
        guard let found = task.scaling else { return }
        var encoder = BinaryEncoder()
        for list in [found.means, found.deviations] { encoder.encode(list: list) { $0.encode($1) } }
        let encoded = encoder.bytes
        try store.commit { try $0.setState("scaling", encoded) }
        scaling = found
    }

    private func handle(_ event: SiteEvent) async throws -> [[UInt8]] {
        while isHandling { try await Task.sleep(for: .milliseconds(20)) }
        isHandling = true
        defer {
            isHandling = false
            lastHeard = .now
        }
        if case .message(let bytes) = event { try remember(bytes) }
        var next = site
        let transition = next.handle(event)
        if case .message = event { hasDeclined = transition.isRefusal || hasDeclined && transition.record == nil }
        let snapshot = transition.snapshot?.encoded
        if let record = transition.record {
            let identifier = Fingerprint(of: record)
            while true {
                do throws(CoordinatorStoreError) {
                    try store.commit { transaction -> Void in
                        if let snapshot { try keep(snapshot, transaction) }
                        try transaction.take(
                            peer: next.identity.name, identifier: identifier, digest: identifier, .bytes(record),
                            reply: [],
                            at: Date())
                    }
                    break
                } catch {
                    // A site with a full disk waits for room; what it trained stays in memory.
                    guard error.code == .diskFull else { throw error }
                    onNotice(.declined(reason: error.message))
                    try await Task.sleep(for: .seconds(5))
                }
            }
        }
        site = next
        for notice in transition.notices { onNotice(notice) }
        return transition.messages
    }

    /// In one step with the record that follows: what was before is not needed any more.
    private func keep(_ snapshot: [UInt8], _ transaction: StoreTransaction) throws {
        try transaction.setState("snapshot", snapshot)
        if keepsRecords {
            try transaction.setState("position", Array("\(try transaction.lastInput())".utf8))
        } else {
            try transaction.removeInputs()
            // Numbers begin again.
            try transaction.removeState("position")
        }
    }
}
