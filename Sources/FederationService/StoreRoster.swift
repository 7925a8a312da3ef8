import BinaryCoding
import CoordinatorStore
import Synchronization
import Transports

/// Who is enrolled, as the store says, kept in memory and looked at again several times a second: enrolment and revocation
/// are done by another process.
public final class StoreRoster: PeerRoster {
    private struct State {
        var standings: [Fingerprint: PeerStanding] = [:]
        var version = -1
    }
    private let state = Mutex(State())
    private let store: CoordinatorStore

    public init(_ store: CoordinatorStore) throws(CoordinatorStoreError) {
        self.store = store
        try refresh()
    }

    public func standing(of fingerprint: Fingerprint) -> PeerStanding {
        state.withLock { $0.standings[fingerprint] ?? .unknown }
    }

    /// Reads the store if another process changed it.
    public func refresh() throws(CoordinatorStoreError) {
        let version = try store.outsideVersion()
        guard state.withLock({ $0.version }) != version else { return }
        let peers = try store.peers()
        state.withLock { state in
            state.version = version
            state.standings = [:]
            for peer in peers {
                let known = EnrolledPeer(name: peer.name, fingerprint: peer.fingerprint)
                state.standings[peer.fingerprint] = peer.revoked == nil ? .enrolled(known) : .revoked(known)
            }
        }
    }

    /// Refreshes until cancelled. A store that cannot be read at the moment leaves what is known.
    public func watch(every interval: Duration = .milliseconds(250)) async {
        while (try? await Task.sleep(for: interval)) != nil { try? refresh() }
    }
}
