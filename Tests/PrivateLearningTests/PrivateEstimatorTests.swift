import Datasets
import DifferentialPrivacy
import Foundation
import PrivateLearning
import Randomness
import TacitTestSupport
import Tabular
import Testing

/// Small made-up tables with public bounds.
private enum MadeUp {
    static func plan(numbers: Int, categories: Int = 0, target: Bounds? = nil) throws -> EncodingPlan {
        var columns = try (0..<numbers).map {
            ColumnSchema("x\($0)", .number, bounds: try Bounds(-2, 2), decimals: 6)
        }
        for index in 0..<categories {
            columns.append(ColumnSchema("c\(index)", .category, categories: ["a", "b", "c"]))
        }
        if let target {
            columns.append(ColumnSchema("y", .number, role: .target, bounds: target, decimals: 6))
        } else {
            columns.append(ColumnSchema("y", .integer, role: .target, bounds: try Bounds(0, 1)))
        }
        columns.append(ColumnSchema("patient", .integer, role: .privacyUnit))
        return try EncodingPlan(schema: Schema(columns: columns), maximumRows: 1 << 22, minimumCohort: 1)
    }

    /// Rows with y from a linear score of the numbers and of the first category's "b".
    static func table(
        rows: Int, numbers: Int, categories: Int = 0, seed: UInt64, isBinary: Bool, rowsPerPatient: Int = 1
    ) throws -> Table {
        var generator = TestGenerator(seed: seed)
        var x = [[Double]](repeating: [], count: numbers)
        var c = [[String]](repeating: [], count: categories)
        var y: [Double] = []
        for _ in 0..<rows {
            var score = 0.2
            for j in 0..<numbers {
                let value =
                    (Double.random(in: -1...1, using: &generator) + Double.random(in: -1...1, using: &generator))
                x[j].append((value * 1e6).rounded() / 1e6)
                score += (j % 2 == 0 ? 1.2 : -0.7) * value
            }
            for j in 0..<categories {
                let value = ["a", "b", "c"][Int.random(in: 0..<3, using: &generator)]
                c[j].append(value)
                if j == 0, value == "b" { score += 1 }
            }
            if isBinary {
                y.append(Double.random(in: 0..<1, using: &generator) < 1 / (1 + exp(-2 * score)) ? 1 : 0)
            } else {
                let noisy = score + Double.random(in: -0.2...0.2, using: &generator)
                y.append((min(max(noisy, -5), 5) * 1e6).rounded() / 1e6)
            }
        }
        var columns = x.enumerated().map { Column("x\($0)", numbers: $1) }
        columns += c.enumerated().map { Column("c\($0)", categories: $1) }
        columns.append(Column("y", numbers: y))
        columns.append(Column("patient", numbers: (0..<rows).map { Double($0 / rowsPerPatient) }))
        return try Table(columns: columns)
    }
}

private func terms(
    _ epsilon: Double, delta: Double = 1e-6, _ neighbouring: Neighbouring = .addOrRemoveOne, rows: Int = 1
) throws -> PrivacyTerms {
    try PrivacyTerms(
        epsilon: epsilon, delta: delta, neighbouring: neighbouring, unit: PrivacyUnit("patient"), rowsPerUnit: rows)
}

private func scores(_ model: any TableModel, _ table: Table) throws -> (auroc: Double, accuracy: Double) {
    let (predicted, actual) = (try model.predict(table), try model.outcomes(in: table))
    return (
        try Metrics.auroc(actual, scores: predicted),
        try Metrics.accuracy(actual, predicted.map { $0 >= 0.5 ? 1 : 0 })
    )
}

/// The message begins so.
private func expectRefused(
    _ code: PrivateLearningError.Code, _ message: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as PrivateLearningError {
        #expect(
            error.code == code && error.message.hasPrefix(message), "\(error.message)", sourceLocation: sourceLocation)
    } catch { Issue.record("got \(error)", sourceLocation: sourceLocation) }
}

@Suite struct PrivateEstimatorTests {
    /// Every estimator's event costs at most its terms, by an accountant that knows nothing of how it was planned; and
    /// not much less.
    @Test(arguments: [0.1, 1, 5], Neighbouring.allCases) func eventsKeepTheirTerms(
        epsilon: Double, neighbouring: Neighbouring
    ) throws {
        let plan = try MadeUp.plan(numbers: 4, categories: 2)
        let shape = try FeatureShape(plan: plan, target: "y")
        let terms = try terms(epsilon, delta: 1e-6, neighbouring, rows: 3)
        var events: [(String, PrivacyEvent)] = []
        for scaling in [PrivateScaling.declaredBounds, .noisyMoments(share: 0.2)] {
            events.append(("AdaSSP", try AdaptiveSufficientStatistics(terms, shape: shape, scaling: scaling).event))
            events.append(("objective", try ObjectivePerturbation(terms, shape: shape, scaling: scaling).event))
            events.append(("descent", try NoisyGradientDescent(terms, shape: shape, scaling: scaling).event))
        }
        events.append(("Bayes", try NoisyNaiveBayes(terms, shape: shape).event))
        events.append(("clusters", try NoisyClustering(terms, shape: shape, clusters: 3).event))
        events.append(("components", try NoisyComponents(terms, shape: shape, components: 2).event))
        events.append(("boosting", try NoisyBoosting(terms, shape: shape, plan: plan, isClassification: true).event))
        if neighbouring == .addOrRemoveOne {
            events.append(
                ("sampled descent", try NoisyGradientDescent(terms, shape: shape, steps: 50, samplingRate: 0.2).event))
        }
        for (name, event) in events {
            var accountant = PrivacyLossAccountant(neighbouring: neighbouring)
            try accountant.compose(event)
            let spent = try accountant.epsilon(delta: 1e-6)
            #expect(spent <= epsilon && spent > 0.9 * epsilon, "\(name): \(spent) of \(epsilon)")
        }
    }

    /// With plenty of rows the private models are next to what made the rows.
    @Test func classifiersLearn() throws {
        let training = try MadeUp.table(rows: 20_000, numbers: 4, categories: 1, seed: 1, isBinary: true)
        let test = try MadeUp.table(rows: 5_000, numbers: 4, categories: 1, seed: 2, isBinary: true)
        let plan = try MadeUp.plan(numbers: 4, categories: 1)
        let shape = try FeatureShape(plan: plan, target: "y")
        #expect(shape.names == ["x0", "x1", "x2", "x3", "c0=b", "c0=c"])
        let rows = try BoundedRows(training, plan: plan, target: "y", unitColumn: "patient", rowsPerUnit: 1)
        let terms = try terms(1)
        var random = SeededRandom(seed: 3)
        let models: [any TableModel] = [
            try ObjectivePerturbation(terms, shape: shape).fit(rows, using: &random),
            try ObjectivePerturbation(terms, shape: shape, scaling: .declaredBounds).fit(rows, using: &random),
            try NoisyGradientDescent(terms, shape: shape).fit(rows, using: &random),
            try NoisyGradientDescent(terms, shape: shape, steps: 200, samplingRate: 0.1).fit(rows, using: &random),
            try NoisyNaiveBayes(terms, shape: shape).fit(rows, using: &random),
            try NoisyBoosting(terms, shape: shape, plan: plan, isClassification: true).fit(rows, using: &random),
        ]
        for model in models {
            // The true probabilities reach an AUROC of 0.93 on these rows.
            let reached = try scores(model, test)
            #expect(reached.auroc > 0.9 && reached.accuracy > 0.82, "\(model.kind) \(reached)")
            // Files give the same model back.
            let file = try Safetensors(decoding: model.safetensors.encoded)
            #expect(try TableModels.read(file).predict(test) == model.predict(test))
            #expect(try TableModels.read(file).kind == model.kind)
        }
    }

    @Test func regressionsLearn() throws {
        let training = try MadeUp.table(rows: 20_000, numbers: 3, seed: 4, isBinary: false)
        let test = try MadeUp.table(rows: 5_000, numbers: 3, seed: 5, isBinary: false)
        let plan = try MadeUp.plan(numbers: 3, target: Bounds(-5, 5))
        let shape = try FeatureShape(plan: plan, target: "y")
        let rows = try BoundedRows(training, plan: plan, target: "y", unitColumn: nil, rowsPerUnit: 1)
        var random = SeededRandom(seed: 6)
        for scaling in [PrivateScaling.declaredBounds, .noisyMoments(share: 0.1)] {
            let model = try AdaptiveSufficientStatistics(terms(2), shape: shape, scaling: scaling)
                .fit(rows, using: &random)
            for (found, made) in zip(model.coefficients, [1.2, -0.7, 1.2]) {
                #expect(abs(found - made) < 0.25, "\(model.coefficients)")
            }
            #expect(abs(model.intercept - 0.2) < 0.15)
            #expect(try Metrics.rSquared(model.outcomes(in: test), model.predict(test)) > 0.9)
        }
        let trees = try NoisyBoosting(terms(2), shape: shape, plan: plan, isClassification: false)
            .fit(rows, using: &random)
        let predicted = try trees.predict(test)
        #expect(try Metrics.rSquared(trees.outcomes(in: test), predicted) > 0.7)
        #expect(predicted.allSatisfy { abs($0) <= 5 })
    }

    /// Three groups of points are found, and the direction along which they lie.
    @Test func clustersAndComponents() throws {
        var generator = TestGenerator(seed: 7)
        let centres = [(-1.2, -1.0), (0.1, 0.2), (1.3, 1.1)]
        var x: [[Double]] = [[], []]
        for row in 0..<9000 {
            let centre = centres[row % 3]
            x[0].append(((centre.0 + Double.random(in: -0.2...0.2, using: &generator)) * 1e6).rounded() / 1e6)
            x[1].append(((centre.1 + Double.random(in: -0.2...0.2, using: &generator)) * 1e6).rounded() / 1e6)
        }
        let schema = try Schema(columns: [
            ColumnSchema("x0", .number, bounds: Bounds(-2, 2), decimals: 6),
            ColumnSchema("x1", .number, bounds: Bounds(-2, 2), decimals: 6),
        ])
        let plan = try EncodingPlan(schema: schema, maximumRows: 1 << 20, minimumCohort: 1)
        let table = try Table(columns: [Column("x0", numbers: x[0]), Column("x1", numbers: x[1])])
        let shape = try FeatureShape(plan: plan, target: nil)
        let rows = try BoundedRows(table, plan: plan, target: nil, unitColumn: nil, rowsPerUnit: 1)
        var random = SeededRandom(seed: 8)
        // Starting points are random: one of a few runs finds all three.
        var best = Double.infinity
        for _ in 0..<5 {
            let model = try NoisyClustering(terms(1), shape: shape, clusters: 3, iterations: 8)
                .fit(rows, using: &random)
            let furthest =
                centres.map { centre in
                    (0..<3).map { hypot(model.centre($0)[0] - centre.0, model.centre($0)[1] - centre.1) }.min() ?? 9
                }.max() ?? 9
            best = min(best, furthest)
            let assigned = try model.predict(table)
            #expect(assigned.allSatisfy { (0..<3).contains(Int($0)) })
            #expect(try TableModels.read(Safetensors(decoding: model.safetensors.encoded)).predict(table) == assigned)
        }
        #expect(best < 0.15, "\(best)")
        let model = try NoisyComponents(terms(1), shape: shape, components: 1).fit(rows, using: &random)
        let direction = model.directions[0]
        #expect(abs(hypot(direction[0], direction[1]) - 1) < 1e-9)
        #expect(abs(abs(direction[0] * 1.25 + direction[1] * 1.05) / hypot(1.25, 1.05) - 1) < 0.01, "\(direction)")
        #expect(model.explained(1) > 0.95 && model.explained(2) == 1)
        let projected = try model.project(table)
        #expect(projected.count == 9000 && abs(projected.reduce(0) { $0 + $1[0] } / 9000) < 0.05)
        #expect(
            try TableModels.read(Safetensors(decoding: model.safetensors.encoded)).predict(table)
                == model.predict(table))
    }

    /// A unit's further rows are left out, so that its removal changes at most so many rows, and none of another unit.
    @Test func unitsAreBounded() throws {
        let table = try MadeUp.table(rows: 60, numbers: 2, seed: 9, isBinary: true, rowsPerPatient: 5)
        let plan = try MadeUp.plan(numbers: 2)
        let all = try BoundedRows(table, plan: plan, target: "y", unitColumn: "patient", rowsPerUnit: 2)
        #expect(all.rowCount == 24 && all.omittedRows == 36 && all.unitCount == 12)
        for patient in 0..<12 {
            let others = (0..<60).filter { $0 / 5 != patient }
            let without = try BoundedRows(
                table.rows(others), plan: plan, target: "y", unitColumn: "patient", rowsPerUnit: 2)
            #expect(without.rowCount == 22)
            let kept = without.keptRows.map { others[$0] }
            #expect(kept == all.keptRows.filter { $0 / 5 != patient })
        }
        let holes = try table.setting(Column("patient", numbers: (0..<60).map { $0 == 7 ? .nan : 1 }))
        #expect(throws: (any Error).self) {
            _ = try BoundedRows(holes, plan: plan, target: "y", unitColumn: "patient", rowsPerUnit: 2)
        }
    }

    /// The bound for one row has a closed form; that for several is worse, and more noise always helps.
    @Test func lossOfPerturbedObjectives() {
        func upperTail(_ x: Double) -> Double { 0.5 * erfc(x / 2.0.squareRoot()) }
        let one = ObjectivePerturbationLoss(neighbouring: .addOrRemoveOne, rowsPerUnit: 1, dimension: 9)
        for (epsilon, noise, ridge) in [(1.0, 4.0, 5.0), (0.5, 8, 10), (3, 1.5, 2), (0.2, 3, 10)] {
            let rest = epsilon - log1p(1 / ridge), mu = 1 / noise
            let exact: Double
            if rest >= mu * mu / 2 {
                let t = rest / mu - mu / 2
                exact = 2 * (upperTail(t) - exp(rest) * upperTail(t + mu))
            } else {
                exact = 1 - exp(rest - mu * mu / 2) * 2 * exp(mu * mu / 2) * upperTail(mu)
            }
            let bound = one.delta(epsilon: epsilon, noise: noise, relativeRidge: ridge)
            #expect(bound >= exact && bound <= exact * 1.02 + 1e-20, "\(epsilon) \(noise): \(bound), \(exact)")
        }
        for freedom in 1...8 {
            let loss = ObjectivePerturbationLoss(neighbouring: .addOrRemoveOne, rowsPerUnit: freedom, dimension: 99)
            // P(χ > x) by summing the density.
            for x in [0.3, 1.5, 4] {
                let steps = 200_000
                var sum = 0.0
                let k = Double(freedom)
                for step in 0..<steps {
                    let r = x + (Double(step) + 0.5) * 12 / Double(steps)
                    sum += exp((k - 1) * log(r) - r * r / 2 - (k / 2 - 1) * log(2) - lgamma(k / 2)) * 12 / Double(steps)
                }
                #expect(abs(loss.tail(x) - sum) < 1e-6, "\(freedom) \(x)")
            }
            let noise = loss.noise(epsilon: 1, delta: 1e-6, relativeRidge: 10 * Double(freedom))
            #expect(loss.delta(epsilon: 1, noise: noise, relativeRidge: 10 * Double(freedom)) <= 1e-6)
            #expect(loss.delta(epsilon: 1, noise: 0.99 * noise, relativeRidge: 10 * Double(freedom)) > 1e-6)
        }
        let replaced = ObjectivePerturbationLoss(neighbouring: .replaceOne, rowsPerUnit: 1, dimension: 9)
        #expect(
            replaced.delta(epsilon: 1, noise: 6, relativeRidge: 9) > one.delta(epsilon: 1, noise: 6, relativeRidge: 9))
    }

    /// Neighbouring tables of a few rows, thousands of fits: what is released tells them apart no better than ε allows,
    /// yet well enough that the measurement could have found a fault.
    @Test(arguments: ["objective", "descent", "bayes", "statistics"]) func fitsAreAudited(method: String) throws {
        let plan = try MadeUp.plan(numbers: 1)
        let shape = try FeatureShape(plan: plan, target: "y")
        let terms = try terms(2, delta: 1e-3)
        func rows(_ count: Int) throws -> BoundedRows {
            // The last row is at the edge of its bounds.
            let table = try Table(columns: [
                Column("x0", numbers: [Double](repeating: 0, count: count - 1) + [2]),
                Column("y", numbers: [Double](repeating: 0, count: count - 1) + [1]),
            ])
            return try BoundedRows(table, plan: plan, target: "y", unitColumn: nil, rowsPerUnit: 1)
        }
        let (with, without) = (
            try rows(6),
            try BoundedRows(
                Table(columns: [
                    Column("x0", numbers: [Double](repeating: 0, count: 5)),
                    Column("y", numbers: [Double](repeating: 0, count: 5)),
                ]), plan: plan, target: "y", unitColumn: nil, rowsPerUnit: 1)
        )
        var random = SeededRandom(seed: 10)
        let fit: (BoundedRows, inout SeededRandom) throws -> Double
        switch method {
        case "objective":
            let estimator = try ObjectivePerturbation(terms, shape: shape, scaling: .declaredBounds)
            fit = { try estimator.fit($0, using: &$1).coefficients[0] }
        case "descent":
            let estimator = try NoisyGradientDescent(terms, shape: shape, scaling: .declaredBounds, steps: 4)
            fit = { try estimator.fit($0, using: &$1).coefficients[0] }
        case "bayes":
            let estimator = try NoisyNaiveBayes(terms, shape: shape)
            fit = { try estimator.fit($0, using: &$1).prior }
        default:
            let estimator = try AdaptiveSufficientStatistics(terms, shape: shape, scaling: .declaredBounds)
            fit = { try estimator.fit($0, using: &$1).coefficients[0] }
        }
        let runs = 15_000
        let first = try (0..<runs).map { _ in try fit(with, &random) }
        let second = try (0..<runs).map { _ in try fit(without, &random) }
        let sorted = (first + second).sorted()
        var best = 0.0
        for share in stride(from: 0.05, to: 0.96, by: 0.05) {
            let threshold = sorted[Int(Double(sorted.count) * share)]
            for isAbove in [true, false] {
                func part(_ values: [Double]) -> Double {
                    Double(values.reduce(0) { $0 + (isAbove == ($1 >= threshold) ? 1 : 0) }) / Double(runs)
                }
                for (a, b) in [(part(first), part(second)), (part(second), part(first))] {
                    // Six deviations on either side.
                    let low = a - 6 * (a * (1 - a) / Double(runs)).squareRoot()
                    let high = b + 6 * ((b * (1 - b) + 1 / Double(runs)) / Double(runs)).squareRoot()
                    if low > 1e-3 { best = max(best, log((low - 1e-3) / high)) }
                }
            }
        }
        #expect(best <= 2, "\(method): \(best)")
        #expect(best > 0.05, "\(method): \(best), which finds nothing")
    }

    @Test func eigenvalues() {
        var generator = TestGenerator(seed: 11)
        for size in [1, 2, 5, 20] {
            var matrix = [Double](repeating: 0, count: size * size)
            for i in 0..<size {
                for j in 0...i {
                    let value = Double.random(in: -1...1, using: &generator)
                    matrix[i * size + j] = value
                    matrix[j * size + i] = value
                }
            }
            let eigen = SymmetricEigen(matrix, size: size)
            #expect(zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 >= $1 })
            for (value, vector) in zip(eigen.values, eigen.vectors) {
                for i in 0..<size {
                    let image = (0..<size).reduce(0.0) { $0 + matrix[i * size + $1] * vector[$1] }
                    #expect(abs(image - value * vector[i]) < 1e-12)
                }
            }
        }
    }

    @Test func refusals() throws {
        let plan = try MadeUp.plan(numbers: 2, target: Bounds(-5, 5))
        let shape = try FeatureShape(plan: plan, target: "y")
        let rows = try BoundedRows(
            MadeUp.table(rows: 10, numbers: 2, seed: 12, isBinary: false), plan: plan, target: "y", unitColumn: nil,
            rowsPerUnit: 1)
        expectRefused(.invalidParameter, "target y: got values in -5.0...5.0, want 0 and 1") {
            _ = try ObjectivePerturbation(terms(1), shape: shape).fit(rows)
        }
        expectRefused(.invalidParameter, "epsilon: got 0.0") { _ = try terms(0) }
        expectRefused(.invalidParameter, "epsilon: got 21.0") { _ = try terms(21) }
        expectRefused(.invalidParameter, "delta: got 1.0") { _ = try terms(1, delta: 1) }
        expectRefused(.invalidParameter, "rows per unit: got 0") { _ = try terms(1, rows: 0) }
        expectRefused(.invalidParameter, "clusters: got 1") {
            _ = try NoisyClustering(terms(1), shape: shape, clusters: 1)
        }
        expectRefused(.invalidParameter, "components: got 3") {
            _ = try NoisyComponents(terms(1), shape: shape, components: 3)
        }
        expectRefused(.unknownColumn, "column: got z") {
            _ = try FeatureShape(plan: plan, target: "y", features: ["z"])
        }
        let other = try FeatureShape(plan: plan, target: "y", features: ["x0"])
        expectRefused(.mismatch, "features: got 2") {
            _ = try NoisyNaiveBayes(terms(1), shape: other).fit(
                BoundedRows(
                    MadeUp.table(rows: 10, numbers: 2, seed: 12, isBinary: true), plan: MadeUp.plan(numbers: 2),
                    target: "y", unitColumn: nil, rowsPerUnit: 1))
        }
    }

    /// Files of models are foreign bytes.
    @Test func fuzzFiles() throws {
        let plan = try MadeUp.plan(numbers: 1, categories: 1)
        let models: [any TableModel] = [
            try NaiveBayesModel(
                target: "y", plan: plan, numbers: ["x0"], flags: ["c0=b"], prior: 0.4, means: [[0], [1]],
                deviations: [[1], [2]], rates: [[0.2], [0.7]]),
            try AdditiveModel(
                target: "y", plan: plan, link: .logit, terms: [.init(columns: ["x0"], edges: [0, 1])], intercept: 0.1,
                scores: [[0.5, -0.2, 0.1]]),
            try ClusterModel(
                plan: plan, features: ["x0"], offsets: [0], scales: [2], centres: [[0.5], [-0.5]], sizes: [4, 5]),
            try ComponentModel(
                plan: plan, features: ["x0"], offsets: [0], scales: [2], directions: [[1]], variances: [0.3]),
        ]
        let table = try MadeUp.table(rows: 3, numbers: 1, categories: 1, seed: 13, isBinary: true)
        var reached = 0
        Fuzzing.run(valid: try models.map { try $0.safetensors.encoded }, iterations: Fuzzing.iterations) {
            guard let file = try? Safetensors(decoding: $0), let model = try? TableModels.read(file) else { return }
            reached += 1
            _ = try? model.predict(table)
        }
        #expect(reached > 50)
        expectRefused(.invalidFile, "model: got format other, want one of tacit-linear-model") {
            _ = try TableModels.read(Safetensors(tensors: [:], metadata: ["format": "other"]))
        }
    }
}
