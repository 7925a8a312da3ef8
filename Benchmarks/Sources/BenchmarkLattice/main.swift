// Transforms and key switching on one core, each tier that the machine has, beside a textbook transform.
//
//     swift run -c release BenchmarkLattice [quick] [transforms] [primitives]

import CKernels
import Lattice
import Parallelism
import Randomness

Cores.limit(to: 1)
let quick = CommandLine.arguments.contains("quick")
let parts = CommandLine.arguments.dropFirst().filter { $0 != "quick" }
let samples = quick ? 5 : 15
let tierNames = ["scalar", "AVX2", "AVX-512 IFMA"]
let tiers = Array(0...tacit_cpu_tier())

func wanted(_ part: String) -> Bool { parts.isEmpty || parts.contains(part) }

if wanted("transforms") {
    for logDegree in quick ? [13, 15] : Array(10...17) { measureTransforms(logDegree: logDegree) }
}
if wanted("primitives") {
    for shape in Shape.all { try measurePrimitives(shape) }
}
