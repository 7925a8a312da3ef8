import ArgumentParser
import AtomicFiles
import CoordinatorStore
import Federation
import FederationService
import Foundation
import TacitDashboard

struct FederationStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "How far a study is, who took part; beside a running coordinator or without one.")

    @OptionGroup var option: StudyOption
    @OptionGroup var common: CommonOptions

    func run() async throws {
        common.apply()
        let state = try await StudyReading(option).dashboardState()
        if common.json { return try Console.json(state) }
        Console.result("\(state.study): \(state.phase)")
        for round in state.rounds.suffix(10) {
            let metric =
                state.metrics.first.flatMap { first in
                    round.metrics[first.key].map { String(format: "  %@ %.4f", first.title, $0) }
                } ?? ""
            let dropped = round.dropped.isEmpty ? "" : "  without \(round.dropped.joined(separator: ", "))"
            Console.result("  \(round.title): \(round.contributors.count) sites\(metric)\(dropped)")
        }
        if let metric = state.metrics.first {
            for line in state.baselines where line.metric == metric.key {
                Console.result("  \(line.name): " + String(format: "%@ %.4f", metric.title, line.value))
            }
        }
        for site in state.sites { Console.result("  \(site.name): \(site.standing), \(site.rounds) rounds") }
    }
}

struct FederationExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the model so far (.safetensors) and the privacy report (.html, .json).")

    @OptionGroup var option: StudyOption

    @Option(name: .long, help: "Names of the files, without ending.")
    var out: String

    @Flag(
        name: .long,
        help: "Also write all that the coordinator took in, for `verify`; wants a study served with --keep-transcript.")
    var transcript = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        common.apply()
        let reading = try StudyReading(option)
        let record = transcript ? try await reading.service.transcript() : nil
        try await reading.service.modelFile().write(to: out + ".safetensors")
        var files = ["\(out).safetensors"]
        for format in ReportFormat.allCases {
            guard let bytes = await reading.service.privacyReport(format) else { continue }
            let path = "\(out).report.\(format.rawValue)"
            try writeAtomically(bytes, to: path)
            files.append(path)
        }
        if let record {
            try writeAtomically(record.encoded, to: "\(out).transcript", permissions: 0o600)
            files.append("\(out).transcript")
        }
        try Console.result(["files": files], json: common.json, files.joined(separator: "\n"))
    }
}

/// A study as its store says, without serving it.
struct StudyReading {
    let study: Study
    let service: CoordinatorService

    init(_ option: StudyOption) throws {
        let (store, study) = try option.openStore()
        self.study = study
        service = try CoordinatorService(
            study: study, identity: try option.files.readCoordinator().signing, store: store, patience: .seconds(3600),
            keepsTranscript: true, log: { _ in })
    }

    func dashboardState() async -> DashboardState { await service.dashboardState() }
}
