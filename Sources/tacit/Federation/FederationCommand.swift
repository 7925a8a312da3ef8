import ArgumentParser
import AtomicFiles
import BinaryCoding
import Federation
import Foundation
import PrivacyReports
import Tabular

struct FederationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "federation", abstract: "Several sites train one model; nobody sees a site's rows or updates.",
        discussion: """
            At each site: `identity`, then hand the .public file to the coordinator. At the coordinator: `init`, hand the \
            .invitation file to the sites, then `serve`. At each site: `join`.
            """,
        subcommands: [
            FederationIdentityCommand.self, FederationInitCommand.self, FederationEnrollCommand.self,
            FederationRevokeCommand.self, FederationServeCommand.self, FederationResumeCommand.self,
            FederationJoinCommand.self, FederationStatusCommand.self, FederationExportCommand.self,
            FederationSimulateCommand.self, FederationVerifyCommand.self, FederationDiscloseCommand.self,
        ])
}

struct FederationSimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Run a whole study in this process, on one table divided among sites.",
        discussion: """
            Coordinator and sites are the state machines that also run over a network, and exchange the same bytes. The result \
            is compared, on held-out rows, with a model fitted to all rows in one place, with each site alone, and with the \
            majority. With --out a privacy report, the study, the model, the coordinator's transcript and the sites' journals \
            are written; `tacit federation verify` checks them.
            """)

    @OptionGroup var table: TableOptions
    @Option(help: "The column to predict; without it the schema's.") var target: String?
    @Option(help: "The category that counts as yes.") var positive: String?
    @Option(help: "Number of sites.") var sites = 10
    @Option(help: "iid, dirichlet:ALPHA, pathological:SHARDS, quantity:ALPHA or column:NAME.") var partition = "iid"
    @Option(help: "The column whose equal values stay together (a patient's rows).") var unit: String?
    @Option(help: "Share of rows held out.") var testShare = 0.2
    @OptionGroup var training: FederatedTrainingOptions
    @Option(help: "Of the division, the split and the order of rows; reaches nothing secret.") var seed: UInt64 = 1
    @Flag(help: "Let a dealer in this process make the Paillier key: quicker, and whoever it is could open everything.")
    var dealer = false
    @Option(help: "A folder for report, model, transcript and journals.") var out: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let simulation = try training.isText ? ofTexts() : ofTable()
        let folder = try out.map { try StudyFolder(creating: $0) }
        let (federation, seconds) = try SimulationRun(simulation: simulation, keepsRecords: folder != nil).run()
        let outcome = try StudyOutcome(simulation, federation.coordinator)
        let result = SimulationResult(simulation, federation, outcome, seconds: seconds, check: nil)
        if let folder {
            try folder.write(
                simulation, federation,
                report: StudyReport(
                    simulation: simulation, coordinator: federation.coordinator, outcome: outcome,
                    bytesFromSites: federation.bytesFromSites, bytesToSites: federation.bytesToSites, seconds: seconds,
                    dataName: table.data, commandLine: CommandLine.arguments, version: TacitCommand.version
                ).make())
        }
        if common.json { try Console.json(result) } else { result.show() }
    }

    private var studyName: String { URL(fileURLWithPath: table.data).deletingPathExtension().lastPathComponent }

    private func ofTexts() throws -> StudySimulation {
        guard target == nil, unit == nil, table.format.schema == nil else {
            throw CommandFailure(.usage, "--target, --unit and --schema: texts have no columns; leave them out")
        }
        let literal = try training.literal(name: studyName, target: nil, positive: positive, sites: sites, seed: seed)
        return try StudySimulation(
            literal,
            texts: TextInput.read(table.data, positive: positive ?? "spam").map { ($0.content, $0.isPositive) },
            sites: sites,
            partitioner: try Partitioner(partition), heldOutShare: testShare, seed: seed,
            dealer: dealer ? try training.paillier : nil)
    }

    private func ofTable() throws -> StudySimulation {
        let (rows, schema) = try table.read(for: target)
        let declared = try target.map { try schema.targeting($0) } ?? schema
        let name = try declared.target.name
        let isCategory = try declared.target.type == .category
        let split = try rows.split(testShare: testShare, seed: seed, groupBy: unit, stratifyBy: isCategory ? name : nil)
        let literal = try training.literal(
            name: studyName, target: name, positive: positive, sites: sites, seed: seed)
        return try StudySimulation(
            literal, table: rows, schema: declared, sites: sites, partitioner: try Partitioner(partition), split: split,
            unit: unit,
            seed: seed, dealer: dealer ? try training.paillier : nil)
    }
}

/// The files of a finished study.
struct StudyFolder {
    let path: String

    init(creating path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch { throw CommandFailure(.cannotCreate, "\(path): cannot be made: \(error.localizedDescription)") }
    }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ simulation: StudySimulation, _ federation: InMemoryFederation, report: PrivacyReport) throws {
        try writeAtomically(Array(try simulation.study.literal.yaml().utf8), to: file("study.yaml"))
        try simulation.study.schema?.write(to: file("schema.yaml"))
        let model = try federation.coordinator.result.file(
            simulation.study, scaling: federation.coordinator.scaling, vocabulary: federation.coordinator.vocabulary)
        try model.write(to: file("model.safetensors"))
        if simulation.hasDealer, let sharing = federation.coordinator.paillier {
            var encoder = BinaryEncoder()
            sharing.encode(into: &encoder)
            try writeAtomically(encoder.bytes, to: file("paillier.sharing"))
        }
        if let store = federation.store {
            let transcript = Transcript(study: simulation.study, records: store.records).encoded
            try writeAtomically(transcript, to: file("coordinator.transcript"))
        }
        for site in federation.sites.values.sorted(by: { $0.identity.name < $1.identity.name }) {
            try writeAtomically(JournalFile(site).encoded, to: file("\(site.identity.name).journal"))
        }
        try report.write(jsonPath: file("report.json"), htmlPath: file("report.html"))
        Console.log("wrote \(path)/report.html, model, transcript and journals")
    }
}
