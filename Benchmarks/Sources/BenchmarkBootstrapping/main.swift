import Bootstrapping
import CKKS
import Foundation
import Parallelism
import Randomness

// BenchmarkBootstrapping SET [SLOTS] [RUNS]: one JSON line with time, precision, bytes.

let arguments = CommandLine.arguments
let sets = BootstrappingParameters.Literal.all
// A file with a literal of one's own is taken too.
let own = arguments.count > 1 ? try? Data(contentsOf: URL(fileURLWithPath: arguments[1])) : nil
let decoded = try own.map { try JSONDecoder().decode(BootstrappingParameters.Literal.self, from: $0) }
guard arguments.count > 1, let literal = decoded ?? sets[arguments[1]] else {
    print("usage: BenchmarkBootstrapping SET [SLOTS] [RUNS]; sets: \(sets.keys.sorted().joined(separator: ", "))")
    exit(64)
}
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
}

func processorSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

func peakBytes() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    return (Double(line.split(whereSeparator: { !$0.isNumber }).first ?? "0") ?? 0) * 1024
}

func bits(_ x: Double) -> Double { (-log2(x) * 100).rounded() / 100 }
func rounded(_ x: Double) -> Double { (x * 1000).rounded() / 1000 }

let parameters = try BootstrappingParameters(literal)
let context = CKKSContext(parameters.ckks)
let slots = arguments.count > 2 ? Int(arguments[2])! : context.maximumSlots
let runs = arguments.count > 3 ? Int(arguments[3])! : 3
if runs == 0 {
    // The plan only.
    let plan = try Bootstrapper(parameters, context: context, slots: slots)
    print(parameters, plan.keyRequirements.count, "keys", rounded(Double(plan.keyBytes) * 1e-9), "GB")
    print("deviation", -log2(plan.deviation(magnitude: 1)), "failure", log2(plan.failureProbability))
    for part in plan.errorReport { print(part.name, rounded(log2(part.deviation))) }
    exit(0)
}
let secret = CKKSSecretKey(context)
var bootstrapper: Bootstrapper!
var evaluator: CKKSEvaluator!
let setup = try seconds {
    bootstrapper = try Bootstrapper(
        parameters, context: context, slots: slots, keys: BootstrappingKeys(secret, parameters: parameters))
    try bootstrapper.prepare()
}
let keyGeneration = try seconds {
    var random = SystemRandom()
    evaluator = CKKSEvaluator(
        context, keys: try CKKSEvaluationKeys(secret, for: bootstrapper.keyRequirements, using: &random),
        refresher: bootstrapper)
}
let values = (0..<slots).map { _ in
    (Double.random(in: -1...1) * 0.5.squareRoot(), Double.random(in: -1...1) * 0.5.squareRoot())
}
let ciphertext = try CKKSEncryptor(secret).encrypt(
    values.map(\.0), imaginary: values.map(\.1), level: min(1, context.chain.top))
var (walls, processors): ([Double], [Double]) = ([], [])
var result: CKKSCiphertext!
for _ in 0..<runs {
    let before = processorSeconds()
    walls.append(try seconds { result = try evaluator.refreshed(ciphertext) })
    processors.append(processorSeconds() - before)
}
let decrypted = try secret.decryptForOwner(result)
let errors = values.indices.map { hypot(decrypted.real[$0] - values[$0].0, decrypted.imaginary[$0] - values[$0].1) }
let line: [String: Any] = [
    "set": arguments[1], "N": context.chain.degree, "slots": slots, "threads": Cores.count,
    "levels_left": result.level, "log2_QP": rounded(parameters.ckks.ring.log2QP),
    "primes": context.chain.moduli.count, "special": parameters.ckks.ring.specialModuli.count,
    "wall_s": rounded(walls.sorted()[walls.count / 2]), "cpu_s": rounded(processors.sorted()[processors.count / 2]),
    "setup_s": rounded(setup), "keygen_s": rounded(keyGeneration),
    "bits_worst": bits(errors.max()!), "bits_mean": bits(errors.reduce(0, +) / Double(errors.count)),
    "bits_stated": bits(result.errorBound), "bits_deviation": bits(result.deviation),
    "bits_rms": bits((errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()),
    "log2_failure": rounded(log2(bootstrapper.failureProbability)),
    "keys": bootstrapper.keyRequirements.count, "key_gb": rounded(Double(bootstrapper.keyBytes) * 1e-9),
    "matrix_gb": rounded(Double(bootstrapper.matrixBytes) * 1e-9),
    "peak_gb": rounded(peakBytes() * 1e-9),
]
print(String(decoding: try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys]), as: UTF8.self))
if ProcessInfo.processInfo.environment["TACIT_BOOTSTRAPPING_PARTS"] != nil {
    for part in bootstrapper.errorReport { print(part.name, rounded(log2(part.deviation))) }
}
