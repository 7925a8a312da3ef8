import BinaryCoding

/// A site as the study knows it.
public struct EnrolledPeer: Hashable, Sendable {
    /// The name given at enrolment.
    public let name: String
    /// SHA-256 of the site's certificate.
    public let fingerprint: Fingerprint

    public init(name: String, fingerprint: Fingerprint) {
        self.name = name
        self.fingerprint = fingerprint
    }
}

/// How a certificate stands with the study.
public enum PeerStanding: Hashable, Sendable {
    case enrolled(EnrolledPeer)
    case revoked(EnrolledPeer)
    case unknown
}

/// Who may connect. Asked at every call and every few frames of a long one, so that a revocation ends what is running.
public protocol PeerRoster: Sendable {
    func standing(of fingerprint: Fingerprint) -> PeerStanding
}
