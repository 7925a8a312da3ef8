import ArgumentParser
import CKKS
import Foundation
import KeyCeremony
import KeyFiles
import MultipartyCKKS
import PrivateLearning
import Randomness

struct KeysCollectiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collective",
        abstract: "Make one CKKS key of which every holder has a share and nobody the whole.",
        discussion: """
            One holder says what the key is for; then every holder, on a machine of its own, runs `contribute` until it has \
            its share. The folder may be shared storage or copied around: what is secret in it is sealed to its recipient.
              tacit keys collective start --folder study --threshold 2 --shares 3 --data mine.csv --model logistic
              tacit keys collective contribute --folder study --holder 1 --out a
            Then anyone encrypts with a.public, a server trains with a.evaluation, and any 2 holders open (`tacit decrypt \
            --share`).
            """,
        subcommands: [KeysCollectiveStartCommand.self, KeysCollectiveContributeCommand.self])
}

struct KeysCollectiveStartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Write down what all holders agree on: parameters, threshold, keys, noise.",
        discussion: """
            Parameters follow from what is to be computed, as in `tacit keys generate --scheme ckks`, and from the noise with \
            which holders hide the key when they open results (docs/threshold-ckks.md): --loss-bits bounds what openings \
            give away of the key's own security, --statistical-bits instead makes them indistinguishable, which needs more \
            noise than long training runs leave room for.
            """)

    @Option(help: "The folder that holders exchange messages through.") var folder: String
    @Option(help: "How many holders decrypt together.") var threshold: Int
    @Option(help: "How many holders there are, each with a share.") var shares: Int
    @Option(help: "A CSV file, or the name of a registered data set; only its size is used.") var data: String?
    @OptionGroup var format: TableFormatOptions
    @Option(help: "Overrides the schema's target.") var target: String?
    @OptionGroup var circuit: CircuitOptions
    @Option(help: "A name of this key's study, for people.") var label: String?
    @Option(help: "Ciphertexts that may be opened under the key in its life; a model takes two or three.")
    var openings = 4
    @Option(name: .customLong("loss-bits"), help: "Bits of the key's security that all openings together may cost.")
    var lossBits: Int?
    @Option(name: .customLong("statistical-bits"), help: "Bits of indistinguishability instead, 20 to 64.")
    var statisticalBits: Int?
    @Option(
        name: .customLong("opened-error"),
        help: "The greatest error of an opened weight, noise included, in units of the sigmoid's interval.")
    var openedError = GradientCircuit.standardOpenedErrorBound
    @Flag(help: "Allow parameters below 128 bits. For experiments; reports will shout.") var insecure = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard lossBits == nil || statisticalBits == nil else {
            throw ValidationError("--loss-bits and --statistical-bits exclude each other")
        }
        guard openedError > 0 else {
            throw ValidationError("--opened-error: got \(openedError), want a positive number")
        }
    }

    private struct Started: Encodable {
        var file: String
        var group: String
        var parameters: String
        var threshold: Int
        var shares: Int
        var openedErrorBound: Double
        var noiseDeviation: Double
        var keyBytes: Int
    }

    func run() throws {
        common.apply()
        try KeyWriter.check(threshold: threshold, shares: shares)
        let circuit = try circuit.circuit(data: data, format: format, target: target)
        let policy = try CKKSReleasePolicy(
            statisticalBits.map { .indistinguishability(statisticalBits: $0) } ?? .keyRecovery(lossBits: lossBits ?? 1),
            queries: openings)
        let made = try circuit.collectivePlan(
            holders: shares, threshold: threshold, policy: policy,
            label: label ?? URL(fileURLWithPath: folder).lastPathComponent,
            errorBound: self.circuit.error ?? GradientCircuit.standardErrorBound,
            openedErrorBound: openedError, security: insecure ? .insecureForTestsOnly : .classical128)
        if insecure { Console.warn("\(made.plan.parameters): not secure; for experiments only") }
        let place = CeremonyFolder(path: folder)
        try place.begin(made.group)
        let started = Started(
            file: place.groupPath, group: made.group.fingerprint.hexadecimal,
            parameters: made.plan.parameters.description, threshold: threshold, shares: shares,
            openedErrorBound: made.precision.errorBound, noiseDeviation: made.precision.noiseDeviation,
            keyBytes: made.plan.keyBytes)
        if common.json { return try Console.json(started) }
        Console.result("\(place.groupPath): \(made.group)")
        Console.result("  agreement    \(made.group.fingerprint); every holder sees the same at its turns")
        Console.result("  openings     \(policy)")
        Console.result(
            "  weights      opened within \(String(format: "%.2g", made.precision.errorBound)) of the interval, typically "
                + String(format: "%.2g", made.precision.noiseDeviation))
        Console.result(
            "  next         every holder: tacit keys collective contribute --folder \(folder) --holder NUMBER --out NAME"
        )
    }
}

struct KeysCollectiveContributeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contribute", abstract: "Take this holder's turn; repeat until the share is there.",
        discussion: """
            A turn takes in what the other holders have put into the folder and answers it; five turns of each holder make \
            the key. Compare the check code by telephone: it is the same for all unless somebody exchanged messages.
            NAME.share-NUMBER.unfinished keeps what only this holder may know between its turns; when the key is done, \
            NAME.public, NAME.evaluation and NAME.share-NUMBER take its place.
            """)

    @Option(help: "The folder that holders exchange messages through.") var folder: String
    @Option(help: "This holder's number, 1 to the number of shares.") var holder: Int
    @Option(help: "Name of the files: NAME.public, NAME.evaluation, NAME.share-NUMBER.") var out: String
    @Flag(help: "Write secrets without a passphrase.") var unprotected = false
    @Flag(help: "Take part though the agreement is below 128 bits. For experiments.") var insecure = false
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    private struct Turned: Encodable {
        var agreement: String
        var checkCode: String?
        var written: [String]
        var waitingFor: [String]
        var fingerprint: String?
        var files: [String]
    }

    func run() throws {
        common.apply()
        let place = CeremonyFolder(path: folder)
        let group = try place.group()
        guard group.parameters.literal.security != .insecureForTestsOnly || insecure else {
            throw CommandFailure(
                .usage, "\(place.groupPath): \(group): below every published table; --insecure takes part all the same")
        }
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        try writer.requireNew([writer.publicPath, writer.evaluationPath, writer.sharePath(holder)])
        let (begun, keys, phrase) = try KeyWriter.lockingFolder(of: out) { try turn(group, place, writer) }
        var turned = begun
        if let keys {
            turned.files = try writer.write(keys, passphrase: phrase)
            turned.fingerprint = keys.identity.hexadecimal
        }
        if common.json { return try Console.json(turned) }
        Console.result("\(group)")
        Console.result("  agreement    \(group.fingerprint)")
        if let code = turned.checkCode { Console.result("  check code   \(code); the same for all holders") }
        for name in turned.written { Console.result("  wrote        \(name)") }
        for name in turned.waitingFor { Console.result("  waiting for  \(name)") }
        if let fingerprint = turned.fingerprint { Console.result("key \(fingerprint)") }
        for file in turned.files { Console.result("  \(file)") }
    }

    private func turn(
        _ group: CollectiveGroup, _ place: CeremonyFolder, _ writer: KeyWriter
    ) throws -> (Turned, CollectiveKeys?, SecretBytes?) {
        var state: CeremonyState
        let phrase: SecretBytes?
        let path = writer.unfinishedPath(holder)
        if FileManager.default.fileExists(atPath: path) {
            let file = try KeyFile(path: path)
            phrase = file.needsPassphrase ? try passphrase.read(for: path, isNew: false) : nil
            let secret = try file.openSecret(passphrase: phrase)
            do throws(KeyCeremonyError) {
                state = try CeremonyState(encoded: secret, SecretAccess("decoding an unfinished share"))
            } catch { throw CommandFailure(.data, "\(path): \(error.message)") }
            guard state.holder == holder else {
                throw CommandFailure(.data, "\(path): is of holder \(state.holder), want \(holder)")
            }
        } else {
            var random = SystemRandom()
            state = try CeremonyState(group, holder: holder, using: &random)
            phrase = try writer.secretPassphrase
        }
        let turn = try KeyCeremony.turn(&state, in: place) { try writer.store($0, passphrase: phrase) }
        var result = Turned(
            agreement: group.fingerprint.hexadecimal, checkCode: turn.checkCode?.description, written: turn.written,
            waitingFor: [], fingerprint: nil, files: [])
        switch turn.outcome {
        case .waiting(let names):
            result.waitingFor = names
            return (result, nil, phrase)
        case .finished(let keys): return (result, keys, phrase)
        }
    }
}
