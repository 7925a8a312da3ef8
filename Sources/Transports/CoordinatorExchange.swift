import BinaryCoding

/// A whole message from a site, its digest checked.
public struct IncomingMessage: Sendable {
    /// The site's own name for the message; the same for every attempt to send it.
    public let identifier: Fingerprint
    /// SHA-256 of the body.
    public let digest: Fingerprint
    /// In memory when short, else a flushed file in the spool folder, which the receiver may rename; what it leaves there
    /// is removed.
    public let body: MessageBody

    public init(identifier: Fingerprint, digest: Fingerprint, body: MessageBody) {
        self.identifier = identifier
        self.digest = digest
        self.body = body
    }
}

/// A message on its way to one site.
public struct OutgoingMessage: Sendable {
    /// Its place among the messages to this site; rises from 1, gaps are allowed.
    public let sequence: UInt64
    /// SHA-256 of the body.
    public let digest: Fingerprint
    public let body: MessageBody

    public init(sequence: UInt64, digest: Fingerprint, body: MessageBody) {
        self.sequence = sequence
        self.digest = digest
        self.body = body
    }
}

/// What the coordinator does with a message that somebody wants to send.
public enum Admission: Hashable, Sendable {
    /// Send it.
    case wanted
    /// It was committed before; here is the reply once more.
    case accepted(reply: [UInt8])
}

/// The study behind the transport. What it throws reaches the site: `refused` and `tooLarge` end the attempt, the codes
/// that are ``TransportsError/isWorthAnotherTry`` bring the site back.
public protocol CoordinatorExchange: Sendable {
    /// Asked before any byte of the body is read.
    func admit(
        identifier: Fingerprint, byteCount: Int, from peer: EnrolledPeer
    ) async throws(TransportsError) -> Admission

    /// Returns only when the message and all its effects are durable. Called at least once for every message; a second
    /// call with the same identifier must return the same reply and change nothing.
    func accept(_ message: IncomingMessage, from peer: EnrolledPeer) async throws(TransportsError) -> [UInt8]

    /// The first message to `peer` after `sequence`; waits up to `time` for one, then returns nil.
    ///
    /// A message that was returned is not yet with the site: its connection may break, and the next call then asks for the
    /// same one again. So it stays until it is void.
    func next(
        for peer: EnrolledPeer, after sequence: UInt64, within time: Duration
    ) async throws(TransportsError) -> OutgoingMessage?
}

/// What happened at the coordinator's door, for logs and counters. Holds no content of messages.
public enum TransportEvent: Hashable, Sendable {
    case refused(party: String, address: String, reason: TransportsError)
    case uploadResumed(peer: EnrolledPeer, offset: UInt64, byteCount: UInt64)
    case received(peer: EnrolledPeer, byteCount: Int)
    case delivered(peer: EnrolledPeer, sequence: UInt64, byteCount: Int)
    case connected(peer: EnrolledPeer, address: String)
    case disconnected(peer: EnrolledPeer)
}
