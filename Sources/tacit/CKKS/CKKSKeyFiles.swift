import BinaryCoding
import Bootstrapping
import CKKS
import Foundation
import KeyFiles
import Randomness

/// Key files of the CKKS scheme: NAME.public and NAME.secret as for every scheme, and NAME.evaluation, the keys with which
/// a server computes.
enum CKKSKeyFiles {
    static let scheme = "ckks"

    static func isOne(_ path: String) throws -> Bool { try KeyFile(path: path).description.scheme == scheme }

    /// The public key in a key file of either kind.
    static func publicKey(
        _ path: String, context: CKKSContext? = nil, scheme: String = scheme
    ) throws -> (file: KeyFile, key: CKKSPublicKey) {
        let file = try KeyFile(path: path)
        guard file.description.scheme == scheme else {
            throw CommandFailure(.data, "\(path): scheme: got \(file.description.scheme), want \(scheme)")
        }
        do {
            var decoder = BinaryDecoder(file.publicKey)
            let key = try CKKSPublicKey(decoding: &decoder, context: context)
            try decoder.finish("public key")
            guard key.identity == file.header.key else {
                throw CommandFailure(.data, "\(path): the key does not have the identity in the file's header")
            }
            return (file, key)
        } catch let error as CKKSError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        }
    }

    static func secretKey(
        _ path: String, _ passphrase: PassphraseOptions, context: CKKSContext? = nil
    ) throws -> CKKSSecretKey {
        let file = try KeyFile(path: path)
        guard file.description.scheme == scheme else {
            throw CommandFailure(.data, "\(path): scheme: got \(file.description.scheme), want \(scheme)")
        }
        guard file.header.kind == .secretKey else {
            throw CommandFailure(.data, "\(path): kind: got \(file.header.kind), want a secret key")
        }
        let secret: SecretBytes
        if file.needsPassphrase {
            secret = try file.openSecret(passphrase: passphrase.read(for: path, isNew: false))
        } else {
            Console.warn("\(path): the secret is not protected by a passphrase")
            secret = try file.openSecret(passphrase: nil)
        }
        do throws(CKKSError) {
            let key = try CKKSSecretKey(encoded: secret, SecretAccess("decoding a key file"), context: context)
            guard key.identity == file.header.key else {
                throw CKKSError(code: .invalidEncoding, message: "the secret key is not the one that the header names")
            }
            return key
        } catch { throw CommandFailure(.data, "\(path): \(error.message)") }
    }

    /// Encrypts with a public key, or with a secret key at half the bytes.
    static func encryptor(_ path: String, _ passphrase: PassphraseOptions) throws -> CKKSEncryptor {
        if try KeyFile(path: path).header.kind == .secretKey {
            return CKKSEncryptor(try secretKey(path, passphrase))
        }
        return CKKSEncryptor(try publicKey(path).key)
    }

    static func evaluationKeys(_ path: String, context: CKKSContext) throws -> CKKSEvaluationKeys {
        try naming(path) { try CKKSEvaluationKeyFile.read(path: path, context: context) }
    }

    static func bootstrappingKeys(_ path: String, context: CKKSContext) throws -> BootstrappingKeys {
        try naming(path) { try BootstrappingKeyFile.read(path: path, context: context) }
    }

    /// Refuses to make keys that this machine has no room for: two polynomials over all primes for a few keys at a time,
    /// and the tables of the ring.
    static func requireMemory(_ parameters: CKKSParameters) throws {
        let ring = parameters.ring
        let tables = 4 * (ring.moduli.count + ring.specialModuli.count) * ring.degree * 8
        try MemoryNeed.require(
            3 * parameters.keyMemoryBytes + tables, for: "making keys for \(parameters)",
            advice: "use a larger machine, or ask for fewer iterations")
    }

    private static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as CKKSError {
            throw CommandFailure(.data, "\(path): \(error.message)")
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        }
    }
}

extension KeyWriter {
    var evaluationPath: String { "\(name).evaluation" }
    var bootstrappingPath: String { "\(name).bootstrapping" }

    /// A key pair and the evaluation keys that a circuit needs, bootstrapping keys among them.
    func write(
        _ secret: CKKSSecretKey, _ requirements: CKKSKeyRequirements, bootstrapping: BootstrappingParameters? = nil
    ) throws -> [String] {
        let paths = [publicPath, secretPath, evaluationPath] + (bootstrapping == nil ? [] : [bootstrappingPath])
        try requireNew(paths)
        let phrase = try secretPassphrase
        let parameters = secret.context.parameters!
        let description = KeyDescription(
            scheme: CKKSKeyFiles.scheme, modulusBits: Int(parameters.ring.log2QP.rounded(.up)), label: label(),
            created: Date().formatted(.iso8601))
        var random = SystemRandom()
        let publicKey = CKKSPublicKey(secret, using: &random)
        var encoder = BinaryEncoder()
        publicKey.encode(into: &encoder)
        return try writeAll(paths) {
            try KeyFile.writeSecret(
                secret.encoded(SecretAccess("writing the secret key file")), kind: .secretKey,
                publicKey: encoder.bytes, description: description, parameters: secret.context.fingerprint,
                key: secret.identity, passphrase: phrase, to: secretPath, using: &random)
            try KeyFile.writePublic(
                encoder.bytes, description: description, parameters: secret.context.fingerprint,
                key: secret.identity, to: publicPath)
            let progress = Progress("making keys", total: requirements.count, unit: "keys")
            defer { progress.finish() }
            try CKKSEvaluationKeyFile.make(secret, for: requirements, to: evaluationPath, using: &random) { done, _ in
                progress.reach(done)
            }
            if let bootstrapping {
                try BootstrappingKeyFile.write(
                    BootstrappingKeys(secret, parameters: bootstrapping, using: &random), to: bootstrappingPath)
            }
        }
    }
}
