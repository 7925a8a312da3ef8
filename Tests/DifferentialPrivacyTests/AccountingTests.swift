import DifferentialPrivacy
import Foundation
import Testing

@Suite struct AccountingTests {
    private func gaussianDelta(_ epsilon: Double, _ mu: Double) -> Double {
        func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
        return normal(mu / 2 - epsilon / mu) - exp(epsilon) * normal(-mu / 2 - epsilon / mu)
    }

    @Test func gaussianInClosedForm() throws {
        for (multiplier, count) in [(1.0, 1), (4.0, 16), (50.0, 2500), (0.5, 3)] {
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try accountant.compose(.gaussian(noiseMultiplier: multiplier), count: count)
            let mu = Double(count).squareRoot() / multiplier
            for epsilon in [0, 0.1, 1, 3.0] {
                let bounds = try accountant.deltaBounds(epsilon: epsilon)
                let exact = gaussianDelta(epsilon, mu)
                #expect(bounds.lower <= exact * (1 + 1e-10) && exact <= bounds.upper * (1 + 1e-10))
                #expect(bounds.upper - bounds.lower < 1e-11)
            }
        }
    }

    /// A Gaussian sampled at rate 1 − 2⁻⁵³ goes through the discretisation and must come back to the closed form.
    @Test(arguments: [1, 4, 25, 400])
    func discretisedGaussians(count: Int) throws {
        let multiplier = Double(count).squareRoot()
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(
            .poissonSampled(rate: 1.0.nextDown, event: .gaussian(noiseMultiplier: multiplier)), count: count)
        for delta in [1e-3, 1e-5, 1e-10, 1e-20] {
            let bounds = try accountant.epsilonBounds(delta: delta)
            #expect(gaussianDelta(bounds.upper, 1) <= delta * (1 + 1e-5), "\(delta) \(bounds)")
            #expect(bounds.upper - bounds.lower < 1e-3 * bounds.upper, "\(delta) \(bounds)")
            if delta > 1e-12 { #expect(gaussianDelta(bounds.lower, 1) >= delta * (1 - 1e-5), "\(delta) \(bounds)") }
        }
    }

    @Test func boundsAndMonotonicityOnRandomParameters() throws {
        var generator = SplitMix(state: 7)
        for trial in 0..<60 {
            let rate = exp(-7 * generator.unit())
            let multiplier = 0.4 + 4 * generator.unit()
            let count = 1 + Int(300 * generator.unit())
            let laplace = 2 + 20 * generator.unit()
            let delta = exp(-2 - 25 * generator.unit())
            func build(_ rate: Double, _ multiplier: Double, _ count: Int) throws -> PrivacyLossAccountant {
                var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: .fast)
                try accountant.compose(
                    .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: multiplier)), count: count)
                try accountant.compose(.laplace(noiseMultiplier: laplace), count: trial % 3)
                return accountant
            }
            let accountant = try build(rate, multiplier, count)
            let bounds = try accountant.epsilonBounds(delta: delta)
            let name = "q \(rate) σ \(multiplier) n \(count) b \(laplace) δ \(delta): \(bounds)"
            #expect(bounds.lower >= 0 && bounds.lower <= bounds.upper && bounds.upper.isFinite, "\(name)")
            // The other way round: δ at that ε is δ again, bounds in order.
            let back = try accountant.deltaBounds(epsilon: bounds.upper)
            #expect(back.lower <= delta * (1 + 1e-6) && back.lower <= back.upper, "\(name) \(back)")
            // Against an independent accountant.
            var renyi = try RenyiAccountant(neighbouring: .addOrRemoveOne)
            try renyi.compose(.poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: multiplier)), count: count)
            try renyi.compose(.laplace(noiseMultiplier: laplace), count: trial % 3)
            #expect(bounds.lower <= (try renyi.epsilon(delta: delta)), "\(name)")
            // More of it, more often, or with less noise, never loses less.
            let slack = 2e-2
            #expect(try build(rate, multiplier, count * 2).epsilon(delta: delta) >= bounds.lower, "\(name)")
            #expect(
                try build(rate, multiplier * 1.3, count).epsilon(delta: delta) <= bounds.upper * (1 + slack), "\(name)")
            #expect(
                try build(rate * 0.7, multiplier, count).epsilon(delta: delta) <= bounds.upper * (1 + slack), "\(name)")
            #expect(try accountant.epsilon(delta: delta * 2) <= bounds.upper * (1 + 1e-9), "\(name)")
        }
    }

    @Test func pureMechanismsKeepTheirLargestLoss() throws {
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(.laplace(noiseMultiplier: 2), count: 3)
        let bounds = try accountant.epsilonBounds(delta: 0)
        #expect(bounds.upper >= 1.5 && bounds.upper < 1.5 + 1e-6)
        // Sampling at rate q: log(1 + q(e^ε − 1)).
        var sampled = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try sampled.compose(.poissonSampled(rate: 0.1, event: .laplace(noiseMultiplier: 1)))
        let epsilon = try sampled.epsilon(delta: 0)
        #expect(abs(epsilon - log1p(0.1 * expm1(1.0))) < 1e-3 && epsilon >= log1p(0.1 * expm1(1.0)))
    }

    /// Replacing costs what the doubled sensitivity costs; adding or removing does not.
    @Test func neighboursMatter() throws {
        var replaced = PrivacyLossAccountant(neighbouring: .replaceOne)
        try replaced.compose(.gaussian(noiseMultiplier: 4))
        var added = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try added.compose(.gaussian(noiseMultiplier: 2))
        let (a, b) = (try replaced.epsilon(delta: 1e-6), try added.epsilon(delta: 1e-6))
        #expect(abs(a - b) < 1e-9 * a)
        #expect(throws: DifferentialPrivacyError.self) {
            try replaced.compose(.poissonSampled(rate: 0.1, event: .gaussian(noiseMultiplier: 1)))
        }
        #expect(try replaced.epsilon(delta: 1e-6) == a, "a refused event must not be counted")
    }

    @Test func extremes() throws {
        let events: [PrivacyEvent] = [
            .gaussian(noiseMultiplier: 1e-12), .gaussian(noiseMultiplier: 1e12), .laplace(noiseMultiplier: 1e-5),
            .laplace(noiseMultiplier: 1e9), .poissonSampled(rate: 1e-12, event: .gaussian(noiseMultiplier: 0.01)),
            .poissonSampled(rate: 0.999, event: .gaussian(noiseMultiplier: 100)),
            .approximate(epsilon: 900, delta: 0.5),
            .approximate(epsilon: 1e-12, delta: 1e-300), .discreteLaplace(scale: 1e-3, contribution: 5),
            .discreteGaussian(deviation: 0.1, contribution: 3), .nothing,
            .repeated(.gaussian(noiseMultiplier: 1), count: 0),
            .poissonSampled(rate: 0, event: .gaussian(noiseMultiplier: 1)),
        ]
        for event in events {
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: .fast)
            try accountant.compose(event)
            for delta in [0, 1e-300, 1e-9, 0.3, 0.999] {
                let bounds = try accountant.epsilonBounds(delta: delta)
                #expect(!bounds.upper.isNaN && !bounds.lower.isNaN && bounds.lower >= 0, "\(event) \(delta) \(bounds)")
            }
            for epsilon in [0, 1e-9, 1, 50, 1e5] {
                let bounds = try accountant.deltaBounds(epsilon: epsilon)
                #expect(bounds.upper >= 0 && bounds.upper <= 1 && bounds.lower >= 0, "\(event) \(epsilon) \(bounds)")
            }
        }
        let nothing = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        #expect(try nothing.epsilon(delta: 0) == 0 && nothing.delta(epsilon: 0) == 0)
    }

    @Test func badInput() throws {
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "no error"
        }
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        #expect(
            message { try accountant.compose(.gaussian(noiseMultiplier: -1)) }
                == "noiseMultiplier: got -1.0, want a finite number above 0")
        #expect(
            message { try accountant.compose(.laplace(noiseMultiplier: .nan)) }
                == "noiseMultiplier: got nan, want a finite number above 0")
        #expect(
            message { try accountant.compose(.poissonSampled(rate: 1.5, event: .gaussian(noiseMultiplier: 1))) }
                == "rate: got 1.5, want a number in [0, 1]")
        #expect(
            message { try accountant.compose(.poissonSampled(rate: 0.5, event: .gaussian(noiseMultiplier: 0))) }
                == "noiseMultiplier: got 0.0, want a finite number above 0")
        #expect(message { try accountant.compose(.nothing, count: -1) } == "count: got -1, want at least 0")
        #expect(message { _ = try accountant.epsilon(delta: 1) } == "delta: got 1.0, want a number in [0, 1)")
        #expect(message { _ = try accountant.epsilon(delta: .nan) } == "delta: got nan, want a number in [0, 1)")
        #expect(message { _ = try accountant.delta(epsilon: -0.5) } == "epsilon: got -0.5, want at least 0")
        #expect(
            message { _ = try RenyiAccountant(neighbouring: .replaceOne, orders: [1]) }
                == "order: got 1.0, want a finite number above 1")
    }

    @Test func eventsSurviveCoding() throws {
        let event = PrivacyEvent.composed([
            .repeated(.poissonSampled(rate: 0.01, event: .gaussian(noiseMultiplier: 1.1)), count: 1000),
            .approximate(epsilon: 0.1, delta: 1e-9), .discreteLaplace(scale: 3.5, contribution: 2),
            .sampledWithoutReplacement(population: 100, batch: 10, event: .laplace(noiseMultiplier: 3)),
            .treeAggregation(noiseMultiplier: 8, steps: 100), .zeroConcentrated(rho: 0.1), .nothing,
        ])
        let data = try JSONEncoder().encode(event)
        #expect(try JSONDecoder().decode(PrivacyEvent.self, from: data) == event)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(PrivacyEvent.self, from: Data(#"{"gaussian":{}}"#.utf8))
        }
    }

    @Test func filtersAndOdometers() throws {
        var filter = try PrivacyFilter(epsilon: 2, delta: 1e-6, neighbouring: .addOrRemoveOne)
        let event = PrivacyEvent.gaussian(noiseMultiplier: 10)
        var odometer = try PrivacyOdometer(finest: 0.01, delta: 1e-6, neighbouring: .addOrRemoveOne)
        #expect(odometer.spent == 0)
        var count = 0
        var last = 0.0
        while try filter.allows(event) {
            try filter.authorise(event)
            try odometer.record(event)
            count += 1
            #expect(odometer.spent >= last)
            last = odometer.spent
        }
        // What was authorised is within the budget, also by the exact accountant, and uses most of it.
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(event, count: count)
        let epsilon = try accountant.epsilon(delta: 1e-6)
        #expect(epsilon <= 2 && epsilon > 1.5, "\(count) releases, \(epsilon)")
        #expect(odometer.spent >= epsilon)
        let spent = filter.remaining
        do {
            try filter.authorise(event)
            Issue.record("the budget was exceeded")
        } catch {
            #expect(error.code == .budgetExhausted)
        }
        #expect(filter.remaining == spent)
    }

    /// One release on a subset of fixed size has a closed form; many are no worse than by Rényi divergences.
    @Test(arguments: [0.01, 0.1, 0.5]) func subsetsOfFixedSize(rate: Double) throws {
        let event = PrivacyEvent.sampledWithoutReplacement(
            population: 1000, batch: Int(1000 * rate), event: .gaussian(noiseMultiplier: 2.4))
        var one = PrivacyLossAccountant(neighbouring: .replaceOne)
        try one.compose(event)
        for epsilon in [0.0, 0.05, 0.2, 1] {
            let bounds = try one.deltaBounds(epsilon: epsilon)
            // γ·δ of the whole mechanism at log(1 + (e^ε − 1)/γ), the sensitivity being twice the contribution.
            var whole = PrivacyLossAccountant(neighbouring: .replaceOne)
            try whole.compose(.gaussian(noiseMultiplier: 2.4))
            let exact = rate * (try whole.delta(epsilon: log1p(expm1(epsilon) / rate)))
            #expect(
                bounds.lower <= exact * (1 + 1e-9) + 1e-15 && exact <= bounds.upper * (1 + 1e-9) + 1e-15,
                "\(epsilon): \(bounds), \(exact)")
            #expect(bounds.upper <= exact * 1.01 + 1e-12, "\(epsilon): \(bounds), \(exact)")
        }
        var many = PrivacyLossAccountant(neighbouring: .replaceOne, resolution: .fast)
        var renyi = try RenyiAccountant(neighbouring: .replaceOne)
        try many.compose(event, count: 500)
        try renyi.compose(event, count: 500)
        let bounds = try many.epsilonBounds(delta: 1e-5)
        #expect(bounds.lower <= bounds.upper && bounds.upper < 1.02 * bounds.lower)
        #expect(try bounds.lower <= renyi.epsilon(delta: 1e-5))
        var whole = PrivacyLossAccountant(neighbouring: .replaceOne)
        try whole.compose(.repeated(.gaussian(noiseMultiplier: 2.4), count: 500))
        #expect(try bounds.upper <= whole.epsilon(delta: 1e-5))
    }

    @Test func subsetsOfFixedSizeWithLaplaceNoise() throws {
        let event = PrivacyEvent.sampledWithoutReplacement(
            population: 50, batch: 5, event: .laplace(noiseMultiplier: 2))
        var accountant = PrivacyLossAccountant(neighbouring: .replaceOne)
        try accountant.compose(event)
        // δ = 0: the largest loss, log(1 + γ(e^ε − 1)) for ε = 1.
        let bounds = try accountant.epsilonBounds(delta: 0)
        let exact = log1p(0.1 * (exp(1) - 1))
        #expect(bounds.lower <= exact * (1 + 1e-9) && exact <= bounds.upper * (1 + 1e-9) && bounds.upper < exact * 1.01)
        var other = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        #expect(throws: DifferentialPrivacyError.self) { try other.compose(event) }
    }

    /// A mechanism's own event, its grid's cost included, can be accounted for on samples too.
    @Test func sampledMechanisms() throws {
        let mechanism = try GaussianMechanism(
            deviation: 1.5, sensitivity: 1, dimension: 20, neighbouring: .addOrRemoveOne, unit: PrivacyUnit("row"),
            sampling: .poisson(rate: 0.01))
        let measured = try mechanism.measure(delta: 1e-6, count: 200)
        var plain = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try plain.compose(.poissonSampled(rate: 0.01, event: .gaussian(noiseMultiplier: 1.5)), count: 200)
        let bounds = try plain.epsilonBounds(delta: 1e-6)
        #expect(measured.upper >= bounds.lower && measured.upper < bounds.upper * 1.001, "\(measured) \(bounds)")
    }

    @Test func poissonSampledLaplace() throws {
        for (rate, multiplier) in [(0.05, 0.7), (0.3, 2.0)] {
            var one = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try one.compose(.poissonSampled(rate: rate, event: .laplace(noiseMultiplier: multiplier)))
            let exact = log1p(rate * expm1(1 / multiplier))
            let bounds = try one.epsilonBounds(delta: 0)
            #expect(bounds.lower <= exact * (1 + 1e-9) && exact <= bounds.upper * (1 + 1e-9), "\(bounds) \(exact)")
            // By pure privacy of each release, composition cannot be worse than the sum and the optimal theorem.
            try one.compose(.poissonSampled(rate: rate, event: .laplace(noiseMultiplier: multiplier)), count: 99)
            let optimal = try ClassicalComposition.optimal(epsilon: exact, delta: 0, count: 100, totalDelta: 1e-6)
            #expect(try one.epsilon(delta: 1e-6) <= optimal * 1.001)
        }
    }

    /// Bounds of a sum do not depend on the order, on grouping, or on how releases are written down.
    @Test func compositionIsASum() throws {
        var generator = SplitMix(state: 99)
        var events: [PrivacyEvent] = []
        for _ in 0..<12 {
            let noise = 0.7 + 3 * generator.unit()
            events.append(
                generator.unit() < 0.5
                    ? .poissonSampled(rate: 0.01 + 0.2 * generator.unit(), event: .gaussian(noiseMultiplier: noise))
                    : .laplace(noiseMultiplier: 3 * noise))
        }
        func epsilon(_ event: PrivacyEvent) throws -> LossBounds {
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try accountant.compose(event)
            return try accountant.epsilonBounds(delta: 1e-6)
        }
        let forward = try epsilon(.composed(events))
        let backward = try epsilon(.composed(events.reversed()))
        let nested = try epsilon(.composed([.composed(Array(events[..<5])), .composed(Array(events[5...])), .nothing]))
        for other in [backward, nested] {
            #expect(abs(other.upper - forward.upper) < 1e-9 && abs(other.lower - forward.lower) < 1e-9)
        }
        let more = try epsilon(.composed(events + [events[0]]))
        #expect(more.upper > forward.lower)
    }

    /// Whoever stops when the odometer shows little has lost no more than it shows: an adversary who chooses noise by
    /// what it has spent never gets an exact ε above the reading.
    @Test func odometerBoundsAdaptiveSpending() throws {
        var odometer = try PrivacyOdometer(finest: 0.05, delta: 1e-6, neighbouring: .addOrRemoveOne)
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        var multiplier = 40.0
        for step in 0..<60 {
            let event = PrivacyEvent.gaussian(noiseMultiplier: multiplier)
            try odometer.record(event)
            try accountant.compose(event)
            let exact = try accountant.epsilon(delta: 1e-6)
            #expect(
                odometer.spent >= exact && odometer.spent < 2.2 * exact + 0.1, "\(step): \(odometer.spent) \(exact)")
            multiplier = odometer.spent > 1 ? 60 : max(10, multiplier * 0.9)
        }
    }

    @Test func manyDifferentReleases() throws {
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: .coarse)
        var fine = PrivacyLossAccountant(neighbouring: .addOrRemoveOne, resolution: .fast)
        for i in 0..<500 {
            let event = PrivacyEvent.poissonSampled(
                rate: 0.001 + 0.00001 * Double(i),
                event: .gaussian(noiseMultiplier: 0.8 + 0.004 * Double((i * 7) % 500)))
            try accountant.compose(event)
            try fine.compose(event)
        }
        let (a, b) = (try accountant.epsilonBounds(delta: 1e-5), try fine.epsilonBounds(delta: 1e-5))
        #expect(a.lower <= b.upper && b.lower <= a.upper && a.upper - a.lower < 0.02 * a.upper, "\(a) \(b)")
    }
}

/// Parameters for tests; not for noise.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
