import ArgumentParser
import CKKS
import Foundation
import PrivateLearning

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what training or predicting on CKKS ciphertexts would take, before anything is encrypted.",
        discussion: """
            The computation is run once without data: what comes out are the ring, the modulus chain, the security with its \
            table and row, depth, error, time, memory and bytes, and why nothing smaller does. `tacit keys generate --scheme \
            ckks` with the same options makes keys for exactly this.

            With --model FILE.safetensors the computation is a network's prediction; --out writes what is public about it, \
            from which clients make keys and encrypt without the model.
            With --prediction: what scores of encrypted rows take (--single-row: a ciphertext a row), or, with \
            --encrypted-model, scores of clear rows under an encrypted model.

            Times are estimates for one core of this machine, from two measurements that take a moment.
            """)

    @Option(help: "A CSV file, or the name of a registered data set; only its numbers of rows and columns are used.")
    var data: String?
    @OptionGroup var format: TableFormatOptions
    @Option(help: "Overrides the schema's target.") var target: String?
    @OptionGroup var circuit: CircuitOptions
    @OptionGroup var release: ModelReleaseOptions
    @Option(help: "With a network: the file for what clients need to know.") var out: String?
    @Flag(help: "Predictions instead of training.") var prediction = false
    @Flag(name: .customLong("single-row"), help: "Predictions of encrypted rows, a ciphertext a row.")
    var isSingleRow = false
    @Flag(name: .customLong("encrypted-model"), help: "Predictions of clear rows under an encrypted model.")
    var isModelEncrypted = false
    @Flag(help: "Allow parameters below 128 bits. For experiments; reports will shout.") var insecure = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard prediction || !isSingleRow && !isModelEncrypted else {
            throw ValidationError("--single-row and --encrypted-model need --prediction")
        }
        guard !release.isWanted || !prediction && circuit.networkFile == nil else {
            throw ValidationError("--release: belongs to training")
        }
        guard !isSingleRow || !isModelEncrypted else {
            throw ValidationError("--single-row and --encrypted-model exclude each other")
        }
    }

    func run() throws {
        common.apply()
        if let network = circuit.networkFile { return try explainNetwork(network) }
        guard out == nil else { throw CommandFailure(.usage, "--out: belongs to the file of a network in --model") }
        let circuit = try circuit.circuit(data: data, format: format, target: target)
        if prediction { return try explainPrediction(circuit) }
        let design = try self.circuit.design(circuit, release: release, insecure: insecure)
        if common.json { return try Console.json(design.summary) }
        Console.result(
            "\(self.circuit.model.rawValue) model, \(circuit.plan.iterations) iterations on \(circuit.rowCount) encrypted rows "
                + "of \(circuit.columnCount) columns")
        for line in design.explanation { Console.result("  " + line) }
        if release.isWanted { Console.result("  " + (try release.explanation(design))) }
        do { try design.plan.requireMemory() } catch { Console.warn(error.message) }
    }

    private func explainPrediction(_ training: GradientCircuit) throws {
        // The columns without the constant and, for a squared loss, the target.
        let columns = training.columnCount - (circuit.model == .logistic ? 1 : 2)
        let scores = LinearScoreCircuit(
            layout: isSingleRow ? .rows : .columns, columnCount: max(1, columns), rowCount: training.rowCount,
            isModelEncrypted: isModelEncrypted)
        let plan = try scores.plan(
            errorBound: LinearScoreCircuit.standardErrorBound,
            security: insecure ? .insecureForTestsOnly : .classical128)
        if common.json { return try Console.json(plan.summary) }
        let what =
            isModelEncrypted
            ? "clear rows under an encrypted model"
            : isSingleRow ? "encrypted rows, a ciphertext each" : "encrypted rows"
        Console.result("scores of \(training.rowCount) \(what), \(columns) columns; errors are shares of their range")
        for line in plan.explanation { Console.result("  " + line) }
        do { try plan.requireMemory() } catch { Console.warn(error.message) }
    }
}
