import ArgumentParser
import CKKS
import Foundation
import PrivateLearning

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what computing on CKKS ciphertexts would take, before anything is encrypted.",
        discussion: """
            The computation is run once without data: what comes out are the ring, the modulus chain, the security with its \
            table and row, depth, error, time, memory and bytes, and why nothing smaller does. `tacit keys generate --scheme \
            ckks` with the same options makes keys for exactly this.

            With --model FILE.safetensors the computation is a network's prediction; --out writes what is public about it, \
            from which clients make keys and encrypt without the model.

            Times are estimates for one core of this machine, from two measurements that take a moment.
            """)

    @Option(help: "A CSV file, or the name of a registered data set; only its numbers of rows and columns are used.")
    var data: String?
    @OptionGroup var format: TableFormatOptions
    @Option(help: "Overrides the schema's target.") var target: String?
    @OptionGroup var circuit: CircuitOptions
    @Option(help: "With a network: the file for what clients need to know.") var out: String?
    @Flag(help: "Allow parameters below 128 bits. For experiments; reports will shout.") var insecure = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        if let network = circuit.networkFile { return try explainNetwork(network) }
        guard out == nil else { throw CommandFailure(.usage, "--out: belongs to the file of a network in --model") }
        let circuit = try circuit.circuit(data: data, format: format, target: target)
        let plan = try self.circuit.plan(circuit, insecure: insecure)
        if common.json { return try Console.json(plan.summary) }
        Console.result(
            "\(self.circuit.model.rawValue) model, \(circuit.plan.iterations) iterations on \(circuit.rowCount) encrypted rows "
                + "of \(circuit.columnCount) columns")
        for line in plan.explanation { Console.result("  " + line) }
        do { try plan.requireMemory() } catch { Console.warn(error.message) }
    }
}
