import BinaryCoding
import NIOCore
import NIOSSL
import NIOTLS

/// Sits behind the TLS handler: closes a connection that does not finish its handshake in time, that did not agree on
/// TLS 1.3, or, at the coordinator, whose peer is not enrolled and has had time to be told so.
final class ConnectionGate: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    // @unchecked: used on the channel's event loop only.
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    private let patience: TimeAmount
    private let roster: (any PeerRoster)?
    private var timer: Scheduled<Void>?

    private init(patience: TimeAmount, roster: (any PeerRoster)?) {
        self.patience = patience
        self.roster = roster
    }

    func handlerAdded(context: ChannelHandlerContext) { closeLater(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            timer?.cancel()
            let operations = context.channel.pipeline.syncOperations
            guard (try? operations.nioSSL_tlsVersion()) == .tlsv13 else {
                context.close(promise: nil)
                return
            }
            if let roster {
                let bytes = (try? operations.nioSSL_peerCertificate()?.toDERBytes()) ?? []
                if case .enrolled = roster.standing(of: Fingerprint(of: bytes)) {} else { closeLater(context) }
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func closeLater(_ context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    /// - Parameter roster: nil at a site.
    static func install(
        on channel: any Channel, patience: TimeAmount, roster: (any PeerRoster)?
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let operations = channel.pipeline.syncOperations
            let gate = ConnectionGate(patience: patience, roster: roster)
            if roster != nil {
                let tls = try operations.handler(type: NIOSSLServerHandler.self)
                try operations.addHandler(gate, position: .after(tls))
            } else {
                let tls = try operations.handler(type: NIOSSLClientHandler.self)
                try operations.addHandler(gate, position: .after(tls))
            }
        }
    }
}
