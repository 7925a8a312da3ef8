import ArgumentParser
import DifferentialPrivacy
import Foundation
import PrivacyLedger

/// A release in the words of the command line.
struct ReleaseOptions: ParsableArguments {
    @Option(help: "Gaussian noise: its deviation over the bound of one unit's contribution.")
    var noiseMultiplier: Double?
    @Option(help: "Laplace noise: its scale over the bound of one unit's contribution.") var laplaceMultiplier: Double?
    @Option(help: "Any mechanism of this zero-concentrated loss.") var rho: Double?
    @Option(help: "Any mechanism that is (ε, δ)-private: its ε.") var epsilon: Double?
    @Option(help: "Any mechanism that is (ε, δ)-private: its δ.") var delta: Double?
    @Option(help: "Each unit takes part with this probability (Poisson sampling).") var samplingRate: Double?
    @Option(help: "So many times the same.") var steps: Int?

    /// nil when nothing was said.
    func event() throws -> PrivacyEvent? {
        var events: [PrivacyEvent] = []
        if let noiseMultiplier { events.append(.gaussian(noiseMultiplier: noiseMultiplier)) }
        if let laplaceMultiplier { events.append(.laplace(noiseMultiplier: laplaceMultiplier)) }
        if let rho { events.append(.zeroConcentrated(rho: rho)) }
        if epsilon != nil || delta != nil {
            guard let epsilon else { throw CommandFailure(.usage, "delta: belongs to --epsilon") }
            events.append(.approximate(epsilon: epsilon, delta: delta ?? 0))
        }
        guard events.count < 2 else {
            throw CommandFailure(
                .usage, "release: want one of --noise-multiplier, --laplace-multiplier, --rho and --epsilon")
        }
        guard var event = events.first else {
            guard samplingRate == nil, steps == nil else {
                throw CommandFailure(.usage, "release: --sampling-rate and --steps say nothing without a mechanism")
            }
            return nil
        }
        if let samplingRate { event = .poissonSampled(rate: samplingRate, event: event) }
        if let steps { event = .repeated(event, count: steps) }
        return event
    }
}

struct BudgetCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check that a ledger is unaltered, and whether a release would be allowed.",
        discussion: """
            Every entry, every link and the file's structure are checked. --head takes a hash that was noted earlier: it \
            finds older copies and ledgers that were written anew. With a release, asks without spending; exit code 77 \
            says that the budget does not allow it.
            """)

    @Argument(help: "A ledger.") var ledger: String
    @Option(help: "A head noted earlier; may be repeated.") var head: [String] = []
    @Option(help: "The data, a file or a registered name, to compare with the ledger's.") var data: String?
    @OptionGroup(title: "Release") var release: ReleaseOptions
    @OptionGroup var common: CommonOptions

    struct Shown: Encodable {
        var entries: Int
        var head: LedgerHash
        var epsilon: Double
        var delta: Double
        var spent: Double
        var left: Double
        /// ε of the release alone, and of everything with it.
        var wanted: Double?
        var together: Double?
    }

    func run() throws {
        common.apply()
        let event = try release.event()
        let opened = try PrivacyLedger.open(ledger, .reading)
        let found = try opened.verify(pinned: head.map { try LedgerHash(hexadecimal: $0) })
        if let data {
            try opened.require(
                unit: opened.budget.unit, neighbouring: opened.budget.neighbouring,
                fingerprint: LedgerDataSet(named: data, name: nil).fingerprint)
        }
        let forecast = try opened.forecast(event ?? .nothing)
        if event != nil { try forecast.requireFit(path: ledger) }
        let shown = Shown(
            entries: found.sequence + 1, head: found.hash, epsilon: forecast.before.epsilon,
            delta: forecast.before.delta, spent: forecast.before.spent, left: forecast.before.left,
            wanted: event == nil ? nil : forecast.wanted, together: event == nil ? nil : forecast.together)
        var text = "\(ledger): \(shown.entries) entries, unaltered; head \(shown.head)"
        if event != nil { text += "\n\(forecast.explanation): it would be allowed" }
        try Console.result(shown, json: common.json, text)
    }
}

struct BudgetSpendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spend", abstract: "Enter a release that another program makes, then run that program.",
        discussion: """
            tacit budget spend my.ledger --epsilon 0.5 --purpose "count by ward" -- python3 count.py

            The program is started only when the entry is on the disk; what the release costs stays spent whatever the \
            program does. Without a program, the release may be made when this command has succeeded.
            """)

    @Argument(help: "A ledger.") var ledger: String
    @OptionGroup(title: "Release") var release: ReleaseOptions
    @Option(help: "What the release is for.") var purpose: String
    @Argument(parsing: .postTerminator, help: "After --: a program with its arguments.") var program: [String] = []
    @OptionGroup var common: CommonOptions

    struct Made: Encodable {
        var sequence: Int
        var hash: LedgerHash
        var spent: Double
        var left: Double
    }

    func run() throws {
        common.apply()
        guard let event = try release.event() else {
            throw CommandFailure(
                .usage, "release: want one of --noise-multiplier, --laplace-multiplier, --rho and --epsilon")
        }
        let executable = try program.first.map { try Self.find($0) }
        let opened = try PrivacyLedger.open(ledger, .spending)
        let entry = try opened.authorise(event, purpose: purpose)
        guard let executable else {
            let now = try opened.forecast(.nothing)
            return try Console.result(
                Made(sequence: entry.sequence, hash: entry.hash, spent: now.before.spent, left: now.before.left),
                json: common.json,
                "\(ledger): entry \(entry.sequence) authorises it; spent \(now.spentText), left \(now.leftText)")
        }
        Console.log("\(ledger): entry \(entry.sequence) authorises it; running \(program[0])")
        try Self.replaceProcess(by: executable, program)
    }

    /// Looked for before anything is spent.
    private static func find(_ name: String) throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let candidates = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        var isFolder: ObjCBool = false
        guard
            let found = candidates.first(where: {
                FileManager.default.isExecutableFile(atPath: $0)
                    && FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
            })
        else { throw CommandFailure(.noInput, "\(name): no such program; nothing was spent") }
        return found
    }

    private static func replaceProcess(by executable: String, _ arguments: [String]) throws -> Never {
        // Ignored signals stay ignored in the new program, which expects the usual behaviour.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ] { signal(number, SIG_DFL) }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        execv(executable, pointers)
        throw CommandFailure(
            .unavailable, "\(executable): cannot be run: \(String(cString: strerror(errno))); it stays spent")
    }
}
