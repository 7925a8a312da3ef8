import Foundation
import Tabular
import TacitTestSupport
import Testing

@Suite struct RealDataTests {
    @Test func diabetesFromFile() throws {
        guard let path = RealData.path("diabetes/diabetes_raw.csv") else { return }
        let table = try Table(csv: path)
        #expect(table.rowCount == 442)
        #expect(table.columnNames == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "progression"])
        let target = try table.numeric("progression")
        #expect(target.isIntegral)
        #expect(abs(Metrics_mean(target.values) - 152.133) < 0.001)
        let schema = try Schema.proposal(forCSV: path, target: "progression")
        #expect(!schema.isConfirmed)
        #expect(schema["s5"]?.decimals == 4)
        #expect(schema["bmi"]?.type == .number)
        #expect(schema["progression"]?.role == .target)
        try schema.validate(table)
        let recipe = try Recipe.publicEncoding(for: schema).resolved(with: schema)
        let matrix = try recipe.apply(to: table)
        #expect(matrix.columnCount == 10 && matrix.rowCount == 442)
    }

    private func Metrics_mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
