import BinaryCoding
import CKKS
import Foundation
import KeyCeremony
import KeyFiles
import MultipartyCKKS
import Randomness

// Files of keys that several holders make and use together: NAME.share-2, NAME.share-2.unfinished while the key is made.

/// One holder's share of a CKKS key, as a file that counts its openings.
struct CollectiveShareFile {
    let path: String
    private(set) var share: CollectiveKeyShare
    private let file: KeyFile
    private let passphrase: SecretBytes?

    init(path: String, _ options: PassphraseOptions, context: CKKSContext) throws {
        let file = try KeyFile(path: path)
        guard file.description.scheme == CKKSKeyFiles.scheme, file.header.kind == .secretShare else {
            throw CommandFailure(
                .data, "\(path): got a \(file.header.kind) of \(file.description.scheme), want a share of a ckks key")
        }
        if file.needsPassphrase {
            passphrase = try options.read(for: path, isNew: false)
        } else {
            Console.warn("\(path): the secret is not protected by a passphrase")
            passphrase = nil
        }
        let secret = try file.openSecret(passphrase: passphrase)
        do throws(MultipartyError) {
            share = try CollectiveKeyShare(encoded: secret, SecretAccess("decoding a share file"), context: context)
            guard share.identity == file.header.key else {
                throw MultipartyError(
                    code: .invalidEncoding, message: "the share is not of the key that the header names")
            }
        } catch { throw CommandFailure(.data, "\(path): \(error.message)") }
        self.path = path
        self.file = file
    }

    /// Stores the share with its new count, then hands over what was made with it.
    mutating func using<Value>(_ body: (inout CollectiveKeyShare) throws -> Value) throws -> Value {
        let value = try body(&share)
        var random = SystemRandom()
        try KeyFile.writeSecret(
            share.encoded(SecretAccess("writing a share file")), kind: .secretShare, publicKey: file.publicKey,
            description: file.description, parameters: file.header.parameters, key: file.header.key,
            passphrase: passphrase, to: path, using: &random)
        return value
    }
}

extension KeyWriter {
    func unfinishedPath(_ holder: Int) -> String { sharePath(holder) + ".unfinished" }

    /// Stores what a holder keeps between its turns.
    func store(_ state: CeremonyState, passphrase: SecretBytes?) throws {
        var random = SystemRandom()
        try KeyFile.writeSecret(
            state.encoded(SecretAccess("writing an unfinished share")), kind: .secretShare, publicKey: [],
            description: KeyDescription(
                scheme: "ckks-unfinished", modulusBits: Int(state.group.parameters.ring.log2QP.rounded(.up)),
                label: label(),
                created: Date().formatted(.iso8601), threshold: state.group.threshold, shares: state.group.parties,
                shareIndex: state.holder),
            parameters: state.group.fingerprint, key: .none, passphrase: passphrase, to: unfinishedPath(state.holder),
            using: &random)
    }

    /// Writes the keys that a ceremony has made, and removes what it needed.
    func write(_ keys: CollectiveKeys, passphrase: SecretBytes?) throws -> [String] {
        let share = keys.share
        let path = sharePath(share.party)
        let paths = [publicPath, path] + (keys.evaluationKeys == nil ? [] : [evaluationPath])
        func description(index: Int?) -> KeyDescription {
            KeyDescription(
                scheme: CKKSKeyFiles.scheme, modulusBits: Int(share.group.parameters.ring.log2QP.rounded(.up)),
                label: label(), created: Date().formatted(.iso8601), threshold: share.group.threshold,
                shares: share.group.parties, shareIndex: index)
        }
        var encoder = BinaryEncoder()
        keys.publicKey.encode(into: &encoder)
        let parameters = keys.publicKey.context.fingerprint
        var random = SystemRandom()
        let made = try writeAll(paths) {
            if let evaluation = keys.evaluationKeys { try CKKSEvaluationKeyFile.write(evaluation, to: evaluationPath) }
            try KeyFile.writePublic(
                encoder.bytes, description: description(index: nil), parameters: parameters, key: keys.identity,
                to: publicPath)
            try KeyFile.writeSecret(
                share.encoded(SecretAccess("writing a share file")), kind: .secretShare, publicKey: encoder.bytes,
                description: description(index: share.party), parameters: parameters, key: keys.identity,
                passphrase: passphrase, to: path, using: &random)
        }
        unlink(unfinishedPath(share.party))
        return made
    }
}

extension DecryptCommand {
    private struct MadeOpening: Encodable {
        var file: String
        var share: Int
        var holders: [Int]
        var openingsLeft: Int
    }

    /// This holder's part of an opening.
    func givePart(of ciphertexts: [CKKSCiphertext], context: CKKSContext, key identity: Fingerprint) throws {
        guard let share else { return }
        guard !holders.isEmpty || join != nil else {
            throw CommandFailure(
                .usage,
                "--holders: say who opens this together, such as --holders 1 3; who comes later gives --join with the first part"
            )
        }
        let first = try join.map { try OpeningPart(path: $0, context: context) }
        let (part, left) = try KeyWriter.lockingFolder(of: share) {
            var holder = try CollectiveShareFile(path: share, passphrase, context: context)
            guard holder.share.identity == identity else {
                throw CommandFailure(
                    .data, "\(share): is of key \(holder.share.identity), but \(file) is encrypted under \(identity)")
            }
            var random = SystemRandom()
            let part = try holder.using { mine in
                if let first {
                    return try OpeningPart.joining(first, opening: ciphertexts, with: &mine, using: &random)
                }
                return try OpeningPart.first(
                    opening: ciphertexts, with: &mine, participants: holders, using: &random)
            }
            return (part, holder.share.group.policy.queries - holder.share.used)
        }
        try part.write(to: out, context: context, key: identity)
        try Console.result(
            MadeOpening(file: out, share: part.holder, holders: part.participants, openingsLeft: left),
            json: common.json,
            "\(out): partial decryption by share \(part.holder), for holders "
                + part.participants.map(String.init).joined(separator: ", ")
                + "; \(left) openings are left under this key")
    }

    /// The values from all parts.
    func combineParts(
        of ciphertexts: [CKKSCiphertext], context: CKKSContext, key identity: Fingerprint
    ) throws -> (parts: [OpeningPart], releases: [CKKSRelease]) {
        if let key {
            let (_, publicKey) = try CKKSKeyFiles.publicKey(key, context: context)
            guard publicKey.identity == identity else {
                throw CommandFailure(
                    .data, "\(key): is key \(publicKey.identity), but \(file) is encrypted under \(identity)")
            }
        }
        let parts = try partial.map { try OpeningPart(path: $0, context: context) }
        return (parts, try OpeningPart.combine(parts, opening: ciphertexts))
    }
}
