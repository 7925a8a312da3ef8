import CKernels
import Foundation

/// Processor time of this thread in nanoseconds: other processes on the machine do not count.
func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Median time of one call in nanoseconds, each sample long enough for the clock.
func median(samples: Int, _ body: () -> Void) -> Double {
    body()
    let start = threadTime()
    body()
    let repetitions = max(1, Int(200_000 / max(1, threadTime() - start)))
    var times: [Double] = []
    for _ in 0..<samples {
        let start = threadTime()
        for _ in 0..<repetitions { body() }
        times.append((threadTime() - start) / Double(repetitions))
    }
    return times.sorted()[samples / 2]
}

/// The core's clock in GHz: a chain of dependent additions takes one cycle each.
///
/// xorshift steps depend on each other through three shifts and three exclusive-ors, six cycles that no compiler can
/// shorten.
func clockRate() -> Double {
    var best = 0.0
    for _ in 0..<7 {
        var x: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(getpid())
        let steps = 2_000_000
        let start = threadTime()
        for _ in 0..<steps {
            x ^= x << 13
            x ^= x >> 7
            x ^= x << 17
        }
        let elapsed = threadTime() - start
        sink &+= x
        best = max(best, 6 * Double(steps) / elapsed)
    }
    return best
}

/// Keeps results alive.
nonisolated(unsafe) var sink: UInt64 = 0

/// Prints one JSON object on a line, keys in the order given.
func printLine(_ fields: KeyValuePairs<String, any CustomStringConvertible>) {
    let text = fields.map { key, value in
        switch value {
        case let value as Double: "\"\(key)\": \(String(format: value < 100 ? "%.3f" : "%.0f", value))"
        case let value as String: "\"\(key)\": \"\(value)\""
        default: "\"\(key)\": \(value)"
        }
    }
    print("{" + text.joined(separator: ", ") + "}")
    fflush(nil)
}
