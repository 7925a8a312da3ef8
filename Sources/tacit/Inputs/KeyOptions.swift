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
        do {
            let key = try PaillierPublicKey(encoded: file.publicKey)
            guard key.fingerprint == file.header.key else {
                throw CommandFailure(.data, "\(path): the key does not have the fingerprint in the file's header")
            }
            if let warning = key.parameters.warning { Console.warn("\(path): \(warning)") }
            return (file, key)
        } catch let error as PaillierError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }

    /// A whole secret key.
    static func secretKey(_ path: String, _ passphrase: PassphraseOptions) throws -> (file: KeyFile, key: PaillierSecretKey) {
        let (file, key) = try publicKey(path)
        guard file.header.kind == .secretKey else {
            throw CommandFailure(.data, "\(path): kind: got \(file.header.kind), want a secret key")
        }
        let secret = try open(file, passphrase)
        let decoded = try secret.withBytes(SecretAccess("decoding the secret key")) { bytes in
            var copy = Array(bytes)
            defer { zeroise(&copy) }
            return try PaillierSecretKey(encoded: copy)
        }
        guard decoded.publicKey.fingerprint == key.fingerprint else {
            throw CommandFailure(.data, "\(path): the secret key does not belong to the public key in the same file")
        }
        return (file, decoded)
    }

    static func open(_ file: KeyFile, _ passphrase: PassphraseOptions) throws -> SecretBytes {
        guard file.needsPassphrase else {
            Console.warn("\(file.path): the secret is not protected by a passphrase")
            return try file.openSecret(passphrase: nil)
        }
        return try file.openSecret(passphrase: passphrase.read(for: file.path, isNew: false))
    }
}
