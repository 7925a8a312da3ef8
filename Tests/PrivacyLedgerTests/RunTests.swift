import DifferentialPrivacy
import PrivacyLedger
import Testing

@Suite struct RunTests {
    private let step = PrivacyEvent.approximate(epsilon: 0.01, delta: 0)

    private func expectSpent(
        _ ledger: PrivacyLedger, _ steps: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let spent = try ledger.standing().spent
        let want = 0.01 * Double(steps)
        #expect(spent >= want && spent < want + 1e-9, "spent \(spent)", sourceLocation: sourceLocation)
    }

    @Test func aReservedRunIsChargedAtOnce() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let run = try ledger.beginRun(step, steps: 60, reserved: true, purpose: "training")
        try expectSpent(ledger, 60)
        // Nobody can take the budget away from it.
        #expect(
            ledgerError { _ = try ledger.authorise(.approximate(epsilon: 0.5, delta: 0), purpose: "q") }?.code
                == .budgetExceeded)
        for through in [10, 20, 45] { try run.advance(through: through) }
        try expectSpent(ledger, 60)
        try run.finish()
        // Fifteen steps never ran.
        try expectSpent(fixture.open(), 45)
        #expect(try ledger.run(run.identifier).isOver)
        for body in [{ _ = try run.advance(through: 50) }, { _ = try run.finish() }] {
            #expect(ledgerError { try body() }?.code == .invalidRun)
        }
    }

    /// When releases are planned, stopping early is a choice made by looking at results.
    @Test func aPlannedRunGivesNothingBack() throws {
        let ledger = try LedgerFixture().create(LedgerFixture.budget(delta: 1e-6, choice: .planned))
        let run = try ledger.beginRun(.gaussian(noiseMultiplier: 100), steps: 60, reserved: true, purpose: "training")
        try run.advance(through: 10)
        let before = try ledger.standing().spent
        try run.finish()
        #expect(try ledger.standing().spent == before)
    }

    @Test func aRunCanBeChargedAsItGoes() throws {
        let ledger = try LedgerFixture().create()
        let run = try ledger.beginRun(step, steps: 90, reserved: false, purpose: "training")
        try expectSpent(ledger, 0)
        try run.advance(through: 30)
        try expectSpent(ledger, 30)
        // Somebody else spends meanwhile; the run stops in the middle, before the portion that does not fit.
        _ = try ledger.authorise(.approximate(epsilon: 0.55, delta: 0), purpose: "q")
        try run.advance(through: 40)
        let error = ledgerError { try run.advance(through: 60) }
        #expect(error?.code == .budgetExceeded && abs((error?.refusal?.wanted ?? 0) - 0.2) < 1e-9)
        #expect(try ledger.run(run.identifier).authorised == 40)
        try run.finish()
        try expectSpent(ledger, 95)
    }

    @Test func aRunThatDoesNotFitDoesNotBegin() throws {
        let ledger = try LedgerFixture().create()
        for reserved in [true, false] {
            let error = ledgerError { _ = try ledger.beginRun(step, steps: 101, reserved: reserved, purpose: "long") }
            #expect(error?.code == .budgetExceeded && abs((error?.refusal?.wanted ?? 0) - 1.01) < 1e-9)
        }
        #expect(try ledger.runs().isEmpty && ledger.head.sequence == 0)
        for steps in [0, -1, Int.max] {
            let error = ledgerError { _ = try ledger.beginRun(step, steps: steps, reserved: true, purpose: "odd") }
            #expect(error?.code == .invalidParameter)
        }
    }

    @Test(arguments: [true, false]) func resuming(reserved: Bool) throws {
        let fixture = try LedgerFixture()
        let first = try fixture.create().beginRun(step, steps: 50, reserved: reserved, purpose: "training")
        try first.advance(through: 20)
        // The process ends; its last checkpoint is of step 12. Steps 13 to 20 may have been seen and are drawn anew.
        let ledger = try fixture.open()
        #expect(try ledger.run(first.identifier).authorised == 20)
        let second = try ledger.resumeRun(first.identifier, from: 12)
        try expectSpent(ledger, (reserved ? 50 : 20) + 8)
        #expect(second.step == step && second.steps == 50)
        try second.advance(through: 35)
        try expectSpent(ledger, reserved ? 58 : 43)
        // The first process was only asleep; it may not go on beside the second.
        #expect(ledgerError { try first.advance(through: 40) }?.code == .invalidRun)
        #expect(ledgerError { try first.finish() }?.code == .invalidRun)
        // Nothing is repeated when the checkpoint is of the last step that was authorised.
        let third = try ledger.resumeRun(first.identifier, from: 35)
        try expectSpent(ledger, reserved ? 58 : 43)
        #expect(ledgerError { try second.advance(through: 40) }?.code == .invalidRun)
        try third.advance(through: 50)
        try third.finish()
        try expectSpent(fixture.open(), 58)
        for (run, from) in [(first.identifier, 50), ("nobody", 0)] {
            #expect(ledgerError { _ = try ledger.resumeRun(run, from: from) }?.code == .invalidRun)
        }
    }

    @Test func resumingNeedsBudgetForWhatIsRepeated() throws {
        let ledger = try LedgerFixture().create()
        let run = try ledger.beginRun(step, steps: 95, reserved: true, purpose: "training")
        try run.advance(through: 50)
        let error = ledgerError { _ = try ledger.resumeRun(run.identifier, from: 40) }
        #expect(error?.code == .budgetExceeded && abs((error?.refusal?.wanted ?? 0) - 0.1) < 1e-9)
        _ = try ledger.resumeRun(run.identifier, from: 46)
        try expectSpent(ledger, 99)
        for from in [-1, 51] {
            #expect(ledgerError { _ = try ledger.resumeRun(run.identifier, from: from) }?.code == .invalidRun)
        }
    }

    @Test func portionsGoForward() throws {
        let ledger = try LedgerFixture().create()
        let run = try ledger.beginRun(step, steps: 10, reserved: false, purpose: "training")
        try run.advance(through: 5)
        for through in [5, 4, 0, -3, 11, Int.max, Int.min] {
            #expect(ledgerError { try run.advance(through: through) }?.code == .invalidRun, "\(through)")
        }
        try expectSpent(ledger, 5)
    }
}
