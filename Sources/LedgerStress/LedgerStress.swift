import DifferentialPrivacy
import Foundation
import PrivacyLedger

/// For the tests of `PrivacyLedger`: spends from a ledger as fast as it can and notes every release in a file of its own,
/// until the budget refuses it or somebody kills it.
///
///     LedgerStress LEDGER NOTES spend EPSILON     one pure release after the other
///     LedgerStress LEDGER NOTES run EPSILON       runs of 20 steps in portions of three; resumes its last one first
///
/// A note is a line "sequence hash count" of what was released under that entry, flushed to the disk.
@main
enum LedgerStress {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let epsilon = Double(arguments[4]) else {
            fatalError("usage: LedgerStress LEDGER NOTES spend|run EPSILON")
        }
        let notes = Notes(path: arguments[2])
        let step = PrivacyEvent.approximate(epsilon: epsilon, delta: 0)
        do throws(PrivacyLedgerError) {
            let ledger = try PrivacyLedger(
                path: arguments[1], access: .spending, identity: LedgerIdentity(program: "LedgerStress 1"))
            if arguments[3] == "spend" {
                while true { notes.write(try ledger.authorise(step, purpose: "one of many"), count: 1) }
            }
            try Self.runs(ledger, step, notes)
        } catch {
            guard error.code == .budgetExceeded else { fatalError("\(error)") }
            print("refused")
        }
    }

    private static func runs(
        _ ledger: PrivacyLedger, _ step: PrivacyEvent, _ notes: Notes
    ) throws(PrivacyLedgerError) -> Never {
        // A process that was killed left a run; it goes on from what its notes say was finished.
        var run: LedgerRun
        var done = 0
        if let identifier = notes.run, try !ledger.run(identifier).isOver {
            done = notes.steps
            let again = try ledger.run(identifier).authorised - done
            run = try ledger.resumeRun(identifier, from: done)
            notes.write(ledger.head, count: again)
            done += again
        } else {
            run = try ledger.beginRun(step, steps: 20, reserved: false, purpose: "a run")
            notes.begin(run.identifier)
        }
        while true {
            while done < run.steps {
                let portion = min(3, run.steps - done)
                notes.write(try run.advance(through: done + portion), count: portion)
                done += portion
                notes.finish(steps: done)
            }
            try run.finish()
            run = try ledger.beginRun(step, steps: 20, reserved: false, purpose: "a run")
            notes.begin(run.identifier)
            done = 0
        }
    }
}

/// What this process, and the ones before it with the same file, have released.
final class Notes {
    private let descriptor: Int32
    private(set) var run: String?
    private(set) var steps = 0

    init(path: String) {
        for line in ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "run" { (run, steps) = (String(words[1]), 0) }
            if words[0] == "done" { steps = Int(words[1])! }
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "cannot open the notes")
    }

    func write(_ entry: LedgerEntry, count: Int) { line("released \(entry.sequence) \(entry.hash) \(count)") }
    func write(_ head: LedgerHead, count: Int) { line("released \(head.sequence) \(head.hash) \(count)") }
    func begin(_ run: String) { line("run \(run)") }
    func finish(steps: Int) { line("done \(steps)") }

    private func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        precondition(Foundation.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0)
    }
}
