import Datasets
import Foundation
import PrivateLearning
import Tabular
import TacitTestSupport
import Testing

/// Rows of the embedded breast cancer table and of the 15,000-row sample of readmission.
enum LogisticData {
    static func breastCancer() throws -> (table: Table, plan: EncodingPlan, rows: LabelledRows) {
        let loaded = try Dataset.breastCancer.load()
        let plan = try EncodingPlan(schema: loaded.schema, maximumRows: 1024, minimumCohort: 10)
        return (loaded.table, plan, try LabelledRows(loaded.table, plan: plan, target: try #require(plan.target)))
    }

    /// nil without the data.
    static func readmission() throws -> (table: Table, plan: EncodingPlan, rows: LabelledRows)? {
        guard let directory = RealData.directory else { return nil }
        let loaded = try Dataset.hospitalReadmission.load(
            from: DatasetStore(dataDirectory: directory), target: "readmitted_any")
        let table = try loaded.table.sample(15_000, seed: 1)
        let plan = try EncodingPlan(schema: loaded.schema, maximumRows: 1 << 17, minimumCohort: 100)
        return (table, plan, try LabelledRows(table, plan: plan, target: try #require(plan.target)))
    }
}

@Suite struct LogisticTests {
    @Test func degreesThreeAndFiveAreThoseOfTheLiterature() throws {
        // Kim et al. 2018 print 0.5 + 1.20096 (x/8) − 0.81562 (x/8)³ for degree 3 on [−8, 8], and degree 5 as
        // 0.5 + 1.53048 (x/8) − 2.3533056 (x/8)³ + 1.3511295 (x/8)⁵, by least squares on points of their choice.
        let cubic = try SigmoidPolynomial(degree: 3, interval: 8)
        #expect(abs(cubic.coefficients[0] - 1.20096) < 2e-3)
        #expect(abs(cubic.coefficients[1] + 0.81562) < 3e-3)
        for (ours, theirs) in zip(SigmoidPolynomial.standard.coefficients, [1.53048, -2.3533056, 1.3511295]) {
            #expect(abs(ours - theirs) < 4e-2, "\(ours), \(theirs)")
        }
        #expect(SigmoidPolynomial.standard.maximumError < 0.062)
        #expect(cubic.maximumError > SigmoidPolynomial.standard.maximumError)
        #expect(abs(SigmoidPolynomial.standard.maximumSlope - 1.5305 / 8) < 1e-3)
        expectRefusal(.invalidParameter, "degree: got 4, want 1, 3 or 5") {
            _ = try SigmoidPolynomial(degree: 4, interval: 8)
        }
    }

    /// A fit by least squares leaves a remainder that is orthogonal to every power in it.
    @Test(arguments: [1, 3, 5], [4.0, 8.0, 20.0]) func remainderIsOrthogonal(degree: Int, interval: Double) throws {
        let polynomial = try SigmoidPolynomial(degree: degree, interval: interval)
        for power in stride(from: 1, through: degree, by: 2) {
            let steps = 20_000
            let sum = (0..<steps).reduce(0.0) { total, step in
                let x = (Double(step) + 0.5) / Double(steps)
                let u = interval * x
                return total + (polynomial(u) - 1 / (1 + exp(-u))) * pow(x, Double(power))
            }
            #expect(abs(sum / Double(steps)) < 1e-6)
        }
    }

    @Test func newtonAgreesWithScikitLearn() throws {
        struct Vector: Decodable {
            var weights: [Double]
            var intercept: Double
        }
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "Vectors/breast-cancer-logistic.json")
        let vector = try JSONDecoder().decode(Vector.self, from: Data(contentsOf: file))
        let (_, _, rows) = try LogisticData.breastCancer()
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames, clip: 100)
        // scikit-learn's penalty is ½|w|² on the sum of losses, and on columns that were not divided by √λ.
        let ridge = 1 / (Double(rows.rowCount) * scaling.spectralBound)
        let fit = try LogisticRegression(rows: rows.signed(scaling), width: scaling.columnCount, ridge: ridge)
        #expect(fit.converged)
        let unit = scaling.spectralBound.squareRoot()
        for (ours, theirs) in zip(fit.weights, [vector.intercept] + vector.weights) {
            #expect(abs(ours / unit - theirs) < 1e-6, "\(ours / unit), \(theirs)")
        }
    }

    @Test func scalingKeepsTheSpectralBound() throws {
        let (_, plan, rows) = try LogisticData.breastCancer()
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames)
        let scaled = scaling.rows(rows.features)
        let width = scaling.columnCount
        // uᵀ(ZᵀZ/n)u ≤ |u|² for the direction that has the most, found by iterating from another start.
        var direction = (0..<width).map { Double($0 + 1) }
        var value = 0.0
        for _ in 0..<200 {
            var next = [Double](repeating: 0, count: width)
            for row in 0..<rows.rowCount {
                let score = (0..<width).reduce(0.0) { $0 + scaled[row * width + $1] * direction[$1] }
                for column in 0..<width { next[column] += score * scaled[row * width + column] / Double(rows.rowCount) }
            }
            value = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
            direction = next.map { $0 / value }
        }
        #expect(abs(value - 1) < 1e-6)
        #expect(scaled.allSatisfy { abs($0) <= scaling.entryBound })

        // The same from opened sums: means and deviations agree, the bound is that of unclipped columns.
        let moments = MomentMatrix(of: try plan.encode(Dataset.breastCancer.load().table))
        let opened = try FeatureScaling(moments: moments, plan: plan, features: rows.featureNames)
        for (own, sum) in zip(scaling.features, opened.features) {
            #expect(abs(own.mean - sum.mean) <= 1e-9 * abs(own.mean))
            #expect(abs(own.deviation - sum.deviation) <= 1e-9 * own.deviation)
        }
        #expect(opened.spectralBound > 12 && opened.spectralBound < 14)
    }

    @Test func weightsGoBackToTheFeaturesOwnUnits() throws {
        let (_, _, rows) = try LogisticData.breastCancer()
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames, clip: 100)
        let weights = (0..<scaling.columnCount).map { sin(Double($0)) }
        let (coefficients, intercept) = scaling.unscaled(weights)
        let scaled = scaling.rows(rows.features)
        for row in 0..<5 {
            let before = weights.indices.reduce(0.0) { $0 + weights[$1] * scaled[row * weights.count + $1] }
            let after = coefficients.indices.reduce(intercept) {
                $0 + coefficients[$1] * rows.features[row * coefficients.count + $1]
            }
            #expect(abs(before - after) < 1e-9)
        }
    }

    private func quality(_ table: Table, _ rows: LabelledRows, target: String) throws -> (
        simulated: CrossValidation, exact: CrossValidation, newton: CrossValidation
    ) {
        let folds = try table.folds(5, seed: 1, stratifyBy: target)
        let plan = try TrainingPlan()
        let yardstick = try TrainingPlan(iterations: 14)
        return (
            try CrossValidation(rows, folds: folds) { try GradientTraining.simulate(plan, rows: $0, width: $1) },
            try CrossValidation(rows, folds: folds) {
                try GradientTraining.accelerated(yardstick, rows: $0, width: $1)
            },
            try CrossValidation(rows, folds: folds) { rows, width in
                try LogisticRegression(rows: rows, width: width, ridge: 1e-3).weights
            }
        )
    }

    @Test func sevenIterationsSufficeOnBreastCancer() throws {
        let (table, _, rows) = try LogisticData.breastCancer()
        let (simulated, exact, newton) = try quality(table, rows, target: "diagnosis")
        print("breast cancer: simulated \(simulated), exact 14 \(exact), Newton \(newton)")
        #expect(simulated.accuracy >= 0.97)
        #expect(abs(simulated.auroc - exact.auroc) <= 0.005)
        #expect(newton.auroc - simulated.auroc <= 0.005)
    }

    @Test func sevenIterationsSufficeOnReadmission() throws {
        guard let (table, _, rows) = try LogisticData.readmission() else { return }
        let (simulated, exact, newton) = try quality(table, rows, target: "readmitted_any")
        print("readmission: simulated \(simulated), exact 14 \(exact), Newton \(newton)")
        #expect(abs(simulated.auroc - exact.auroc) <= 0.005)
        #expect(abs(simulated.auroc - newton.auroc) <= 0.005)
        #expect(simulated.auroc > 0.63)
    }

    @Test func miniBatchesAndRidge() throws {
        let (table, _, rows) = try LogisticData.breastCancer()
        let folds = try table.folds(5, seed: 1, stratifyBy: "diagnosis")
        for plan in [
            try TrainingPlan(iterations: 14, batches: 2), try TrainingPlan(iterations: 7, ridge: 0.01),
        ] {
            let quality = try CrossValidation(rows, folds: folds) {
                try GradientTraining.simulate(plan, rows: $0, width: $1)
            }
            print("breast cancer, batches \(plan.batches), ridge \(plan.ridge): \(quality.accuracy) \(quality.auroc)")
            #expect(quality.auroc > 0.985)
        }
    }

    /// Squares: the iterations reach the least-squares solution.
    @Test func squaredLossConverges() throws {
        let loaded = try Dataset.diabetes.load()
        let plan = try EncodingPlan(schema: loaded.schema, maximumRows: 1024, minimumCohort: 10)
        let rows = try LabelledRows(loaded.table, plan: plan, target: "progression")
        let scaling = try FeatureScaling(rows: rows.features, names: rows.featureNames, clip: 100)
        let targetScale = 100.0
        let scaled = scaling.rows(rows.features)
        let width = scaling.columnCount
        let table = (0..<rows.rowCount).flatMap { row in
            scaled[row * width..<(row + 1) * width] + [rows.targets[row] / targetScale]
        }
        let weights = try GradientTraining.simulate(
            TrainingPlan(loss: .squared, iterations: 1000), rows: table, width: width + 1)
        #expect(weights[width] == -1)
        let (coefficients, intercept) = scaling.unscaled(weights.dropLast().map { $0 * targetScale })
        let opened = try OpenedFit(
            request: FitRequest(plan: plan, target: "progression", penalties: [0]), plan: plan,
            parts: [MomentMatrix(of: plan.encode(loaded.table))])
        let model = opened.best.model
        #expect(abs(intercept - model.intercept) < 0.05 * abs(model.intercept))
        let predicted = (0..<rows.rowCount).map { row in
            coefficients.indices.reduce(intercept) {
                $0 + coefficients[$1] * rows.features[row * coefficients.count + $1]
            }
        }
        let error = try Metrics.meanSquaredError(rows.targets, predicted)
        #expect(error < 1.0005 * (try #require(model.trainingMetrics["mse"])))
    }

    @Test func badInputIsRefused() throws {
        expectRefusal(.invalidParameter) { _ = try TrainingPlan(iterations: 0) }
        expectRefusal(.invalidParameter) { _ = try TrainingPlan(iterations: 3, batches: 4) }
        expectRefusal(.invalidParameter) { _ = try TrainingPlan(ridge: -1) }
        expectRefusal(.tooFewRows) { _ = try FeatureScaling(rows: [1, 2], names: ["a", "b"]) }
        let rows = LabelledRows(featureNames: ["a"], features: [1, 2, 3], targets: [0, 1, 2])
        let scaling = try FeatureScaling(rows: rows.features, names: ["a"])
        expectRefusal(.invalidParameter, "target of row 3: want 0 or 1 for a logistic model; take another target") {
            _ = try rows.signed(scaling)
        }
        // A degree that turns round diverges on data that leaves its interval, and says so or stays finite.
        let wild = [Double](repeating: 1, count: 4).map { $0 * 1e200 }
        expectRefusal(.invalidValue) {
            _ = try GradientTraining.simulate(TrainingPlan(iterations: 14), rows: wild, width: 2)
        }
    }
}
