import BinaryCoding
import Crypto
import CryptoExtras
import Foundation
import Randomness

/// The cost of turning a passphrase into a key (scrypt, RFC 7914).
public struct ScryptCost: Hashable, Sendable {
    /// log2 of scrypt's N; memory is 128 · r · N bytes.
    public let logRounds: Int
    /// scrypt's r.
    public let blockSize: Int
    /// scrypt's p.
    public let parallelism: Int

    /// 128 MiB and some tenths of a second: OWASP's first recommendation.
    public static let interactive = ScryptCost(checkedLogRounds: 17, blockSize: 8, parallelism: 1)
    /// One MiB; for tests that open hundreds of files.
    package static let insecureFast = ScryptCost(checkedLogRounds: 10, blockSize: 8, parallelism: 1)

    private init(checkedLogRounds: Int, blockSize: Int, parallelism: Int) {
        self.logRounds = checkedLogRounds
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// Bounds keep a hostile file from asking for more than 1 GiB of memory.
    init(logRounds: Int, blockSize: Int, parallelism: Int) throws(KeyFilesError) {
        guard (10...20).contains(logRounds), (1...8).contains(blockSize), (1...4).contains(parallelism) else {
            throw KeyFilesError(
                code: .invalidFile,
                message: "scrypt: got log N \(logRounds), r \(blockSize), p \(parallelism), want 10...20, 1...8, 1...4")
        }
        self.init(checkedLogRounds: logRounds, blockSize: blockSize, parallelism: parallelism)
    }
}

/// Secret bytes under a passphrase: scrypt, then ChaCha20-Poly1305 with the caller's public bytes authenticated.
enum PassphraseWrapping {
    /// The wrapped form: cost, salt, nonce, ciphertext and tag.
    static func wrap(
        _ secret: SecretBytes, passphrase: SecretBytes, authenticating context: [UInt8], cost: ScryptCost,
        using random: inout some SecureRandom
    ) throws -> [UInt8] {
        let salt = random.bytes(count: 32)
        let key = try derive(passphrase, salt: salt, cost: cost)
        // The key is fresh for every file (the salt is), so a random nonce cannot repeat under it.
        let nonce = try ChaChaPoly.Nonce(data: random.bytes(count: 12))
        let box = try secret.withBytes(SecretAccess("wrapping under a passphrase")) { bytes in
            try ChaChaPoly.seal(bytes, using: key, nonce: nonce, authenticating: context)
        }
        var encoder = BinaryEncoder()
        encoder.encode(UInt8(cost.logRounds))
        encoder.encode(UInt8(cost.blockSize))
        encoder.encode(UInt8(cost.parallelism))
        encoder.encodeRaw(salt)
        encoder.encode(bytes: Array(box.combined))
        return encoder.bytes
    }

    static func unwrap(
        _ wrapped: [UInt8], passphrase: SecretBytes, authenticating context: [UInt8]
    ) throws -> SecretBytes {
        var decoder = BinaryDecoder(wrapped)
        let cost = try ScryptCost(
            logRounds: Int(decoder.decode(UInt8.self, "scrypt cost")),
            blockSize: Int(decoder.decode(UInt8.self, "scrypt block size")),
            parallelism: Int(decoder.decode(UInt8.self, "scrypt parallelism")))
        let salt = try decoder.decodeRaw(32, "salt")
        // A share of a collective key in the largest ring, with what its holder remembers, has some 20 MB.
        let combined = try decoder.decodeBytes("sealed secret", limit: 1 << 26)
        try decoder.finish("wrapped secret")
        let key = try derive(passphrase, salt: salt, cost: cost)
        guard combined.count >= 28, let box = try? ChaChaPoly.SealedBox(combined: combined) else {
            throw KeyFilesError(code: .invalidFile, message: "sealed secret: too short")
        }
        guard var data = try? ChaChaPoly.open(box, using: key, authenticating: context) else {
            throw KeyFilesError(
                code: .wrongPassphrase,
                message: "passphrase: does not open this file (or its public part was altered); try again")
        }
        defer { data.resetBytes(in: data.startIndex..<data.endIndex) }
        return SecretBytes(count: data.count) { target in
            _ = data.copyBytes(to: target)
        }
    }

    private static func derive(_ passphrase: SecretBytes, salt: [UInt8], cost: ScryptCost) throws -> SymmetricKey {
        try passphrase.withBytes(SecretAccess("deriving the wrapping key")) { bytes in
            // A view over the secret's own memory, so that no copy outlives the call.
            let view = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), count: bytes.count,
                deallocator: .none)
            return try KDF.Scrypt.deriveKey(
                from: view, salt: salt, outputByteCount: 32, rounds: 1 << cost.logRounds, blockSize: cost.blockSize,
                parallelism: cost.parallelism)
        }
    }
}
