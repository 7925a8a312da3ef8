import ArgumentParser
import Foundation

/// Entry point: parses, runs, and turns errors into one line and an exit code.
@main
struct TacitCommand: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "tacit",
        abstract: "Learn from data that nobody may see.",
        discussion: """
            Results go to standard output, everything else to standard error. Exit codes are those of sysexits: 64 usage, \
            65 data, 66 no input, 69 unavailable, 70 internal, 73 cannot create, 74 input/output, 77 permission, \
            78 configuration.

            Start with `tacit demo`.
            """,
        version: version,
        subcommands: [
            DemoCommand.self, DataCommand.self, ExplainCommand.self, KeysCommand.self, EncryptCommand.self,
            TrainCommand.self, DecryptCommand.self, PredictCommand.self, EvaluateCommand.self, ValidateCommand.self,
            AdaptCommand.self, ImportCommand.self, ReadHDF5Command.self, ExportCommand.self, ReportCommand.self,
            PythonPaillierCommand.self,
            AccountCommand.self, BudgetCommand.self, FederationCommand.self, StudyCommand.self,
            SpamCommand.self,
        ])

    static func main() async {
        Interruption.install()
        do {
            var command = try parseAsRoot(PredictCommand.normalised(Array(CommandLine.arguments.dropFirst())))
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch let error where Self.isOurs(error) {
            Console.error("\(error)")
            Foundation.exit(ExitStatus(error).rawValue)
        } catch {
            exit(withError: error)  // ArgumentParser's own: usage, help, version
        }
    }

    private static func isOurs(_ error: any Error) -> Bool {
        let code = exitCode(for: error)
        return code == .failure && !(error is ExitCode)
    }
}

/// Options that every command has.
struct CommonOptions: ParsableArguments {
    @Flag(name: .long, help: "Print the result as JSON on standard output.")
    var json = false

    @Flag(name: .long, help: "Say nothing but results, warnings and errors.")
    var quiet = false

    @Flag(name: .long, help: "Answer every question with yes.")
    var yes = false

    func apply() { Console.setQuiet(quiet) }
}
