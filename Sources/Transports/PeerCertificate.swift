import BinaryCoding
import Crypto
import Foundation
import SwiftASN1
import X509

/// What a party is in a federation. A certificate is good for one role only.
public enum TransportRole: String, Hashable, Sendable, Codable {
    case coordinator
    case site
}

/// A self-signed certificate (P-256) whose fingerprint the other side has pinned.
///
/// There is no certificate authority: who holds the private key to an enrolled fingerprint is that party, nobody
/// else's signature counts. The name in the certificate is a claim; what enrolment calls the party is what others see.
public struct PeerCertificate: Hashable, Sendable {
    /// The certificate as it crosses the wire (DER).
    public let bytes: [UInt8]
    /// SHA-256 of ``bytes``.
    public let fingerprint: Fingerprint
    /// The common name, as the party wrote it; at most 64 characters.
    public let name: String
    public let role: TransportRole
    public let notBefore: Date
    public let notAfter: Date

    /// A certificate larger than this is no certificate of ours.
    static let limit = 8192

    /// - Parameter bytes: DER; foreign.
    /// - Throws: ``TransportsError`` with code `badCertificate` unless it is a P-256 certificate signed by itself, for
    ///   exactly one role.
    public init(_ bytes: [UInt8]) throws(TransportsError) {
        guard bytes.count <= Self.limit else {
            throw Self.bad("got \(bytes.count) bytes, want at most \(Self.limit)")
        }
        let certificate: Certificate
        do { certificate = try Certificate(derEncoded: bytes) } catch { throw Self.bad("is not a certificate") }
        guard P256.Signing.PublicKey(certificate.publicKey) != nil else {
            throw Self.bad("has no P-256 key")
        }
        guard certificate.signatureAlgorithm == .ecdsaWithSHA256,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else { throw Self.bad("is not signed by itself") }
        let usages: [ExtendedKeyUsage.Usage]
        do { usages = Array(try certificate.extensions.extendedKeyUsage ?? ExtendedKeyUsage([])) } catch {
            throw Self.bad("does not say what it is for")
        }
        switch usages {
        case [.serverAuth]: role = .coordinator
        case [.clientAuth]: role = .site
        default: throw Self.bad("is not for one role, coordinator or site")
        }
        var name = ""
        for attribute in certificate.subject.flatMap({ Array($0) })
        where attribute.type == .RDNAttributeType.commonName { name = String(attribute.value) ?? name }
        guard (1...64).contains(name.count), !name.unicodeScalars.contains(where: { $0.properties.isControl }) else {
            throw Self.bad("has no name of 1 to 64 characters")
        }
        self.bytes = bytes
        self.name = name
        fingerprint = Fingerprint(of: bytes)
        notBefore = certificate.notValidBefore
        notAfter = certificate.notValidAfter
    }

    private static func bad(_ what: String) -> TransportsError {
        TransportsError(code: .badCertificate, message: "certificate: \(what)")
    }

    /// Reads the first certificate of a PEM file, such as `site-a.public`.
    public init(file path: String) throws(TransportsError) {
        self = try TransportIdentity.certificate(inFile: path)
    }

    /// The certificate as text to hand over.
    public var pem: String { PEMDocument(type: "CERTIFICATE", derBytes: bytes).pemString + "\n" }

    /// - Throws: ``TransportsError`` with code `expired`.
    func checkValid(at moment: Date, whose party: String) throws(TransportsError) {
        let style = Date.ISO8601FormatStyle()
        if moment > notAfter {
            throw TransportsError(
                code: .expired,
                message: """
                    certificate of \(party) (\(fingerprint)): expired on \(notAfter.formatted(style)), the clock here \
                    says \(moment.formatted(style)); make a new identity and have it enrolled
                    """)
        }
        if moment < notBefore {
            throw TransportsError(
                code: .expired,
                message: """
                    certificate of \(party) (\(fingerprint)): begins on \(notBefore.formatted(style)), the clock here \
                    says \(moment.formatted(style)); set the clock that is wrong
                    """)
        }
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isControl: Bool { generalCategory == .control || generalCategory == .format }
}
