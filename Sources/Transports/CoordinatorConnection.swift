import BinaryCoding
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import Synchronization

/// A site's end of the network. All connections are made by the site; nothing listens at it.
///
/// Calls go on through broken connections, restarts of the coordinator and full disks at the coordinator: they wait with
/// ``Backoff`` and go on at the byte where they were. They end with an error when the coordinator refuses, when it is not
/// the pinned one, or when the patience is over.
public final class CoordinatorConnection: Sendable {
    /// Settings that change no guarantee.
    public struct Configuration: Sendable {
        public var backoff = Backoff.standard
        /// How long one attempt may take beside its bytes.
        public var callTime: Duration = .seconds(60)
        /// The slowest line on which a long message still gets through in one attempt; slower ones resume. Bytes a
        /// second.
        public var slowestLine = 1 << 16
        /// A silent connection is tested after this time.
        public var keepalive: Duration = .seconds(20)

        public init() {}
    }

    public let address: CoordinatorAddress
    private let study: Fingerprint
    private let configuration: Configuration
    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let refusal = RefusalNote()
    private let onRetry: @Sendable (TransportsError, Duration) -> Void
    /// The message that was arriving when the connection broke.
    private let partial = Mutex<PartialDelivery?>(nil)

    /// - Parameters:
    ///   - coordinator: the fingerprint of the coordinator's certificate, from the study's invitation.
    ///   - onRetry: told what went wrong and how long the wait will be.
    /// - Throws: ``TransportsError`` when the identity is not a site's. Does not connect yet.
    public init(
        to address: CoordinatorAddress, as identity: TransportIdentity, coordinator: Fingerprint, study: Fingerprint,
        configuration: Configuration = Configuration(),
        onRetry: @escaping @Sendable (TransportsError, Duration) -> Void = { _, _ in }
    ) throws(TransportsError) {
        guard identity.certificate.role == .site else {
            throw TransportsError(code: .badCertificate, message: "identity: got the coordinator's, want a site's")
        }
        self.address = address
        self.study = study
        self.configuration = configuration
        self.onRetry = onRetry
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: .dns(host: address.host, port: address.port),
                transportSecurity: TransportSecurity.client(identity, coordinator: coordinator, refusal: refusal),
                config: .defaults { config in
                    config.http2.authority = address.isNumeric ? "coordinator.invalid" : address.host
                    config.http2.maxFrameSize = Frame.chunkSize
                    config.http2.targetWindowSize = 1 << 22
                    config.backoff.initial = .milliseconds(50)
                    config.backoff.max = min(.seconds(5), configuration.backoff.maximum)
                    config.connection.keepalive = .init(
                        time: configuration.keepalive, timeout: .seconds(10), allowWithoutCalls: false)
                    config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
                        ConnectionGate.install(on: channel, patience: .seconds(10), roster: nil)
                    }
                })
            let client = GRPCClient(transport: transport)
            self.client = client
            // Ends by itself after `close()`.
            Task { try? await client.runConnections() }
        } catch {
            throw TransportsError(code: .invalidAddress, message: "\(address): \(error)")
        }
    }

    deinit { close() }

    /// Ends all calls and closes the connection.
    public func close() {
        client.beginGracefulShutdown()
    }

    /// Sends a message and returns the study's reply once the message is durable there. However often the connection
    /// breaks, the study counts it once.
    /// - Parameter identifier: the same for every attempt at this message, after a restart of the site too; another for
    ///   every other message.
    /// - Parameter digest: SHA-256 of the body, where the caller knows it.
    /// - Throws: ``TransportsError``: `refused` and `tooLarge` from the study, a code of identity or version, or the last
    ///   failure when the patience is over.
    public func send(
        _ body: MessageBody, identifier: Fingerprint, digest: Fingerprint? = nil
    ) async throws -> [UInt8] {
        let header = MessageHeader(
            greeting: Greeting(study: study), identifier: identifier, digest: try digest ?? body.digest(),
            byteCount: UInt64(body.byteCount))
        return try await retrying { progress in try await self.attempt(header, body, progress) }
    }

    /// Hands over every message after `sequence` in order, until cancelled or `body` returns false.
    /// - Parameter body: has made the message's effects durable when it returns; then, and not earlier, the message counts
    ///   as received.
    public func receive(
        after sequence: UInt64,
        _ body: @escaping @Sendable (_ sequence: UInt64, _ message: [UInt8]) async throws -> Bool
    ) async throws {
        let position = PositionCell(sequence)
        try await retrying { progress in try await self.listen(position, progress, body) }
    }

    // MARK: Attempts

    private func retrying<Result>(
        _ attempt: (_ progress: @escaping @Sendable () -> Void) async throws -> Result
    ) async throws -> Result {
        var generator = SystemRandomNumberGenerator()
        let progress = Mutex(false)
        var failures = 0
        var firstFailure = ContinuousClock.now
        while true {
            do {
                return try await attempt { progress.withLock { $0 = true } }
            } catch let error as CallerError where !(error.cause is CancellationError) {
                throw error.cause
            } catch {
                // A call that breaks cancels what its messages are handled in; only the caller's own cancellation ends this.
                try Task.checkCancellation()
                let reason = refusal.reason ?? Self.reason(error)
                if progress.withLock({ value in
                    defer { value = false }
                    return value
                }) {
                    failures = 0
                }
                guard reason.isWorthAnotherTry else { throw reason }
                if failures == 0 { firstFailure = .now }
                failures += 1
                let wait = configuration.backoff.wait(afterFailures: failures, using: &generator)
                if let patience = configuration.backoff.patience, ContinuousClock.now - firstFailure + wait > patience {
                    throw TransportsError(
                        code: reason.code, message: "\(address): gave up after \(failures) attempts: \(reason.message)")
                }
                onRetry(reason, wait)
                try await Task.sleep(for: wait)
            }
        }
    }

    private static func reason(_ error: any Error) -> TransportsError {
        switch error {
        case let error as TransportsError: error
        case let error as RPCError: TransportsError(error)
        default: TransportsError(code: .unreachable, message: "connection: \(error)")
        }
    }

    private var options: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = false
        options.compression = CompressionAlgorithm.none
        options.maxResponseMessageBytes = Frame.limit
        return options
    }

    private func attempt(
        _ header: MessageHeader, _ body: MessageBody, _ progress: @escaping @Sendable () -> Void
    ) async throws -> [UInt8] {
        let inline = body.byteCount <= Frame.inlineLimit ? try body.read() : nil
        let (starts, start) = AsyncStream<UInt64>.makeStream()
        let request = StreamingClientRequest(of: [UInt8].self) { writer in
            try await writer.write(Frame.header(header, inline: inline).encoded())
            if inline != nil { return }
            var offsets = starts.makeAsyncIterator()
            // No offset: the call ended before the coordinator asked for the body.
            guard let offset = await offsets.next() else { return }
            let reader = try body.reader(from: Int(clamping: offset))
            var position = offset
            while let piece = try reader.next(Frame.chunkSize) {
                try await writer.write(Frame.chunk(offset: position, piece).encoded())
                position += UInt64(piece.count)
            }
        }
        var options = options
        options.timeout = configuration.callTime + .seconds(body.byteCount / max(1, configuration.slowestLine))
        return try await client.bidirectionalStreaming(
            request: request, descriptor: ExchangeMethod.send, serializer: RawBytes(), deserializer: RawBytes(),
            options: options
        ) { response in
            defer { start.finish() }
            var isStarted = false
            for try await message in response.messages {
                switch try Frame(message) {
                case .acknowledged(let offset):
                    if isStarted { progress() }
                    isStarted = true
                    guard offset <= header.byteCount else {
                        throw TransportsError(code: .invalidFrame, message: "offset: got \(offset), beyond the message")
                    }
                    start.yield(offset)
                case .accepted(let reply): return reply
                default: throw TransportsError(code: .invalidFrame, message: "frame: want an acknowledgement")
                }
            }
            throw TransportsError(code: .unreachable, message: "coordinator: ended the call without an answer")
        }
    }

    private func listen(
        _ position: PositionCell, _ progress: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable (UInt64, [UInt8]) async throws -> Bool
    ) async throws {
        let known = partial.withLock { $0 }
        let subscription = Frame.subscription(
            Greeting(study: study), after: position.value.withLock { $0 }, partial: known?.sequence ?? 0,
            offset: UInt64(known?.bytes.count ?? 0))
        try await client.serverStreaming(
            request: ClientRequest(message: subscription.encoded()), descriptor: ExchangeMethod.receive,
            serializer: RawBytes(), deserializer: RawBytes(), options: options
        ) { response in
            for try await message in response.messages {
                progress()
                switch try Frame(message) {
                case .idle: continue
                case .delivery(let sequence, let digest, let byteCount, let offset):
                    try self.begin(sequence, digest, byteCount, offset)
                case .chunk(let offset, let piece): try self.append(piece, at: offset)
                default: throw TransportsError(code: .invalidFrame, message: "frame: want a delivery")
                }
                guard let whole = try self.takeWhole() else { continue }
                let goesOn: Bool
                do { goesOn = try await body(whole.sequence, whole.bytes) } catch { throw CallerError(cause: error) }
                position.value.withLock { $0 = whole.sequence }
                if !goesOn { return }
            }
            throw TransportsError(code: .unreachable, message: "coordinator: ended the connection")
        }
    }

    private func begin(
        _ sequence: UInt64, _ digest: Fingerprint, _ byteCount: UInt64, _ offset: UInt64
    ) throws(TransportsError) {
        try partial.withLock { held throws(TransportsError) in
            var bytes: [UInt8] = []
            if let held, held.sequence == sequence, held.digest == digest, offset > 0 { bytes = held.bytes }
            guard UInt64(bytes.count) == offset else {
                held = nil
                throw TransportsError(code: .damaged, message: "message: begins at byte \(offset), want \(bytes.count)")
            }
            held = PartialDelivery(sequence: sequence, digest: digest, byteCount: byteCount, bytes: bytes)
        }
    }

    private func append(_ piece: [UInt8], at offset: UInt64) throws(TransportsError) {
        try partial.withLock { held throws(TransportsError) in
            guard let known = held, offset == UInt64(known.bytes.count),
                UInt64(piece.count) <= known.byteCount - offset
            else {
                throw TransportsError(
                    code: .invalidFrame, message: "chunk: got one at byte \(offset) that fits nowhere")
            }
            held?.bytes += piece
        }
    }

    private func takeWhole() throws(TransportsError) -> PartialDelivery? {
        let whole = partial.withLock { held -> PartialDelivery? in
            guard let known = held, UInt64(known.bytes.count) == known.byteCount else { return nil }
            held = nil
            return known
        }
        if let whole, Fingerprint(of: whole.bytes) != whole.digest {
            throw TransportsError(code: .damaged, message: "message: its SHA-256 is not the one announced")
        }
        return whole
    }
}

/// A message of which the first bytes have arrived.
private struct PartialDelivery: Sendable {
    var sequence: UInt64
    var digest: Fingerprint
    var byteCount: UInt64
    var bytes: [UInt8]
}

/// An error of the code that handles messages; it ends the call and is not a matter of the network.
private struct CallerError: Error {
    var cause: any Error
}

private final class PositionCell: Sendable {
    let value: Mutex<UInt64>
    init(_ value: UInt64) { self.value = Mutex(value) }
}
