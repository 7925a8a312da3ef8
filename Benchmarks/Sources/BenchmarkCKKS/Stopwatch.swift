import Foundation

/// Elapsed time and processor time of all threads, in seconds.
struct Stopwatch {
    private let wall = Self.time(CLOCK_MONOTONIC)
    private let processor = Self.time(CLOCK_PROCESS_CPUTIME_ID)

    private static func time(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    var elapsed: (wall: Double, processor: Double) {
        (Self.time(CLOCK_MONOTONIC) - wall, Self.time(CLOCK_PROCESS_CPUTIME_ID) - processor)
    }
}
