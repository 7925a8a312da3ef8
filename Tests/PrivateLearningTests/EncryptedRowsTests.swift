import Foundation
import Paillier
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// A server with encrypted rows forms the sums of any subset, fold or weighting, exactly.
@Suite struct EncryptedRowsTests {
    private static let key = TestKeys.bits1024
    /// Sixty patients, encrypted once for all tests.
    private static let prepared: (data: Diabetes, integers: IntegerTable, rows: EncryptedRows) = {
        let data = try! Diabetes()
        let table = data.table.rows(0..<60)
        var random = SeededRandom(seed: 3)
        let rows = try! EncryptedRows.encrypt(
            table, plan: data.plan, owner: "clinic", with: PaillierEncryptor(key.publicKey, expectedCount: 500),
            using: &random)
        return (data, try! data.plan.encode(table), rows)
    }()

    private let data = prepared.data
    private let integers = prepared.integers
    private let rows = prepared.rows
    private let key = Self.key

    @Test(arguments: 0..<8)
    func subsetsEqualThePlaintext(seed: UInt64) throws {
        var generator = TestGenerator(seed: seed)
        let count = Int.random(in: 10...60, using: &generator)
        let chosen = Array((0..<60).shuffled(using: &generator).prefix(count))
        let opened = try rows.moments(rows: chosen).opened(key)
        #expect(opened == MomentMatrix(of: integers.selecting(rows: chosen)))
        #expect(opened[0, 0].intValue == count)
    }

    @Test(arguments: 0..<4)
    func integerWeightingsEqualThePlaintext(seed: UInt64) throws {
        var generator = TestGenerator(seed: 100 + seed)
        let weights = (0..<60).map { _ in Int.random(in: 0...9, using: &generator) }
        let opened = try rows.moments(weights: weights).opened(key)
        #expect(opened == MomentMatrix(of: integers, weights: weights.map(Int64.init)))
        let repeated = weights.enumerated().flatMap { [Int](repeating: $0, count: $1) }
        #expect(opened == MomentMatrix(of: integers.selecting(rows: repeated)))
        let request = try data.request
        let fit = try EncryptedFit(request, over: rows, weights: weights).opened(key)
        let plain = try OpenedFit(
            request: request, plan: data.plan, parts: [MomentMatrix(of: integers.selecting(rows: repeated))])
        #expect(fit.best.model == plain.best.model)
    }

    /// A file read in one pass gives what the rows in memory give, for several weightings at once.
    @Test func aStreamedFileGivesTheSameSums() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("rows.tacit")
        var random = SeededRandom(seed: 9)
        try EncryptedRowsFile.write(
            data.table.rows(0..<60), plan: data.plan, owner: "clinic",
            with: PaillierEncryptor(key.publicKey, expectedCount: 500), to: path, using: &random)
        let file = try EncryptedRowsFile(path: path)
        #expect(file.rowCount == 60 && file.owner == "clinic" && file.plan == data.plan)
        let weightings = [(0..<60).map { $0 % 2 }, (0..<60).map { ($0 + 1) % 2 }, (0..<60).map { $0 % 4 }]
        let streamed = try file.moments(weightings: weightings)
        for (weights, moments) in zip(weightings, streamed) {
            #expect(try moments.opened(key) == rows.moments(weights: weights).opened(key))
        }
        #expect(throws: PrivateLearningError.self) { try file.moments(weightings: [[1, 2]]) }
        #expect(throws: PrivateLearningError.self) {
            try EncryptedFit(data.request, over: file, weightings: [weightings[0], weightings[0]])
        }
        #expect(try EncryptedRows(path: path).rowCount == 60)
    }

    /// What the folds' sums say of cross-validation is what fitting and predicting row by row says.
    @Test func crossValidationEqualsRefittingOnRows() throws {
        let folds = (0..<4).map { fold in (0..<60).filter { $0 % 4 == fold } }
        let penalties = [0.0, 0.1, 5, 1000]
        let request = try FitRequest(plan: data.plan, target: "progression", penalties: penalties)
        let opened = try EncryptedFit(request, over: rows, folds: folds).opened(key)
        #expect(opened.total == MomentMatrix(of: integers))
        let target = try data.plan.index(of: "progression")
        let features = try request.features.map { try data.plan.index(of: $0) }
        var errors: [Double] = []
        for (position, penalty) in penalties.enumerated() {
            var squared = 0.0
            for fold in folds {
                let training = (0..<60).filter { !fold.contains($0) }
                let fit = try LeastSquares(
                    moments: MomentMatrix(of: integers.selecting(rows: training)), multipliers: data.plan.multipliers,
                    features: features, target: target, ridge: penalty)
                for row in fold {
                    func value(_ column: Int) -> Double {
                        data.plan.columns[column].encoding.decode(integers.columns[column][row])
                    }
                    var score = fit.intercept
                    for (weight, column) in zip(fit.coefficients, features) { score += weight * value(column) }
                    squared += (value(target) - score) * (value(target) - score)
                }
            }
            let validated = try #require(opened.candidates[position].crossValidatedMSE)
            #expect(abs(validated - squared / 60) <= 1e-10 * validated)
            errors.append(squared / 60)
        }
        let best = penalties[errors.indices.min { errors[$0] < errors[$1] }!]
        #expect(opened.best.model.ridge == best)
    }

    @Test func refusals() throws {
        expectRefusal(.cohortTooSmall, "rows: got 9, want at least 10, the plan's minimum cohort") {
            _ = try rows.moments(rows: Array(0..<9))
        }
        // A great weight does not make a cohort of one row.
        var weights = [Int](repeating: 0, count: 60)
        weights[7] = 100
        expectRefusal(.cohortTooSmall, "rows: got 1, want at least 10, the plan's minimum cohort") {
            _ = try rows.moments(weights: weights)
        }
        expectRefusal(.invalidParameter, "weights: got 3, want 60, one a row") {
            _ = try rows.moments(weights: [1, 2, 3])
        }
        expectRefusal(.invalidParameter, "weights: want whole numbers in 0...1024") {
            _ = try rows.moments(weights: [Int](repeating: -1, count: 60))
        }
        expectRefusal(.invalidParameter, "rows: want numbers below 60") { _ = try rows.moments(rows: [60]) }
        expectRefusal(.cohortTooSmall) {
            _ = try EncryptedFit(data.request, over: rows, folds: [Array(0..<55), Array(55..<60)])
        }
        // 60 · 18 = 1080 rows are more than the plan's 1024.
        #expect {
            try rows.moments(weights: [Int](repeating: 18, count: 60))
        } throws: { ($0 as? PaillierError)?.code == .headroomExhausted }
    }

    /// A row counted by two folds is counted twice, which the folds' owner must not be able to ask for.
    @Test func foldsThatOverlapAreRefused() throws {
        expectRefusal(.invalidParameter, "folds: row 29 comes twice, want each row at most once") {
            _ = try EncryptedFit(data.request, over: rows, folds: [Array(0..<30), Array(29..<60)])
        }
    }
}
