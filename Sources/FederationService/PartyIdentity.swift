import AtomicFiles
import BinaryCoding
import Federation
import Foundation
import Randomness
import Transports

/// Who a party is: an Ed25519 key that signs what it says in a study, and a P-256 key with a certificate under which it
/// connects. Both are in one file, mode 0600; the public halves are in another, to hand over.
public struct PartyIdentity: Sendable {
    public let signing: SiteIdentity
    public let transport: TransportIdentity
    public var name: String { signing.name }
    public var publicHalf: PartyPublicIdentity {
        PartyPublicIdentity(signing: signing.publicIdentity, certificate: transport.certificate)
    }

    /// Makes both keys from the system's randomness.
    /// - Throws: ``FederationServiceError`` for a name that is empty or longer than 64 characters.
    public init(name: String, role: TransportRole, days: Int) throws(FederationServiceError) {
        do {
            var random = SystemRandom()
            transport = try TransportIdentity(name: name, role: role, days: days)
            signing = try SiteIdentity.generate(name: name, using: &random)
        } catch { throw .identity("\(error)") }
    }

    /// Where a site keeps what it must not forget, unless told otherwise.
    public static func stateFolder(of file: String) -> String {
        (file.hasSuffix(".key") ? String(file.dropLast(4)) : file) + ".state"
    }

    private static let secretType = "TACIT SIGNING KEY"

    /// Reads a `.key` file.
    public init(file path: String) throws(FederationServiceError) {
        do {
            transport = try TransportIdentity(file: path)
            var secret = try PEMText.block(Self.secretType, inFile: path)
            signing = try SiteIdentity(name: transport.certificate.name, secret: SecretBytes(wiping: &secret))
        } catch let error as FederationServiceError { throw error } catch { throw .identity("\(error)") }
    }

    /// Writes `stem.key` (mode 0600) and `stem.public`; refuses to replace either.
    public func write(stem: String) throws(FederationServiceError) {
        let publicPath = stem + ".public"
        for path in [stem + ".key", publicPath] where FileManager.default.fileExists(atPath: path) {
            throw .identity("\(path): exists already; remove it or choose another name")
        }
        let secret = signing.encoded(SecretAccess("identity file"))
        var text = secret.withBytes(SecretAccess("identity file")) { bytes in
            Array((transport.pem + PEMText.text(Self.secretType, Array(bytes))).utf8)
        }
        defer { zeroise(&text) }
        do {
            try writeAtomically(text, to: stem + ".key", permissions: 0o600)
            try writeAtomically(Array(publicHalf.pem.utf8), to: publicPath)
        } catch { throw .identity(error.message) }
    }
}

/// What others pin of a party.
public struct PartyPublicIdentity: Hashable, Sendable {
    public let signing: SitePublicIdentity
    public let certificate: PeerCertificate
    public var name: String { signing.name }

    private static let publicType = "TACIT SIGNING PUBLIC KEY"

    public init(signing: SitePublicIdentity, certificate: PeerCertificate) {
        self.signing = signing
        self.certificate = certificate
    }

    /// Reads a `.public` file.
    public init(file path: String) throws(FederationServiceError) {
        do {
            certificate = try PeerCertificate(file: path)
            signing = try SitePublicIdentity(
                name: certificate.name, key: try PEMText.block(Self.publicType, inFile: path))
        } catch let error as FederationServiceError { throw error } catch { throw .identity("\(error)") }
    }

    public var pem: String { certificate.pem + PEMText.text(Self.publicType, signing.key) }
}

/// Blocks of base64 with a type around them (RFC 7468).
enum PEMText {
    static func text(_ type: String, _ bytes: [UInt8]) -> String {
        "-----BEGIN \(type)-----\n\(Data(bytes).base64EncodedString(options: .lineLength64Characters))\n-----END \(type)-----\n"
    }

    static func block(_ type: String, inFile path: String) throws(FederationServiceError) -> [UInt8] {
        let bytes: [UInt8]
        do { bytes = try readFile(path, limit: 1 << 16) } catch { throw .identity(error.message) }
        guard let text = String(validating: bytes, as: UTF8.self),
            let begin = text.range(of: "-----BEGIN \(type)-----\n"),
            let end = text.range(of: "\n-----END \(type)-----", range: begin.upperBound..<text.endIndex),
            let data = Data(base64Encoded: text[begin.upperBound..<end.lowerBound].filter { !$0.isNewline })
        else { throw .identity("\(path): holds no \(type.lowercased()); was it made by `tacit federation identity`?") }
        return Array(data)
    }
}
