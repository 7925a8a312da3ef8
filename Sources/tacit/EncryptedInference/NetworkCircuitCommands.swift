import CKKS
import Foundation
import KeyFiles
import PrivateLearning

// `explain` and `keys generate` for a network instead of a training run.

extension ExplainCommand {
    func explainNetwork(_ path: String) throws {
        let inference = try EncryptedInference(path: path)
        let plan = try inference.plan(circuit.layout, errorBound: circuit.networkError, insecure: insecure)
        let description = inference.description(plan, circuit.layout)
        if let out {
            try description.write(to: out)
            Console.log("\(out): what clients need to make keys, to encrypt and to read scores")
        }
        if common.json { return try Console.json(plan.summary) }
        Console.result("\(path): \(inference.summary)")
        if circuit.isBatched {
            Console.result(
                "  batch          \(plan.parameters.maximumSlots) inputs at a time; bytes, memory and time below are a batch's"
            )
        } else {
            for line in try inference.stageLines(maximumSlots: plan.parameters.maximumSlots) {
                Console.result("  " + line)
            }
        }
        for line in plan.explanation { Console.result("  " + line) }
        Console.result(
            "  scores         up to ±\(figure(description.scoreBound)), so an error of at most "
                + "\(figure(description.errorBound)) each")
        Console.result("  bounds         \(inference.boundsSentence)")
        do { try plan.requireMemory() } catch { Console.warn(error.message) }
    }

    private func figure(_ value: Double) -> String { String(format: "%.3g", value) }
}

extension EncryptedInference {
    var summary: String {
        let shape = task.inputShape.map(String.init).joined(separator: " × ")
        return "network of \(shape) inputs and \(task.target.outputs) scores (\(task.target.name)), on ciphertexts"
    }

    var boundsSentence: String {
        let bounds = circuit.bounds
        return bounds.measuredRows > 0
            ? "measured on \(bounds.measuredRows) rows, times \(bounds.margin); the error is stated for inputs within them"
            : "proven from the weights: they hold for every input; `tacit adapt` measures smaller ones"
    }
}

extension KeysGenerateCommand {
    /// Keys for the circuit of one network, from its model or its description.
    func generateForNetwork(_ path: String) throws {
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        let circuitPath = NetworkFile.descriptionPath(besideKey: writer.publicPath)
        try writer.requireNew([writer.publicPath, writer.secretPath, writer.evaluationPath, circuitPath])
        let description = try NetworkFile.description(
            path, circuit.layout, error: circuit.networkError, insecure: insecure)
        let context = try description.context()
        let parameters = try CKKSParameters(description.parameters)
        guard insecure || parameters.ring.securityRow != nil else {
            throw CommandFailure(
                .usage, "\(path): its parameters are below 128 bits of security; --insecure allows it for experiments")
        }
        if insecure { Console.warn("\(parameters): not secure; for experiments only") }
        Console.log("Making keys for \(parameters) …")
        let secret = CKKSSecretKey(context)
        let files = try writer.write(secret, description.keys) + [circuitPath]
        try description.write(to: circuitPath)
        if common.json {
            return try Console.json(
                Made(
                    fingerprint: secret.identity.hexadecimal, files: files, parameters: parameters.description))
        }
        Console.result("key \(secret.identity), \(parameters)")
        for file in files { Console.result("  \(file)") }
    }
}
