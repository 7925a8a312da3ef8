import DifferentialPrivacy
import Foundation
import PrivacyLedger
import Testing

/// What the two rules charge.
@Suite struct FilterTests {
    private func reading(
        _ events: [PrivacyEvent], epsilon: Double = 3, delta: Double = 1e-5,
        neighbouring: Neighbouring = .addOrRemoveOne, choice: ReleaseChoice = .adaptive
    ) throws -> Double {
        let ledger = try LedgerFixture().create(
            LedgerFixture.budget(epsilon: epsilon, delta: delta, neighbouring: neighbouring, choice: choice))
        return try ledger.forecast(.composed(events)).together
    }

    @Test func partsOfDeltaAreNeverMoreThanDelta() throws {
        for epsilon in [1e-3, 0.1, 1, 3, 10, 100, 1e4] {
            for delta in [1e-300, 1e-12, 1e-6, 1e-5, 0.01, 0.5, 0.999] {
                let rule = LossRule(try LedgerFixture.budget(epsilon: epsilon, delta: delta))
                guard case .filter(let filter) = rule else { return #expect(Bool(false)) }
                // Compared exactly, in sums of halves: doubles of like size subtract without rounding.
                let sum = [filter.approximateDelta, filter.gaussianDelta] + filter.orders.map(\.delta)
                #expect(sum.reduce(0) { ($0 + $1).nextUp } <= delta)
                #expect(sum.reduce(0, +) > delta * 0.999)
                #expect(!filter.orders.isEmpty && filter.orders.allSatisfy { $0.order >= 2 && $0.order <= 1024 })
                #expect(Set(filter.orders.map(\.order)).count == filter.orders.count)
            }
        }
    }

    /// Σε for releases of bounded loss, whatever δ is.
    @Test func boundedLossesAddUp() throws {
        let events: [PrivacyEvent] = [
            .laplace(noiseMultiplier: 10), .repeated(.discreteLaplace(scale: 20, contribution: 2), count: 3),
            .approximate(epsilon: 0.25, delta: 0),
            .poissonSampled(rate: 0.5, event: .approximate(epsilon: 0.2, delta: 0)),
        ]
        let amplified = log(1 + 0.5 * (exp(0.2) - 1))
        for (neighbouring, want) in [(Neighbouring.addOrRemoveOne, 0.1 + 0.3 + 0.25 + amplified)] {
            for delta in [0, 1e-9, 1e-3] {
                let got = try reading(events, delta: delta, neighbouring: neighbouring)
                #expect(got >= want * (1 - 1e-15) && got < want * (1 + 1e-9), "δ \(delta): \(got), want \(want)")
            }
        }
        // Under replace-one a sum moves twice as far; there is no rule for Poisson samples.
        let doubled = try reading(Array(events[..<3]), delta: 0, neighbouring: .replaceOne)
        #expect(doubled >= 1.05 && doubled < 1.05 + 1e-9)
        #expect(
            ledgerError { _ = try reading(events, neighbouring: .replaceOne) }?.code == .unsupportedEvent)
    }

    /// One Gaussian of the summed precision, at the part of δ that belongs to it.
    @Test func gaussiansMakeOneGaussian() throws {
        let events: [PrivacyEvent] = [
            .gaussian(noiseMultiplier: 5), .repeated(.gaussian(noiseMultiplier: 10), count: 4),
            .treeAggregation(noiseMultiplier: 20, steps: 1000),
        ]
        // 1/25 + 4/100 + 10/400; a tree of 1000 rows has ten levels.
        let multiplier = 1 / (0.04 + 0.04 + 0.025).squareRoot()
        for (neighbouring, factor) in [(Neighbouring.addOrRemoveOne, 1.0), (.replaceOne, 2)] {
            var one = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try one.compose(.gaussian(noiseMultiplier: multiplier / factor))
            let want = try one.epsilon(delta: 0.4e-5)
            let got = try reading(events, epsilon: 3 * factor, neighbouring: neighbouring)
            #expect(got >= want * (1 - 1e-9) && got < want * (1 + 1e-6), "\(got) \(want)")
        }
        #expect(try reading(events, delta: 0) == .infinity)
    }

    /// The Rényi part by the formula, from values that dp-accounting 0.6.0 gives for orders 2, 8 and 32.
    @Test(arguments: [
        (0.0010666666666666667, 1.0, 9375, [0.018328321587427893, 0.07462239686183672, 83775.32169859039])
    ])
    func sampledGaussians(rate: Double, multiplier: Double, count: Int, values: [Double]) throws {
        let event = PrivacyEvent.poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: multiplier))
        let bound = try ReleaseBound(event, neighbouring: .addOrRemoveOne)
        for (order, value) in zip([2.0, 8, 32], values) {
            let got = bound.renyi(order: order) * Double(count)
            #expect(got >= value * (1 - 1e-12) && got < value * (1 + 1e-8), "order \(order): \(got), want \(value)")
        }
    }

    /// Never below what the distributions of fixed releases amount to, nor far above it.
    @Test func theFilterCostsMoreThanPlannedReleases() throws {
        let training = PrivacyEvent.poissonSampled(rate: 256.0 / 60000, event: .gaussian(noiseMultiplier: 1.1))
        let cases: [(name: String, events: [PrivacyEvent], epsilon: Double, most: Double)] = [
            ("Gaussians", [.repeated(.gaussian(noiseMultiplier: 20), count: 100)], 2.5, 1.1),
            ("DP-SGD", [.repeated(training, count: 14000)], 3, 1.25),
            ("one Laplace", [.laplace(noiseMultiplier: 1)], 1, 1.01),
            ("many Laplace", [.repeated(.laplace(noiseMultiplier: 50), count: 400)], 2, 1.25),
            (
                "a mixture",
                [.repeated(training, count: 7000), .laplace(noiseMultiplier: 4), .gaussian(noiseMultiplier: 8)], 3, 1.25
            ),
            ("zCDP", [.zeroConcentrated(rho: 0.05)], 2, 1.25),
        ]
        for (name, events, epsilon, most) in cases {
            let adaptive = try reading(events, epsilon: epsilon)
            let fixed = try reading(events, epsilon: epsilon, choice: .planned)
            #expect(adaptive >= fixed * 0.999 && adaptive <= fixed * most, "\(name): \(adaptive), \(fixed)")
        }
    }

    /// Releases without a distribution are added by divergences, at the order that is best afterwards.
    @Test func plannedReleasesWithoutDistributions() throws {
        let concentrated = PrivacyEvent.zeroConcentrated(rho: 0.05)
        let got = try reading([concentrated], choice: .planned)
        // The least of ρα + log((α − 1)/α) − (log δ + log α)/(α − 1).
        let want = (2...200).map { order in
            let order = Double(order)
            return 0.05 * order + log((order - 1) / order) - (log(1e-5) + log(order)) / (order - 1)
        }.min()!
        #expect(got >= want && got < want * (1 + 1e-9), "\(got) \(want)")
        // A Gaussian of that ρ loses less than anything of that ρ may.
        #expect(try reading([.gaussian(noiseMultiplier: 10.squareRoot())], choice: .planned) < got)
        // δ of approximate releases is taken off.
        let both = try reading([concentrated, .approximate(epsilon: 0.1, delta: 5e-6)], choice: .planned)
        #expect(both > got + 0.05)
        #expect(try reading([concentrated, .approximate(epsilon: 0.1, delta: 1e-5)], choice: .planned) == .infinity)
    }

    @Test func approximateReleasesHaveATenthOfDelta() throws {
        let event = PrivacyEvent.approximate(epsilon: 0.1, delta: 1e-7)
        #expect(abs(try reading(Array(repeating: event, count: 10)) - 1) < 1e-9)
        #expect(try reading(Array(repeating: event, count: 11)) == .infinity)
        #expect(abs(try reading([.approximate(epsilon: 0.1, delta: 1e-6), .laplace(noiseMultiplier: 2)]) - 0.6) < 1e-9)
    }

    @Test func moreReleasesNeverCostLess() throws {
        let ledger = try LedgerFixture().create(LedgerFixture.budget(epsilon: 5, delta: 1e-5))
        var last = 0.0
        for event: PrivacyEvent in [
            .gaussian(noiseMultiplier: 30), .laplace(noiseMultiplier: 50), .gaussian(noiseMultiplier: 30),
            .poissonSampled(rate: 0.01, event: .gaussian(noiseMultiplier: 2)), .approximate(epsilon: 0.01, delta: 1e-9),
            .zeroConcentrated(rho: 0.001), .discreteGaussian(deviation: 100, contribution: 3), .nothing,
            .poissonSampled(rate: 0.1, event: .laplace(noiseMultiplier: 20)),
        ] {
            _ = try ledger.authorise(event, purpose: "\(event)")
            let spent = try ledger.standing().spent
            #expect(event == .nothing ? spent == last : spent > last, "\(event): \(spent)")
            last = spent
        }
        #expect(last < 5)
    }

    @Test func releasesWithoutARuleAreRefused() throws {
        for choice in ReleaseChoice.allCases {
            let fixture = try LedgerFixture()
            let ledger = try fixture.create(LedgerFixture.budget(choice: choice))
            let event = PrivacyEvent.sampledWithoutReplacement(
                population: 10, batch: 2, event: .poissonSampled(rate: 0.1, event: .laplace(noiseMultiplier: 1)))
            let error = ledgerError { _ = try ledger.authorise(event, purpose: "q") }
            #expect(error?.code == .unsupportedEvent, "\(error?.message ?? "")")
            #expect(try fixture.open().head.sequence == 0)
        }
    }
}
