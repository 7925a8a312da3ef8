import BinaryCoding
import Bootstrapping
import CKKS
import Foundation
import KeyFiles
import PrivateLearning

extension KeysGenerateCommand {
    func generateCKKS() throws {
        guard !release.isWanted || !prediction && circuit.networkFile == nil else {
            throw CommandFailure(.usage, "--release: belongs to keys for training")
        }
        if let network = circuit.networkFile { return try generateForNetwork(network) }
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        try writer.requireNew([writer.publicPath, writer.secretPath, writer.evaluationPath])
        let circuit = try circuit.circuit(data: data, format: format, target: target)
        let plan: CircuitPlan
        var bootstrapping: BootstrappingParameters?
        if prediction {
            // Rotations for single rows cost little here and let the same keys serve both layouts.
            plan = try LinearScoreCircuit(layout: .rows, columnCount: circuit.columnCount).plan(
                errorBound: LinearScoreCircuit.standardErrorBound,
                security: insecure ? .insecureForTestsOnly : .classical128)
        } else {
            let design = try self.circuit.design(circuit, release: release, insecure: insecure)
            if release.isWanted { Console.log(try release.explanation(design)) }
            (plan, bootstrapping) = (design.plan, design.bootstrapping)
            // The owner of the keys need not be the one who computes with them.
            do { try plan.requireMemory() } catch {
                Console.warn("training takes more memory than this machine has: \(error.message)")
            }
        }
        if bootstrapping != nil { try writer.requireNew([writer.bootstrappingPath]) }
        try CKKSKeyFiles.requireMemory(plan.parameters)
        if insecure { Console.warn("\(plan.parameters): not secure; for experiments only") }
        Console.log(
            "Making keys for \(plan.parameters): \(plan.keys.count) evaluation keys, \(CircuitPlan.bytes(plan.keyBytes)) …"
        )
        let secret = CKKSSecretKey(CKKSContext(plan.parameters))
        let files = try writer.write(secret, plan.keys, bootstrapping: bootstrapping)
        if common.json {
            return try Console.json(
                Made(
                    fingerprint: secret.identity.hexadecimal, files: files,
                    parameters: plan.parameters.description))
        }
        Console.result("key \(secret.identity), \(plan.parameters)")
        for file in files { Console.result("  \(file)") }
    }
}

extension KeysInspectCommand {
    func showCKKS(_ scheme: String) throws {
        let (keyFile, key) = try CKKSKeyFiles.publicKey(file, scheme: scheme)
        let parameters = key.context.parameters!
        let row = parameters.ring.securityRow
        let shown = Shown(
            kind: keyFile.header.kind.name, description: keyFile.description, fingerprint: key.identity.hexadecimal,
            securityBits: row?.level.rawValue ?? 0, passphrase: keyFile.needsPassphrase)
        if common.json { return try Console.json(shown) }
        Console.result("\(keyFile.header.kind) \"\(keyFile.description.label)\"")
        Console.result("  scheme       \(parameters)")
        Console.result("  security     \(row.map(\.description) ?? "NONE: for experiments only")")
        Console.result("  fingerprint  \(key.identity)")
        Console.result("  made         \(keyFile.description.created)")
        if scheme == ScoringKeyFile.scheme { Console.result("  for          `tacit spam answer`, and nothing else") }
        if let threshold = keyFile.description.threshold, let shares = keyFile.description.shares {
            Console.result("  shared       any \(threshold) of \(shares) decrypt together")
        }
        if let index = keyFile.description.shareIndex { Console.result("  share        number \(index)") }
        if keyFile.isSecret {
            Console.result(
                "  protection   \(keyFile.needsPassphrase ? "passphrase (scrypt, ChaCha20-Poly1305)" : "NONE but the file's mode")"
            )
        }
    }
}
