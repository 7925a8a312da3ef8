import ArgumentParser
import Datasets
import Federation
import Foundation
import PrivacyReports
import Tabular

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Whole studies on published data.",
        subcommands: [HospitalStudyCommand.self, SpamStudyCommand.self])
}

struct HospitalStudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hospital", abstract: "Ten hospitals predict readmission without showing a patient to anybody.",
        discussion: """
            70,000 stays of diabetic patients (Strack et al. 2014) are divided among hospitals whose shares of readmitted \
            patients differ; a patient's rows stay together. Means, deviations and updates of a logistic model are added up \
            under protection. The result is held against logistic regression on all rows in one place, on the same split. \
            Both outcomes are studied: readmission at any time and within 30 days.
            """)

    enum Outcome: String, ExpressibleByArgument, CaseIterable { case any, within30 = "30", both }

    @Option(help: "any, 30 or both.") var outcome: Outcome = .both
    @Option(help: "Number of hospitals.") var sites = 10
    @Option(help: "How patients are divided among hospitals.") var partition = "dirichlet:1.0"
    @Option(help: "Share of patients held out.") var testShare = 0.2
    @OptionGroup var training: FederatedTrainingOptions
    @Flag(help: "Let a dealer in this process make the Paillier key: quicker, and whoever it is could open everything.")
    var dealer = false
    @Option(name: .customLong("data-dir"), help: "A folder with local copies of the registered data sets.")
    var dataDirectory: String?
    @Option(help: "Of the division, the split and the order of rows; reaches nothing secret.") var seed: UInt64 = 1
    @Option(help: "A folder for reports, models, transcripts and journals.") var out = "tacit-hospital"
    @OptionGroup var common: CommonOptions

    private var targets: [String] {
        switch outcome {
        case .any: ["readmitted_any"]
        case .within30: ["readmitted_30"]
        case .both: ["readmitted_any", "readmitted_30"]
        }
    }

    func run() throws {
        common.apply()
        let loaded = try Dataset.hospitalReadmission.load(
            from: DatasetStore(dataDirectory: dataDirectory), target: targets[0])
        var results: [SimulationResult] = []
        for target in targets {
            let schema = try HospitalReadmission.schema(target: target)
            let split = try loaded.table.split(testShare: testShare, seed: seed, groupBy: "patient", stratifyBy: target)
            let simulation = try StudySimulation(
                training.literal(name: "hospital-\(target)", target: target, positive: "yes", sites: sites, seed: seed),
                table: loaded.table, schema: schema, sites: sites, partitioner: try Partitioner(partition),
                split: split,
                unit: "patient", seed: seed, dealer: dealer ? try training.paillier : nil)
            let names = simulation.study.recipe?.outputs.map(\.name) ?? []
            let check = try SignalCheck(simulation.rows, rows: simulation.pooled.training, names: names)
            Console.log("\(target): \(check.sentence)")
            let (federation, seconds) = try SimulationRun(simulation: simulation, keepsRecords: true).run()
            let figures = try StudyOutcome(simulation, federation.coordinator)
            let folder = try StudyFolder(creating: targets.count == 1 ? out : "\(out)/\(target)")
            try folder.write(
                simulation, federation,
                report: StudyReport(
                    simulation: simulation, coordinator: federation.coordinator, outcome: figures,
                    bytesFromSites: federation.bytesFromSites, bytesToSites: federation.bytesToSites, seconds: seconds,
                    ownerNoun: "hospital", rowNoun: "patients", dataName: "Diabetes 130-US hospitals, 1999-2008",
                    commandLine: CommandLine.arguments, version: TacitCommand.version, remarks: [check.sentence]
                ).make())
            results.append(SimulationResult(simulation, federation, figures, seconds: seconds, check: check))
        }
        if common.json { return try Console.json(results) }
        for result in results { result.show() }
    }
}
