import Foundation
import Tabular

/// The census income table (UCI "Adult"), whose files have no header: columns and public bounds as its description
/// gives them. A question mark is a category of its own; sampling weights are left out.
enum AdultTable {
    private static let names = [
        "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
        "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
    ]
    private static let numbers: [String: (Double, Double)] = [
        "age": (17, 90), "education_num": (1, 16), "capital_gain": (0, 99_999), "capital_loss": (0, 4_356),
        "hours_per_week": (1, 99),
    ]
    private static let ignored: Set = ["fnlwgt", "education"]

    static func load(_ folder: String) throws -> (training: Table, test: Table, schema: Schema) {
        let training = try rows(folder + "/adult.data")
        let test = try rows(folder + "/adult.test")
        var columns: [ColumnSchema] = []
        for (index, name) in names.enumerated() where !ignored.contains(name) {
            if let (low, high) = numbers[name] {
                columns.append(ColumnSchema(name, .integer, bounds: try Bounds(low, high)))
            } else {
                let categories = Set((training + test).map { $0[index] }).sorted()
                columns.append(
                    ColumnSchema(name, .category, role: name == "income" ? .target : .feature, categories: categories))
            }
        }
        return (try table(training), try table(test), try Schema(columns: columns))
    }

    private static func rows(_ path: String) throws -> [[String]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " .")) }
            return fields.count == names.count ? fields : nil
        }
    }

    private static func table(_ rows: [[String]]) throws -> Table {
        var columns: [Column] = []
        for (index, name) in names.enumerated() where !ignored.contains(name) {
            if numbers[name] != nil {
                columns.append(Column(name, numbers: rows.map { Double($0[index]) ?? 0 }))
            } else {
                columns.append(Column(name, categories: rows.map { $0[index] }))
            }
        }
        return try Table(columns: columns)
    }
}
