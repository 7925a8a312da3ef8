import BinaryCoding
import FederationService
import Foundation
import Synchronization
import TacitTestSupport
import Transports

/// A network whose messages come twice, late, out of order, or whose answers get lost.
///
/// Bytes under TLS cannot be repeated by whoever sits on the line, so this one holds the keys of both ends: sites take it
/// for the coordinator, the coordinator takes it for the sites. What the study's own code sees is what a network with any
/// number of broken connections and retries may do to whole messages.
final class RestlessRelay: CoordinatorExchange {
    let port: Int
    private let study: Fingerprint
    private let server: CoordinatorServer
    private let listener: Task<Void, Never>
    private let book: Book
    private let connections: [String: CoordinatorConnection]
    private let readers: [Task<Void, Never>]

    private struct State {
        var generator: TestGenerator
        var isRestless = true
        /// What each site has sent, in order.
        var sent: [String: [[UInt8]]] = [:]
        /// What is on its way to each site, with what was repeated.
        var toSites: [String: [OutgoingMessage]] = [:]
        var counts: [String: Int] = [:]
        var renamed = 0
    }

    /// State apart from the relay, for tasks that start while the relay is being made.
    private final class Book: Sendable {
        let state: Mutex<State>
        private let alter: @Sendable (String, [UInt8]) -> [UInt8]
        init(seed: UInt64, isRestless: Bool, alter: @escaping @Sendable (String, [UInt8]) -> [UInt8]) {
            state = Mutex(State(generator: TestGenerator(seed: seed), isRestless: isRestless))
            self.alter = alter
        }

        /// True once in `one` times, while there is to be any trouble; then it is counted.
        func happens(_ what: String, oneIn one: Int) -> Bool {
            state.withLock { state in
                guard state.isRestless, Int.random(in: 0..<one, using: &state.generator) == 0 else { return false }
                state.counts[what, default: 0] += 1
                return true
            }
        }

        /// What else stands in an answer, in front: by the site and what it said.
        let addition = Mutex<@Sendable (String, [UInt8]) -> [[UInt8]]>({ _, _ in [] })

        /// The words in an answer to a site.
        func altered(_ reply: [UInt8], to message: [UInt8], for site: String) -> [UInt8] {
            var decoder = BinaryDecoder(reply)
            let words = try? decoder.decodeList("reply", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                try decoder.decodeBytes("message")
            }
            let first = addition.withLock { $0 }(site, message)
            var encoder = BinaryEncoder()
            encoder.encode(list: first + (words ?? []).map { alter(site, $0) }) { $0.encode(bytes: $1) }
            return encoder.bytes
        }

        /// A message from the coordinator: behind those that are there; sometimes twice, sometimes followed by an old one.
        func arrive(_ original: [UInt8], for site: String, isAltered: Bool = true) {
            let bytes = isAltered ? alter(site, original) : original
            let isTwice = happens("message to a site repeated", oneIn: 8)
            let isLate = happens("old message to a site after a new one", oneIn: 8)
            state.withLock { state in
                func append(_ bytes: [UInt8]) {
                    let sequence = UInt64(state.toSites[site, default: []].count + 1)
                    state.toSites[site, default: []].append(
                        OutgoingMessage(sequence: sequence, digest: Fingerprint(of: bytes), body: .bytes(bytes)))
                }
                append(bytes)
                if isTwice { append(bytes) }
                if isLate, let old = state.toSites[site]?.randomElement(using: &state.generator),
                    case .bytes(let bytes) = old.body
                {
                    append(bytes)
                }
            }
        }
    }

    private final class Roster: PeerRoster {
        let peers: [Fingerprint: EnrolledPeer]
        init(_ peers: [Fingerprint: EnrolledPeer]) { self.peers = peers }
        func standing(of fingerprint: Fingerprint) -> PeerStanding {
            peers[fingerprint].map { .enrolled($0) } ?? .unknown
        }
    }

    /// The server needs its exchange before the relay exists.
    private final class Door: CoordinatorExchange {
        let relay = Mutex<RestlessRelay?>(nil)
        private func open() throws(TransportsError) -> RestlessRelay {
            guard let relay = relay.withLock({ $0 }) else {
                throw TransportsError(code: .unreachable, message: "relay: is not there yet")
            }
            return relay
        }
        func admit(identifier: Fingerprint, byteCount: Int, from peer: EnrolledPeer) async throws(TransportsError)
            -> Admission
        { .wanted }
        func accept(_ message: IncomingMessage, from peer: EnrolledPeer) async throws(TransportsError) -> [UInt8] {
            try await open().accept(message, from: peer)
        }
        func next(for peer: EnrolledPeer, after sequence: UInt64, within time: Duration) async throws(TransportsError)
            -> OutgoingMessage?
        { try await open().next(for: peer, after: sequence, within: time) }
    }
    private let door: Door

    /// Blocks until it listens; not to be called on a thread of the concurrency runtime.
    init(
        to port: Int, invitation: String, coordinator: String, sites: [String], spool: String, seed: UInt64,
        isRestless: Bool, alter: @escaping @Sendable (String, [UInt8]) -> [UInt8]
    ) throws {
        let study = try Invitation(file: invitation).makeStudy().fingerprint
        let pinned = try Invitation(file: invitation).pinnedCoordinator()
        let parties = try sites.map { try PartyIdentity(file: $0) }
        var peers: [Fingerprint: EnrolledPeer] = [:]
        for party in parties {
            let fingerprint = party.transport.certificate.fingerprint
            peers[fingerprint] = EnrolledPeer(name: party.name, fingerprint: fingerprint)
        }
        var configuration = CoordinatorServer.Configuration(spoolFolder: spool)
        configuration.port = 0
        configuration.rosterInterval = .milliseconds(50)
        let (door, book) = (Door(), Book(seed: seed, isRestless: isRestless, alter: alter))
        let server = try CoordinatorServer(
            identity: PartyIdentity(file: coordinator).transport, study: study, roster: Roster(peers), exchange: door,
            configuration: configuration)
        let bound = Mutex<Int?>(nil)
        listener = Task { try? await server.run() }
        Task {
            let found = (try? await server.listeningPort()) ?? -1
            bound.withLock { $0 = found }
        }
        while bound.withLock({ $0 }) == nil { usleep(2000) }
        self.port = bound.withLock { $0 ?? -1 }
        var connections: [String: CoordinatorConnection] = [:]
        for party in parties {
            var configuration = CoordinatorConnection.Configuration()
            configuration.backoff = Backoff(
                initial: .milliseconds(20), maximum: .milliseconds(200), patience: .seconds(600))
            connections[party.name] = try CoordinatorConnection(
                to: CoordinatorAddress(host: "127.0.0.1", port: port), as: party.transport, coordinator: pinned,
                study: study, configuration: configuration)
        }
        readers = connections.map { name, connection in
            Task {
                try? await connection.receive(after: 0) { _, bytes in
                    if book.happens("message to a site delayed", oneIn: 8) {
                        try await Task.sleep(for: .milliseconds(80))
                    }
                    book.arrive(bytes, for: name)
                    return true
                }
            }
        }
        (self.study, self.server, self.book, self.connections, self.door) = (study, server, book, connections, door)
        door.relay.withLock { $0 = self }
    }

    func close() {
        door.relay.withLock { $0 = nil }
        for reader in readers { reader.cancel() }
        for connection in connections.values { connection.close() }
        server.stop()
    }

    /// From now on an honest network.
    func calmDown() { book.state.withLock { $0.isRestless = false } }

    /// Words to a site that the coordinator behind never said.
    func deliver(_ bytes: [UInt8], to site: String) { book.arrive(bytes, for: site, isAltered: false) }

    /// Puts words in front of the coordinator's in answers to what sites say.
    func add(_ words: @escaping @Sendable (String, [UInt8]) -> [[UInt8]]) { book.addition.withLock { $0 = words } }

    /// What a site has sent, in order.
    func messages(of site: String) -> [[UInt8]] { book.state.withLock { $0.sent[site] ?? [] } }

    var faults: [String: Int] { book.state.withLock { $0.counts } }

    // MARK: Exchange

    func admit(identifier: Fingerprint, byteCount: Int, from peer: EnrolledPeer) async throws(TransportsError)
        -> Admission
    { .wanted }

    func accept(_ message: IncomingMessage, from peer: EnrolledPeer) async throws(TransportsError) -> [UInt8] {
        let bytes = try message.body.read()
        let earlier = book.state.withLock { state in
            defer { if state.sent[peer.name]?.last != bytes { state.sent[peer.name, default: []].append(bytes) } }
            return state.sent[peer.name]?.randomElement(using: &state.generator)
        }
        // An old message once more, before the one that is due.
        if let earlier, book.happens("old message of a site before a new one", oneIn: 8) {
            _ = try await forward(earlier, of: peer.name, identifier: another(earlier))
        }
        var reply = try await forward(bytes, of: peer.name, identifier: message.identifier)
        if book.happens("message of a site repeated", oneIn: 8) {
            reply = try await forward(bytes, of: peer.name, identifier: message.identifier)
        }
        // Under another name, so that only the study's own numbers can tell.
        if book.happens("message of a site repeated under another name", oneIn: 8) {
            _ = try await forward(bytes, of: peer.name, identifier: another(bytes))
        }
        if book.happens("answer to a site lost", oneIn: 8) {
            throw TransportsError(code: .unreachable, message: "relay: the answer was lost")
        }
        return book.altered(reply, to: bytes, for: peer.name)
    }

    private func another(_ bytes: [UInt8]) -> Fingerprint {
        let number = book.state.withLock { state in
            state.renamed += 1
            return state.renamed
        }
        return Fingerprint(of: bytes + Array("\(number)".utf8))
    }

    private func forward(_ bytes: [UInt8], of site: String, identifier: Fingerprint) async throws(TransportsError)
        -> [UInt8]
    {
        guard let connection = connections[site] else {
            throw TransportsError(code: .unreachable, message: "relay: knows no \(site)")
        }
        do { return try await connection.send(.bytes(bytes), identifier: identifier) } catch let error
            as TransportsError
        { throw error } catch { throw TransportsError(code: .unreachable, message: "relay: \(error)") }
    }

    func next(for peer: EnrolledPeer, after sequence: UInt64, within time: Duration) async throws(TransportsError)
        -> OutgoingMessage?
    {
        let end = ContinuousClock.now + time
        while true {
            let found = book.state.withLock { $0.toSites[peer.name]?.first { $0.sequence > sequence } }
            if let found { return found }
            if ContinuousClock.now > end { return nil }
            try? await Task.sleep(for: .milliseconds(3))
        }
    }
}
