import ArgumentParser
import PrivateLearning

/// What private training is asked for. What decides privacy has no default.
struct PrivateTrainingOptions: ParsableArguments {
    @Flag(name: .customLong("private"), help: "Train with differential privacy, on --data.") var isPrivate = false
    @Option(help: "--private: ε of the whole run.") var epsilon: Double?
    @Option(help: "--private: δ of the whole run, well below one over the number of units.") var delta: Double?
    @Option(
        help: ArgumentHelp(
            "--private: whom it protects: row, or the column that says to whom a row belongs. For images: image."))
    var unit: String?
    @Option(
        name: .customLong("sampling-rate"),
        help: "--private: probability with which a unit is in a batch; without it the model's usual one.")
    var samplingRate: Double?
    @Option(
        help: """
            --private: the ledger that must allow the run before the data are read (`tacit budget create`); exit code 77 \
            says that it does not.
            """)
    var ledger: String?
    @Flag(help: "--private: go on with the run whose checkpoint is beside --out.") var resume = false
    @Option(help: "--private: bound on the norm of one unit's gradient.") var clip: Double?
    @Flag(
        name: .customLong("adaptive-clipping"),
        help: "--private: the bound follows the median of the norms; what that tells is paid for out of the same ε.")
    var adaptiveClipping = false
    @Option(
        help: """
            --private, networks: take the rows in their order, without sampling, with noise that cancels in sums of steps: \
            banded or tree (DP-FTRL).
            """)
    var ordered: Ordered?
    @Option(help: "--ordered banded: bands of the matrix; a pass needs at least as many steps.") var bands: Int?
    @Option(name: .customLong("most-rows"), help: "--ordered tree: a public bound on the number of rows.")
    var mostRows: Int?

    enum Ordered: String, ExpressibleByArgument, CaseIterable { case banded, tree }

    func validate() throws {
        guard isPrivate else {
            for (name, isGiven) in [
                ("--epsilon", epsilon != nil), ("--delta", delta != nil), ("--unit", unit != nil),
                ("--ledger", ledger != nil), ("--resume", resume), ("--clip", clip != nil),
                ("--sampling-rate", samplingRate != nil), ("--adaptive-clipping", adaptiveClipping),
                ("--ordered", ordered != nil),
            ] where isGiven { throw ValidationError("\(name): belongs to --private") }
            return
        }
        guard let epsilon, let delta else { throw ValidationError("--private needs --epsilon and --delta") }
        do {
            try DescentPlan.check(epsilon: epsilon, delta: delta)
        } catch {
            throw ValidationError("--\(error.message)")
        }
        if let samplingRate, !(samplingRate > 0 && samplingRate <= 1) {
            throw ValidationError("--sampling-rate: got \(samplingRate), want a number in (0, 1]")
        }
        guard bands == nil || ordered == .banded, mostRows == nil || ordered == .tree else {
            throw ValidationError("--bands belongs to --ordered banded, --most-rows to --ordered tree")
        }
        if let mostRows, mostRows < 1 { throw ValidationError("--most-rows: got \(mostRows), want at least 1") }
        if let clip, !(clip > 0 && clip.isFinite) {
            throw ValidationError("--clip: got \(clip), want a finite number above 0")
        }
    }
}

/// How a network is trained, privately or not.
struct NetworkTrainingOptions: ParsableArguments {
    @Option(help: "Networks: passes over the data; without it the model's usual number.") var epochs: Int?
    @Option(name: .customLong("learning-rate"), help: "Networks: without it the model's usual one.")
    var learningRate: Double?
    @Option(name: .customLong("batch-size"), help: "Networks, --plain and --ordered: rows in a batch.") var batchSize:
        Int?
    @Option(help: "Networks: sgd or adam.") var optimizer: OptimizerName?
    @Option(
        help: "Networks, --plain: polynomial makes a network that can predict on encrypted inputs (`tacit explain`).")
    var activation: ActivationName = .usual
    @Option(help: "Networks: widths of the hidden layers of --model mlp, separated by commas.") var hidden: String?
    @Option(
        help: """
            Networks, --plain: a JSON file with the layers in place of the model's own, as they stand in the metadata of \
            every network file (see `tacit import --help`).
            """)
    var layers: String?
    @Option(
        name: .customLong("held-out"),
        help:
            "Networks: the part of the training units on which the model is measured and not trained; without it a fifth of a table, or a data set's own test part."
    )
    var heldOut: Double?

    @Option(help: "Networks: what is learnt on the features of --model scatter.") var head:
        StandardNetwork.ScatteringHead?

    enum ActivationName: String, ExpressibleByArgument, CaseIterable { case usual, polynomial }

    enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam }

    func validate() throws {
        if let epochs, epochs < 1 || epochs > 1 << 20 {
            throw ValidationError("--epochs: got \(epochs), want 1 to 2²⁰")
        }
        if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
            throw ValidationError("--learning-rate: got \(learningRate), want a finite number above 0")
        }
        if let batchSize, batchSize < 1 { throw ValidationError("--batch-size: got \(batchSize), want at least 1") }
        if let heldOut, !(heldOut >= 0 && heldOut < 1) {
            throw ValidationError("--held-out: got \(heldOut), want a number in [0, 1)")
        }
        _ = try hiddenWidths()
    }

    func hiddenWidths() throws -> [Int]? {
        guard let hidden else { return nil }
        return try hidden.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let width = Int(text), (1...65_536).contains(width) else {
                throw ValidationError("--hidden: got \(text), want whole numbers from 1 to 65536, such as 64,32")
            }
            return width
        }
    }
}

extension StandardNetwork.ScatteringHead: ExpressibleByArgument {}
