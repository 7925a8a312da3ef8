import Foundation
import Tabular
import Testing

/// The folder of real data sets: `TACIT_DATA`, else `../shared/data` beside the checkout.
enum RealData {
    static func path(_ file: String) -> String? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["TACIT_DATA"].map { URL(fileURLWithPath: $0) }
        let folder = named ?? root.appending(path: "../shared/data").standardized
        let path = folder.appending(path: file).path
        if FileManager.default.fileExists(atPath: path) { return path }
        print("SKIPPED: no \(path); name the folder of data sets with TACIT_DATA")
        return nil
    }
}

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
