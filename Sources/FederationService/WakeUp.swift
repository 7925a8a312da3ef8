import Synchronization

/// Lets tasks sleep until something happens.
final class WakeUp: Sendable {
    private struct State {
        var version: UInt64 = 1
        var next: UInt64 = 0
        var sleepers: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Woken before they fell asleep.
        var early: Set<UInt64> = []
    }
    private let state = Mutex(State())

    /// Rises with every ``signal()``.
    var version: UInt64 { state.withLock { $0.version } }

    func signal() {
        let sleepers = state.withLock { state in
            state.version += 1
            defer { state.sleepers = [:] }
            return state.sleepers.values
        }
        for sleeper in sleepers { sleeper.resume() }
    }

    /// Returns when the version is no longer `known`, after `time`, or when the task is cancelled.
    func wait(after known: UInt64, within time: Duration) async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let alarm = Task {
            try? await Task.sleep(for: time)
            self.wake(number)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.version == known, state.early.remove(number) == nil else { return true }
                    state.sleepers[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake(number)
        }
        alarm.cancel()
        await alarm.value
        state.withLock { _ = $0.early.remove(number) }
    }

    private func wake(_ number: UInt64) {
        let sleeper = state.withLock { state in
            let sleeper = state.sleepers.removeValue(forKey: number)
            if sleeper == nil { state.early.insert(number) }
            return sleeper
        }
        sleeper?.resume()
    }
}
