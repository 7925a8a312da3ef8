import Federation
import Foundation
import Testing

/// Against closed forms, and against what Flower computes (`Vectors/flower_strategies.py`).
@Suite struct StrategyTests {
    struct Vectors: Decodable {
        struct Trimmed: Decodable {
            var share: Double
            var value: [Double]
        }
        struct Selected: Decodable {
            var malicious: Int
            var keep: Int?
            var value: [Double]
        }
        struct Adaptive: Decodable {
            var name: String
            var parameters: [String: Double]
            var models: [[Double]]
        }
        var updates: [[Double]]
        var weights: [Double]
        var mean: [Double]
        var median: [Double]
        var trimmed: [Trimmed]
        var krum: [Selected]
        var bulyan: [Selected]
        var model: [Double]
        var changes: [[Double]]
        var adaptive: [Adaptive]
    }

    static let vectors: Vectors = {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "Vectors/flower-strategies.json")
        return try! JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
    }()

    static func difference(_ a: [Double], _ b: [Double]) -> Double {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    /// Runs a rule on Flower's updates, taken as changes of a model of zeros.
    static func apply(_ strategy: any FederationStrategy) throws -> [Double] {
        let v = vectors
        let total = v.weights.reduce(0, +)
        let mean = v.model.indices.map { j in zip(v.updates, v.weights).reduce(0) { $0 + $1.0[j] * $1.1 } / total }
        let aggregate = RoundAggregate(
            meanChange: mean, contributors: v.updates.count, population: v.updates.count,
            individual: zip(v.updates, v.weights).map { (change: $0, weight: $1) })
        var state = StrategyState()
        return try strategy.step(from: [Double](repeating: 0, count: mean.count), aggregate, state: &state)
    }

    @Test func weightedMean() throws {
        #expect(Self.difference(try Self.apply(FederatedAveraging()), Self.vectors.mean) < 1e-12)
    }

    @Test func medianAndTrimmedMean() throws {
        #expect(Self.difference(try Self.apply(CoordinateMedian()), Self.vectors.median) < 1e-12)
        for vector in Self.vectors.trimmed {
            #expect(
                Self.difference(try Self.apply(TrimmedMean(share: vector.share)), vector.value) < 1e-12,
                "\(vector.share)")
        }
    }

    @Test func krumAndBulyan() throws {
        for vector in Self.vectors.krum {
            let strategy = try Krum(malicious: vector.malicious, keep: vector.keep ?? 1)
            #expect(Self.difference(try Self.apply(strategy), vector.value) < 1e-11, "\(vector)")
        }
        for vector in Self.vectors.bulyan {
            #expect(
                Self.difference(try Self.apply(Bulyan(malicious: vector.malicious)), vector.value) < 1e-11, "\(vector)")
        }
    }

    @Test func adaptiveStrategiesFollowFlower() throws {
        let v = Self.vectors
        for reference in v.adaptive {
            var literal = StrategyLiteral(name: reference.name)
            literal.rate = reference.parameters["eta"] ?? reference.parameters["server_learning_rate"]
            literal.beta1 = reference.parameters["beta_1"]
            literal.beta2 = reference.parameters["beta_2"]
            literal.tau = reference.parameters["tau"]
            literal.momentum = reference.parameters["server_momentum"]
            let strategy = try StrategyEntry.strategy(literal)
            var state = StrategyState()
            var model = v.model
            for (change, expected) in zip(v.changes, reference.models) {
                model = try strategy.step(
                    from: model, RoundAggregate(meanChange: change, contributors: 3, population: 3), state: &state)
                #expect(Self.difference(model, expected) < 1e-9, "\(reference.name)")
            }
        }
    }

    /// On one coordinate with constant updates the recursions have closed forms.
    @Test func closedForms() throws {
        var state = StrategyState()
        var w = [1.0]
        let momentum = try ServerMomentum(rate: 0.5, momentum: 0.8)
        for _ in 0..<3 {
            w = try momentum.step(from: w, .init(meanChange: [2], contributors: 1, population: 1), state: &state)
        }
        // v = 2, 3.6, 4.88
        #expect(abs(w[0] - (1 + 0.5 * (2 + 3.6 + 4.88))) < 1e-12)

        state = StrategyState()
        let scaffold = try Scaffold(rate: 1)
        w = try scaffold.step(
            from: [0], .init(meanChange: [1], meanControl: [4], contributors: 2, population: 8), state: &state)
        #expect(w == [1] && state.vectors == [[1]])  // c moves by |S|/N of the mean
        #expect(BufferedAsynchronous.discount(staleness: 0) == 1)
        #expect(BufferedAsynchronous.discount(staleness: 3) == 0.5)
    }

    /// Median, Krum and Bulyan stay among honest updates when some sites send anything; the mean does not.
    @Test func liarsMoveTheMeanOnly() throws {
        let honest = (0..<9).map { [Double($0) * 0.01, 1 - Double($0) * 0.01] }
        for lie in [1e6, -1e9] {
            let all = honest + [[lie, lie], [lie, -lie]]
            let aggregate = RoundAggregate(
                meanChange: [0, 0], contributors: 11, population: 11, individual: all.map { (change: $0, weight: 1) })
            let rules: [any FederationStrategy] = [
                CoordinateMedian(), try TrimmedMean(share: 0.2), try Krum(malicious: 2, keep: 1),
                try Krum(malicious: 2, keep: 5),
                try Bulyan(malicious: 2),
            ]
            for rule in rules {
                var state = StrategyState()
                let result = try rule.step(from: [0, 0], aggregate, state: &state)
                #expect(result[0] >= 0 && result[0] <= 0.08 && result[1] >= 0.92 && result[1] <= 1, "\(rule)")
            }
        }
    }

    @Test func refusals() throws {
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "nothing"
        }
        #expect(
            message { _ = try StrategyEntry.strategy(StrategyLiteral(name: "fedsgd")) }
                == "strategy.name: got fedsgd, want one of fedavg, fedprox, fedavgm, fedadagrad, fedadam, fedyogi, scaffold, "
                + "fedbuff, median, trimmed-mean, krum, bulyan")
        #expect(
            message { _ = try StrategyEntry.strategy(StrategyLiteral(name: "median", rate: 2)) }
                == "strategy.rate: does not go with median, which takes no fields")
        #expect(message { _ = try TrimmedMean(share: 0.5) } == "strategy.trim: got 0.5, want a number in [0, 0.5)")
        #expect(
            message { _ = try RobustRules.bulyan([[1], [2], [3]], malicious: 1) }
                == "bulyan: got 3 updates, want at least 7 for 1 that may lie")
    }

    /// Every entry of the list can be made from its name alone and steps.
    @Test(arguments: StrategyEntry.all.map(\.name)) func everyStrategySteps(_ name: String) throws {
        let strategy = try StrategyEntry.strategy(StrategyLiteral(name: name))
        var state = StrategyState()
        let changes = (0..<9).map { [0.1 * Double($0), -0.2] }
        let next = try strategy.step(
            from: [1, 1],
            .init(
                meanChange: [0.4, -0.2], meanControl: strategy.correction == .controlVariates ? [0, 0] : [],
                contributors: 9,
                population: 9, individual: changes.map { (change: $0, weight: 1) }), state: &state)
        #expect(next.count == 2 && next.allSatisfy(\.isFinite) && next != [1, 1])
        #expect(state.round == 1)
    }
}
