// Times CKKS operations on request: one command a line, one JSON object a line in answer.
//
//     shape LOGDEGREE | tier 0…2 | cores N | sizes | run OPERATION SECONDS
//
// Benchmarks/ckks/compare_ckks.py asks it in turn with the peers.

import CKernels
import Foundation
import Parallelism

var session: Session?

func answer(_ fields: [String: any Sendable]) {
    let data = try! JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys])
    print(String(decoding: data, as: UTF8.self))
    fflush(nil)
}

Cores.limit(to: 1)
while let line = readLine() {
    let words = line.split(separator: " ").map(String.init)
    do {
        switch words.first {
        case "shape":
            session = try Session(logDegree: Int(words[1])!)
            answer(["precision_bits": try session!.precision()])
        case "tier":
            tacit_cpu_limit_tier(Int32(words[1])!)
            answer(["tier": Int(tacit_cpu_tier())])
        case "cores":
            Cores.limit(to: Int(words[1])!)
            answer(["cores": Cores.count])
        case "sizes": answer(try session!.sizes())
        case "run":
            guard let operation = session?.operation(words[1]) else {
                answer(["error": "no operation \(words[1])"])
                break
            }
            let budget = Double(words[2])!
            try operation()
            let watch = Stopwatch()
            var count = 0
            while count < 3 || watch.elapsed.wall < budget {
                try operation()
                count += 1
            }
            let (wall, processor) = watch.elapsed
            answer(["wall": wall / Double(count), "processor": processor / Double(count)])
        default: answer(["error": "no command \(line)"])
        }
    } catch { answer(["error": "\(error)"]) }
}
