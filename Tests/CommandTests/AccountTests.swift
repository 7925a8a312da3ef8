import Foundation
import TacitTestSupport
import Testing

@Suite struct AccountTests {
    private let common = [
        "--sampling-rate", "0.004", "--steps", "3750", "--delta", "1e-5", "--neighbouring", "add-or-remove-one",
    ]

    @Test func costOfNoise() throws {
        let process = try TacitProcess()
        let outcome = try process.run(["account", "--noise", "1.3", "--json"] + common)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let json = try process.json(outcome.output)
        let lower = try #require(json["epsilonLower"] as? Double), upper = try #require(json["epsilonUpper"] as? Double)
        // dp-accounting 0.6.0: 0.83354 by loss distributions at interval 2e-5, 0.92205 by Rényi divergences.
        #expect(lower <= 0.83354 && upper >= 0.83353 && upper < 0.8337)
        #expect(abs(try #require(json["epsilonByRenyi"] as? Double) - 0.92204894) < 1e-6)
    }

    @Test func noiseForEpsilonAndPlot() throws {
        let process = try TacitProcess()
        let outcome = try process.run(
            ["account", "--noise", "1.3", "--epsilon", "1", "--out", "plot.svg", "--json"] + common)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let noise = try #require(try process.json(outcome.output)["noiseForEpsilon"] as? [String: Any])
        #expect(abs(try #require(noise["byLossDistribution"] as? Double) / 1.15887 - 1) < 1e-3)
        #expect(abs(try #require(noise["byRenyi"] as? Double) / 1.24085 - 1) < 2e-4)
        let plot = String(decoding: try process.read("plot.svg"), as: UTF8.self)
        #expect(plot.hasPrefix("<svg") && plot.components(separatedBy: "<polyline").count == 4 && !plot.contains("nan"))
        #expect(process.litter.isEmpty)
    }

    @Test func badInput() throws {
        let process = try TacitProcess()
        func refuse(_ words: [String], _ arguments: [String]) throws {
            let outcome = try process.run(["account"] + arguments)
            #expect(outcome.status == 64 && outcome.output == "", "\(arguments): \(outcome.status) \(outcome.errors)")
            for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
        }
        try refuse(["give --noise, --epsilon or both"], common)
        try refuse(["noiseMultiplier: got -1.0, want a finite number above 0"], ["--noise=-1"] + common)
        try refuse(
            ["rate: got 2.0, want a number in [0, 1]"],
            [
                "--noise", "1", "--sampling-rate", "2", "--steps", "5", "--delta", "1e-5", "--neighbouring",
                "add-or-remove-one",
            ])
        try refuse(
            ["has no rule for replacing one"],
            [
                "--noise", "1", "--sampling-rate", "0.1", "--steps", "5", "--delta", "1e-5", "--neighbouring",
                "replace-one",
            ])
        try refuse(
            ["neighbouring"],
            ["--noise", "1", "--sampling-rate", "0.1", "--steps", "5", "--delta", "1e-5", "--neighbouring", "both"])
        // Unless said otherwise neighbours differ by one unit more or less, and the answer says so.
        let usual = try process.run(["account", "--noise", "1.3"] + common.dropLast(2))
        #expect(usual.status == 0 && usual.output.contains("add or remove one"), "\(usual)")
        try refuse(
            ["--delta: got 2.0"],
            ["--noise", "1", "--sampling-rate", "0.1", "--steps", "5", "--delta", "2", "--neighbouring", "replace-one"])
    }
}
