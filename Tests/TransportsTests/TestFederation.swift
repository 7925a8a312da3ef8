import BinaryCoding
import Foundation
import Synchronization
import TacitTestSupport
import Testing
import Transports

/// A study that keeps every message in memory and counts what it is asked.
final class RecordingExchange: CoordinatorExchange {
    struct State {
        var accepted: [Fingerprint: [UInt8]] = [:]
        var order: [Fingerprint] = []
        /// How often a message took effect; more than once is a fault.
        var effects: [Fingerprint: Int] = [:]
        var outgoing: [OutgoingMessage] = []
        var refusal: TransportsError?
    }
    let state = Mutex(State())

    func admit(identifier: Fingerprint, byteCount: Int, from peer: EnrolledPeer) async throws(TransportsError)
        -> Admission
    {
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
        if let reply = state.withLock({ $0.accepted[identifier] }) { return .accepted(reply: reply) }
        return .wanted
    }

    func accept(_ message: IncomingMessage, from peer: EnrolledPeer) async throws(TransportsError) -> [UInt8] {
        let digest = try message.body.digest()
        #expect(digest == message.digest)
        return state.withLock { state in
            if let reply = state.accepted[message.identifier] { return reply }
            let reply = Array("\(peer.name): \(digest.hexadecimal)".utf8)
            state.accepted[message.identifier] = reply
            state.order.append(message.identifier)
            state.effects[message.identifier, default: 0] += 1
            return reply
        }
    }

    func next(for peer: EnrolledPeer, after sequence: UInt64, within time: Duration) async throws(TransportsError)
        -> OutgoingMessage?
    {
        let end = ContinuousClock.now + time
        while true {
            if let found = state.withLock({ $0.outgoing.first { $0.sequence > sequence } }) { return found }
            if ContinuousClock.now > end { return nil }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    func post(_ bytes: [UInt8]) {
        state.withLock {
            let sequence = UInt64($0.outgoing.count + 1)
            $0.outgoing.append(
                OutgoingMessage(sequence: sequence, digest: Fingerprint(of: bytes), body: .bytes(bytes)))
        }
    }
}

final class TestRoster: PeerRoster {
    let standings = Mutex<[Fingerprint: PeerStanding]>([:])
    func standing(of fingerprint: Fingerprint) -> PeerStanding { standings.withLock { $0[fingerprint] ?? .unknown } }
}

/// A coordinator on a free port of this machine, and sites that know it.
final class TestFederation: Sendable {
    let folder: TemporaryFolder
    let study = Fingerprint(of: Array("study of the tests".utf8))
    let coordinator: TransportIdentity
    let roster = TestRoster()
    let exchange = RecordingExchange()
    let events = Mutex<[TransportEvent]>([])
    private let running = Mutex<(server: CoordinatorServer, task: Task<Void, Never>)?>(nil)
    private let knownPort = Mutex(0)
    var port: Int { knownPort.withLock { $0 } }

    init(spool: String? = nil) async throws {
        folder = try TemporaryFolder()
        spoolFolder = spool ?? folder.file("spool")
        coordinator = try TransportIdentity(name: "Coordinator", role: .coordinator, days: 10)
        try await start()
    }
    let spoolFolder: String

    deinit { running.withLock { $0?.server.stop() } }

    func start(port: Int = 0) async throws {
        var configuration = CoordinatorServer.Configuration(spoolFolder: spoolFolder)
        configuration.port = port
        configuration.rosterInterval = .milliseconds(50)
        configuration.handshakePatience = .seconds(2)
        let server = try CoordinatorServer(
            identity: coordinator, study: study, roster: roster, exchange: exchange, configuration: configuration
        ) { [weak self] event in self?.events.withLock { $0.append(event) } }
        let task = Task { do { try await server.run() } catch { Issue.record("server: \(error)") } }
        let bound = try await server.listeningPort()
        knownPort.withLock { $0 = bound }
        running.withLock { $0 = (server, task) }
    }

    func stop() async {
        let known = running.withLock { value in
            defer { value = nil }
            return value
        }
        known?.server.stop()
        await known?.task.value
    }

    func site(_ name: String, from begin: Date = Date(), days: Int = 10) throws -> TransportIdentity {
        let identity = try TransportIdentity(name: name, role: .site, days: days, from: begin)
        roster.standings.withLock {
            $0[identity.certificate.fingerprint] = .enrolled(
                EnrolledPeer(name: name, fingerprint: identity.certificate.fingerprint))
        }
        return identity
    }

    func connect(
        _ identity: TransportIdentity, port: Int? = nil, coordinator pinned: Fingerprint? = nil,
        study other: Fingerprint? = nil, patience: Duration = .seconds(20),
        onRetry: @escaping @Sendable (TransportsError, Duration) -> Void = { _, _ in }
    ) throws -> CoordinatorConnection {
        var configuration = CoordinatorConnection.Configuration()
        configuration.backoff = Backoff(initial: .milliseconds(20), maximum: .milliseconds(300), patience: patience)
        return try CoordinatorConnection(
            to: CoordinatorAddress(host: "127.0.0.1", port: port ?? self.port), as: identity,
            coordinator: pinned ?? coordinator.certificate.fingerprint, study: other ?? study,
            configuration: configuration, onRetry: onRetry)
    }

    /// A message of any length that is quick to make and unlike any other seed's.
    static func message(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = TestGenerator(seed: seed)
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { buffer in
            for index in stride(from: 0, to: count - 7, by: 8) {
                buffer.storeBytes(of: generator.next(), toByteOffset: index, as: UInt64.self)
            }
        }
        if count > 0 { bytes[count - 1] = UInt8(truncatingIfNeeded: seed) }
        return bytes
    }

    static func identifier(_ number: Int) -> Fingerprint { Fingerprint(of: Array("message \(number)".utf8)) }
}

/// The transport's error that `body` must throw.
func refusal(_ body: () async throws -> Void) async -> TransportsError? {
    do {
        try await body()
        Issue.record("nothing was refused")
    } catch let error as TransportsError {
        return error
    } catch { Issue.record("another error: \(error)") }
    return nil
}
