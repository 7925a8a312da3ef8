import Dispatch
import Foundation
import Synchronization

/// How many cores loops may use: all of them, or what ``limit(to:)`` or the environment variable `TACIT_THREADS` says.
public enum Cores {
    private static let chosen = Mutex<Int?>(nil)

    /// Asked once: both answers take longer than many a loop.
    private static let standard: Int = {
        let machine = ProcessInfo.processInfo.activeProcessorCount
        guard let text = ProcessInfo.processInfo.environment["TACIT_THREADS"], let wanted = Int(text), wanted > 0 else {
            return machine
        }
        return min(wanted, machine)
    }()

    public static var count: Int { chosen.withLock { $0 } ?? standard }

    /// Process-wide; for benchmarks that compare one core with several.
    public static func limit(to count: Int?) {
        precondition(count == nil || count! > 0, "count: want at least 1")
        chosen.withLock { $0 = count }
    }
}

/// Runs `body` for consecutive ranges that together make up `0..<count`, on as many cores as ``Cores`` allows.
///
/// Chunks are handed out as workers become free, so uneven work balances. Returns when all are done.
/// - Parameter chunk: the length of a range; choose it so that one takes 50 µs or more.
public func parallelFor(_ count: Int, chunk: Int = 1, _ body: @Sendable (Range<Int>) -> Void) {
    precondition(chunk > 0, "chunk: want at least 1")
    guard count > 0 else { return }
    let chunks = (count + chunk - 1) / chunk
    let workers = min(Cores.count, chunks)
    if workers == 1 {
        for index in 0..<chunks { body(index * chunk..<min(count, (index + 1) * chunk)) }
        return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < chunks else { return }
            body(index * chunk..<min(count, (index + 1) * chunk))
        }
    }
}

/// The values of `transform` for 0, 1, …, `count` − 1, computed on several cores.
public func parallelMap<Value: Sendable>(
    _ count: Int, chunk: Int = 1, _ transform: @Sendable (Int) -> Value
) -> [Value] {
    [Value](unsafeUninitializedCapacity: count) { buffer, filled in
        nonisolated(unsafe) let base = buffer.baseAddress
        parallelFor(count, chunk: chunk) { range in
            for index in range { (base! + index).initialize(to: transform(index)) }
        }
        filled = count
    }
}

/// As ``parallelMap(_:chunk:_:)`` for work that can fail: the error of the lowest failing index is thrown.
public func parallelMap<Value: Sendable, Failure: Error>(
    _ count: Int, chunk: Int = 1, throwing transform: @Sendable (Int) throws(Failure) -> Value
) throws(Failure) -> [Value] {
    let results: [Result<Value, Failure>] = parallelMap(count, chunk: chunk) { index in
        do throws(Failure) { return .success(try transform(index)) } catch { return .failure(error) }
    }
    var values: [Value] = []
    values.reserveCapacity(count)
    for result in results { values.append(try result.get()) }
    return values
}
