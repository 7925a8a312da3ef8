import ArgumentParser
import AtomicFiles
import BinaryCoding
import CoordinatorStore
import DifferentialPrivacy
import Federation
import FederationService
import Foundation
import PrivacyLedger
import TacitDashboard
import Tabular
import Transports

/// What `serve` and `resume` share.
struct ServeOptions: ParsableArguments {
    @OptionGroup var option: StudyOption

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Keep the state in this PostgreSQL database instead of the folder STUDY.state: postgres://user@host:5432/database \
            or what libpq takes. Said once, it holds for all commands; what the folder holds moves there. The password \
            belongs into ~/.pgpass or PGPASSWORD.
            """, valueName: "connection"))
    var store: String?

    @Option(name: .long, help: "The address to listen at.")
    var host = "0.0.0.0"

    @Option(name: .long, help: "The port for sites; 0 for any.")
    var port = 8443

    @Option(name: .long, help: "The port of the page, on this machine only; 0 for any.")
    var dashboardPort = 8444

    @Flag(name: .long, help: "No page.")
    var noDashboard = false

    @Option(
        name: .long,
        help: """
            A figure to compare with on the page, as NAME=VALUE for the page's first metric (AUROC, or loss), or \
            NAME:METRIC=VALUE with auroc, accuracy, auprc or loss; such as 'local only=0.61' from a simulation. May be repeated.
            """)
    var baseline: [String] = []

    @Option(name: .long, help: "Seconds that a stage of a round waits for its sites.")
    var patience = 600.0

    @Flag(name: .long, help: "Keep every record for `verify`; without protection they hold the sites' updates.")
    var keepTranscript = false

    @Flag(name: .long, help: "End when the study is over and the sites have the model.")
    var exitWhenFinished = false

    @OptionGroup var common: CommonOptions

    func serve(beginsNow: Bool) async throws {
        common.apply()
        guard patience > 0, patience.isFinite else {
            throw CommandFailure(.usage, "--patience: got \(patience), want more than 0 seconds")
        }
        var configuration = CoordinatorProcess.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.dashboard = noDashboard ? nil : Dashboard.Address(host: "127.0.0.1", port: dashboardPort)
        configuration.patience = .seconds(patience)
        configuration.keepsTranscript = keepTranscript
        configuration.beginsNow = beginsNow
        configuration.endsWhenFinished = exitWhenFinished
        configuration.baselines = try baseline.map(parsed)
        configuration.store = try store.map { text throws(CoordinatorStoreError) in try StorePlace(postgres: text) }
        let process = CoordinatorProcess(option.files, configuration) { Console.log($0.json) }
        let task = Task { try await process.run() }
        Interruption.onFirstSignal { task.cancel() }
        try await task.value
    }
}

extension ServeOptions {
    private func parsed(_ text: String) throws -> StudyBaseline {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = (parts.first ?? "").split(separator: ":", maxSplits: 1)
        let metric = name.count == 2 ? String(name[1]) : nil
        guard parts.count == 2, let first = name.first, let value = Double(parts[1]), value.isFinite,
            metric.map({ ["auroc", "accuracy", "auprc", "loss"].contains($0) }) ?? true
        else {
            throw CommandFailure(
                .usage,
                "--baseline: got '\(text)', want NAME=VALUE or NAME:METRIC=VALUE with auroc, accuracy, auprc or loss, such as "
                    + "'local only=0.61'")
        }
        return StudyBaseline(name: String(first), metric: metric, value: value)
    }
}

struct FederationServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Coordinate a study; goes on where it ended when it was stopped or killed.",
        discussion: "Logs are JSON lines on standard error. The page's token is in STUDY.state/dashboard.token.")

    @OptionGroup var options: ServeOptions

    func run() async throws { try await options.serve(beginsNow: false) }
}

struct FederationResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Like serve, and goes on with the sites that have joined instead of waiting for all.")

    @OptionGroup var options: ServeOptions

    func run() async throws { try await options.serve(beginsNow: true) }
}

struct FederationJoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract:
            "Take part in a study with this site's own table; goes on where it ended when it was stopped or killed.")

    @Argument(help: "The coordinator, such as https://coordinator:8443.")
    var address: String

    @Option(
        name: .long,
        help: """
            This site's table (CSV); in a study of texts a folder with two subfolders such as spam and ham, a file a text, or a \
            .tar.gz of one. It never leaves.
            """)
    var data: String

    @Option(name: .long, help: "This site's .key file.")
    var identity: String

    @Option(name: .long, help: "The coordinator's .invitation file; the only one in this folder unless given.")
    var invitation: String?

    @Option(name: .long, help: "The share of rows held back for evaluation.")
    var heldOut = 0.2

    @Option(
        name: .long, help: "A column whose equal values stay together in that division, such as the patient's number.")
    var unit: String?

    @Option(
        name: .long, help: "The ledger that pays for this site's updates; studies with differential privacy want one.")
    var ledger: String?

    @Option(name: .long, help: "The folder for what must not be forgotten; otherwise IDENTITY.state.")
    var state: String?

    @Flag(
        name: .long,
        help: """
            Keep updates and seeds when their round is over, to open commitments to an auditor; they are as secret as the data.
            """
    )
    var keepRecords = false

    @Option(name: .long, help: "Where to write the final model.")
    var out: String?

    @Option(name: .long, help: "Where to write the journal of all that left this site, for `verify`.")
    var journal: String?

    @Option(name: .long, help: "Hours to go on trying when the coordinator does not answer.")
    var patienceHours = 24.0

    @Option(name: .long, help: "The longest wait between two tries, in seconds.")
    var longestWait = 30.0

    @OptionGroup var common: CommonOptions

    func run() async throws {
        common.apply()
        guard longestWait > 0, longestWait.isFinite, patienceHours > 0, patienceHours.isFinite else {
            throw CommandFailure(.usage, "--longest-wait and --patience-hours: want more than 0")
        }
        let party = try PartyIdentity(file: identity)
        let invited = try Invitation(file: try invitationFile())
        let study = try invited.makeStudy()
        let charging = try charging(study)
        let rows = try study.texts == nil ? table(study) : texts(study)
        let folder = state ?? PartyIdentity.stateFolder(of: identity)
        let store = try CoordinatorStore(servingFrom: folder, study: study.fingerprint)
        var configuration = CoordinatorConnection.Configuration()
        configuration.backoff.patience = .seconds(patienceHours * 3600)
        configuration.backoff.maximum = .seconds(longestWait)
        let connection = try CoordinatorConnection(
            to: try CoordinatorAddress(address), as: party.transport, coordinator: try invited.pinnedCoordinator(),
            study: study.fingerprint, configuration: configuration
        ) { error, wait in
            Console.log(
                LogLine(
                    .warning, "retry",
                    ["reason": error.code.name, "text": error.message, "seconds": "\(wait / .seconds(1))"]
                ).json)
        }
        let service = try SiteService(
            study: study, identity: party.signing, data: rows, store: store, connection: connection, charging: charging,
            keepsRecords: keepRecords, repeatInterval: .seconds(longestWait)
        ) { Console.log(Self.line($0).json) }
        let task = Task { try await service.run() }
        Interruption.onFirstSignal { task.cancel() }
        let model = try await task.value
        connection.close()
        if let out {
            try model.file(study, scaling: await service.scaling, vocabulary: await service.vocabulary).write(to: out)
        }
        if let journal { try writeAtomically(JournalFile(await service.site).encoded, to: journal) }
        try Console.result(
            ["model": model.fingerprint.hexadecimal], json: common.json,
            "The study is over; model \(model.fingerprint)" + (out.map { " in \($0)" } ?? ""))
    }

    private func table(_ study: Study) throws -> SiteData {
        guard let schema = study.schema else {
            throw CommandFailure(.configuration, "study: has no schema, so it takes no tables")
        }
        let table = try Table(
            csv: data, schema: schema, format: CSVFormat(missingMarks: [""] + (schema.missingMarks ?? [])))
        let split = try table.split(testShare: heldOut, seed: study.seed, groupBy: unit)
        return SiteData(rows: try study.rows(table), training: split.training, heldOut: split.test)
    }

    private func texts(_ study: Study) throws -> SiteData {
        guard unit == nil else { throw CommandFailure(.usage, "--unit: texts have no columns; leave it out") }
        let made = try study.data(
            TextInput.read(data, positive: study.positiveTexts).map { ($0.content, $0.isPositive) },
            heldOutShare: heldOut)
        Console.log(
            LogLine(
                .info, "texts",
                [
                    "training": "\(made.data.training.count)", "heldOut": "\(made.data.heldOut.count)",
                    "duplicates": "\(made.duplicates)",
                ]
            ).json)
        return made.data
    }

    /// The ledger of a study with noise, opened before the table is read.
    private func charging(_ study: Study) throws -> (any PrivacyCharging)? {
        guard let privacy = study.literal.privacy else {
            guard ledger == nil else {
                throw CommandFailure(.usage, "--ledger: the study adds no noise, so there is nothing to be paid for")
            }
            return nil
        }
        guard let ledger else {
            throw CommandFailure(
                .usage, "--ledger: the study is differentially private; make one with `tacit budget create --unit site`"
            )
        }
        let opened = try PrivacyLedger.open(ledger, .spending)
        try opened.require(unit: PrivacyUnit("site"), neighbouring: privacy.neighbouring, fingerprint: nil)
        return LedgerCharging(opened)
    }

    private func invitationFile() throws -> String {
        if let invitation { return invitation }
        let files = try FileManager.default.contentsOfDirectory(atPath: ".").filter { $0.hasSuffix(".invitation") }
        guard files.count == 1 else {
            throw CommandFailure(
                .usage, "--invitation: got \(files.count) .invitation files in this folder, want the one of the study")
        }
        return files[0]
    }

    private static func line(_ notice: SiteTransition.Notice) -> LogLine {
        switch notice {
        case .trained(let round, let rows, let loss, _):
            LogLine(.info, "trained", ["round": "\(round + 1)", "rows": "\(rows)", "loss": "\(loss)"])
        case .answered(let purpose, let stage, let count):
            LogLine(.info, "answered", ["purpose": "\(purpose)", "stage": "\(stage)", "bytes": "\(count)"])
        case .refused(let reason): LogLine(.warning, "refused", ["text": reason])
        case .declined(let reason): LogLine(.warning, "declined", ["text": reason])
        case .finished: LogLine(.info, "finished")
        }
    }
}
