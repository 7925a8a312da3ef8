import Foundation

/// The lines that the demo shows while it works: who does what, and how long it took.
struct DemoStage {
    private let colour = Console.usesColour(Console.errorIsTerminal)

    private func paint(_ text: String, _ code: String) -> String { colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

    func title(_ text: String, _ subtitle: String) {
        Console.log("")
        Console.log("  " + paint(text, "1"))
        Console.log("  " + paint(subtitle, "2"))
        Console.log("")
    }

    /// Runs a step; its line shows at once on a terminal, and is completed with a mark and the time.
    func step<Value>(_ who: String, _ what: String, _ body: () throws -> (Value, note: String)) throws -> Value {
        let name = who.padding(toLength: 12, withPad: " ", startingAt: 0)
        let line = "\(paint(name, "36"))\(what)"
        if Console.errorIsTerminal, !Console.isQuiet { Console.write("  … \(line)", to: STDERR_FILENO) }
        let started = ContinuousClock.now
        do {
            let (value, note) = try body()
            let wall = ContinuousClock.now - started
            let seconds = Double(wall.components.seconds) + Double(wall.components.attoseconds) * 1e-18
            let time = String(format: "%.2f s", seconds)
            let clear = Console.errorIsTerminal ? "\r\u{1B}[K" : ""
            Console.log(
                "\(clear)  \(paint("✓", "32")) \(line)\(note.isEmpty ? "" : paint("  \(note)", "2"))\(paint("  \(time)", "2"))"
            )
            return value
        } catch {
            if Console.errorIsTerminal { Console.log("\r\u{1B}[K  \(paint("✗", "31")) \(line)") }
            throw error
        }
    }
}
