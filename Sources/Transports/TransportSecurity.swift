import BinaryCoding
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOSSL
import Synchronization

/// TLS 1.3 with a certificate on either side. The library's settings begin at 1.2; ``ConnectionGate`` closes anything
/// older before a byte of HTTP is read.
enum TransportSecurity {
    /// The coordinator's side: any self-signed site certificate whose key the peer proves to hold comes through the
    /// handshake, so that a peer that may not join is told why; ``CoordinatorServer`` decides at every call.
    static func server(
        _ identity: TransportIdentity
    ) -> HTTP2ServerTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.bytes(identity.certificate.bytes, format: .der)],
            privateKey: .bytes(Array(identity.privateKeyPEM.utf8), format: .pem)
        ) { configuration in
            configuration.requireALPN = true
            configuration.trustRoots = .certificates([])
            configuration.customVerificationCallback = { chain, promise in
                promise.succeed(verified(chain) { _ throws(TransportsError) in })
            }
        }
    }

    /// The site's side: the one coordinator whose fingerprint is pinned, and no other.
    /// - Parameter refusal: where the reason is left when the handshake fails.
    static func client(
        _ identity: TransportIdentity, coordinator: Fingerprint, refusal: RefusalNote
    ) -> HTTP2ClientTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.bytes(identity.certificate.bytes, format: .der)],
            privateKey: .bytes(Array(identity.privateKeyPEM.utf8), format: .pem)
        ) { configuration in
            configuration.trustRoots = .certificates([])
            // The fingerprint takes the place of the name.
            configuration.serverCertificateVerification = .noHostnameVerification
            configuration.customVerificationCallback = { chain, promise in
                let result = verified(chain, note: refusal) { certificate throws(TransportsError) in
                    guard certificate.fingerprint == coordinator else {
                        throw TransportsError(
                            code: .wrongCoordinator,
                            message: """
                                coordinator: got fingerprint \(certificate.fingerprint.written), want \
                                \(coordinator.written); somebody else answers at this address
                                """)
                    }
                    guard certificate.role == .coordinator else {
                        throw TransportsError(
                            code: .badCertificate, message: "coordinator: got a site's certificate")
                    }
                    try certificate.checkValid(at: Date(), whose: "the coordinator")
                }
                promise.succeed(result)
            }
        }
    }

    private static func verified(
        _ chain: [NIOSSLCertificate], note: RefusalNote? = nil,
        _ check: (PeerCertificate) throws(TransportsError) -> Void
    ) -> NIOSSLVerificationResultWithMetadata {
        do {
            guard chain.count == 1, let bytes = try? chain[0].toDERBytes() else {
                throw TransportsError(
                    code: .badCertificate, message: "certificate: got \(chain.count) of them, want one self-signed")
            }
            try check(try PeerCertificate(bytes))
            note?.clear()
            return .certificateVerified(VerificationMetadata(nil))
        } catch let error as TransportsError {
            note?.leave(error)
            return .failed
        } catch { return .failed }
    }
}

/// Where a failed handshake leaves its reason, for the call that waits for the connection.
final class RefusalNote: Sendable {
    private let error = Mutex<TransportsError?>(nil)

    func leave(_ reason: TransportsError) { error.withLock { $0 = reason } }
    func clear() { error.withLock { $0 = nil } }
    var reason: TransportsError? { error.withLock { $0 } }
}
