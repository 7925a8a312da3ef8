import Foundation

/// Processor time of this thread in nanoseconds: other processes on the machine do not count.
func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Runs the bodies in turn, `rounds` times after one for warming up, and returns the median time of each.
func medians(rounds: Int, _ bodies: [() -> Void]) -> [Double] {
    var times = [[Double]](repeating: [], count: bodies.count)
    for round in 0...rounds {
        for (index, body) in bodies.enumerated() {
            let start = threadTime()
            body()
            if round > 0 { times[index].append(threadTime() - start) }
        }
    }
    return times.map { $0.sorted()[rounds / 2] }
}

/// Prints one JSON object on a line, keys in the order given.
func printLine(_ fields: KeyValuePairs<String, any CustomStringConvertible>) {
    let text = fields.map { key, value in
        switch value {
        case let value as Double: "\"\(key)\": \(String(format: value < 100 ? "%.2f" : "%.0f", value))"
        case let value as String: "\"\(key)\": \"\(value)\""
        default: "\"\(key)\": \(value)"
        }
    }
    print("{" + text.joined(separator: ", ") + "}")
    fflush(nil)
}
