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

    func validate() throws {
        guard isPrivate else {
            for (name, isGiven) in [
                ("--epsilon", epsilon != nil), ("--delta", delta != nil), ("--unit", unit != nil),
                ("--ledger", ledger != nil), ("--resume", resume), ("--clip", clip != nil),
                ("--sampling-rate", samplingRate != nil), ("--adaptive-clipping", adaptiveClipping),
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
    @Option(name: .customLong("batch-size"), help: "Networks, --plain: rows in a batch.") var batchSize: Int?
    @Option(help: "Networks: sgd or adam.") var optimizer: OptimizerName?
    @Option(help: "Networks: widths of the hidden layers of --model mlp, separated by commas.") var hidden: String?
    @Option(
        name: .customLong("held-out"),
        help:
            "Networks: the part of the training units on which the model is measured and not trained; without it a fifth of a table, or a data set's own test part."
    )
    var heldOut: Double?

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
