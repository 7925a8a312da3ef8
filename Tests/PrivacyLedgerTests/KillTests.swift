import DifferentialPrivacy
import Foundation
import PrivacyLedger
import TacitTestSupport
import Testing

/// Several processes spend at once and are killed at random instants; whatever they released is in the ledger.
@Suite(.serialized) struct KillTests {
    /// Kills: `TACIT_LEDGER_KILLS`, or 200, which take some seconds.
    static let kills = ProcessInfo.processInfo.environment["TACIT_LEDGER_KILLS"].flatMap { Int($0) } ?? 200

    static let executable: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "LedgerStress")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/release/LedgerStress")
    }()

    /// A line "released" of a child's notes.
    struct Release {
        var sequence: Int
        var hash: String
        var count: Int
    }

    static func start(_ fixture: LedgerFixture, notes: String, _ mode: String, _ epsilon: Double) throws -> Process {
        let process = Process()
        process.executableURL = executable
        process.arguments = [fixture.path, fixture.folder.file(notes), mode, "\(epsilon)"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: fixture.folder.file("errors"))
        try process.run()
        return process
    }

    static func releases(_ fixture: LedgerFixture, _ notes: [String]) -> [Release] {
        notes.flatMap { name -> [Release] in
            let text = (try? String(contentsOfFile: fixture.folder.file(name), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { line -> Release? in
                let words = line.split(separator: " ")
                guard words.count == 4, words[0] == "released" else { return nil }
                return Release(sequence: Int(words[1])!, hash: String(words[2]), count: Int(words[3])!)
            }
        }
    }

    /// Steps that each entry charged.
    static func charges(_ history: [LedgerEntry]) -> [Int: Int] {
        var through: [String: Int] = [:]
        var charged: [Int: Int] = [:]
        for entry in history {
            switch entry.content {
            case .spent: charged[entry.sequence] = 1
            case .runAdvanced(let run, let to):
                charged[entry.sequence] = to - (through[run] ?? 0)
                through[run] = to
            case .runResumed(_, _, let repeated): charged[entry.sequence] = repeated
            default: break
            }
        }
        return charged
    }

    /// Everything that was released is recorded, nothing twice, and the sum of records is what the ledger says is spent.
    static func check(_ fixture: LedgerFixture, notes: [String], epsilon: Double) throws -> (
        released: Int, recorded: Int
    ) {
        let ledger = try fixture.open()
        try ledger.verify()
        let history = try ledger.history()
        let charged = charges(history)
        let releases = releases(fixture, notes)
        #expect(Set(releases.map(\.sequence)).count == releases.count)
        for release in releases {
            try #require(release.sequence < history.count, "a release is not in the ledger")
            #expect(history[release.sequence].hash.description == release.hash)
            #expect(charged[release.sequence] == release.count)
        }
        let (released, recorded) = (releases.reduce(0) { $0 + $1.count }, charged.values.reduce(0, +))
        let spent = try ledger.standing().spent
        #expect(released <= recorded)
        #expect(abs(spent - Double(recorded) * epsilon) <= 1e-9 * spent + 1e-15)
        #expect(spent <= ledger.budget.epsilon * (1 + 1e-9))
        return (released, recorded)
    }

    @Test func theSpendIsNeverBelowWhatWasReleased() throws {
        let fixture = try LedgerFixture()
        _ = FileManager.default.createFile(atPath: fixture.folder.file("errors"), contents: nil)
        let epsilon = 1e-6
        _ = try fixture.create(LedgerFixture.budget(epsilon: 1))
        var generator = SystemRandomNumberGenerator()
        // Two spend, two have runs; all at once.
        let slots = [("a", "spend"), ("b", "spend"), ("c", "run"), ("d", "run")]
        let started = ContinuousClock.now
        var children = try slots.map { try Self.start(fixture, notes: $0.0, $0.1, epsilon) }
        var killed = 0
        while killed < Self.kills {
            usleep(UInt32.random(in: 0..<25_000, using: &generator))
            let slot = Int.random(in: 0..<slots.count, using: &generator)
            #expect(children[slot].isRunning, "a child ended by itself")
            kill(children[slot].processIdentifier, SIGKILL)
            children[slot].waitUntilExit()
            killed += 1
            // Readers get through at any time, also when there is a half-written transaction to be undone.
            if killed % 10 == 0 { _ = try fixture.open(.reading).standing() }
            if killed % 200 == 0 {
                // A look in between needs a ledger that stands still.
                for (index, child) in children.enumerated() where index != slot {
                    kill(child.processIdentifier, SIGKILL)
                    child.waitUntilExit()
                    killed += 1
                }
                _ = try Self.check(fixture, notes: slots.map(\.0), epsilon: epsilon)
                children = try slots.map { try Self.start(fixture, notes: $0.0, $0.1, epsilon) }
            } else {
                children[slot] = try Self.start(fixture, notes: slots[slot].0, slots[slot].1, epsilon)
            }
        }
        for child in children {
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        let (released, recorded) = try Self.check(fixture, notes: slots.map(\.0), epsilon: epsilon)
        let errors = try String(contentsOfFile: fixture.folder.file("errors"), encoding: .utf8)
        #expect(errors == "")
        #expect(released > Self.kills, "too little happened between the kills: \(released)")
        print("\(killed) kills in \(ContinuousClock.now - started): \(released) released, \(recorded) recorded")
    }

    @Test func processesTogetherNeverSpendMoreThanTheBudget() throws {
        let fixture = try LedgerFixture()
        _ = FileManager.default.createFile(atPath: fixture.folder.file("errors"), contents: nil)
        let epsilon = 1.0 / 300
        _ = try fixture.create(LedgerFixture.budget(epsilon: 1))
        let started = ContinuousClock.now
        let names = ["a", "b", "c", "d", "e", "f"]
        let children = try names.map {
            try Self.start(fixture, notes: $0, ["e", "f"].contains($0) ? "run" : "spend", epsilon)
        }
        for child in children {
            child.waitUntilExit()
            #expect(child.terminationReason == .exit && child.terminationStatus == 0)
        }
        let (released, recorded) = try Self.check(fixture, notes: names, epsilon: epsilon)
        // Nobody was killed, so all that was recorded was released; and those who spend one by one leave no rest.
        #expect(released == recorded && recorded == 300)
        #expect(try String(contentsOfFile: fixture.folder.file("errors"), encoding: .utf8) == "")
        print("6 processes, \(recorded) releases: \(ContinuousClock.now - started)")
    }
}
