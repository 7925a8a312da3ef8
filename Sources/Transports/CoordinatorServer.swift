import BinaryCoding
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import Synchronization

/// The coordinator's end of the network: takes messages from enrolled sites and hands them out.
///
/// Guarantee: every call is refused unless its peer proved, in a TLS 1.3 handshake, to hold the key of a certificate that
/// ``PeerRoster`` says is enrolled now and whose time has come and is not over; calls that are running end within about
/// a second of a revocation. Messages are streams of pieces, so memory does not grow with their size: about a megabyte
/// and a half a connection. Nothing is compressed.
public final class CoordinatorServer: Sendable {
    /// Settings that change no guarantee.
    public struct Configuration: Sendable {
        /// The address to listen at; `0.0.0.0` for all of IPv4, `::` for everything.
        public var host = "127.0.0.1"
        /// 0: any free one.
        public var port = 8443
        /// Where unfinished messages are kept; on the same file system as what they become.
        public var spoolFolder: String
        /// How long a peer may take to shake hands, and a stranger may stay to hear why it is refused.
        public var handshakePatience: Duration = .seconds(10)
        /// How often a waiting site is told that the coordinator is still there.
        public var idleInterval: Duration = .seconds(10)
        /// How often a waiting call looks whether its peer is still enrolled.
        public var rosterInterval: Duration = .milliseconds(500)
        /// How long calls may finish after ``stop()``.
        public var shutdownPatience: Duration = .seconds(5)

        public init(spoolFolder: String) { self.spoolFolder = spoolFolder }
    }

    typealias Transport = HTTP2ServerTransport.Posix
    private let server: GRPCServer<Transport>
    private let door: ExchangeService

    /// - Parameters:
    ///   - study: identifies the study; a site that joins another one is told so.
    ///   - onEvent: called from many threads, for logs and counters.
    /// - Throws: ``TransportsError`` when the address or the folder cannot be used.
    public init(
        identity: TransportIdentity, study: Fingerprint, roster: any PeerRoster, exchange: any CoordinatorExchange,
        configuration: Configuration, onEvent: @escaping @Sendable (TransportEvent) -> Void = { _ in }
    ) throws(TransportsError) {
        guard identity.certificate.role == .coordinator else {
            throw TransportsError(code: .badCertificate, message: "identity: got a site's, want the coordinator's")
        }
        guard (0...65535).contains(configuration.port) else {
            throw TransportsError(code: .invalidAddress, message: "port: got \(configuration.port), want 0 to 65535")
        }
        let patience = TimeAmount(configuration.handshakePatience)
        let transport = Transport(
            address: configuration.host.contains(":")
                ? .ipv6(host: configuration.host, port: configuration.port)
                : .ipv4(host: configuration.host, port: configuration.port),
            transportSecurity: TransportSecurity.server(identity),
            config: .defaults { config in
                config.http2.maxFrameSize = Frame.chunkSize
                config.http2.targetWindowSize = 1 << 21
                config.http2.maxConcurrentStreams = 16
                config.rpc.maxRequestPayloadSize = Frame.limit
                config.connection.maxIdleTime = .seconds(300)
                config.connection.maxGraceTime = configuration.shutdownPatience
                config.connection.keepalive.time = .seconds(20)
                config.connection.keepalive.timeout = .seconds(10)
                config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
                config.connection.keepalive.clientBehavior.allowWithoutCalls = true
                config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
                    ConnectionGate.install(on: channel, patience: patience, roster: roster)
                }
            })
        door = ExchangeService(
            study: study, roster: roster, exchange: exchange, spool: try UploadSpool(folder: configuration.spoolFolder),
            configuration: configuration, onEvent: onEvent)
        var router = RPCRouter<Transport>()
        door.register(with: &router)
        server = GRPCServer(transport: transport, router: router)
    }

    /// Listens until ``stop()``. The task must not be cancelled instead: the library beneath traps when a peer opens a
    /// stream on a server that was.
    /// - Throws: ``TransportsError`` with code `invalidAddress` when the address is taken or not ours.
    public func run() async throws(TransportsError) {
        do { try await server.serve() } catch {
            throw TransportsError(code: .invalidAddress, message: "cannot listen: \(Self.reason(error))")
        }
    }

    /// The port, once it is bound.
    public func listeningPort() async throws(TransportsError) -> Int {
        do {
            let address = try await server.transport.listeningAddress
            if let port = address.ipv4?.port ?? address.ipv6?.port { return port }
        } catch {
            throw TransportsError(code: .invalidAddress, message: "cannot listen: \(Self.reason(error))")
        }
        throw TransportsError(code: .invalidAddress, message: "cannot listen")
    }

    /// Ends waiting calls at once, takes no new ones, and lets uploads finish for a few seconds.
    public func stop() {
        door.stop()
        server.beginGracefulShutdown()
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? RuntimeError { return error.message + (error.cause.map { ": \($0)" } ?? "") }
        return "\(error)"
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }
}
