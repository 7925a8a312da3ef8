import BinaryCoding
import Foundation
import TacitTestSupport
import Testing
import Transports

/// Frames, files of identities, addresses: parsers of what others wrote.
@Suite struct CodingTests {
    static let frames: [Frame] = [
        .header(
            MessageHeader(
                greeting: Greeting(study: Fingerprint(of: [1])), identifier: Fingerprint(of: [2]),
                digest: Fingerprint(of: [3]), byteCount: 3), inline: [7, 8, 9]),
        .header(
            MessageHeader(
                greeting: Greeting(version: 9, study: Fingerprint(of: [1])), identifier: Fingerprint(of: [2]),
                digest: Fingerprint(of: [3]), byteCount: 1 << 40), inline: nil),
        .chunk(offset: 1 << 33, [1, 2, 3]), .acknowledged(offset: 5), .accepted(reply: []), .accepted(reply: [1]),
        .subscription(Greeting(study: Fingerprint(of: [4])), after: 1, partial: 2, offset: 3),
        .delivery(sequence: 1, digest: Fingerprint(of: [5]), byteCount: 2, offset: 1), .idle,
    ]

    @Test func framesComeBack() throws {
        for frame in Self.frames { #expect(try Frame(frame.encoded()) == frame) }
    }

    @Test func fuzzFrames() {
        Fuzzing.run(valid: Self.frames.map { $0.encoded() }) { bytes in
            // What decodes, decodes to what it was.
            if let frame = try? Frame(bytes) { #expect(frame.encoded() == bytes) }
        }
    }

    @Test func badFramesAreNamed() throws {
        func message(_ bytes: [UInt8]) -> String? {
            do { _ = try Frame(bytes) } catch { return error.message }
            return nil
        }
        #expect(message([]) == "frame: kind: got 0 bytes at byte 0, want 1")
        #expect(message([99]) == "frame: kind: got 99, want 1 to 7")
        #expect(message([7, 0]) == "frame: frame: got 1 bytes after the end, want none")
        #expect(
            message([UInt8](repeating: 2, count: Frame.limit + 1))
                == "frame: got \(Frame.limit + 1) bytes, want at most \(Frame.limit)")
    }

    @Test func fuzzCertificates() throws {
        let site = try TransportIdentity(name: "Spital Zürich", role: .site, days: 2)
        let coordinator = try TransportIdentity(name: "C", role: .coordinator, days: 2)
        let parsed = try PeerCertificate(site.certificate.bytes)
        #expect(parsed.name == "Spital Zürich" && parsed.role == .site)
        Fuzzing.run(
            valid: [site.certificate.bytes, coordinator.certificate.bytes], iterations: Fuzzing.iterations(oneOf: 5)
        ) { bytes in
            guard bytes != site.certificate.bytes, bytes != coordinator.certificate.bytes else { return }
            // An altered certificate has a broken signature.
            #expect(throws: TransportsError.self) { try PeerCertificate(bytes) }
        }
    }

    @Test func identityFiles() throws {
        let folder = try TemporaryFolder()
        let identity = try TransportIdentity(name: "Site A", role: .site, days: 2)
        let path = folder.file("site-a.key")
        try identity.write(to: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try TransportIdentity(file: path).certificate == identity.certificate)
        #expect(try PeerCertificate(file: path) == identity.certificate)
        let signature = try TransportIdentity(file: path).signature(of: [1, 2])
        #expect(identity.certificate.isSignature(signature, of: [1, 2]))
        #expect(!identity.certificate.isSignature(signature, of: [1, 3]))
        #expect(!identity.certificate.isSignature([], of: [1, 2]))

        func message(_ body: () throws -> Void) -> String? {
            do { try body() } catch { return "\(error)" }
            return nil
        }
        #expect(message { try identity.write(to: path) } == "\(path): exists already; remove it or choose another name")
        chmod(path, 0o644)
        #expect(
            message { _ = try TransportIdentity(file: path) }
                == "\(path): others may read this private key; run: chmod 600 \(path)")
        chmod(path, 0o600)
        let other = try TransportIdentity(name: "Site B", role: .site, days: 2)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let key = text[..<text.range(of: "-----BEGIN CERTIFICATE")!.lowerBound]
        let mixed = folder.file("mixed.key")
        try (key + other.certificate.pem).write(toFile: mixed, atomically: true, encoding: .utf8)
        chmod(mixed, 0o600)
        #expect(
            message { _ = try TransportIdentity(file: mixed) }
                == "\(mixed): the certificate belongs to another private key")
        let certificate = folder.file("site-a.public")
        try identity.certificate.pem.write(toFile: certificate, atomically: true, encoding: .utf8)
        chmod(certificate, 0o600)
        #expect(
            message { _ = try TransportIdentity(file: certificate) }
                == "\(certificate): got no private key, want the .key file of an identity")
        #expect(message { _ = try TransportIdentity(file: folder.file("none")) }?.contains("cannot open") == true)
        Fuzzing.run(valid: [Array(text.utf8)], iterations: min(Fuzzing.iterations, 600)) { bytes in
            let file = folder.file("fuzz")
            _ = FileManager.default.createFile(
                atPath: file, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
            _ = try? TransportIdentity(file: file)
            _ = try? PeerCertificate(file: file)
        }
    }

    @Test func addressesAndFingerprints() throws {
        #expect(try CoordinatorAddress("https://tacit.example:9000").port == 9000)
        #expect(try CoordinatorAddress("https://tacit.example").port == 8443)
        #expect(try CoordinatorAddress("https://[::1]:1/").description == "https://[::1]:1")
        for bad in ["http://a", "a:8443", "https://", "https://a:0", "https://a/path", "https://a:70000", ""] {
            #expect(throws: TransportsError.self, "\(bad)") { try CoordinatorAddress(bad) }
        }
        let value = Fingerprint(of: [1])
        #expect(try Fingerprint(written: value.written) == value)
        #expect(try Fingerprint(written: value.hexadecimal.uppercased()) == value)
        for bad in ["", "sha256:", "sha256:zz", value.hexadecimal + "00", String(value.hexadecimal.dropLast())] {
            #expect(throws: TransportsError.self, "\(bad)") { try Fingerprint(written: bad) }
        }
    }

    @Test func waitsGrowAndStayInBounds() {
        let backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(30), patience: nil)
        var generator = TestGenerator(seed: 1)
        for failures in [1, 2, 3, 9, 10, 50, 1_000_000] {
            let ceiling = min(30, 0.1 * pow(2, Double(min(failures, 40) - 1)))
            for _ in 0..<200 {
                let wait = backoff.wait(afterFailures: failures, using: &generator) / Duration.seconds(1)
                #expect(wait <= ceiling * 1.000001 && wait >= ceiling / 3.000001)
            }
        }
    }
}
