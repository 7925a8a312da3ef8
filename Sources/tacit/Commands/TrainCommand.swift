import ArgumentParser
import AtomicFiles
import BinaryCoding
import Foundation
import PrivateLearning
import Randomness
import Tabular

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Fit a model, on ciphertexts without any key, or in the clear.",
        discussion: """
            With --encrypted, files made by `tacit encrypt` are added up; no secret key is needed or read. The result is a \
            file for `tacit decrypt`. Several files of sums are several owners; one file of rows may be trained on in part \
            (--rows), weighted (--weights) or in folds (--folds).

            On CKKS rows (`tacit encrypt --scheme ckks --as rows`) logistic, linear and ridge models are trained by \
            gradients: --evaluation-keys NAME.evaluation, --iterations. Files of several owners who encrypted with one \
            scaling are trained on together. With --checkpoint the run survives an interruption, and with --answer the key \
            owner says after each checkpoint whether to go on (`tacit validate`). With --folds as many models are trained, \
            each without one part of the rows.

            With --plain --data the same model is fitted in the clear, for comparison; networks (--model mlp, cnn, scatter, mobilenet) \
            too.

            With --private --data a model is trained with differential privacy: noise for the wanted --epsilon and --delta \
            is computed before the data are read, a --ledger is asked first, and a privacy report is written beside the \
            model. Ctrl-C leaves a checkpoint from which --resume goes on.

            With --ring, the tables of several sites train together by encrypted gradients, for models that have no closed \
            form (logistic, poisson): each site adds its encrypted gradient and passes the sum on; the holder of --key \
            opens sums only. All sites run in this one process.
            """)

    enum Model: String, ExpressibleByArgument, CaseIterable {
        case linear, ridge, logistic, poisson, mlp, cnn, scatter, mobilenet

        case naiveBayes = "naive-bayes"
        case boostedTrees = "boosted-trees"
        case kMeans = "k-means"
        case principalComponents = "principal-components"

        var isNetwork: Bool { [.mlp, .cnn, .scatter, .mobilenet].contains(self) }
        /// Fitted with differential privacy or not at all.
        var isPrivateOnly: Bool { [.naiveBayes, .boostedTrees, .kMeans, .principalComponents].contains(self) }
    }

    @Option(parsing: .upToNextOption, help: "Files of encrypted sums, or one file of encrypted rows.")
    var encrypted: [String] = []
    @Flag(help: "Train in the clear, on --data.") var plain = false
    @Option(help: "A CSV file, or the name of a registered data set, for --plain and --private.") var data: String?
    @OptionGroup(title: "Private training") var privacy: PrivateTrainingOptions
    @OptionGroup(title: "Networks") var network: NetworkTrainingOptions
    @OptionGroup(title: "Private training of other models") var table: PrivateTableOptions
    @OptionGroup var format: TableFormatOptions
    @Option(help: "The column to predict; without it the plan's.") var target: String?
    @Option(help: "Columns to predict from, separated by commas; without it all others.") var features: String?
    @Option(parsing: .upToNextOption, help: "Tables of the sites of a gradient ring.") var ring: [String] = []
    @Option(help: "The secret key that opens the ring's sums.") var key: String?
    @Option(help: "Rounds of the ring.") var rounds = 50
    @Option(name: .customLong("evaluation-keys"), help: "The evaluation keys for CKKS rows.") var evaluationKeys:
        String?
    @Option(help: "CKKS: training iterations; auto takes as many as the keys' levels allow.") var iterations = "auto"
    @OptionGroup var gradients: GradientTrainingOptions
    @Option(name: .customLong("min-cohort"), help: "Fewest rows of a site of the ring.") var minimumCohort = 10
    @OptionGroup var passphrase: PassphraseOptions
    @Option(
        help: """
            linear or ridge; in a ring also logistic or poisson; networks are mlp, and for images cnn, scatter and mobilenet; with --private also \
            logistic, naive-bayes, boosted-trees, k-means and principal-components.
            """)
    var model: Model = .linear
    @Option(parsing: .upToNextOption, help: "Ridge penalties to try; with folds the best is kept.") var lambda:
        [Double] = []
    @Option(help: "Rows to train on, such as 1-200,301-400 (encrypted rows only).") var rows: String?
    @Option(help: "A file with one whole number for each row: how often it counts (encrypted rows only).") var weights:
        String?
    @Option(help: "Cross-validate in so many folds (encrypted rows only).") var folds: Int?
    @Option(help: "Seed of folds, initial weights and shuffles; reaches nothing secret.") var seed: UInt64 = 1
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard [!encrypted.isEmpty, plain, !ring.isEmpty, privacy.isPrivate].count(where: { $0 }) == 1 else {
            throw ValidationError(
                "give one of --encrypted FILE …, --plain --data FILE, --private --data FILE and --ring FILE …")
        }
        guard !privacy.isPrivate || data != nil else { throw ValidationError("--private needs --data") }
        guard network.activation == .usual || plain && model.isNetwork else {
            throw ValidationError("--activation: belongs to --plain and the networks cnn and mlp")
        }
        guard network.layers == nil || plain && model.isNetwork else {
            throw ValidationError("--layers: belongs to --plain and networks")
        }
        if privacy.isPrivate || plain && model.isNetwork { return }
        guard !model.isPrivateOnly else {
            throw ValidationError("--model \(model.rawValue): is fitted with --private only")
        }
        guard !model.isNetwork else {
            throw ValidationError("--model \(model.rawValue): networks are trained with --plain or --private")
        }
        guard ring.isEmpty || key != nil else { throw ValidationError("--ring needs --key") }
        guard !ring.isEmpty || model == .linear || model == .ridge || model == .logistic && !encrypted.isEmpty else {
            throw ValidationError("--model \(model.rawValue): has no closed form; train it with --ring")
        }
        guard iterations == "auto" || (Int(iterations) ?? 0) > 0 else {
            throw ValidationError("--iterations: got \(iterations), want auto or a number from 1 on")
        }
        guard !plain || data != nil else { throw ValidationError("--plain needs --data") }
        guard [rows, weights].compactMap({ $0 }).count + (folds == nil ? 0 : 1) <= 1 else {
            throw ValidationError("--rows, --weights and --folds exclude each other")
        }
        guard folds == nil || folds! >= 2 else { throw ValidationError("--folds: got \(folds!), want at least 2") }
    }

    private var penalties: [Double] { model == .linear ? [0] : lambda.isEmpty ? [1] : lambda }

    private func request(for plan: EncodingPlan) throws -> FitRequest {
        guard let wanted = target ?? plan.target else {
            throw CommandFailure(
                .usage, "--target: the plan names none; want one of \(plan.columns.map(\.name).joined(separator: ", "))"
            )
        }
        // A raw category column of two values stands for its one encoded column.
        let candidates = plan.derived(from: wanted)
        let name = plan.columns.contains { $0.name == wanted } || candidates.count != 1 ? wanted : candidates[0]
        return try FitRequest(plan: plan, target: name, features: chosenFeatures, penalties: penalties)
    }

    func run() throws {
        common.apply()
        if privacy.isPrivate { return try PrivateTraining(request: trainingRequest, json: common.json).run() }
        if plain, model.isNetwork { return try PlainNetworkTraining(request: trainingRequest, json: common.json).run() }
        if plain { return try trainInTheClear() }
        if !ring.isEmpty { return try trainInARing() }
        let kinds = try encrypted.map { try Containers.header($0).kind }
        if kinds.contains(.encryptedTrainingRows) { return try trainByGradients() }
        guard model != .logistic else {
            throw CommandFailure(
                .usage, "--model logistic: needs rows under a CKKS key (`tacit encrypt --as rows`), or --ring")
        }
        let fit: EncryptedFit
        if kinds.allSatisfy({ $0 == .encryptedStatistics }) {
            guard rows == nil, weights == nil, folds == nil else {
                throw CommandFailure(.usage, "--rows, --weights and --folds need encrypted rows; these files are sums")
            }
            let parts = try encrypted.map { try EncryptedMoments(path: $0) }
            fit = try EncryptedFit(request(for: parts[0].plan), over: parts)
        } else if kinds == [.encryptedRows] {
            fit = try fitRows(EncryptedRowsFile(path: encrypted[0]))
        } else {
            for (path, kind) in zip(encrypted, kinds) where kind != .encryptedStatistics {
                throw CommandFailure(
                    .data,
                    "\(path): kind: got \(kind), want encrypted sums (several files) or encrypted rows (one file)")
            }
            return
        }
        var random = SystemRandom()
        try fit.rerandomised(using: &random).write(to: out)
        let owners = Set(fit.parts.flatMap(\.owners)).sorted()
        if common.json {
            try Console.json(
                Made(
                    file: out, target: fit.request.target, features: fit.request.features.count, owners: owners,
                    ciphertexts: fit.ciphertexts.count))
        } else {
            Console.result(
                "\(out): \(model.rawValue) model of \(fit.request.target) on \(fit.request.features.count) features from "
                    + "\(owners.count == 1 ? "1 owner" : "\(owners.count) owners"), still encrypted; open it with `tacit decrypt`"
            )
        }
    }

    struct Made: Encodable {
        var file: String
        var target: String
        var features: Int
        var owners: [String]
        var ciphertexts: Int
    }

    private func fitRows(_ table: EncryptedRowsFile) throws -> EncryptedFit {
        let request = try request(for: table.plan)
        var weightings = [[Int](repeating: 1, count: table.rowCount)]
        if let folds {
            guard folds <= table.rowCount else {
                throw CommandFailure(
                    .usage, "--folds: got \(folds), want at most \(table.rowCount), the number of rows")
            }
            var order = Array(0..<table.rowCount)
            var generator = ShuffleGenerator(seed: seed)
            generator.shuffle(&order)
            weightings = [[Int]](repeating: [Int](repeating: 0, count: table.rowCount), count: folds)
            for (position, row) in order.enumerated() { weightings[position % folds][row] = 1 }
        } else if let weights {
            weightings = [try Self.readWeights(weights)]
        } else if let rows {
            weightings = [[Int](repeating: 0, count: table.rowCount)]
            for row in try Self.parseRows(rows, count: table.rowCount) { weightings[0][row] = 1 }
        }
        return try EncryptedFit(request, over: table, weightings: weightings)
    }

    private static func readWeights(_ path: String) throws -> [Int] {
        let bytes = try readFile(path, limit: 1 << 26)
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return try lines.enumerated().map { number, line in
            guard let weight = Int(line.trimmingCharacters(in: .whitespaces)), weight >= 0 else {
                throw CommandFailure(.data, "\(path):\(number + 1): got \(line.prefix(20)), want a whole number ≥ 0")
            }
            return weight
        }
    }

    /// Numbers from 1 and ranges of them, as numbers from 0.
    private static func parseRows(_ text: String, count: Int) throws -> [Int] {
        try text.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                Int($0.trimmingCharacters(in: .whitespaces))
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last ?? nil, 1 <= first,
                first <= last,
                last <= count
            else { throw CommandFailure(.usage, "--rows: got \(part), want numbers or ranges within 1-\(count)") }
            return Array(first - 1..<last)
        }
    }

    private func trainInARing() throws {
        let links: [Model: Link] = [.linear: .identity, .ridge: .identity, .logistic: .logit, .poisson: .log]
        try RingTraining(
            files: ring, format: format, target: target, features: chosenFeatures, link: links[model]!,
            ridge: model == .ridge ? lambda.first ?? 1 : 0, rounds: rounds, key: key!, passphrase: passphrase,
            minimumCohort: minimumCohort, out: out, json: common.json
        ).run()
    }

    private var trainingRequest: PrivateTrainingRequest {
        PrivateTrainingRequest(
            model: model, data: data ?? "", target: target, features: chosenFeatures, format: format, privacy: privacy,
            network: network, table: table, seed: seed, out: out, isQuiet: common.quiet)
    }

    private var chosenFeatures: [String]? {
        features?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func trainInTheClear() throws {
        let (table, schema) = try format.read(data!, target: nil)
        let plan = try EncodingPlan(
            schema: schema, target: target.flatMap { schema[$0] == nil ? nil : $0 }, maximumRows: EncodingPlan.rowLimit,
            minimumCohort: 1)
        let moments = MomentMatrix(of: try plan.encode(table))
        let opened = try OpenedFit(request: request(for: plan), plan: plan, parts: [moments])
        try ModelFile.write(opened.best.model, to: out)
        try ModelSummary.show(opened.best.model, file: out, warnings: opened.warnings, json: common.json)
    }
}

/// A look at a container without reading it all.
enum Containers {
    static func header(_ path: String) throws -> ContainerHeader {
        do {
            return try ContainerReader(FileSource(path: path)).header
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        }
    }
}
