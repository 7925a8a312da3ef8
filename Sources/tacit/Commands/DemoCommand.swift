import ArgumentParser
import AtomicFiles
import Datasets
import Foundation
import PrivacyReports
import PrivateLearning
import Randomness
import Tabular

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Three hospitals learn together, and nobody sees a patient.",
        discussion: """
            The diabetes table is divided among three hospitals. Each encrypts its sums under a joint key whose secret is \
            split among them, any two of three; an aggregator without a key adds ciphertexts; two hospitals open the total; \
            a clinic has its own patients predicted under encryption. Every party is a process of its own with a folder of \
            its own. Ends in a privacy report.
            """)

    @Option(help: "The folder to write.") var out = "tacit-demo"
    @Option(help: "Bits of the keys.") var bits = 3072
    @Option(help: "Seed of the division of patients; reaches nothing secret.") var seed: UInt64 = 1
    @OptionGroup var common: CommonOptions

    private static let hospitals = ["Hospital A", "Hospital B", "Hospital C"]

    func run() throws {
        common.apply()
        let started = ContinuousClock.now
        let folder = URL(fileURLWithPath: out).path
        if FileManager.default.fileExists(atPath: folder) {
            guard FileManager.default.fileExists(atPath: folder + "/demo.marker") else {
                throw CommandFailure(.cannotCreate, "\(out): exists and was not made by the demo; choose another --out")
            }
            try FileManager.default.removeItem(atPath: folder)
        }
        let story = try DemoStory(folder: folder, bits: bits, seed: seed, hospitals: Self.hospitals)
        let report = try story.tell()
        try ReportFile.write(report, stem: folder + "/report")
        let wall = ContinuousClock.now - started
        if common.json { return Console.result(String(decoding: try report.jsonData(), as: UTF8.self)) }
        Console.log("")
        Console.result(report.terminalSummary(ReportFile.terminal))
        Console.log("  All of it took \(wall.components.seconds) s. The report as a page: \(out)/report.html")
        Console.log("  The same on your own files: see the README, or `tacit --help`.")
    }
}
