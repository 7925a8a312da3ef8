import ArgumentParser
import BinaryCoding
import Foundation
import KeyFiles
import Paillier
import Randomness

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, look at and share keys.",
        subcommands: [
            KeysGenerateCommand.self, KeysInspectCommand.self, KeysSplitCommand.self, KeysCollectiveCommand.self,
        ])
}

/// Writes keys and shares under the names that all commands use.
struct KeyWriter {
    var name: String
    var passphrase: PassphraseOptions
    var isUnprotected: Bool

    var publicPath: String { "\(name).public" }
    var secretPath: String { "\(name).secret" }
    func sharePath(_ index: Int) -> String { "\(name).share-\(index)" }

    /// Refuses to replace a key: a lost secret key takes everything encrypted under it along.
    func requireNew(_ paths: [String]) throws { try Self.requireNew(paths, "keys are never overwritten") }

    static func requireNew(_ paths: [String], _ reason: String) throws {
        for path in paths where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure(
                .cannotCreate, "\(path): exists; \(reason). Choose another --out or move it away")
        }
    }

    /// Refuses numbers of shares that no key can have, before anything of that number is made.
    static func check(threshold: Int, shares: Int) throws {
        guard (2...255).contains(shares) else { throw CommandFailure(.usage, "--shares: got \(shares), want 2...255") }
        guard (2...shares).contains(threshold) else {
            throw CommandFailure(.usage, "--threshold: got \(threshold), want 2...\(shares), the number of shares")
        }
    }

    var secretPassphrase: SecretBytes? {
        get throws {
            guard !isUnprotected else {
                Console.warn("secrets are written without a passphrase; only the files' mode protects them")
                return nil
            }
            return try passphrase.read(for: "the new secret of \(name)", isNew: true)
        }
    }

    func label() -> String { URL(fileURLWithPath: name).lastPathComponent }

    private func description(_ key: PaillierPublicKey, sharing: PaillierSharing? = nil, index: Int? = nil)
        -> KeyDescription
    {
        KeyDescription(
            scheme: "paillier", modulusBits: key.parameters.modulusBits, label: label(),
            created: Date().formatted(.iso8601), threshold: sharing?.threshold, shares: sharing?.shareCount,
            shareIndex: index)
    }

    private func parameters(_ key: PaillierPublicKey) -> Fingerprint {
        Fingerprint(of: Array("paillier \(key.parameters.modulusBits)".utf8))
    }

    /// Writes all of the files or none of them, and only while no other process writes keys to the same folder.
    func writeAll(_ paths: [String], _ body: () throws -> Void) throws -> [String] {
        try Self.writeAll(paths, "keys are never overwritten", body)
        return paths
    }

    static func writeAll(_ paths: [String], _ reason: String, _ body: () throws -> Void) throws {
        try lockingFolder(of: paths[0]) {
            try requireNew(paths, reason)
            do {
                try body()
            } catch {
                for path in paths { unlink(path) }
                throw error
            }
        }
    }

    /// While no other process changes keys in the same folder.
    static func lockingFolder<Value>(of file: String, _ body: () throws -> Value) rethrows -> Value {
        let folder = open(URL(fileURLWithPath: file).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        if folder >= 0 { flock(folder, LOCK_EX) }
        defer { if folder >= 0 { close(folder) } }
        return try body()
    }

    func write(_ secret: PaillierSecretKey) throws -> [String] {
        try requireNew([publicPath, secretPath])
        let phrase = try secretPassphrase
        return try writeAll([publicPath, secretPath]) { try write(secret, phrase) }
    }

    private func write(_ secret: PaillierSecretKey, _ phrase: SecretBytes?) throws {
        let key = secret.publicKey
        var random = SystemRandom()
        try KeyFile.writeSecret(
            secret.encoded(SecretAccess("writing the secret key file")), kind: .secretKey, publicKey: key.encoded,
            description: description(key), parameters: parameters(key), key: key.fingerprint, passphrase: phrase,
            to: secretPath, using: &random)
        try KeyFile.writePublic(
            key.encoded, description: description(key), parameters: parameters(key), key: key.fingerprint,
            to: publicPath)
    }

    /// A public key alone.
    func write(_ key: PaillierPublicKey) throws -> [String] {
        try writeAll([publicPath]) {
            try KeyFile.writePublic(
                key.encoded, description: description(key), parameters: parameters(key), key: key.fingerprint,
                to: publicPath)
        }
    }

    func write(_ shares: [PaillierKeyShare]) throws -> [String] {
        let paths = shares.map { sharePath($0.index) }
        try requireNew([publicPath] + paths)
        let phrase = try secretPassphrase
        return try writeAll([publicPath] + paths) { try write(shares, to: paths, phrase) }
    }

    private func write(_ shares: [PaillierKeyShare], to paths: [String], _ phrase: SecretBytes?) throws {
        let sharing = shares[0].sharing
        let key = sharing.publicKey
        var encoder = BinaryEncoder()
        sharing.encode(into: &encoder)
        var random = SystemRandom()
        for (share, path) in zip(shares, paths) {
            try KeyFile.writeSecret(
                share.encoded(SecretAccess("writing a share file")), kind: .secretShare, publicKey: encoder.bytes,
                description: description(key, sharing: sharing, index: share.index), parameters: parameters(key),
                key: key.fingerprint, passphrase: phrase, to: path, using: &random)
        }
        try KeyFile.writePublic(
            encoder.bytes, description: description(key, sharing: sharing), parameters: parameters(key),
            key: key.fingerprint, to: publicPath)
    }
}

struct KeysGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Make a key pair, or a public key whose secret is shared.",
        discussion: """
            With --threshold K --shares N this machine acts as the dealer: it makes the key, writes N share files, any K \
            of which decrypt together, and keeps no secret key. Hand each share to its holder and delete it here.

            With --scheme ckks the parameters follow from what is to be computed: --data (or --rows and --columns), \
            --model and --iterations, as `tacit explain` shows them. Besides the pair, NAME.evaluation is written: the keys \
            that a server needs, and nobody's secret. With --model FILE.safetensors, or the file that `tacit explain --out` \
            wrote, they are for the predictions of that network, and NAME.circuit says so.
            """)

    @Option(help: "The scheme: paillier or ckks.") var scheme = "paillier"
    @Option(help: "ckks: a CSV file, or the name of a registered data set; only its size is used.") var data: String?
    @OptionGroup var format: TableFormatOptions
    @Option(help: "ckks: overrides the schema's target.") var target: String?
    @OptionGroup var circuit: CircuitOptions
    @OptionGroup var release: ModelReleaseOptions
    @Flag(help: "ckks: keys for predictions instead of training; much smaller.") var prediction = false
    @Option(help: "Bits of the modulus: 3072 (128-bit security), 4096, or 2048 (112 bits, with a warning).")
    var bits = 3072
    @Option(help: "How many shares decrypt together.") var threshold: Int?
    @Option(help: "How many shares there are.") var shares: Int?
    @Option(help: "Name of the files: NAME.public, NAME.secret or NAME.share-1 ….") var out = "tacit"
    @Flag(help: "Write secrets without a passphrase.") var unprotected = false
    @Flag(help: "Allow fewer bits than any table calls secure. For experiments; reports will shout.") var insecure =
        false
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard ["paillier", CKKSKeyFiles.scheme].contains(scheme) else {
            throw ValidationError("--scheme: got \(scheme), want paillier or ckks")
        }
        guard scheme == "paillier" || threshold == nil else {
            throw ValidationError(
                "--threshold: shares of a ckks key are made by its holders together; see `tacit keys collective`")
        }
        guard (threshold == nil) == (shares == nil) else {
            throw ValidationError("--threshold and --shares go together")
        }
    }

    func run() throws {
        common.apply()
        if scheme == CKKSKeyFiles.scheme { return try generateCKKS() }
        let parameters =
            try insecure
            ? PaillierParameters.insecure(bits: bits) : PaillierParameters(.init(modulusBits: bits))
        if let warning = parameters.warning { Console.warn(warning) }
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        if let threshold, let shares { try KeyWriter.check(threshold: threshold, shares: shares) }
        try writer.requireNew(
            [writer.publicPath, writer.secretPath] + (shares.map { (1...$0).map(writer.sharePath) } ?? []))
        Console.log("Making a \(bits)-bit Paillier key …")
        let secret = PaillierSecretKey.generate(parameters)
        let files: [String]
        if let threshold, let shares {
            files = try writer.write(secret.split(threshold: threshold, shares: shares))
        } else {
            files = try writer.write(secret)
        }
        if common.json {
            try Console.json(Made(fingerprint: secret.publicKey.fingerprint.hexadecimal, files: files))
        } else {
            Console.result("key \(secret.publicKey.fingerprint)")
            for file in files { Console.result("  \(file)") }
        }
    }

    struct Made: Encodable {
        var fingerprint: String
        var files: [String]
        var parameters: String?
    }
}

struct KeysInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a key file says about itself. Needs no passphrase.")

    @Argument(help: "A key file.") var file: String
    @OptionGroup var common: CommonOptions

    struct Shown: Encodable {
        var kind: String
        var description: KeyDescription
        var fingerprint: String
        var securityBits: Int
        var passphrase: Bool
    }

    func run() throws {
        common.apply()
        let scheme = try KeyFile(path: file).description.scheme
        if [CKKSKeyFiles.scheme, ScoringKeyFile.scheme].contains(scheme) { return try showCKKS(scheme) }
        let (keyFile, key) = try KeyInput.publicKey(file)
        let shown = Shown(
            kind: keyFile.header.kind.name, description: keyFile.description, fingerprint: key.fingerprint.hexadecimal,
            securityBits: key.parameters.estimatedSecurityBits, passphrase: keyFile.needsPassphrase)
        if common.json { return try Console.json(shown) }
        let description = keyFile.description
        Console.result("\(keyFile.header.kind) \"\(description.label)\"")
        Console.result(
            "  scheme       \(description.scheme), \(description.modulusBits) bits (\(shown.securityBits)-bit security)"
        )
        Console.result("  fingerprint  \(key.fingerprint)")
        Console.result("  made         \(description.created)")
        if let threshold = description.threshold, let shares = description.shares {
            Console.result("  shared       any \(threshold) of \(shares) decrypt together")
        }
        if let index = description.shareIndex { Console.result("  share        number \(index)") }
        if keyFile.isSecret {
            Console.result(
                "  protection   \(keyFile.needsPassphrase ? "passphrase (scrypt, ChaCha20-Poly1305)" : "NONE but the file's mode")"
            )
        }
    }
}

struct KeysSplitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split", abstract: "Share a secret key among several holders.",
        discussion: "Delete the secret key afterwards: as long as it exists, its holder can decrypt alone.")

    @Argument(help: "A secret key file.") var file: String
    @Option(help: "How many shares decrypt together.") var threshold: Int
    @Option(help: "How many shares to make.") var shares: Int
    @Option(help: "Name of the new files: NAME.public and NAME.share-1 ….") var out: String
    @Flag(help: "Write shares without a passphrase.") var unprotected = false
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        try KeyWriter.check(threshold: threshold, shares: shares)
        let (_, secret) = try KeyInput.secretKey(file, passphrase)
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        let files = try writer.write(secret.split(threshold: threshold, shares: shares))
        if common.json {
            try Console.json(
                KeysGenerateCommand.Made(fingerprint: secret.publicKey.fingerprint.hexadecimal, files: files))
        } else {
            for file in files { Console.result(file) }
        }
    }
}
