import AtomicFiles
import BinaryCoding
import Foundation
import KeyFiles
import Randomness
import TacitTestSupport
import Testing

@Suite struct KeyFileTests {
    private func secret(_ text: String) -> SecretBytes {
        var bytes = Array(text.utf8)
        return SecretBytes(wiping: &bytes)
    }

    private func write(_ path: String, passphrase: SecretBytes?) throws {
        var random = SystemRandom()
        try KeyFile.writeSecret(
            secret("the secret itself"), kind: .secretShare, publicKey: [1, 2, 3],
            description: KeyDescription(
                scheme: "paillier", modulusBits: 3072, label: "ward", created: "2026-01-01", threshold: 2, shares: 3,
                shareIndex: 1),
            parameters: Fingerprint(of: [1]), key: Fingerprint(of: [2]), passphrase: passphrase, cost: .insecureFast,
            to: path, using: &random)
    }

    @Test func opensWithThePassphraseOnly() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("ward.share-1")
        try write(path, passphrase: secret("correct horse"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let file = try KeyFile(path: path)
        #expect(file.description.shareIndex == 1)
        #expect(file.needsPassphrase)
        #expect(try file.openSecret(passphrase: secret("correct horse")).isEqual(to: secret("the secret itself")))
        #expect {
            try file.openSecret(passphrase: secret("wrong horse"))
        } throws: { ($0 as? KeyFilesError)?.code == .wrongPassphrase }
        #expect {
            try file.openSecret(passphrase: nil)
        } throws: { ($0 as? KeyFilesError)?.code == .passphraseNeeded }
        let raw = try readFile(path, limit: 1 << 20)
        #expect(!raw.indices.contains { raw[$0...].starts(with: "the secret".utf8) })
    }

    /// The clear part is authenticated: a file whose description was changed, checksum renewed, does not open.
    @Test func exchangedDescriptionsAreNoticed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a")
        try write(path, passphrase: secret("correct horse"))
        let (header, sections) = try readContainer(path: path)
        var writer = try ContainerWriter(path: path, header: header)
        for section in sections {
            var bytes = section.bytes
            if section.tag == 1 {
                bytes = Array(String(decoding: bytes, as: UTF8.self).replacing("ward", with: "WARD").utf8)
            }
            try writer.write(tag: section.tag, bytes)
        }
        try writer.commit()
        let file = try KeyFile(path: path)
        #expect {
            try file.openSecret(passphrase: secret("correct horse"))
        } throws: { ($0 as? KeyFilesError)?.code == .wrongPassphrase }
    }

    @Test func shortPassphrasesAreRefused() throws {
        let folder = try TemporaryFolder()
        #expect {
            try write(folder.file("a"), passphrase: secret("short"))
        } throws: { ($0 as? KeyFilesError)?.message == "passphrase: got 5 bytes, want at least 8" }
        #expect(folder.names.isEmpty)
    }

    @Test func fuzzKeyFiles() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a")
        try write(path, passphrase: nil)
        let valid = try readFile(path, limit: 1 << 20)
        func open(_ input: [UInt8]) {
            do {
                _ = try KeyFile(MemorySource(input), name: "key").openSecret(passphrase: nil)
            } catch is BinaryCodingError {} catch is KeyFilesError {} catch { Issue.record("\(error)") }
        }
        Fuzzing.run(valid: [valid], open)
        // With the checksum made right again, mutations reach what lies behind it.
        Fuzzing.run(valid: [Array(valid.dropLast(40))], seed: 2) { body in
            let end: [UInt8] = [0, 0, 0, 0, 32, 0, 0, 0]
            open(body + end + Fingerprint(of: body + end).bytes)
        }
    }
}
