import BinaryCoding
import Foundation
import KeyFiles
import Paillier
import Randomness

/// Keys as the commands use them.
enum KeyInput {
    /// The public key in a key file of any kind.
    static func publicKey(_ path: String) throws -> (file: KeyFile, key: PaillierPublicKey) {
        let file = try KeyFile(path: path)
        guard file.description.scheme == "paillier" else {
            throw CommandFailure(.data, "\(path): scheme: got \(file.description.scheme), want paillier")
        }
        let key = try inFile(path) {
            try file.description.threshold == nil
                ? PaillierPublicKey(encoded: file.publicKey) : sharing(in: file).publicKey
        }
        guard key.fingerprint == file.header.key else {
            throw CommandFailure(.data, "\(path): the key does not have the fingerprint in the file's header")
        }
        if let warning = key.parameters.warning { Console.warn("\(path): \(warning)") }
        return (file, key)
    }

    /// The public side of a shared key.
    static func sharing(_ path: String) throws -> PaillierSharing {
        let (file, _) = try publicKey(path)
        guard file.description.threshold != nil else {
            throw CommandFailure(
                .data, "\(path): is not a shared key; partial decryptions need the public file made with the shares")
        }
        return try inFile(path) { try sharing(in: file) }
    }

    private static func sharing(in file: KeyFile) throws -> PaillierSharing {
        var decoder = BinaryDecoder(file.publicKey)
        let sharing = try PaillierSharing(decoding: &decoder)
        try decoder.finish("public key")
        return sharing
    }

    /// A whole secret key.
    static func secretKey(_ path: String, _ passphrase: PassphraseOptions) throws -> (
        file: KeyFile, key: PaillierSecretKey
    ) {
        let (file, key) = try publicKey(path)
        guard file.header.kind == .secretKey else {
            let hint = file.header.kind == .secretShare ? "; give a share with --share" : ""
            throw CommandFailure(.data, "\(path): kind: got \(file.header.kind), want a secret key\(hint)")
        }
        let decoded = try decode(try open(file, passphrase), path) { try PaillierSecretKey(encoded: $0) }
        guard decoded.publicKey.fingerprint == key.fingerprint else {
            throw CommandFailure(.data, "\(path): the secret key does not belong to the public key in the same file")
        }
        return (file, decoded)
    }

    /// One share of a secret key.
    static func share(_ path: String, _ passphrase: PassphraseOptions) throws -> PaillierKeyShare {
        let (file, key) = try publicKey(path)
        guard file.header.kind == .secretShare else {
            throw CommandFailure(.data, "\(path): kind: got \(file.header.kind), want a secret key share")
        }
        let decoded = try decode(try open(file, passphrase), path) { try PaillierKeyShare(encoded: $0) }
        guard decoded.publicKey.fingerprint == key.fingerprint else {
            throw CommandFailure(.data, "\(path): the share does not belong to the public key in the same file")
        }
        return decoded
    }

    private static func decode<Key>(_ secret: SecretBytes, _ path: String, _ body: ([UInt8]) throws -> Key) throws
        -> Key
    {
        try secret.withBytes(SecretAccess("decoding a key file")) { bytes in
            var copy = Array(bytes)
            defer { zeroise(&copy) }
            return try inFile(path) { try body(copy) }
        }
    }

    private static func open(_ file: KeyFile, _ passphrase: PassphraseOptions) throws -> SecretBytes {
        guard file.needsPassphrase else {
            Console.warn("\(file.path): the secret is not protected by a passphrase")
            return try file.openSecret(passphrase: nil)
        }
        return try file.openSecret(passphrase: passphrase.read(for: file.path, isNew: false))
    }

    private static func inFile<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as PaillierError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        }
    }
}
