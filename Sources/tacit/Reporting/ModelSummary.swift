import Foundation
import PrivateLearning

/// A fitted model on standard output.
enum ModelSummary {
    private struct Shown: Encodable {
        var file: String
        var kind: String
        var target: String
        var rows: Int
        var rank: Int
        var lambda: Double
        var intercept: Double
        var coefficients: [String: Double]
        var standardErrors: [String: Double]?
        var metrics: [String: Double]
        var warnings: [String]
    }

    static func show(_ model: LinearModel, file: String, warnings: [String], json: Bool) throws {
        if json {
            try Console.json(
                Shown(
                    file: file, kind: model.kind, target: model.target, rows: model.rowCount, rank: model.rank,
                    lambda: model.ridge, intercept: model.intercept,
                    coefficients: Dictionary(uniqueKeysWithValues: zip(model.featureNames, model.coefficients)),
                    standardErrors: model.standardErrors.map {
                        Dictionary(uniqueKeysWithValues: zip(model.featureNames, $0))
                    },
                    metrics: model.trainingMetrics, warnings: warnings))
        } else {
            let penalty = model.ridge > 0 ? ", lambda \(model.ridge)" : ""
            Console.result("\(file): \(model.kind) model of \(model.target), \(model.rowCount) rows\(penalty)")
            let width = max(9, model.featureNames.map(\.count).max() ?? 0)
            func line(_ name: String, _ value: Double, _ error: Double?) {
                let padded = name.padding(toLength: width, withPad: " ", startingAt: 0)
                let spread = error.map { String(format: "   ± %.6g", $0) } ?? ""
                Console.result("  \(padded)  \(String(format: "%14.8g", value))\(spread)")
            }
            line("intercept", model.intercept, nil)
            for (index, name) in model.featureNames.enumerated() {
                line(name, model.coefficients[index], model.standardErrors?[index])
            }
            for name in model.trainingMetrics.keys.sorted() {
                Console.result("  \(name) = \(String(format: "%.10g", model.trainingMetrics[name]!))")
            }
        }
        for warning in warnings { Console.warn(warning) }
    }
}
