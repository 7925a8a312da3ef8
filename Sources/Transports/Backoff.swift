/// How long to wait before the next attempt: doubling, with the whole of the wait drawn at random, so that sites that
/// lost the same coordinator do not come back in step (Amazon's “full jitter”; a third is always waited).
public struct Backoff: Hashable, Sendable {
    /// The ceiling of the first wait.
    public var initial: Duration
    /// No wait is longer.
    public var maximum: Duration
    /// When to give up, counted from the first failure in a row; nil: never.
    public var patience: Duration?

    public init(initial: Duration, maximum: Duration, patience: Duration?) {
        self.initial = initial
        self.maximum = maximum
        self.patience = patience
    }

    /// A tenth of a second at first, half a minute at most, for a day.
    public static let standard = Backoff(
        initial: .milliseconds(100), maximum: .seconds(30), patience: .seconds(86400))

    /// The wait before attempt `failures` + 1.
    /// - Parameter failures: how many attempts failed in a row, at least 1.
    public func wait(afterFailures failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures, 1) - 1, 40)
        let ceiling = min(maximum, initial * (1 << doublings))
        return ceiling * Double.random(in: 1.0 / 3...1, using: &generator)
    }
}
