import BinaryCoding
import Crypto
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import SwiftASN1
import Synchronization
import X509

/// The two calls of the protocol, at the coordinator.
final class ExchangeService: Sendable {
    private let study: Fingerprint
    private let roster: any PeerRoster
    private let exchange: any CoordinatorExchange
    private let spool: UploadSpool
    private let configuration: CoordinatorServer.Configuration
    private let onEvent: @Sendable (TransportEvent) -> Void
    private let isStopping = Atomic(false)

    init(
        study: Fingerprint, roster: any PeerRoster, exchange: any CoordinatorExchange, spool: UploadSpool,
        configuration: CoordinatorServer.Configuration, onEvent: @escaping @Sendable (TransportEvent) -> Void
    ) {
        self.study = study
        self.roster = roster
        self.exchange = exchange
        self.spool = spool
        self.configuration = configuration
        self.onEvent = onEvent
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }

    func register(with router: inout RPCRouter<CoordinatorServer.Transport>) {
        router.registerHandler(forMethod: ExchangeMethod.send, deserializer: RawBytes(), serializer: RawBytes()) {
            [self] request, context in
            StreamingServerResponse { writer in
                try await self.guarded(context) { peer in
                    try await self.receiveMessage(request.messages, writer, from: peer)
                }
            }
        }
        router.registerHandler(forMethod: ExchangeMethod.receive, deserializer: RawBytes(), serializer: RawBytes()) {
            [self] request, context in
            StreamingServerResponse { writer in
                try await self.guarded(context) { peer in
                    self.onEvent(.connected(peer: peer, address: context.remotePeer))
                    defer { self.onEvent(.disconnected(peer: peer)) }
                    try await self.deliverMessages(request.messages, writer, to: peer, context)
                }
            }
        }
    }

    /// Lets the call in, and turns every error into one that names its reason to the other side.
    private func guarded(
        _ context: ServerContext, _ body: (EnrolledPeer) async throws -> Void
    ) async throws -> Metadata {
        var party = "unknown"
        do {
            let certificate = try Self.certificate(context)
            party = "\(certificate.name) (\(certificate.fingerprint.written))"
            let peer = try authorise(certificate)
            party = peer.name
            try await body(peer)
            return [:]
        } catch let error as TransportsError {
            if error.code != .shuttingDown && error.code != .unreachable {
                onEvent(.refused(party: party, address: context.remotePeer, reason: error))
            }
            throw error.rpc
        } catch let error as RPCError {
            throw error
        } catch {
            throw TransportsError(code: .unreachable, message: "connection: \(error)").rpc
        }
    }

    private static func certificate(_ context: ServerContext) throws(TransportsError) -> PeerCertificate {
        guard let specific = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = specific.peerCertificate
        else { throw TransportsError(code: .badCertificate, message: "certificate: the site showed none") }
        var serializer = DER.Serializer()
        do { try certificate.serialize(into: &serializer) } catch {
            throw TransportsError(code: .badCertificate, message: "certificate: is not a certificate")
        }
        return try PeerCertificate(serializer.serializedBytes)
    }

    private func authorise(_ certificate: PeerCertificate) throws(TransportsError) -> EnrolledPeer {
        guard certificate.role == .site else {
            throw TransportsError(
                code: .badCertificate, message: "certificate: got a coordinator's, want the one of a site")
        }
        let peer: EnrolledPeer
        switch roster.standing(of: certificate.fingerprint) {
        case .enrolled(let known): peer = known
        case .revoked(let known): throw Self.revoked(known)
        case .unknown:
            throw TransportsError(
                code: .unknownIdentity,
                message: """
                    identity \(certificate.fingerprint.written): is not enrolled in this study; give the coordinator \
                    your .public file for `tacit federation enroll`
                    """)
        }
        try certificate.checkValid(at: Date(), whose: peer.name)
        return peer
    }

    private static func revoked(_ peer: EnrolledPeer) -> TransportsError {
        TransportsError(
            code: .revoked,
            message: "identity of \(peer.name) (\(peer.fingerprint)): was revoked; ask the coordinator why")
    }

    /// To be called now and then by everything that takes long.
    private func checkStillWelcome(_ peer: EnrolledPeer) throws(TransportsError) {
        if isStopping.load(ordering: .relaxed) {
            throw TransportsError(code: .shuttingDown, message: "coordinator: is shutting down")
        }
        guard roster.standing(of: peer.fingerprint) == .enrolled(peer) else { throw Self.revoked(peer) }
    }

    private func check(_ greeting: Greeting) throws(TransportsError) {
        guard greeting.version == Greeting.version else {
            throw TransportsError(
                code: .wrongVersion,
                message: """
                    protocol: the site speaks version \(greeting.version), the coordinator \(Greeting.version); install \
                    the same version of tacit at both
                    """)
        }
        guard greeting.study == study else {
            throw TransportsError(
                code: .wrongStudy,
                message: """
                    study: the site joins \(greeting.study), the coordinator serves \(study); check the study file and \
                    the address
                    """)
        }
    }

    // MARK: Send

    private func receiveMessage(
        _ messages: RPCAsyncSequence<[UInt8], any Error>, _ writer: RPCWriter<[UInt8]>, from peer: EnrolledPeer
    ) async throws {
        var frames = messages.makeAsyncIterator()
        guard let first = try await frames.next(), case .header(let header, let inline) = try Frame(first) else {
            throw TransportsError(code: .invalidFrame, message: "frame: want a header first")
        }
        try check(header.greeting)
        try checkStillWelcome(peer)
        let count = Int(clamping: header.byteCount)
        if case .accepted(let reply) = try await exchange.admit(
            identifier: header.identifier, byteCount: count, from: peer)
        {
            try await writer.write(Frame.accepted(reply: reply).encoded())
            return
        }
        let reply: [UInt8]
        if let inline {
            guard Fingerprint(of: inline) == header.digest else {
                throw TransportsError(code: .damaged, message: "message: its SHA-256 is not the one announced")
            }
            reply = try await exchange.accept(
                IncomingMessage(identifier: header.identifier, digest: header.digest, body: .bytes(inline)), from: peer)
        } else {
            let upload = try spool.open(peer: peer, identifier: header.identifier, byteCount: header.byteCount)
            if upload.offset > 0 {
                onEvent(.uploadResumed(peer: peer, offset: upload.offset, byteCount: header.byteCount))
            }
            try await writer.write(Frame.acknowledged(offset: upload.offset).encoded())
            try await receiveChunks(&frames, into: upload, writer, from: peer)
            try await Self.offLoop { () throws(TransportsError) in try upload.finish(digest: header.digest) }
            reply = try await exchange.accept(
                IncomingMessage(
                    identifier: header.identifier, digest: header.digest,
                    body: .file(path: upload.path, byteCount: count)),
                from: peer)
            upload.remove()
        }
        onEvent(.received(peer: peer, byteCount: count))
        try await writer.write(Frame.accepted(reply: reply).encoded())
    }

    private func receiveChunks(
        _ frames: inout RPCAsyncSequence<[UInt8], any Error>.AsyncIterator, into upload: Upload,
        _ writer: RPCWriter<[UInt8]>, from peer: EnrolledPeer
    ) async throws {
        var acknowledged = upload.offset
        while upload.offset < upload.byteCount {
            guard let bytes = try await frames.next() else {
                throw TransportsError(
                    code: .unreachable, message: "upload: ended at byte \(upload.offset) of \(upload.byteCount)")
            }
            guard case .chunk(let offset, let piece) = try Frame(bytes) else {
                throw TransportsError(code: .invalidFrame, message: "frame: want a chunk")
            }
            try checkStillWelcome(peer)
            try upload.append(piece, at: offset)
            if upload.offset - acknowledged >= 1 << 22 {
                acknowledged = upload.offset
                try await writer.write(Frame.acknowledged(offset: acknowledged).encoded())
            }
        }
    }

    /// Flushing blocks; it must not block the threads that move bytes.
    private static func offLoop(_ body: @escaping () throws(TransportsError) -> Void) async throws {
        // The body runs once, while the caller waits.
        nonisolated(unsafe) let body = body
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }

    // MARK: Receive

    private func deliverMessages(
        _ messages: RPCAsyncSequence<[UInt8], any Error>, _ writer: RPCWriter<[UInt8]>, to peer: EnrolledPeer,
        _ context: ServerContext
    ) async throws {
        var frames = messages.makeAsyncIterator()
        guard let first = try await frames.next(),
            case .subscription(let greeting, let after, let partial, let known) = try Frame(first)
        else { throw TransportsError(code: .invalidFrame, message: "frame: want a subscription first") }
        try check(greeting)
        var sequence = after
        // At once: the site learns that it was let in.
        try await writer.write(Frame.idle.encoded())
        var lastWord = ContinuousClock.now
        while !context.cancellation.isCancelled {
            try checkStillWelcome(peer)
            let next = try await exchange.next(for: peer, after: sequence, within: configuration.rosterInterval)
            if let next {
                let count = UInt64(next.body.byteCount)
                let offset = next.sequence == partial ? min(known, count) : 0
                try await writer.write(
                    Frame.delivery(
                        sequence: next.sequence, digest: next.digest, byteCount: count, offset: offset
                    ).encoded())
                let reader = try next.body.reader(from: Int(clamping: offset))
                var position = offset
                while let piece = try reader.next(Frame.chunkSize) {
                    try checkStillWelcome(peer)
                    try await writer.write(Frame.chunk(offset: position, piece).encoded())
                    position += UInt64(piece.count)
                }
                sequence = next.sequence
                onEvent(.delivered(peer: peer, sequence: sequence, byteCount: Int(count - offset)))
                lastWord = .now
            } else if ContinuousClock.now - lastWord >= configuration.idleInterval {
                try await writer.write(Frame.idle.encoded())
                lastWord = .now
            }
        }
    }
}
