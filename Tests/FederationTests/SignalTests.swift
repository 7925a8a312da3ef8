import Datasets
import Federation
import Foundation
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

@Suite struct SignalTests {
    /// The interval holds the true AUROC in 95 of 100 samples: N(1, 1) against N(0, 1) has Φ(1/√2) = 0.76025. 400 samples,
    /// five deviations of a binomial share.
    @Test func intervalsCover() throws {
        var generator = TestGenerator(seed: 2)
        func normal() -> Double {
            (-2 * log(Double.random(in: 1e-12..<1, using: &generator))).squareRoot()
                * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
        }
        var held = 0
        for _ in 0..<400 {
            let actual = (0..<200).map { $0 < 70 ? 1.0 : 0 }
            let interval = try AUROCInterval(actual: actual, scores: actual.map { $0 + normal() })
            if interval.lower <= 0.76025, interval.upper >= 0.76025 { held += 1 }
        }
        #expect(abs(Double(held) / 400 - 0.95) < 5 * (0.95 * 0.05 / 400).squareRoot(), "\(held)")
    }

    /// By hand: scores 1, 2, 2, 3 with classes 0, 1, 0, 1.
    @Test func aSmallCaseByHand() throws {
        let interval = try AUROCInterval(actual: [0, 1, 0, 1], scores: [1, 2, 2, 3])
        // Placements of the ones: (1 + ½)/2, 2/2; of the zeros: 2/2, (1 + ½)/2. Variances 0.03125/2 each.
        #expect(interval.value == 0.875)
        let deviation = (2 * 0.03125 / 2).squareRoot()
        #expect(abs(interval.lower - (0.875 - 1.959963984540054 * deviation)) < 1e-9)
        #expect(interval.upper == 1)
    }

    @Test func dataWithoutSignalIsSaidToHaveNone() throws {
        var generator = TestGenerator(seed: 4)
        let width = 12
        let features = (0..<2000 * width).map { _ in Float.random(in: 0...1, using: &generator) }
        let noise = (0..<2000).map { _ in Float(Int.random(in: 0...1, using: &generator)) }
        let names = (0..<width).map { "x\($0)" }
        let empty = try SignalCheck(
            SiteData.Rows(features: features, width: width, targets: noise, task: .binary), rows: Array(0..<2000),
            names: names)
        #expect(!empty.hasSignal && empty.sentence.hasPrefix("NO FEATURE CARRIES SIGNAL"))
        let real = (0..<2000).map { row -> Float in
            features[row * width + 3] + 0.7 * features[row * width] > 0.85 ? 1 : 0
        }
        let found = try SignalCheck(
            SiteData.Rows(features: features, width: width, targets: real, task: .binary), rows: Array(0..<2000),
            names: names)
        #expect(found.hasSignal && found.features[0].name == "x3" && found.features[1].name == "x0")
        #expect(found.sentence.hasPrefix("2 of 12 features tell the classes apart"))
    }

    /// Ten hospitals, both outcomes, masked sums: no worse than pooled logistic regression by 0.005.
    @Test(arguments: [("readmitted_any", 0.64), ("readmitted_30", 0.62)]) func readmission(
        _ target: String, _ least: Double
    ) throws {
        guard let directory = RealData.directory,
            let loaded = try? Dataset.hospitalReadmission.load(
                from: DatasetStore(dataDirectory: directory), target: target)
        else { return }
        let split = try loaded.table.split(testShare: 0.2, seed: 1, groupBy: "patient", stratifyBy: target)
        let simulation = try StudySimulation(
            StudyLiteral(
                name: "hospital", target: target, positive: "yes", rounds: 8,
                training: TrainingParameters(epochs: 1, batchSize: 64, learningRate: 0.05, decay: 0.8),
                cohort: .init(minimum: 3), protection: .init(kind: .secagg), standardise: true, sites: []),
            table: loaded.table, schema: loaded.schema, sites: 10, partitioner: .dirichlet(alpha: 1), split: split,
            unit: "patient",
            seed: 1)
        var federation = try simulation.federation(keepsRecords: false)
        try federation.run()
        let outcome = try StudyOutcome(simulation, federation.coordinator)
        let (mine, pooled) = (outcome.federated.auroc ?? 0, outcome.central.auroc ?? 1)
        print("\(target): federated AUROC \(mine), pooled \(pooled), alone \(outcome.meanAlone(\.auroc) ?? 0)")
        #expect(pooled >= least && mine >= pooled - 0.005)
        // The figures that sites add up agree with the exact ones to the width of their intervals.
        let counted = federation.coordinator.history.last?.metrics
        let last = try AUROCInterval(
            actual: simulation.heldOutTargets,
            scores: simulation.predictions(federation.coordinator.model, scaling: federation.coordinator.scaling))
        #expect(abs((counted?.auroc ?? 0) - last.value) < 2e-3)
        #expect(counted?.rows == Double(outcome.rows))
    }
}
