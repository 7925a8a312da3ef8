import BinaryCoding
import DifferentialPrivacy
import Federation
import Foundation
import NeuralNetworks
import PrivacyLedger
import Randomness
import TacitTestSupport
import Testing

/// One switch, the same numbers.
@Suite struct ProtectionTests {
    @Test(arguments: ["fedavg", "scaffold", "fedprox", "fedyogi"]) func allProtectionsGiveTheSameModel(
        _ strategy: String
    ) throws {
        var models: [GlobalModel] = []
        var metrics: [[EvaluationMetrics?]] = []
        for kind in [ProtectionKind.none, .secagg, .paillier, .ckks] {
            let run = try TestStudy(kind: kind, strategy: StrategyLiteral(name: strategy)).result()
            models.append(run.coordinator.model)
            // Under CKKS the first session makes the key.
            let sums = run.coordinator.history.filter { $0.purpose != "keys" }
            metrics.append(sums.map(\.metrics))
            #expect(run.sites.values.allSatisfy { $0.finalModel == run.coordinator.result })
        }
        #expect(models.allSatisfy { $0 == models[0] })
        #expect(metrics.allSatisfy { $0 == metrics[0] })
        #expect(models[0].units.contains { $0 != 0 })
    }

    /// The plain sum computed anew from the sites' own training is what the federation has.
    @Test func theModelIsTheWeightedMean() throws {
        let test = try TestStudy(rounds: 1)
        let run = try test.result()
        var sum = [Double](repeating: 0, count: 4)
        var weight = 0.0
        let start = try test.study.network.initialModel()
        for index in test.identities.indices {
            let hash = Fingerprint(of: Array("order of rows 1 site-\(index + 1) 0".utf8))
            let seed = hash.bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            let local = try LocalTraining(
                network: test.study.network, parameters: test.study.literal.training, correction: .none
            ).run(from: start, test.data(index), scaling: nil, round: 0, seed: seed)
            for j in sum.indices { sum[j] += 30 * local.change[j] }
            weight += 30
        }
        let expected = sum.map { $0 / weight }
        let difference = zip(run.coordinator.model.weights, expected).map { abs($0 - $1) }.max() ?? 1
        #expect(difference < 1e-6)
    }

    /// 50,635 weights: bytes of one site's upload.
    @Test func uploadsAreSmall() throws {
        // 253 inputs, 199 hidden units: 253·199 + 199 + 199 + 1 = 50,746; 50,635 = 50 · 1012 + 35.
        for (kind, limit) in [(ProtectionKind.secagg, 210_000), (.ckks, 330_000)] {
            let test = try TestStudy(
                sites: 3, rowsPerSite: 11, width: 1009, rounds: 1, kind: kind,
                model: ModelDescription(kind: .mlp, hidden: [50]))
            // Without the histogram of the evaluation, which is not weights: 50·1009 + 50 + 50 + 1.
            #expect(try test.study.network.initialModel().count == 50_551)
            var federation = try test.federation(keepsRecords: false)
            var largest = 0
            try federation.run(site: { _, notice in
                if case .answered(.training, _, let count) = notice { largest = max(largest, count) }
            })
            // Scaled to exactly 50,635 weights.
            let scaled = Double(largest) * 50_635 / 50_551
            print("upload of 50,551 weights and 260 figures of evaluation under \(kind): \(largest) bytes")
            #expect(scaled <= Double(limit), "\(kind): \(largest)")
        }
    }

    @Test func robustRulesNeedPlainUpdates() throws {
        for strategy in ["median", "trimmed-mean", "krum", "bulyan"] {
            for kind in [ProtectionKind.secagg, .ckks, .paillier] {
                let text = message { _ = try TestStudy(kind: kind, strategy: StrategyLiteral(name: strategy)) }
                #expect(
                    text
                        == "strategy \(strategy) with protection \(kind): it compares the updates of single sites, and under \(kind) the "
                        + "coordinator only ever sees their sum; take protection none, or another strategy")
            }
        }
        #expect(
            message { _ = try TestStudy(kind: .secagg, strategy: StrategyLiteral(name: "fedbuff")) }.contains(
                "asynchronous buffer"))
    }

    @Test func asynchronousTraining() throws {
        let test = try TestStudy(rounds: 6, strategy: StrategyLiteral(name: "fedbuff", buffer: 2))
        let run = try test.result()
        #expect(run.coordinator.round == 6 && run.coordinator.phase == .finished)
        #expect(run.coordinator.history.filter { $0.purpose == "training" }.allSatisfy { $0.contributors.count == 2 })
        #expect((run.coordinator.best?.metrics.accuracy ?? 0) > 0.8)
    }

    // MARK: Differential privacy

    static func privacy(_ placement: ClientPrivacy.Placement, adaptive: ClientPrivacy.Adaptive? = nil) -> ClientPrivacy
    {
        ClientPrivacy(
            clippingNorm: 0.05, noiseMultiplier: 0.5, placement: placement, neighbouring: .addOrRemoveOne, delta: 1e-5,
            adaptive: adaptive)
    }

    /// The noise in the sum has the deviation that the multiplier asks, wherever it is added.
    @Test(arguments: [ClientPrivacy.Placement.central, .distributed]) func noiseHasTheStatedDeviation(
        _ placement: ClientPrivacy.Placement
    ) throws {
        var squares: [Double] = []
        for seed in 0..<40 {
            let study = { (noise: Double) throws -> TestStudy in
                var privacy = Self.privacy(placement)
                privacy.noiseMultiplier = noise
                return try TestStudy(
                    sites: 4, rowsPerSite: 20, width: 30, rounds: 1, kind: placement == .central ? .none : .secagg,
                    minimum: 4,
                    privacy: privacy, seed: UInt64(seed) + 1)
            }
            let noisy = try study(0.5).result().coordinator.model.weights
            let quiet = try study(1e-9).result().coordinator.model.weights
            squares += zip(noisy, quiet).map { ($0 - $1) * ($0 - $1) }
        }
        // Deviation of the mean of four: 0.5·0.05/4. 40·31 draws; five deviations of a χ² of that many.
        let variance = squares.reduce(0, +) / Double(squares.count)
        let expected = (0.5 * 0.05 / 4) * (0.5 * 0.05 / 4)
        #expect(
            abs(variance / expected - 1) < 5 * (2 / Double(squares.count)).squareRoot() + 0.01, "\(variance / expected)"
        )
    }

    @Test func updatesAreClipped() throws {
        var privacy = Self.privacy(.central)
        privacy.noiseMultiplier = 1e-9
        let change = try TestStudy(rounds: 1, privacy: privacy).result().coordinator.model.weights
        // Training moves weights by more than the bound.
        #expect(change.reduce(0) { $0 + $1 * $1 }.squareRoot() <= 0.05 + 1e-6)
        #expect(change.reduce(0) { $0 + $1 * $1 }.squareRoot() > 0.04)
    }

    @Test func theBoundAdapts() throws {
        let privacy = Self.privacy(.central, adaptive: .init(quantile: 0.5, rate: 0.3, countNoise: 0.05))
        let run = try TestStudy(rounds: 12, privacy: privacy).result().coordinator
        // All updates are longer than the first bound, so it grows by about e^(0.15) a round until half of them fit, which
        // noise makes vary.
        #expect(run.clippingNorm > 0.05 * exp(0.15 * 5))
        #expect(run.history.compactMap(\.clippingNorm).count == 12)
    }

    final class Ledger: PrivacyCharging, @unchecked Sendable {
        var events: [PrivacyEvent] = []
        /// As they were when the update left.
        var reserved: [PrivacyEvent] = []
        var limit = Int.max
        func charge(_ event: PrivacyEvent, purpose: String) throws(FederationError) -> String {
            guard events.count < limit else {
                throw FederationError(code: .budgetExceeded, message: "\(purpose): no budget is left")
            }
            events.append(event)
            reserved.append(event)
            return "\(events.count - 1)"
        }
        func settle(_ charge: String, as event: PrivacyEvent, purpose: String) throws(FederationError) {
            guard let index = Int(charge) else { throw FederationError(code: .store, message: charge) }
            events[index] = event
        }
    }

    @Test func everyRoundIsChargedBeforeItLeaves() throws {
        let test = try TestStudy(kind: .secagg, minimum: 3, privacy: Self.privacy(.distributed))
        let ledger = Ledger()
        ledger.limit = 2
        var federation = InMemoryFederation(
            coordinator: try test.coordinator(),
            sites: try test.identities.indices.map { try test.site($0, charging: $0 == 0 ? ledger : nil) },
            keepsRecords: true)
        var declined: [String] = []
        try federation.run(site: { name, notice in
            if case .declined(let reason) = notice { declined.append("\(name): \(reason)") }
        })
        #expect(ledger.events.count == 2)
        // The third round went on without it.
        #expect(declined == ["site-1: federation test, round 3: no budget is left"])
        #expect(federation.coordinator.history.map(\.contributors.count) == [4, 4, 3])
        guard case .zeroConcentrated(let rho) = ledger.reserved[0], case .zeroConcentrated(let spent) = ledger.events[0]
        else { throw FederationError(code: .store, message: "no zCDP") }
        // ρ = 1/(2z²) for the fewest contributors; rounding to integers and adding up discrete noise cost a little.
        #expect(rho >= 2 && rho < 2.01)
        // Four were in the sum, noise was sized for three.
        #expect(spent >= 2 * 3 / 4 && spent < 2.01 * 3 / 4)
        #expect(federation.sites["site-1"]?.events == ledger.events)
    }

    /// Three of four are in the second sum: that round is paid with the noise of three, the others with that of four; and
    /// the sites of a restart have the same events.
    @Test func contributorsAreThoseOfTheSum() throws {
        let test = try TestStudy(kind: .secagg, minimum: 3, quorum: 0.5, privacy: Self.privacy(.distributed))
        let ledger = Ledger()
        var federation = InMemoryFederation(
            coordinator: try test.coordinator(),
            sites: try test.identities.indices.map { try test.site($0, charging: $0 == 0 ? ledger : nil) },
            keepsRecords: false)
        try federation.run(drops: { name, session in name == "site-4" && session == 1 })
        #expect(federation.coordinator.history.map(\.contributors.count) == [4, 3, 4])
        let rho = ledger.events.map { event -> Double in
            if case .zeroConcentrated(let rho) = event { rho } else { 0 }
        }
        #expect(rho.count == 3 && rho[0] == rho[2] && abs(rho[0] / rho[1] - 0.75) < 1e-3, "\(rho)")
    }

    @Test func aLedgerFileIsCharged() throws {
        let folder = try TemporaryFolder()
        let ledger = try PrivacyLedger.create(
            path: folder.file("site.ledger"),
            budget: PrivacyBudget(
                epsilon: 50, delta: 1e-5, neighbouring: .addOrRemoveOne, unit: PrivacyUnit("site"),
                dataSet: LedgerDataSet(name: "rows", fingerprint: nil), choice: .adaptive), purpose: "test",
            identity: LedgerIdentity(program: "test"))
        let test = try TestStudy(rounds: 2, privacy: Self.privacy(.central))
        var federation = InMemoryFederation(
            coordinator: try test.coordinator(),
            sites: try test.identities.indices.map {
                try test.site($0, charging: $0 == 0 ? LedgerCharging(ledger) : nil)
            },
            keepsRecords: false)
        try federation.run()
        // Two rounds of multiplier 0.5: more than one of them alone, and no more than is allowed.
        let spent = try ledger.standing().spent
        #expect(spent > 5 && spent < 50, "\(spent)")
    }

    /// What was reserved for three contributors is given back when four were there; a second settlement changes nothing;
    /// and where both do not fit, the reservation stays.
    @Test func aLedgerFileIsSettled() throws {
        let folder = try TemporaryFolder()
        func ledger(_ name: String, epsilon: Double) throws -> PrivacyLedger {
            try PrivacyLedger.create(
                path: folder.file(name),
                budget: PrivacyBudget(
                    epsilon: epsilon, delta: 1e-5, neighbouring: .addOrRemoveOne, unit: PrivacyUnit("site"),
                    dataSet: LedgerDataSet(name: "rows", fingerprint: nil), choice: .adaptive), purpose: "test",
                identity: LedgerIdentity(program: "test"))
        }
        let (least, actual) = (PrivacyEvent.zeroConcentrated(rho: 0.4), PrivacyEvent.zeroConcentrated(rho: 0.3))
        let expected = try ledger("expected.ledger", epsilon: 50)
        _ = try expected.authorise(actual, purpose: "x")
        let wide = try ledger("wide.ledger", epsilon: 50)
        let charging = LedgerCharging(wide)
        let charge = try charging.charge(least, purpose: "x")
        let reserved = try wide.standing().spent
        try charging.settle(charge, as: actual, purpose: "x")
        #expect(try wide.standing().spent < reserved && wide.standing().spent == expected.standing().spent)
        let entries = try wide.history().count
        try LedgerCharging(wide).settle(charge, as: actual, purpose: "x")
        #expect(try wide.history().count == entries)
        _ = try wide.verify()

        // ρ + 2√(ρ·ln(1/δ)): 4.7 for 0.4 and 6.4 for both together.
        let narrow = try ledger("narrow.ledger", epsilon: 5.5)
        let second = try LedgerCharging(narrow).charge(least, purpose: "x")
        let before = try narrow.standing().spent
        try LedgerCharging(narrow).settle(second, as: actual, purpose: "x")
        #expect(try narrow.standing().spent == before && narrow.runs().allSatisfy { $0.isOver })
        #expect(throws: FederationError.self) { _ = try LedgerCharging(narrow).charge(least, purpose: "x") }
    }

    // MARK: Learning

    @Test func networksOfAllKindsLearn() throws {
        let mlp = try TestStudy(rounds: 6, kind: .secagg, model: ModelDescription(kind: .mlp, hidden: [8])) {
            $0.training.epochs = 4
        }.result()
        #expect((mlp.coordinator.best?.metrics.accuracy ?? 0) > 0.85)
        let cnn = try TestStudy(
            rowsPerSite: 60, width: 16, rounds: 8, model: ModelDescription(kind: .cnn, image: [4, 4, 1], filters: [4])
        ) { $0.training.learningRate = 0.5 }.result()
        #expect((cnn.coordinator.best?.metrics.accuracy ?? 0) > 0.6)
    }

    @Test func wordsLearn() throws {
        // Words 0…9 mean yes, 10…19 no.
        var generator = TestGenerator(seed: 5)
        let test = try TestStudy(
            width: 6, rounds: 8, kind: .secagg,
            model: ModelDescription(kind: .embeddingBag, vocabulary: 20, dimension: 4)
        ) {
            $0.training.learningRate = 2
        }
        var features: [Float] = []
        var targets: [Float] = []
        for _ in 0..<160 {
            let isYes = Bool.random(using: &generator)
            for _ in 0..<6 {
                features.append(
                    Float(
                        Int.random(in: 0..<10, using: &generator)
                            + (Int.random(in: 0..<5, using: &generator) > 0 ? (isYes ? 0 : 10) : (isYes ? 10 : 0))))
            }
            targets.append(isYes ? 1 : 0)
        }
        let rows = try SiteData.Rows(features: features, width: 6, targets: targets, task: .binary)
        let sites = try test.identities.indices.map { index in
            try Site(
                test.study, identity: test.identities[index],
                data: SiteData(
                    rows: rows, training: Array(index * 40..<index * 40 + 30),
                    heldOut: Array(index * 40 + 30..<index * 40 + 40)))
        }
        var federation = InMemoryFederation(coordinator: try test.coordinator(), sites: sites, keepsRecords: false)
        try federation.run()
        #expect((federation.coordinator.best?.metrics.accuracy ?? 0) > 0.85)
    }
}
