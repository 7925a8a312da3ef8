import DifferentialPrivacy
import Foundation
import PrivacyLedger
import Testing

@Suite struct SpendingTests {
    private let pure = PrivacyEvent.laplace(noiseMultiplier: 4)  // ε = 1/4

    @Test func spendsUntilTheBudgetIsUsedUp() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        #expect(try ledger.standing().spent == 0)
        for number in 1...3 {
            let answer = try ledger.spend(pure, purpose: "count \(number)") { entry in
                #expect(entry.sequence == number)
                // On the disk before the release: another object finds it there.
                let seen = try fixture.open(.reading).head.sequence
                #expect(seen == number)
                return number * 10
            }
            #expect(answer == number * 10)
            let spent = try ledger.standing().spent
            #expect(spent >= 0.25 * Double(number) && spent < 0.25 * Double(number) + 1e-9)
        }
        var isReleased = false
        let error = ledgerError {
            try ledger.spend(.laplace(noiseMultiplier: 2), purpose: "too much") { _ in isReleased = true }
        }
        #expect(!isReleased)
        #expect(error?.code == .budgetExceeded)
        let numbers = try #require(error?.refusal)
        #expect(abs(numbers.wanted - 0.5) < 1e-9 && abs(numbers.before.spent - 0.75) < 1e-9)
        #expect(abs(numbers.before.left - 0.25) < 1e-9 && abs(numbers.together - 1.25) < 1e-9 && !numbers.fits)
        for words in ["wants 0.5;", "0.75 of 1 is spent", "0.25 is left", "it would be 1.25;", "nothing was released"] {
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        #expect(try ledger.head.sequence == 3 && fixture.open(.reading).head == ledger.head)
        // What is left can still be spent.
        #expect(try !ledger.forecast(.approximate(epsilon: 0.250001, delta: 0)).fits)
        _ = try ledger.authorise(pure, purpose: "the rest")
        #expect(try !ledger.forecast(.approximate(epsilon: 0.000001, delta: 0)).fits)
    }

    /// A failed release may have been seen: nothing comes back.
    @Test func anErrorOfTheReleaseGivesNothingBack() throws {
        struct Failure: Error {}
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        #expect(throws: Failure.self) { try ledger.spend(pure, purpose: "fails") { _ in throw Failure() } }
        #expect(try fixture.open().standing().spent >= 0.25)
    }

    @Test func tenTimesATenthIsOne() throws {
        let ledger = try LedgerFixture().create()
        let tenth = PrivacyEvent.approximate(epsilon: 0.1, delta: 0)
        for _ in 0..<10 { _ = try ledger.authorise(tenth, purpose: "q") }
        #expect(try ledger.standing().left < 1e-9)
        #expect(ledgerError { _ = try ledger.authorise(.approximate(epsilon: 1e-6, delta: 0), purpose: "q") } != nil)
    }

    /// Numbers in messages are rounded to the safe side.
    @Test func roundedNumbers() throws {
        let ledger = try LedgerFixture().create()
        _ = try ledger.authorise(.approximate(epsilon: 0.123456, delta: 0), purpose: "q")
        let message = ledgerError { _ = try ledger.authorise(.approximate(epsilon: 0.9, delta: 0), purpose: "q") }?
            .message
        for words in ["0.1235 of 1 is spent", "0.8765 is left", "together it would be 1.0235"] {
            #expect(message?.contains(words) == true, "\(message ?? "")")
        }
    }

    @Test func theHistorySaysWhoWhatWhenAndWithWhichCode() throws {
        let fixture = try LedgerFixture()
        let before = Date()
        let ledger = try fixture.create(LedgerFixture.budget(delta: 1e-6))
        _ = try ledger.authorise(pure, purpose: "age histogram")
        let other = try PrivacyLedger(
            path: fixture.path, access: .spending, identity: LedgerIdentity(program: "survey 2.1"))
        _ = try other.authorise(.gaussian(noiseMultiplier: 100), purpose: "mean stay")
        let history = try ledger.history()
        #expect(history.map(\.sequence) == [0, 1, 2])
        guard case .opened(let budget, _, let secret, _) = history[0].content else {
            return #expect(Bool(false), "first entry: \(history[0])")
        }
        #expect(budget == ledger.budget && secret.count > 40)
        #expect(history[1].content == .spent(pure) && history[1].purpose == "age histogram")
        #expect(history[1].actor == "tester" && history[1].program == "tests 1")
        #expect(history[2].actor == NSUserName() && history[2].program == "survey 2.1")
        #expect(history.allSatisfy { $0.process == getpid() && !$0.host.isEmpty && $0.clockLag == 0 })
        #expect(history.allSatisfy { $0.time >= before.addingTimeInterval(-0.001) && $0.time <= Date() })
        #expect(history[1].previous == history[0].hash && history[2].previous == history[1].hash)
        #expect(history[2].hash == ledger.head.hash)
        #expect(try ledger.history(last: 2).map(\.sequence) == [1, 2])
        #expect(try ledger.history(last: 9).count == 3 && ledger.history(last: 0).isEmpty)
    }

    @Test func nobodyElseMayReadTheFile() throws {
        let fixture = try LedgerFixture()
        let before = umask(0)
        defer { umask(before) }
        _ = try fixture.create()
        let mode = try FileManager.default.attributesOfItem(atPath: fixture.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(fixture.folder.names == ["patients.ledger"])
    }

    @Test func aLedgerIsNeverReplaced() throws {
        let fixture = try LedgerFixture()
        _ = try fixture.create().authorise(pure, purpose: "count")
        #expect(ledgerError { _ = try fixture.create() }?.code == .cannotCreate)
        #expect(try fixture.open().head.sequence == 1)
        try FileManager.default.createSymbolicLink(
            atPath: fixture.folder.file("link"), withDestinationPath: "nowhere")
        let error = ledgerError {
            _ = try PrivacyLedger.create(
                path: fixture.folder.file("link"), budget: LedgerFixture.budget(), purpose: "p",
                identity: LedgerFixture.identity)
        }
        #expect(error?.code == .cannotCreate)
        #expect(fixture.folder.names == ["link", "patients.ledger"])
    }

    @Test func readersDoNotSpendAndLeaveTheFileAlone() throws {
        let fixture = try LedgerFixture()
        _ = try fixture.create().authorise(pure, purpose: "count")
        let before = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        let reader = try fixture.open(.reading)
        #expect(ledgerError { _ = try reader.authorise(pure, purpose: "count") }?.code == .permission)
        _ = try (reader.standing(), reader.history(), reader.verify(), reader.summary())
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.path)) == before)
        #expect(fixture.folder.names == ["patients.ledger"])
    }

    @Test func refusesOtherDataUnitsAndRelations() throws {
        let ledger = try LedgerFixture().create()
        let own = ledger.budget
        try ledger.require(unit: own.unit, neighbouring: own.neighbouring, fingerprint: own.dataSet.fingerprint)
        try ledger.require(unit: own.unit, neighbouring: own.neighbouring, fingerprint: nil)
        for (unit, neighbouring, fingerprint) in [
            ("row", own.neighbouring, own.dataSet.fingerprint), ("patient", .replaceOne, nil),
            ("patient", own.neighbouring, String(repeating: "cd", count: 32)),
        ] {
            let error = ledgerError {
                try ledger.require(unit: PrivacyUnit(unit), neighbouring: neighbouring, fingerprint: fingerprint)
            }
            #expect(error?.code == .mismatch && error?.message.contains("cdcd") == false)
        }
    }

    @Test func badInputIsRefusedAndChangesNothing() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        for event: PrivacyEvent in [
            .gaussian(noiseMultiplier: 0), .gaussian(noiseMultiplier: -1), .gaussian(noiseMultiplier: .nan),
            .laplace(noiseMultiplier: .infinity), .approximate(epsilon: -1, delta: 0),
            .approximate(epsilon: 1, delta: 2),
            .zeroConcentrated(rho: -1), .zeroConcentrated(rho: .nan),
            .repeated(.laplace(noiseMultiplier: 1), count: -1),
            .repeated(.repeated(.laplace(noiseMultiplier: 1e9), count: 1 << 40), count: 1 << 40),
            .poissonSampled(rate: 1.5, event: .gaussian(noiseMultiplier: 1)),
            .composed([.laplace(noiseMultiplier: 100), .treeAggregation(noiseMultiplier: 1, steps: 0)]),
            .discreteGaussian(deviation: 1, contribution: 0),
        ] {
            let error = ledgerError { _ = try ledger.authorise(event, purpose: "bad") }
            #expect(error?.code == .invalidParameter, "\(event): \(error?.message ?? "")")
        }
        for purpose in ["", "two\nlines", "\u{1B}[2Jgone", String(repeating: "x", count: 5000)] {
            let error = ledgerError { _ = try ledger.authorise(pure, purpose: purpose) }
            #expect(error?.code == .invalidParameter)
        }
        #expect(try fixture.open().head.sequence == 0)
        for (epsilon, delta) in [(0, 0), (-1, 0), (.nan, 0), (.infinity, 0), (1, 1), (1, -1e-9), (1, .nan)] {
            #expect(
                ledgerError { _ = try LedgerFixture.budget(epsilon: epsilon, delta: delta) }?.code == .invalidParameter)
        }
    }

    /// Two objects, as in two processes, see each other's spending; neither can go over the budget.
    @Test func objectsOnOneFileShareTheBudget() throws {
        let fixture = try LedgerFixture()
        let one = try fixture.create()
        let two = try fixture.open()
        for ledger in [one, two, two, one] {
            _ = try ledger.authorise(.approximate(epsilon: 0.24, delta: 0), purpose: "q")
        }
        for ledger in [one, two] {
            #expect(ledgerError { _ = try ledger.authorise(pure, purpose: "q") }?.code == .budgetExceeded)
            #expect(abs(try ledger.standing().spent - 0.96) < 1e-9)
        }
    }

    @Test func threadsShareOneObject() async throws {
        let ledger = try LedgerFixture().create()
        let step = PrivacyEvent.approximate(epsilon: 1.0 / 32, delta: 0)
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<6).count { _ in (try? ledger.authorise(step, purpose: "q")) != nil } }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 32)
        #expect(try ledger.verify().sequence == 32)
    }

    @Test func theSummaryShowsWhatMayBeShown() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(LedgerFixture.budget(delta: 1e-6))
        _ = try ledger.authorise(pure, purpose: "count")
        let run = try ledger.beginRun(
            .poissonSampled(rate: 0.01, event: .gaussian(noiseMultiplier: 4)), steps: 100, reserved: true,
            purpose: "training")
        try run.advance(through: 40)
        _ = try ledger.resumeRun(run.identifier, from: 30)
        let summary = try ledger.summary()
        let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
        #expect(try JSONDecoder().decode(LedgerSummary.self, from: Data(text.utf8)) == summary)
        #expect(!text.contains("abab"), "the data's fingerprint is not for reports")
        #expect(summary.dataSet == "admissions" && summary.unit == "patient" && summary.entries == 5)
        #expect(summary.releases.map(\.purpose) == ["count", "training"])
        #expect(summary.releases[0].mechanism == "Laplace noise, multiplier 4.0" && summary.releases[0].run == nil)
        #expect(summary.releases[1].mechanism.hasPrefix("100 times [["))
        let shown = try #require(summary.releases[1].run)
        #expect(shown.authorised == 40 && shown.steps == 100 && shown.repeated == 10 && !shown.isOver)
        #expect(summary.head == ledger.head.hash && summary.spent > 0.25 && summary.spent < 1)
        #expect(summary.left <= summary.epsilon - summary.spent && summary.left > 0)
    }
}
