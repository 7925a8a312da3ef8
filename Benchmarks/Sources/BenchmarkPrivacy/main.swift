import DifferentialPrivacy
import Foundation
import Randomness

// One JSON line per measurement, processor time of this thread: accounting cases and samplers, as
// Benchmarks/dp/compare_dp.py runs them for the peers.

func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func median(_ repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
    var times: [Double] = []
    for _ in 0..<repetitions {
        let start = threadTime()
        try body()
        times.append(threadTime() - start)
    }
    return times.sorted()[repetitions / 2]
}

let cases: [(name: String, rate: Double, noise: Double, steps: Int, delta: Double)] = [
    ("mnist_b64_s1.0", 64.0 / 60000, 1.0, 9375, 1e-5), ("mnist_b240_s1.3", 240.0 / 60000, 1.3, 3750, 1e-5),
    ("mnist_b240_s0.7", 240.0 / 60000, 0.7, 11250, 1e-5), ("q.01_s1_1e4", 0.01, 1.0, 10000, 1e-5),
    ("q.01_s4_1e4", 0.01, 4.0, 10000, 1e-5), ("cifar_de_b16384_s9.4", 16384.0 / 50000, 9.4, 876, 1e-5),
    ("fl_q.1_s2_100", 0.1, 2.0, 100, 1e-5), ("long_q1e-4_s.5_1e5", 1e-4, 0.5, 100000, 1e-7),
    ("bc_b32_s3", 32.0 / 569, 3.0, 900, 1e-3),
]

for item in cases {
    let event = PrivacyEvent.poissonSampled(rate: item.rate, event: .gaussian(noiseMultiplier: item.noise))
    for (name, resolution) in [("fast", LossResolution.fast), ("standard", .standard), ("fine", .fine)] {
        var bounds = LossBounds(lower: 0, upper: 0)
        let upper = try median(5) {
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: resolution)
            try accountant.compose(event, count: item.steps)
            bounds = LossBounds(lower: 0, upper: try accountant.epsilon(delta: item.delta))
        }
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: resolution)
        try accountant.compose(event, count: item.steps)
        bounds = try accountant.epsilonBounds(delta: item.delta)
        print(
            #"{"benchmark": "epsilon", "case": "\#(item.name)", "implementation": "loss \#(name)", "milliseconds": \#(upper * 1e3), "lower": \#(bounds.lower), "epsilon": \#(bounds.upper)}"#
        )
    }
    var epsilon = 0.0
    let time = try median(5) {
        var accountant = try RenyiAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(event, count: item.steps)
        epsilon = try accountant.epsilon(delta: item.delta)
    }
    print(
        #"{"benchmark": "epsilon", "case": "\#(item.name)", "implementation": "renyi", "milliseconds": \#(time * 1e3), "epsilon": \#(epsilon)}"#
    )
}

// A training loop that asks for ε after every step.
var stepped = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: .fast)
var asked = 0.0
let steps = 200
let perStep = try median(1) {
    for _ in 0..<steps {
        try stepped.compose(.poissonSampled(rate: 0.004, event: .gaussian(noiseMultiplier: 1.1)))
        asked = try stepped.epsilon(delta: 1e-5)
    }
}
print(
    #"{"benchmark": "epsilon at each step", "implementation": "loss fast", "milliseconds": \#(perStep * 1e3 / Double(steps)), "epsilon": \#(asked)}"#
)

for (kinds, resolution, name) in [
    (100, LossResolution.fast, "fast"), (1000, .coarse, "coarse"), (10000, .coarse, "coarse"),
] {
    var epsilon = 0.0
    let time = try median(1) {
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: resolution)
        for i in 0..<10000 {
            let k = i % kinds
            let u = Double(k) / Double(kinds), v = (Double(k) * 0.618034).truncatingRemainder(dividingBy: 1)
            try accountant.compose(
                .poissonSampled(rate: 0.001 * exp(2.3 * u), event: .gaussian(noiseMultiplier: 0.8 + 2 * v)))
        }
        epsilon = try accountant.epsilon(delta: 1e-5)
    }
    print(
        #"{"benchmark": "10000 releases of \#(kinds) kinds", "implementation": "loss \#(name)", "milliseconds": \#(time * 1e3), "epsilon": \#(epsilon)}"#
    )
}

var random = SystemRandom()
for scale in [1.5, 100, 0x1p31] {
    for noise in [try DiscreteNoise.gaussian(deviation: scale), try DiscreteNoise.laplace(scale: scale)] {
        var buffer = [Int64](repeating: 0, count: 1 << 20)
        let time = buffer.withUnsafeMutableBufferPointer { buffer in
            median(7) { noise.draw(into: buffer, using: &random) }
        }
        print(
            #"{"benchmark": "draws", "noise": "discrete \#(noise.isGaussian ? "Gaussian" : "Laplace")", "scale": \#(scale), "implementation": "table", "million_per_second": \#(Double(buffer.count) / time / 1e6)}"#
        )
    }
}
let single = median(3) {
    for _ in 0..<100_000 { _ = ExactSampling.discreteGaussian(variance: 10_000, over: 1, using: &random) }
}
print(
    #"{"benchmark": "draws", "noise": "discrete Gaussian", "scale": 100, "implementation": "single, integers", "million_per_second": \#(0.1 / single)}"#
)
