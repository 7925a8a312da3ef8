import AtomicFiles
import BinaryCoding
import Crypto
import Foundation
import Randomness
import SwiftASN1
import X509

/// A party's private key and the certificate that goes with it.
///
/// Guarantee: whoever does not hold the file cannot connect under its fingerprint (P-256 ECDSA, TLS 1.3). The key is
/// drawn from the system's source. The file is not encrypted, so that a site can join unattended: its mode is 0600 and a
/// file that others may read is refused.
public struct TransportIdentity: Sendable, CustomStringConvertible {
    public let certificate: PeerCertificate
    private let key: P256.Signing.PrivateKey

    public var description: String { "\(certificate.name) (\(certificate.fingerprint))" }

    /// Makes a new key and its certificate.
    /// - Parameters:
    ///   - name: what the party calls itself, 1 to 64 characters.
    ///   - days: how long the certificate is good for; the study may enrol a new one at any time.
    ///   - begin: the moment of making; one hour of difference between clocks is allowed for.
    public init(name: String, role: TransportRole, days: Int, from begin: Date = Date()) throws(TransportsError) {
        guard (1...64).contains(name.count), !name.contains(where: \.isNewline) else {
            throw TransportsError(code: .badCertificate, message: "name: got “\(name)”, want 1 to 64 characters")
        }
        guard (1...3650).contains(days) else {
            throw TransportsError(code: .badCertificate, message: "days: got \(days), want 1 to 3650")
        }
        let key = P256.Signing.PrivateKey()
        let certificate: PeerCertificate
        do {
            let subject = try DistinguishedName { CommonName(name) }
            let made = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(),
                publicKey: Certificate.PublicKey(key.publicKey), notValidBefore: begin.addingTimeInterval(-3600),
                notValidAfter: begin.addingTimeInterval(Double(days) * 86400), issuer: subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([role == .coordinator ? .serverAuth : .clientAuth])
                },
                issuerPrivateKey: Certificate.PrivateKey(key))
            var serializer = DER.Serializer()
            try made.serialize(into: &serializer)
            certificate = try PeerCertificate(serializer.serializedBytes)
        } catch let error as TransportsError {
            throw error
        } catch {
            throw TransportsError(code: .badCertificate, message: "certificate: cannot be made: \(error)")
        }
        self.key = key
        self.certificate = certificate
    }

    /// Reads a private key and its certificate from one PEM file.
    /// - Throws: ``TransportsError`` with code `identityFile` when the file is missing, readable by others, or not whole.
    public init(file path: String) throws(TransportsError) {
        var information = stat()
        if stat(path, &information) == 0, information.st_mode & 0o077 != 0 {
            throw Self.failure(path, "others may read this private key; run: chmod 600 \(path)")
        }
        let documents = try Self.documents(path)
        let keys = documents.filter { $0.discriminator == "PRIVATE KEY" }
        guard keys.count == 1, let key = try? P256.Signing.PrivateKey(derRepresentation: keys[0].derBytes) else {
            throw Self.failure(path, "got no private key, want the .key file of an identity")
        }
        let certificate = try Self.certificate(in: documents, path)
        guard let parsed = try? Certificate(derEncoded: certificate.bytes),
            P256.Signing.PublicKey(parsed.publicKey)?.rawRepresentation == key.publicKey.rawRepresentation
        else { throw Self.failure(path, "the certificate belongs to another private key") }
        self.key = key
        self.certificate = certificate
    }

    /// Writes key and certificate, mode 0600; refuses to replace a file.
    public func write(to path: String) throws(TransportsError) {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw Self.failure(path, "exists already; remove it or choose another name")
        }
        var text = Array(pem.utf8)
        defer { zeroise(&text) }
        do { try writeAtomically(text, to: path, permissions: 0o600) } catch {
            throw TransportsError(code: .identityFile, message: error.message)
        }
    }

    /// A signature under the key that the certificate names, so that what this party said can be shown to others.
    public func signature(of message: [UInt8]) throws(TransportsError) -> [UInt8] {
        do { return Array(try key.signature(for: message).rawRepresentation) } catch {
            throw TransportsError(code: .badCertificate, message: "signature: \(error)")
        }
    }

    var privateKeyPEM: String { key.pemRepresentation }

    static func certificate(inFile path: String) throws(TransportsError) -> PeerCertificate {
        try certificate(in: documents(path), path)
    }

    private static func certificate(in documents: [PEMDocument], _ path: String) throws(TransportsError)
        -> PeerCertificate
    {
        let found = documents.filter { $0.discriminator == "CERTIFICATE" }
        guard found.count == 1 else {
            throw failure(
                path, "got \(found.count) certificates, want one; was it made by `tacit federation identity`?")
        }
        do { return try PeerCertificate(found[0].derBytes) } catch { throw failure(path, error.message) }
    }

    private static func documents(_ path: String) throws(TransportsError) -> [PEMDocument] {
        let bytes: [UInt8]
        do { bytes = try readFile(path, limit: 1 << 16) } catch {
            throw TransportsError(code: .identityFile, message: error.message)
        }
        guard let text = String(validating: bytes, as: UTF8.self),
            let documents = try? PEMDocument.parseMultiple(pemString: text)
        else { throw failure(path, "is not a PEM file") }
        return documents
    }

    private static func failure(_ path: String, _ what: String) -> TransportsError {
        TransportsError(code: .identityFile, message: "\(path): \(what)")
    }
}

extension PeerCertificate {
    /// Whether `signature` is one that the holder of this certificate made of `message`.
    public func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let certificate = try? Certificate(derEncoded: bytes),
            let key = P256.Signing.PublicKey(certificate.publicKey),
            let value = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return key.isValidSignature(value, for: message)
    }
}

extension TransportIdentity {
    /// Private key and certificate as text, for a file that holds more than these two. As secret as the key.
    public var pem: String { privateKeyPEM + "\n" + certificate.pem }
}
