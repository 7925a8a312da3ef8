import Foundation
import Tabular
import Testing

enum Vectors {
    static func load<T: Decodable>(_ type: T.Type, _ name: String) throws -> T {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}

func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(a), abs(b))
}

@Suite struct MetricsTests {
    struct File: Decodable {
        struct Binary: Decodable {
            let actual, probabilities: [Double]
            let auroc, auprc, logLoss, brier, accuracy, ece: Double
            let confusion: [[Int]]
        }
        struct Regression: Decodable {
            let actual, predicted: [Double]
            let mse, mae, r2: Double
        }
        let origin: String
        let binary: [Binary]
        let regression: [Regression]
    }

    @Test func equalToScikitLearn() throws {
        let file = try Vectors.load(File.self, "metrics.json")
        #expect(file.binary.count == 5 && file.regression.count == 3)
        for vector in file.binary {
            let ours = try BinaryMetrics(actual: vector.actual, probabilities: vector.probabilities)
            #expect(isClose(try #require(ours.model.auroc), vector.auroc))
            #expect(isClose(try #require(ours.model.auprc), vector.auprc))
            #expect(isClose(ours.model.logLoss, vector.logLoss))
            #expect(isClose(ours.model.brierScore, vector.brier))
            #expect(ours.model.accuracy == vector.accuracy)
            #expect(isClose(ours.expectedCalibrationError, vector.ece))
            let c = ours.confusion
            #expect(
                [[c.negativeAsNegative, c.negativeAsPositive], [c.positiveAsNegative, c.positiveAsPositive]]
                    == vector.confusion)
        }
        for vector in file.regression {
            let ours = try RegressionMetrics(actual: vector.actual, predicted: vector.predicted)
            #expect(isClose(ours.model.meanSquaredError, vector.mse))
            #expect(isClose(ours.model.rootMeanSquaredError, vector.mse.squareRoot()))
            #expect(isClose(ours.model.meanAbsoluteError, vector.mae))
            #expect(isClose(try #require(ours.model.rSquared), vector.r2))
            #expect(isClose(try #require(ours.baseline.rSquared), 0))
        }
    }

    /// The definition: all pairs of a positive and a negative.
    @Test func aurocEqualsThePairCount() throws {
        var generator = ShuffleGenerator(seed: 5)
        for round in 0..<300 {
            let n = 2 + generator.next(below: 40)
            var actual = (0..<n).map { _ in Double(generator.next(below: 2)) }
            (actual[0], actual[1]) = (0, 1)
            let scores = (0..<n).map { _ in Double(generator.next(below: 1 + round % 12)) }
            var wins = 0.0
            var pairs = 0.0
            for i in 0..<n where actual[i] == 1 {
                for j in 0..<n where actual[j] == 0 {
                    pairs += 1
                    wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
                }
            }
            #expect(isClose(try Metrics.auroc(actual, scores: scores), wins / pairs))
        }
    }

    @Test func baselines() throws {
        let binary = try BinaryMetrics(
            actual: [0, 0, 1, 0], probabilities: [0.1, 0.2, 0.9, 0.6], trainingTarget: [0, 0, 0, 1, 0])
        #expect(binary.baselineProbability == 0.2)
        #expect(binary.baseline.accuracy == 0.75)
        #expect(binary.baseline.auroc == 0.5)
        #expect(binary.baseline.auprc == 0.25)
        #expect(binary.model.auroc == 1)
        let regression = try RegressionMetrics(actual: [1, 3], predicted: [1, 3], trainingTarget: [4, 4])
        #expect(regression.model.meanSquaredError == 0)
        #expect(regression.baseline.meanSquaredError == 5)
        #expect(regression.isBaselineFromTraining)
    }

    @Test func undefinedQuantitiesSaySo() throws {
        let one = #expect(throws: TabularError.self) { try Metrics.auroc([1, 1], scores: [0.1, 0.2]) }
        #expect(one?.description == "AUROC: every row is of class 1, want both classes")
        #expect(throws: TabularError.self) { try Metrics.rSquared([2, 2], [1, 2]) }
        #expect(throws: TabularError.self) { try Metrics.meanSquaredError([], []) }
        let short = #expect(throws: TabularError.self) { try Metrics.meanSquaredError([1, 2], [1]) }
        #expect(short?.description == "predictions: got 1, want 2, one a row")
        let nan = #expect(throws: TabularError.self) { try Metrics.meanAbsoluteError([1, .nan], [1, 2]) }
        #expect(nan?.description == "row 2: observed value: got nan, want a finite number")
        let label = #expect(throws: TabularError.self) { try Metrics.auprc([0, 2], scores: [0, 1]) }
        #expect(label?.description == "row 2: class: got 2.0, want 0 or 1")
        let high = #expect(throws: TabularError.self) { try Metrics.logLoss([0, 1], probabilities: [0, 1.5]) }
        #expect(high?.description == "row 2: probability: got 1.5, want one in [0, 1]")
        let single = try BinaryMetrics(actual: [1, 1], probabilities: [0.5, 1])
        #expect(single.model.auroc == nil && single.model.logLoss.isFinite)
    }
}
