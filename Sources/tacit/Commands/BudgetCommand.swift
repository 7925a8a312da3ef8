import ArgumentParser
import Datasets
import DifferentialPrivacy
import Foundation
import PrivacyLedger

struct BudgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget", abstract: "The ledger of what was released about a data set, and its budget.",
        discussion: """
            A ledger is one file for a data set and a privacy unit. Every release with noise is entered before it is made, \
            or refused when the budget does not allow it. docs/privacy-ledger.md says what the numbers mean.
            """,
        subcommands: [
            BudgetCreateCommand.self, BudgetShowCommand.self, BudgetHistoryCommand.self, BudgetCheckCommand.self,
            BudgetSpendCommand.self,
        ])
}

extension PrivacyLedger {
    static func open(_ path: String, _ access: Access) throws -> PrivacyLedger {
        try PrivacyLedger(path: path, access: access, identity: .tacit())
    }
}

extension LedgerIdentity {
    /// Entries made by this program.
    static func tacit() throws -> LedgerIdentity { try LedgerIdentity(program: "tacit \(TacitCommand.version)") }
}

extension LedgerDataSet {
    /// A file with its fingerprint, or a registered data set by name.
    init(named data: String, name: String?) throws {
        if data == MNIST.name || Dataset.all.contains(where: { $0.name == data }) {
            self.init(name: name ?? data, fingerprint: "registered data set \(data)")
        } else {
            try self.init(file: data, name: name ?? URL(fileURLWithPath: data).lastPathComponent)
        }
    }
}

enum NeighbouringOption: String, ExpressibleByArgument, CaseIterable {
    case addOrRemoveOne = "add-or-remove-one"
    case replaceOne = "replace-one"

    var value: Neighbouring { self == .addOrRemoveOne ? .addOrRemoveOne : .replaceOne }
}

struct BudgetCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Declare a budget. It is never changed afterwards.",
        discussion: """
            --choice adaptive (the default) is right whenever anybody may look at one result before deciding on the next \
            release. --choice planned adds losses up more tightly, and holds only when the list of releases and all their \
            parameters are fixed before the first result is seen.
            """)

    @Argument(help: "The ledger to make.") var ledger: String
    @Option(help: "The data: a file, or the name of a registered data set.") var data: String
    @Option(help: "The data's name in reports; without it the file's.") var name: String?
    @Option(help: "ε of all releases together.") var epsilon: Double
    @Option(help: "δ of all releases together.") var delta: Double
    @Option(help: "Whom it protects: what one privacy unit is, such as row, patient, household.") var unit: String
    @Option(help: "When two data sets are neighbours.") var neighbouring: NeighbouringOption
    @Option(help: "How releases are chosen: adaptive or planned.") var choice: String = "adaptive"
    @Option(help: "How many units there are, if that is public; warns when δ is too large for them.") var units: Int?
    @Option(help: "Who declares it and why.") var purpose: String = "budget declared"
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        guard let choice = ReleaseChoice(rawValue: choice) else {
            throw CommandFailure(.usage, "choice: got \(choice), want adaptive or planned")
        }
        let budget = try PrivacyBudget(
            epsilon: epsilon, delta: delta, neighbouring: neighbouring.value, unit: PrivacyUnit(unit),
            dataSet: LedgerDataSet(named: data, name: name), choice: choice)
        let made = try PrivacyLedger.create(path: ledger, budget: budget, purpose: purpose, identity: .tacit())
        if let units, units > 0, delta >= 1 / Double(units) {
            Console.warn("delta: \(delta) is not below 1 / \(units); one unit in \(units) could be published outright")
        }
        if epsilon > 10 { Console.warn("epsilon: \(epsilon) promises little to anybody; values up to 10 are usual") }
        let declared = try made.history()[0].content
        try Console.result(try made.summary(), json: common.json, "\(ledger): \(declared); head \(made.head.hash)")
    }
}

struct BudgetShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "What is spent, what is left, and the head to note elsewhere.")

    @Argument(help: "A ledger.") var ledger: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let opened = try PrivacyLedger.open(ledger, .reading)
        let summary = try opened.summary()
        if common.json { return try Console.json(summary) }
        let forecast = try opened.forecast(.nothing)
        Console.result("\(summary.dataSet), each \(summary.unit), \(summary.neighbouring.words)")
        Console.result("    budget     ε = \(epsilon(summary.epsilon)) at δ = \(epsilon(summary.delta))")
        Console.result("    spent      \(forecast.spentText), left \(forecast.leftText)")
        Console.result("    releases   \(summary.releases.count), \(summary.choice.words), added by \(summary.rule)")
        Console.result("    entries    \(summary.entries), from \(summary.opened) to \(summary.latest)")
        Console.result("    head       \(summary.head)")
        for release in summary.releases {
            guard let run = release.run, !run.isOver else { continue }
            Console.result(
                "    open run   \(run.identifier): \(run.authorised) of \(run.steps) steps, \(release.purpose)")
        }
    }

    private func epsilon(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }
}

struct BudgetHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Who released what, when, why, and with which program.")

    @Argument(help: "A ledger.") var ledger: String
    @Option(help: "Only so many of the latest entries.") var last: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let last, last < 1 { throw ValidationError("last: got \(last), want at least 1") }
    }

    struct Shown: Encodable {
        var sequence: Int
        var time: String
        var kind: String
        var content: String
        var purpose: String
        var actor: String
        var host: String
        var process: Int32
        var program: String
        /// By how much the clock was behind the entry before.
        var clockLagSeconds: Double
        var hash: LedgerHash
    }

    func run() throws {
        common.apply()
        let shown = try PrivacyLedger.open(ledger, .reading).history(last: last).map { entry in
            Shown(
                sequence: entry.sequence, time: entry.timestamp, kind: entry.content.kind,
                content: "\(entry.content)", purpose: entry.purpose, actor: entry.actor, host: entry.host,
                process: entry.process, program: entry.program, clockLagSeconds: Double(entry.clockLag) / 1e6,
                hash: entry.hash)
        }
        if common.json { return try Console.json(shown) }
        for entry in shown {
            Console.result("\(entry.sequence)  \(entry.time)  \(entry.purpose)")
            Console.result("    \(entry.content)")
            let lag = entry.clockLagSeconds > 0 ? ", its clock \(entry.clockLagSeconds) s behind" : ""
            Console.result("    \(entry.actor) on \(entry.host)\(lag), \(entry.program), process \(entry.process)")
        }
    }
}
