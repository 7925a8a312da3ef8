import CoordinatorStore
import Federation
import Foundation
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
        let store = try CoordinatorStore(servingFrom: files.stateFolder, study: study.fingerprint)
        try files.renewInvitation(study, schema: schema, coordinator: identity)
        let roster = try StoreRoster(store)
        let service = try CoordinatorService(
            study: study, identity: identity.signing, store: store, patience: configuration.patience,
            keepsTranscript: configuration.keepsTranscript, baselines: configuration.baselines, log: log)
        var network = CoordinatorServer.Configuration(spoolFolder: store.spoolFolder)
        network.host = configuration.host
        network.port = configuration.port
        let address = network.host
        // Events are taken one after the other, in the order in which they come.
        let (events, queue) = AsyncStream<TransportEvent>.makeStream()
        let server = try CoordinatorServer(
            identity: identity.transport, study: study.fingerprint, roster: roster, exchange: service,
            configuration: network
        ) { queue.yield($0) }
        await service.start()
        if configuration.beginsNow { try await service.begin() }
        let log = log
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
                try await server.run()
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
                        log(LogLine(.info, "dashboard", ["address": "http://\(place.host):\(port)", "port": "\(port)"]))
                    }
                    return false
                }
            }
            group.addTask {
                // Ends by itself, or with the cancellation of the whole.
                if configuration.endsWhenFinished {
                    await service.waitUntilDone()
                } else {
                    while (try? await Task.sleep(for: .seconds(3600))) != nil {}
                }
                server.stop()
                try? await Task.sleep(for: .milliseconds(50))
                return true
            }
            while let isOver = try await group.next() {
                if isOver { break }
            }
            queue.finish()
            group.cancelAll()
            while let _ = try? await group.next() {}
        }
        await service.stop()
        log(LogLine(.info, "stopped"))
    }
}

extension CoordinatorService {
    /// Returns when the study is over and no site listens any more, or a minute after it is over, or on cancellation.
    func waitUntilDone() async {
        var deadline: ContinuousClock.Instant?
        while !Task.isCancelled {
            let version = changes.version
            if isFinished {
                deadline = deadline ?? .now + .seconds(60)
                if connections.values.allSatisfy({ $0 <= 0 }) || ContinuousClock.now > deadline ?? .now { return }
            }
            if case .failed = coordinator.phase { return }
            await changes.wait(after: version, within: .seconds(1))
        }
    }
}
