import BinaryCoding
import Parallelism

/// Coordinator and sites in one process, messages as bytes: the same code as over a network, without one.
public struct InMemoryFederation {
    public var coordinator: Coordinator
    public var sites: [String: Site]
    /// Records of the coordinator, when they are kept.
    public private(set) var store: MemoryStore?
    /// Bytes that sites sent and were sent, all in all.
    public private(set) var bytesFromSites = 0
    public private(set) var bytesToSites = 0

    /// - Parameter keepsRecords: whether the coordinator's records are kept, for a transcript.
    public init(coordinator: Coordinator, sites: [Site], keepsRecords: Bool) {
        self.coordinator = coordinator
        self.sites = Dictionary(uniqueKeysWithValues: sites.map { ($0.identity.name, $0) })
        store = keepsRecords ? MemoryStore() : nil
    }

    /// Runs to the end. A stage whose answers do not all come is closed when nothing else happens.
    /// - Parameters:
    ///   - drops: whether a site stays away from a session; it comes back afterwards.
    ///   - site: what sites notice.
    ///   - notice: what the coordinator notices.
    /// - Throws: `tooFewSites`, `diverged`: what ended the study early.
    public mutating func run(
        drops: (_ site: String, _ session: Int) -> Bool = { _, _ in false },
        site: (String, SiteTransition.Notice) -> Void = { _, _ in },
        notice: (CoordinatorTransition.Notice) -> Void = { _ in }
    ) throws(FederationError) {
        var toSites: [(site: String, bytes: [UInt8])] = []
        for name in coordinator.study.sites.map(\.name) {
            guard var one = sites[name] else { continue }
            let transition = one.handle(.join)
            sites[name] = one
            for message in transition.messages { feed(.message(message), &toSites, notice) }
        }
        var idle = 0
        while coordinator.phase != .finished {
            if case .failed(let reason) = coordinator.phase { throw FederationError(code: .diverged, message: reason) }
            guard !toSites.isEmpty else {
                idle += 1
                guard idle < 1000, let due = coordinator.stageDue else {
                    throw FederationError(code: .tooFewSites, message: "simulation: no site answers any more")
                }
                feed(.deadline(session: due.session, attempt: due.attempt, stage: due.stage), &toSites, notice)
                // Whoever stayed away is heard again, and can be asked next time.
                for name in coordinator.study.sites.map(\.name) where coordinator.sites[name]?.isSilent ?? false {
                    guard var one = sites[name] else { continue }
                    let transition = one.handle(.retry)
                    sites[name] = one
                    for message in transition.messages { feed(.message(message), &toSites, notice) }
                }
                continue
            }
            deliver(&toSites, drops, site, notice)
        }
        // What the coordinator said last: the final model.
        while !toSites.isEmpty { deliver(&toSites, drops, site, notice) }
    }

    /// One message each, sites in parallel.
    private mutating func deliver(
        _ toSites: inout [(site: String, bytes: [UInt8])], _ drops: (String, Int) -> Bool,
        _ site: (String, SiteTransition.Notice) -> Void, _ notice: (CoordinatorTransition.Notice) -> Void
    ) {
        var turn: [(site: String, bytes: [UInt8])] = []
        var later: [(site: String, bytes: [UInt8])] = []
        var seen: Set<String> = []
        let session = coordinator.stageDue?.session ?? -1
        for message in toSites {
            bytesToSites += seen.contains(message.site) ? 0 : message.bytes.count
            if seen.insert(message.site).inserted { turn.append(message) } else { later.append(message) }
        }
        let asked = turn.filter { !drops($0.site, session) }
        let known = sites
        let handled: [(Site, SiteTransition)?] = parallelMap(asked.count) { index in
            guard var one = known[asked[index].site] else { return nil }
            let transition = one.handle(.message(asked[index].bytes))
            return (one, transition)
        }
        toSites = later
        for (message, result) in zip(asked, handled) {
            guard let (one, transition) = result else { continue }
            sites[message.site] = one
            for item in transition.notices { site(message.site, item) }
            for bytes in transition.messages { feed(.message(bytes), &toSites, notice) }
        }
    }

    private mutating func feed(
        _ event: CoordinatorEvent, _ toSites: inout [(site: String, bytes: [UInt8])],
        _ notice: (CoordinatorTransition.Notice) -> Void
    ) {
        if case .message(let bytes) = event { bytesFromSites += bytes.count }
        let transition = coordinator.handle(event)
        if let record = transition.record { store?.append(record) }
        for item in transition.notices { notice(item) }
        toSites += transition.messages
    }
}
