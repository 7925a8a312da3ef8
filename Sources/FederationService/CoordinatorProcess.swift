import CoordinatorStore
import Federation
import Dispatch
import Foundation
import Synchronization
import TacitDashboard
import Transports

/// Everything that a coordinator runs: the store, the service, the network and the page.
public struct CoordinatorProcess: Sendable {
    public struct Configuration: Sendable {
        public var host = "0.0.0.0"
        public var port = 8443
        /// nil: no page.
        public var dashboard: Dashboard.Address? = Dashboard.Address(host: "127.0.0.1", port: 8444)
        /// How long a stage waits for its answers.
        public var patience: Duration = .seconds(600)
        public var keepsTranscript = false
        /// Whether to go on with the sites that have joined.
        public var beginsNow = false
        /// Whether to end once the study is finished and every site has the model.
        public var endsWhenFinished = false
        public var baselines: [StudyBaseline] = []
        /// Where to keep the state from now on; nil: where it is.
        public var store: StorePlace?

        public init() {}
    }

    private let files: StudyFiles
    private let configuration: Configuration
    private let log: @Sendable (LogLine) -> Void

    public init(_ files: StudyFiles, _ configuration: Configuration, log: @escaping @Sendable (LogLine) -> Void) {
        self.files = files
        self.configuration = configuration
        self.log = log
    }

    /// Serves until the task is cancelled (or the study is over, when so configured), then shuts down in good order.
    public func run() async throws {
        let (study, schema) = try files.readStudy()
        let identity = try files.readCoordinator()
        if let place = configuration.store,
            try CoordinatorStore.keep(files.stateFolder, study: study.fingerprint, in: place)
        {
            log(LogLine(.info, "state", ["store": "\(place)"]))
        }
        let store = try CoordinatorStore(servingFrom: files.stateFolder, study: study.fingerprint)
        try files.renewInvitation(study, schema: schema, coordinator: identity)
        let roster = try StoreRoster(store)
        let service = try CoordinatorService(
            study: study, identity: identity.signing, store: store, patience: configuration.patience,
            keepsTranscript: configuration.keepsTranscript, baselines: configuration.baselines, log: log)
        var network = CoordinatorServer.Configuration(spoolFolder: store.spoolFolder)
        network.host = configuration.host
        network.port = configuration.port
        let (address, shutdownPatience) = (network.host, network.shutdownPatience)
        // Events are taken one after the other, in the order in which they come.
        let (events, queue) = AsyncStream<TransportEvent>.makeStream()
        let server = try CoordinatorServer(
            identity: identity.transport, study: study.fingerprint, roster: roster, exchange: service,
            configuration: network
        ) { queue.yield($0) }
        let listening = Listening(server)
        await service.start()
        if configuration.beginsNow { try await service.begin() }
        let log = log
        let patience = configuration.patience
        let token = try configuration.dashboard.map { _ in try files.dashboardToken() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await event in events { await service.take(event) }
                return false
            }
            group.addTask {
                await roster.watch()
                return false
            }
            group.addTask {
                // A coordinator that lost its hold on the study must not go on: its memory may be behind the store.
                while (try? await Task.sleep(for: .seconds(1))) != nil { try store.checkServing() }
                return false
            }
            group.addTask {
                try await listening.waitUntilItEnds()
                return false
            }
            group.addTask {
                let port = try await server.listeningPort()
                log(
                    LogLine(
                        .info, "listening",
                        [
                            "address": "https://\(address):\(port)", "port": "\(port)",
                            "coordinator": identity.transport.certificate.fingerprint.written,
                        ]))
                return false
            }
            if let place = configuration.dashboard, let token {
                let page = Dashboard(source: service, token: token, address: place)
                group.addTask {
                    try await page.run { port in
                        log(
                            LogLine(.info, "dashboard", ["address": "http://\(place.host):\(port)", "port": "\(port)"]))
                    }
                    return false
                }
            }
            group.addTask {
                // Ends by itself, or with the cancellation of the whole.
                if configuration.endsWhenFinished {
                    await service.waitUntilDone(patience: patience)
                } else {
                    while (try? await Task.sleep(for: .seconds(3600))) != nil {}
                }
                return true
            }
            while let isOver = try await group.next() {
                if isOver { break }
            }
            await listening.stop(within: shutdownPatience)
            queue.finish()
            group.cancelAll()
            while let _ = try? await group.next() {}
        }
        await service.stop()
        log(LogLine(.info, "stopped"))
    }
}

/// A server in a task that is never cancelled: the network library does not survive the cancellation of a server whose
/// peers go on opening streams. It is stopped in good order, or left to the end of the process.
private final class Listening: Sendable {
    private let server: CoordinatorServer
    private let ended = WakeUp()
    private let outcome = Mutex<Result<Void, TransportsError>?>(nil)

    init(_ server: CoordinatorServer) {
        self.server = server
        Task {
            let result: Result<Void, TransportsError>
            do throws(TransportsError) {
                try await server.run()
                result = .success(())
            } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
            ended.signal()
        }
    }

    /// Returns when the server has ended or the task is cancelled.
    func waitUntilItEnds() async throws {
        while !Task.isCancelled {
            let version = ended.version
            if let result = outcome.withLock({ $0 }) { return try result.get() }
            await ended.wait(after: version, within: .seconds(60))
        }
    }

    func stop(within time: Duration) async {
        server.stop()
        let end = ContinuousClock.now + time
        // The task may be cancelled already, so this does not wait on it.
        while outcome.withLock({ $0 == nil }), ContinuousClock.now < end {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { continuation.resume() }
            }
        }
    }
}

extension CoordinatorService {
    /// Returns when the study is over and every site that joined has got the model and hung up, when the patience for
    /// that is over, or on cancellation.
    func waitUntilDone(patience: Duration) async {
        var deadline: ContinuousClock.Instant?
        while !Task.isCancelled {
            let version = changes.version
            if isFinished {
                let end = deadline ?? .now + patience
                deadline = end
                if hasEverybodyTheModel || ContinuousClock.now > end { return }
            }
            if case .failed = coordinator.phase { return }
            await changes.wait(after: version, within: .seconds(1))
        }
    }

    private var hasEverybodyTheModel: Bool {
        study.sites.allSatisfy { site in
            guard let standing = coordinator.sites[site.name], standing.hasJoined, !standing.hasLeft else {
                return true
            }
            // A site that hung up for good stays away; one whose line broke while the model was on its way is back soon.
            return served.contains(site.name) && (connections[site.name] ?? 0) <= 0
                && left[site.name].map { ContinuousClock.now - $0 > .seconds(1) } ?? true
        }
    }
}
