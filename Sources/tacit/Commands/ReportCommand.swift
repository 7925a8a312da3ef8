import ArgumentParser
import AtomicFiles
import Foundation
import PrivacyReports

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Show and compare privacy reports.",
        subcommands: [ReportShowCommand.self, ReportCompareCommand.self])
}

/// Reports on disk.
enum ReportFile {
    static func read(_ path: String) throws -> PrivacyReport {
        let bytes = try readFile(path, limit: PrivacyReport.maximumBytes)
        do throws(PrivacyReportsError) {
            return try PrivacyReport(jsonData: Data(bytes))
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
    }

    /// Writes `stem.json` and `stem.html`.
    static func write(_ report: PrivacyReport, stem: String) throws {
        try report.write(jsonPath: stem + ".json", htmlPath: stem + ".html")
    }

    static var terminal: TerminalOptions {
        TerminalOptions(
            width: min(Console.width, 110), colour: Console.usesColour(Console.outputIsTerminal),
            unicode: (ProcessInfo.processInfo.environment["LANG"] ?? "UTF-8").uppercased().contains("UTF")
                || !Console.outputIsTerminal)
    }
}

struct ReportShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a report in the terminal, or as HTML.")

    @Argument(help: "A report (JSON).") var file: String
    @Option(help: "Write the HTML page to this file instead.") var html: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let report = try ReportFile.read(file)
        if let html {
            try writeAtomically(Array(report.html().utf8), to: html)
            return Console.result(html)
        }
        if common.json { return Console.result(String(decoding: try report.jsonData(), as: UTF8.self)) }
        Console.result(report.terminalSummary(ReportFile.terminal))
    }
}

struct ReportCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Set two or more reports side by side.")

    @Argument(help: "Reports (JSON).") var files: [String]
    @Option(help: "Write an HTML page to this file instead.") var html: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard files.count >= 2 else { throw ValidationError("want at least two reports") }
    }

    func run() throws {
        common.apply()
        let reports = try files.map { try ReportFile.read($0) }
        let comparison = try ReportComparison(reports)
        if let html {
            try writeAtomically(Array(comparison.html().utf8), to: html)
            return Console.result(html)
        }
        if common.json {
            let texts = try reports.map { String(decoding: try $0.jsonData(), as: UTF8.self) }
            return Console.result("[" + texts.joined(separator: ",\n") + "]")
        }
        Console.result(comparison.terminalText(ReportFile.terminal))
    }
}
