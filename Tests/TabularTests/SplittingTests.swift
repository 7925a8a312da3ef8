import Foundation
import Tabular
import Testing

@Suite struct SplittingTests {
    struct Ways: Sendable {
        let group: String?
        let strata: String?
        static let all = [nil, "patient"].flatMap { group in [nil, "label"].map { Ways(group: group, strata: $0) } }
    }

    /// 1,000 rows of 300 patients of very different numbers of rows, with a rare label.
    static func table() throws -> Table {
        var generator = ShuffleGenerator(seed: 11)
        let patients = (0..<1000).map { _ -> Double in
            let a = generator.next(below: 300)
            return Double(min(a, generator.next(below: 300)))
        }
        return try Table(columns: [
            Column("row", numbers: (0..<1000).map(Double.init)), Column("patient", numbers: patients),
            Column("label", categories: patients.map { Int($0) % 10 == 0 ? "yes" : "no" }),
        ])
    }

    func values(_ table: Table, _ rows: [Int], _ name: String) throws -> [Double] {
        try table.rows(rows).numeric(name).values
    }

    @Test(arguments: [0.1, 0.25, 0.5, 0.8], Ways.all)
    func sidesAreDisjointAndComplete(share: Double, ways: Ways) throws {
        let (group, strata) = (ways.group, ways.strata)
        let table = try Self.table()
        let split = try table.split(testShare: share, seed: 3, groupBy: group, stratifyBy: strata)
        #expect(Set(split.training + split.test) == Set(0..<1000))
        #expect(split.training.count + split.test.count == 1000)
        #expect(split.test == split.test.sorted() && split.training == split.training.sorted())
        #expect(try table.split(testShare: share, seed: 3, groupBy: group, stratifyBy: strata) == split)
        #expect(try table.split(testShare: share, seed: 4, groupBy: group, stratifyBy: strata) != split)
        if group == nil { #expect(split.test.count == Int(1000 * share)) }
        if group != nil {
            let test = Set(try values(table, split.test, "patient"))
            let training = Set(try values(table, split.training, "patient"))
            #expect(test.isDisjoint(with: training))
            #expect(test.count == Int((Double(test.count + training.count) * share).rounded()))
        }
        if strata != nil && group == nil {
            let counts = try table.rows(split.test).categorical("label").counts
            let all = try table.categorical("label").counts
            for (count, whole) in zip(counts, all) { #expect(abs(Double(count) - Double(whole) * share) <= 1) }
        }
    }

    @Test(arguments: [2, 3, 10], Ways.all)
    func foldsCoverEveryRowOnce(k: Int, ways: Ways) throws {
        let (group, strata) = (ways.group, ways.strata)
        let table = try Self.table()
        let folds = try table.folds(k, seed: 5, groupBy: group, stratifyBy: strata)
        #expect(folds.count == k)
        #expect(folds.flatMap(\.test).sorted() == Array(0..<1000))
        for fold in folds {
            #expect((fold.training + fold.test).sorted() == Array(0..<1000))
            if group != nil {
                let test = Set(try values(table, fold.test, "patient"))
                #expect(test.isDisjoint(with: try values(table, fold.training, "patient")))
                #expect(abs(fold.test.count - 1000 / k) < 1000 / k / 2 + 20)
            } else {
                #expect(abs(fold.test.count - 1000 / k) <= 1)
            }
            if strata != nil && group == nil {
                let yes = try table.rows(fold.test).categorical("label").codes.count { $0 == 0 }
                let all = try table.categorical("label").codes.count { $0 == 0 }
                #expect(abs(Double(yes) - Double(all) / Double(k)) <= 1)
            }
        }
    }

    @Test func partitionAmongOwners() throws {
        let table = try Self.table()
        let owners = try table.partition(into: 3, seed: 1, groupBy: "patient")
        #expect(try Table.concatenating(owners).numeric("row").values.sorted() == (0..<1000).map(Double.init))
        let patients = try owners.map { Set(try $0.numeric("patient").values) }
        #expect(patients[0].isDisjoint(with: patients[1]) && patients[1].isDisjoint(with: patients[2]))
    }

    @Test func badArguments() throws {
        let table = try Self.table()
        let share = #expect(throws: TabularError.self) { try table.split(testShare: 1, seed: 1) }
        #expect(share?.description == "testShare: got 1.0, want one in (0, 1)")
        #expect(throws: TabularError.self) { try table.split(testShare: .nan, seed: 1) }
        let folds = #expect(throws: TabularError.self) { try table.folds(1, seed: 1) }
        #expect(folds?.description == "folds: got 1, want at least 2")
        let many = #expect(throws: TabularError.self) { try table.rows(0..<4).folds(5, seed: 1) }
        #expect(many?.description == "parts: got 5, want 1...4, the number of rows")
        #expect(throws: TabularError.self) { try table.split(testShare: 0.5, seed: 1, groupBy: "nothing") }
        #expect(throws: TabularError.self) { try table.rows(0..<1).split(testShare: 0.5, seed: 1) }
    }

    /// χ² on the places that one row takes among 6 in 60,000 shuffles: 5 degrees of freedom, fixed seed; a correct
    /// shuffle exceeds 25.7 with probability 10⁻⁴.
    @Test func shuffleIsUniform() {
        var generator = ShuffleGenerator(seed: 12)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<60_000 {
            var order = Array(0..<6)
            generator.shuffle(&order)
            counts[order.firstIndex(of: 0) ?? 0] += 1
        }
        let statistic = counts.reduce(0.0) { $0 + pow(Double($1) - 10_000, 2) / 10_000 }
        #expect(statistic < 25.7, "\(counts)")
    }

    /// The published algorithms, computed step by step with Python integers: SplitMix64(42) as state, xoshiro256**.
    @Test func generatorKnownAnswers() {
        var generator = ShuffleGenerator(seed: 42)
        #expect(
            (0..<4).map { _ in generator.next() } == [
                1546998764402558742, 6990951692964543102, 12544586762248559009, 17057574109182124193,
            ])
    }
}
