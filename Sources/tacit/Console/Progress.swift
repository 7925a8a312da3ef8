import Foundation
import Synchronization

/// How far a long piece of work has come: a bar on a terminal, a line every few seconds in a log.
final class Progress: Sendable {
    private struct State {
        var done = 0
        var lastShown = Date.distantPast
        var isFinished = false
    }

    private let title: String
    private let total: Int
    private let unit: String
    private let started = Date()
    private let state = Mutex(State())

    init(_ title: String, total: Int, unit: String) {
        self.title = title
        self.total = total
        self.unit = unit
    }

    /// Adds finished units; may be called from several threads.
    func advance(by count: Int = 1) { update { $0 + count } }

    /// Sets the finished units.
    func reach(_ done: Int) { update { max($0, done) } }

    private func update(_ change: (Int) -> Int) {
        guard !Console.isQuiet else { return }
        state.withLock { state in
            state.done = change(state.done)
            let interval = Console.errorIsTerminal ? 0.1 : 5
            guard -state.lastShown.timeIntervalSinceNow >= interval else { return }
            // A log shows nothing of work that is over before the first interval.
            if !Console.errorIsTerminal, -started.timeIntervalSinceNow < interval { return }
            state.lastShown = Date()
            show(state.done)
        }
    }

    /// Clears the bar.
    func finish() {
        state.withLock { state in
            guard !state.isFinished else { return }
            state.isFinished = true
            if Console.errorIsTerminal, !Console.isQuiet { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
        }
    }

    private func show(_ done: Int) {
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 0
        let seconds = -started.timeIntervalSinceNow
        let left = share > 0.01 ? String(format: ", %.0f s left", seconds / share - seconds) : ""
        if Console.errorIsTerminal {
            let width = 24
            let filled = Int(share * Double(width))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            Console.write("\r\u{1B}[K  \(title) \(bar) \(done)/\(total) \(unit)\(left)", to: STDERR_FILENO)
        } else {
            Console.write("\(title): \(done) of \(total) \(unit)\(left)\n", to: STDERR_FILENO)
        }
    }
}
