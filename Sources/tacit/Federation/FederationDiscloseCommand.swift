import ArgumentParser
import AtomicFiles
import CoordinatorStore
import Federation
import FederationService
import Foundation

struct FederationDiscloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disclose", abstract: "Show an auditor this site's updates, and that it was committed to them.",
        discussion: """
            Before a sum was known the site sent a commitment to its plain update. The file that this writes opens those \
            commitments: `verify --updates` holds it against the coordinator's transcript, and where all contributors of a sum \
            show theirs, against the sum. It holds plain updates, from which much of the rows behind them can be recovered. Only \
            a site that joined with --keep-records has kept them.
            """)

    @Option(name: .long, help: "This site's .key file.")
    var identity: String

    @Option(name: .long, help: "The study's .invitation file.")
    var invitation: String

    @Option(name: .long, help: "The folder of `join`; otherwise IDENTITY.state.")
    var state: String?

    @Option(name: .long, parsing: .upToNextOption, help: "Training rounds, from 1; all that are kept unless given.")
    var rounds: [Int] = []

    @Option(name: .long, help: "The file to write, mode 0600.")
    var out: String

    @OptionGroup var common: CommonOptions

    private struct Result: Encodable {
        var file: String
        var updates: Int
        var rounds: [Int]
    }

    func run() throws {
        common.apply()
        let party = try PartyIdentity(file: identity)
        let study = try Invitation(file: invitation).makeStudy()
        let folder = state ?? PartyIdentity.stateFolder(of: identity)
        guard FileManager.default.fileExists(atPath: folder) else {
            throw CommandFailure(.noInput, "\(folder): not found; name the site's folder with --state")
        }
        let records = try SiteService.records(in: CoordinatorStore(beside: folder, study: study.fingerprint))
        var disclosure = try UpdateDisclosure(study, site: party.signing.name, records: records)
        if !rounds.isEmpty {
            disclosure.updates.removeAll { $0.purpose != .training || !rounds.contains($0.round + 1) }
        }
        let shown = disclosure.updates.filter { $0.purpose == .training }.map { $0.round + 1 }
        if let missing = rounds.first(where: { !shown.contains($0) }) {
            throw CommandFailure(
                .data,
                "\(folder): holds no update of round \(missing); sites keep theirs with join --keep-records"
            )
        }
        guard !disclosure.updates.isEmpty else {
            throw CommandFailure(.data, "\(folder): holds no update; sites keep theirs with join --keep-records")
        }
        Console.warn("\(out): holds plain updates; give it to nobody who may not see the rows behind them")
        try writeAtomically(disclosure.encoded, to: out, permissions: 0o600)
        try Console.result(
            Result(file: out, updates: disclosure.updates.count, rounds: Array(Set(shown)).sorted()), json: common.json,
            "\(out): \(disclosure.updates.count) updates")
    }
}
