import Foundation
import NeuralNetworks
import Parallelism

// Throughput of training steps on random data of the right shape:
//   BenchmarkNetworks --model cnn|mlp|small --batch N --mode plain|private --threads N --seconds S
// One JSON line: examples per second over all complete repetitions, the fastest repetition, peak memory of the process.

func argument(_ name: String, _ fallback: String) -> String {
    let arguments = CommandLine.arguments
    guard let index = arguments.firstIndex(of: "--\(name)"), index + 1 < arguments.count else { return fallback }
    return arguments[index + 1]
}

let model = argument("model", "cnn")
let batch = Int(argument("batch", "256"))!
let mode = argument("mode", "plain")
let threads = Int(argument("threads", "2"))!
let seconds = Double(argument("seconds", "3"))!
Cores.limit(to: threads)

let layers: [LayerDescription]
let input: [Int]
let classes: Int
// Rows as in the data sets themselves, so that sampling costs what it costs in a run.
let rows: Int
switch model {
case "cnn": (layers, input, classes, rows) = (.mnistTutorial, [28, 28, 1], 10, 60_000)
case "mlp": (layers, input, classes, rows) = (.multilayerPerceptron(hidden: [256], outputs: 10), [784], 10, 60_000)
case "small": (layers, input, classes, rows) = (.multilayerPerceptron(hidden: [64, 32], outputs: 2), [30], 2, 60_000)
default: fatalError("model: got \(model), want cnn, mlp or small")
}
let width = input.reduce(1, *)
// Few distinct numbers, read by every row at another place: the memory of a data set without the time to draw it.
var random = SeededGenerator(seed: 1)
let numbers = (0..<8191).map { _ in Float(random.next() >> 40) * 0x1p-23 - 1 }
let features = [Float](unsafeUninitializedCapacity: rows * width) { buffer, filled in
    for index in 0..<rows * width { buffer[index] = numbers[index % 8191] }
    filled = rows * width
}
let examples = try Examples(
    features: features, width: width, targets: .classes((0..<rows).map { $0 * 7 % classes }))
let network = try Network<Float>(layers, input: input, seed: 1)

/// Processor time with one thread, which other work on the machine disturbs least; elapsed time with several.
func now() -> Double {
    var time = timespec()
    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Runs steps for a repetition's time; returns examples a second.
func measure(_ step: () throws -> Int) throws -> [Double] {
    _ = try step()
    var rates: [Double] = []
    for _ in 0..<8 {
        var done = 0
        let start = now()
        var elapsed = 0.0
        while elapsed < seconds / 8 {
            done += try step()
            elapsed = now() - start
        }
        rates.append(Double(done) / elapsed)
    }
    return rates
}

let rates: [Double]
let working: Int
if mode == "plain" {
    let trainer = try Trainer(
        network, examples, loss: .crossEntropy, .init(optimizer: .sgd(), learningRate: 0.01, batchSize: batch))
    rates = try measure {
        try trainer.step()
        return batch
    }
    working = trainer.workingBytes
} else {
    let trainer = try PrivateTrainer(
        network, examples, loss: .crossEntropy, unitOfRow: nil,
        PrivateTrainingParameters(
            samplingRate: Double(batch) / Double(rows), noiseMultiplier: 1, clipping: .fixed(norm: 1),
            learningRate: 0.01))
    rates = try measure { try trainer.step().sampledUnits }
    working = trainer.workingBytes
}

var usage = rusage()
#if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
#else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
#endif
let sorted = rates.sorted()
let line: [String: Any] = [
    "benchmark": "networks", "who": "tacit", "model": model, "batch": batch, "mode": mode, "threads": threads,
    "median_per_second": Int(sorted[sorted.count / 2]), "best_per_second": Int(sorted.last!),
    "peak_megabytes": usage.ru_maxrss / 1024, "working_megabytes": Double(working) / 1e6,
]
print(String(decoding: try JSONSerialization.data(withJSONObject: line, options: .sortedKeys), as: UTF8.self))
