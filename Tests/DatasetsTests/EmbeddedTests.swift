import Datasets
import Foundation
import Tabular
import TacitTestSupport
import Testing

@Suite struct EmbeddedTests {
    @Test(arguments: [("diabetes", "diabetes/diabetes_raw.csv"), ("breast-cancer", "breast-cancer/wdbc.csv")])
    func embeddedTableEqualsTheFile(name: String, file: String) throws {
        let loaded = try Dataset.named(name).load()
        #expect(loaded.table.rowCount == loaded.dataset.rowCount)
        #expect(loaded.table.columns.count == loaded.dataset.columnCount)
        #expect(try loaded.schema.target.name == loaded.dataset.target)
        #expect(loaded.schema.isConfirmed)
        guard let directory = RealData.directory else { return }
        #expect(try Table(csv: "\(directory)/\(file)", schema: loaded.schema) == loaded.table)
    }

    @Test func readmission() throws {
        guard let directory = RealData.directory else { return }
        let store = DatasetStore(dataDirectory: directory)
        for target in HospitalReadmission.targets {
            let loaded = try Dataset.hospitalReadmission.load(from: store, target: target)
            #expect(loaded.table.rowCount == 69_973)
            #expect(loaded.table.columnNames == loaded.schema.columns.map(\.name))
            #expect(loaded.table.columns.count == loaded.dataset.columnCount)
            #expect(try loaded.schema.target.name == target)
            let recipe = try Recipe.publicEncoding(for: loaded.schema).resolved(with: loaded.schema)
            let matrix = try recipe.apply(to: loaded.table)
            #expect(matrix.rowCount == 69_973)
            #expect(matrix.columns.allSatisfy { $0.isSized })
        }
    }
}
