import BigIntegers
import Datasets
import FixedPoint
import Foundation
import PrivateLearning
import Tabular
import TacitTestSupport
import Testing

/// Against scikit-learn, and against the normal equations solved with 60 decimal digits.
@Suite struct LeastSquaresTests {
    struct Fit: Decodable {
        var coefficients: [Double]
        var intercept: Double
        var mse: Double
        var standardErrors: [Double]?
    }
    struct ExactFit: Decodable {
        var coefficients: [String]
        var intercept: String
        var mse: String
    }
    struct Deficient: Decodable {
        var x: [[Double]]
        var y: [Double]
        var coefficients: [Double]
        var intercept: Double
        var mse: Double
        var rank: Int
    }
    struct Vectors: Decodable {
        var ols: Fit
        var ridge10: Fit
        var exactOls: ExactFit
        var exactRidge10: ExactFit
        var deficient: Deficient
    }

    let vectors: Vectors
    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Vectors/least-squares.json")
        vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
    }

    private func diabetes() throws -> MomentMatrix {
        let table = try Dataset.diabetes.load().table
        try #require(table.rowCount == 442)
        let encoding = try FixedPointEncoding(scale: .decimal(4), lower: 0, upper: 1000)
        let columns = try table.columnNames.map { try table.numeric($0).values.map { try encoding.encode($0) } }
        return MomentMatrix(of: IntegerTable(columns: columns, rowCount: table.rowCount))
    }

    private func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * abs(b) }

    @Test func diabetesMatchesScikitLearnAndTheExactSolution() throws {
        let moments = try diabetes()
        let units = [Int64](repeating: 10_000, count: 11)
        for (ridge, peer, exact) in [
            (0.0, vectors.ols, vectors.exactOls), (10.0, vectors.ridge10, vectors.exactRidge10),
        ] {
            let fit = try LeastSquares(
                moments: moments, multipliers: units, features: Array(0..<10), target: 10, ridge: ridge)
            #expect(fit.rank == 10)
            for index in 0..<10 {
                #expect(close(fit.coefficients[index], peer.coefficients[index], 1e-9))
                #expect(close(fit.coefficients[index], Double(exact.coefficients[index])!, 4e-16))
            }
            #expect(close(fit.intercept, peer.intercept, 1e-9))
            #expect(close(fit.intercept, Double(exact.intercept)!, 4e-16))
            #expect(close(fit.residualSumOfSquares / 442, peer.mse, 1e-12))
            #expect(close(fit.residualSumOfSquares / 442, Double(exact.mse)!, 1e-15))
            if let errors = peer.standardErrors {
                let ours = try #require(fit.standardErrors)
                #expect(zip(ours, errors).allSatisfy { close($0, $1, 1e-9) })
            }
        }
    }

    @Test func deficientRankGivesTheMinimumNormSolution() throws {
        let case_ = vectors.deficient
        let columns = (0..<7).map { column in case_.x.map { Int64($0[column]) } } + [case_.y.map { Int64($0) }]
        let moments = MomentMatrix(of: IntegerTable(columns: columns, rowCount: case_.y.count))
        let fit = try LeastSquares(
            moments: moments, multipliers: [Int64](repeating: 1, count: 8), features: Array(0..<7), target: 7, ridge: 0)
        #expect(fit.rank == case_.rank)
        #expect(fit.standardErrors == nil)
        for index in 0..<7 {
            #expect(abs(fit.coefficients[index] - case_.coefficients[index]) < 1e-12, "coefficient \(index)")
        }
        #expect(close(fit.intercept, case_.intercept, 1e-11))
        #expect(close(fit.residualSumOfSquares / 60, case_.mse, 1e-12))
    }

    /// Columns in other units give the same fit after conversion, though the integers are quite different.
    @Test func minimumNormDependsOnRealUnitsNotOnEncodings() throws {
        let case_ = vectors.deficient
        let units: [Int64] = [1, 10, 100, 1000, 1, 8, 2, 5]
        let columns =
            (0..<7).map { column in case_.x.map { Int64($0[column]) * units[column] } } + [
                case_.y.map { Int64($0) * 5 }
            ]
        let fit = try LeastSquares(
            moments: MomentMatrix(of: IntegerTable(columns: columns, rowCount: 60)), multipliers: units,
            features: Array(0..<7), target: 7, ridge: 0)
        for index in 0..<7 { #expect(abs(fit.coefficients[index] - case_.coefficients[index]) < 1e-12) }
    }

    @Test func impossibleSumsAreRefused() throws {
        // n = 5, Σx = 10, Σx² = 1: a negative variance.
        let moments = MomentMatrix(columns: 2, entries: [5, 10, 3, 1, 2, 3])
        #expect {
            try LeastSquares(moments: moments, multipliers: [1, 1], features: [0], target: 1, ridge: 0)
        } throws: { ($0 as? PrivateLearningError)?.code == .inconsistentSums }
        let single = MomentMatrix(columns: 2, entries: [1, 1, 1, 1, 1, 1])
        #expect {
            try LeastSquares(moments: single, multipliers: [1, 1], features: [0], target: 1, ridge: 0)
        } throws: { ($0 as? PrivateLearningError)?.code == .tooFewRows }
    }

    @Test func rankIsExactWhereFloatingPointIsNot() {
        // Rows differ by one unit in 10^40: singular to any tolerance, but of full rank.
        let big = BigInteger("10000000000000000000000000000000000000000")!
        #expect(ExactRank.rank(of: [big, big + 1, big - 1, big], size: 2) == 2)
        #expect(ExactRank.rank(of: [big, big * 2, big * 3, big * 6], size: 2) == 1)
        #expect(ExactRank.rank(of: [0, 0, 0, 0], size: 2) == 0)
        #expect(ExactRank.rank(of: [0, 1, -1, 0], size: 2) == 2)
    }

    @Test func weightedMomentsEqualRepeatedRows() {
        var generator = TestGenerator(seed: 3)
        let columns = (0..<3).map { _ in (0..<20).map { _ in Int64.random(in: -1000...1000, using: &generator) } }
        let table = IntegerTable(columns: columns, rowCount: 20)
        let weights = (0..<20).map { _ in Int64.random(in: 0...3, using: &generator) }
        let repeated = table.selecting(rows: (0..<20).flatMap { [Int](repeating: $0, count: Int(weights[$0])) })
        #expect(MomentMatrix(of: table, weights: weights) == MomentMatrix(of: repeated))
        let parts =
            MomentMatrix(of: table.selecting(rows: Array(0..<7)))
            + MomentMatrix(of: table.selecting(rows: Array(7..<20)))
        #expect(parts == MomentMatrix(of: table))
    }
}
