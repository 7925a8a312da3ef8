import ArgumentParser
import AtomicFiles
import Datasets
import Federation
import Foundation
import PrivacyReports
import SpamStudy

struct SpamStudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spam", abstract: "A spam filter in four acts: central, federated, leak, encrypted.",
        discussion: """
            33,715 mails of Enron-Spam are held by three sites of very different size. Act 1 puts them in one place; act 2 \
            federates naive Bayes and logistic regression; act 3 reads the smallest site's words in its plain messages; act 4 \
            repeats act 2 under protection and runs the same attack on everything that crossed the wire. Mails are never shown.
            """)

    @Option(name: .customLong("data-dir"), help: "A folder with local copies of the registered data sets.")
    var dataDirectory: String?
    @Option(help: "Protections of act 4: secagg, ckks, paillier; may be repeated. Without it, all three.")
    var protection: [String] = []
    @Option(help: "Rounds of logistic regression after naive Bayes.") var rounds = SpamStudySettings().rounds
    @Option(help: "Updates timed for the attack by time, under secure aggregation; fewer under encryption.")
    var timedUpdates = 400
    @Option(
        help: """
            Sites that must have a word for it to be a feature of the federated runs, found under protection; without it, words \
            that 3 mails of all sites have.
            """)
    var leastSites: Int?
    @Option(help: "Test mails that are scored by the encrypted model, with the mail staying at home.")
    var scoredMails = 500
    @Option(help: "Of divisions and shuffles; reaches nothing secret.") var seed: UInt64 = 1
    @Option(help: "A folder for the report and the figures.") var out = "tacit-spam"
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: got \(rounds), want 1...1000") }
        guard (0...100_000).contains(timedUpdates) else {
            throw ValidationError("--timed-updates: got \(timedUpdates), want 0...100000")
        }
        guard leastSites.map({ (1...3).contains($0) }) ?? true else {
            throw ValidationError("--least-sites: got \(leastSites ?? 0), want 1...3")
        }
        guard (0...10_000).contains(scoredMails) else {
            throw ValidationError("--scored-mails: got \(scoredMails), want 0...10000")
        }
        _ = try protections()
    }

    private func protections() throws -> [ProtectionKind] {
        if protection.isEmpty { return [.secagg, .ckks, .paillier] }
        return try protection.map { name in
            guard let kind = ProtectionKind(rawValue: name), kind != .none else {
                throw ValidationError("--protection: got \(name), want secagg, ckks or paillier")
            }
            return kind
        }
    }

    func run() throws {
        common.apply()
        let mails = try EnronSpam.load(from: DatasetStore(dataDirectory: dataDirectory))
        var settings = SpamStudySettings()
        settings.seed = seed
        settings.rounds = rounds
        settings.leastSites = leastSites
        let study = try SpamStudy(mails, settings: settings)
        let (outcome, _, _) = try study.run(
            protections: try protections(), timedUpdates: timedUpdates, scoredMails: scoredMails
        ) { progress in
            switch progress {
            case .act(let number, let what): Console.log("act \(number): \(what)")
            case .round(let round, let last, let accuracy):
                let what = round == 0 ? "counts" : "round \(round) of \(last)"
                Console.log("  \(what): accuracy \(String(format: "%.4f", accuracy))")
            }
        }
        try write(outcome)
        if common.json { return try Console.json(outcome) }
        show(outcome)
    }

    private func write(_ outcome: SpamStudyOutcome) throws {
        do {
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.cannotCreate, "\(out): cannot create the folder: \(error.localizedDescription)")
        }
        let report = SpamStudyReport(
            outcome: outcome, commandLine: CommandLine.arguments, version: TacitCommand.version
        ).make()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try writeAtomically(Array(encoder.encode(outcome)), to: "\(out)/figures.json")
        try report.write(jsonPath: "\(out)/report.json", htmlPath: "\(out)/report.html")
    }

    private func show(_ outcome: SpamStudyOutcome) {
        func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
        let central = outcome.central
        Console.result(
            "1  All \(central.mails) mails in one place: naive Bayes \(percent(central.naiveBayes)), logistic "
                + "\(percent(central.logistic)); the greater class alone \(percent(central.majority))")
        Console.result(
            "   With \(outcome.duplicates) duplicates kept: \(percent(outcome.centralWithDuplicates.naiveBayes)) and "
                + "\(percent(outcome.centralWithDuplicates.logistic)), which flatters")
        Console.result(
            "2  Three sites (\(outcome.siteMails.map(String.init).joined(separator: ", ")) mails): "
                + "\(percent(outcome.plain.accuracies[0])) from counts, \(percent(outcome.plain.accuracies[1])) after one round, "
                + "\(percent(outcome.plain.accuracy)) in the end")
        let leak = outcome.leak
        Console.result(
            "3  Read in the plain messages of the smallest site: \(percent(leak.fromUpdate.recall)) of its \(leak.features) words "
                + "that are features, \(percent(leak.fromUpdate.precision)) of the claims right")
        Console.result(
            "   First batch: \(leak.exactDifferences) of \(leak.modelFeatures) differences of spam and ham mails exact; "
                + "python-paillier's exponents alone: \(percent(leak.fromExponents.recall))")
        for run in outcome.protected {
            let same =
                run.equalsPlain ? "weights identical to act 2" : String(format: "weights within %.1g", run.difference)
            let wire = run.wire?.worst.map { String(format: ", attack on the wire: AUROC %.3f", $0.auroc) } ?? ""
            Console.result(
                "4  \(run.protection.rawValue): \(percent(run.accuracy)), \(same), "
                    + "\(run.bytesInARound.max() ?? 0) bytes a site and round\(wire)")
        }
        if let scoring = outcome.scoring {
            Console.result(
                "   Private scoring of \(scoring.mails) test mails: \(percent(scoring.accuracy)), \(scoring.sameDecisions) decisions as "
                    + "in the clear, scores within \(String(format: "%.1g", scoring.greatestError)); model "
                    + "\(scoring.modelBytes) bytes once, a mail \(scoring.questionBytes) bytes and "
                    + String(
                        format: "%.0f + %.0f ms", 1000 * scoring.clientSeconds, 1000 * scoring.ownerSeconds))
        }
        Console.result("\(out)/report.html")
    }
}
