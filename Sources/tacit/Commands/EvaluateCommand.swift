import ArgumentParser
import Foundation
import PrivateLearning
import Tabular

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure a model, or a file of predictions, against known outcomes.")

    @Option(help: "A model in the clear.") var model: String?
    @Option(help: "A CSV file with a column `prediction`, one row for each row of --data.") var predictions: String?
    @OptionGroup var table: TableOptions
    @Option(help: "The column with the outcomes; without it the model's or the schema's target.") var target: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (model == nil) != (predictions == nil) else {
            throw ValidationError("give either --model or --predictions")
        }
    }

    func run() throws {
        common.apply()
        let predicted: [Double]
        let actual: [Double]
        if let model, let network = try NetworkUse(path: model) {
            guard let pair = try network.evaluate(table.data, table.format, target: target, json: common.json) else {
                return
            }
            (predicted, actual) = pair
        } else if let model {
            let (rows, _) = try table.read()
            let fitted = try ModelFile.readAny(model)
            predicted = try fitted.predict(rows)
            actual = try fitted.outcomes(in: rows, target: target)
        } else {
            let (rows, schema) = try table.read()
            let column = try Table(csv: predictions!).numeric("prediction")
            predicted = column.values
            let declared = try target.map { try schema.column($0) } ?? schema.target
            actual = try TargetEncoding(declared).apply(to: rows)
        }
        guard predicted.count == actual.count else {
            throw CommandFailure(
                .data, "predictions: got \(predicted.count), want \(actual.count), one for each row of the data")
        }
        let isBinary = actual.allSatisfy { $0 == 0 || $0 == 1 }
        let isProbability = predicted.allSatisfy { $0 >= 0 && $0 <= 1 }
        if isBinary, isProbability {
            let metrics = try BinaryMetrics(actual: actual, probabilities: predicted)
            if common.json { return try Console.json(metrics) }
            show("accuracy", metrics.model.accuracy, metrics.baseline.accuracy)
            show("AUROC", metrics.model.auroc, metrics.baseline.auroc)
            show("AUPRC", metrics.model.auprc, metrics.baseline.auprc)
            show("log-loss", metrics.model.logLoss, metrics.baseline.logLoss)
            show("calibration error", metrics.expectedCalibrationError, nil)
        } else {
            let metrics = try RegressionMetrics(actual: actual, predicted: predicted)
            if common.json { return try Console.json(metrics) }
            show("MSE", metrics.model.meanSquaredError, metrics.baseline.meanSquaredError)
            show("RMSE", metrics.model.rootMeanSquaredError, metrics.baseline.rootMeanSquaredError)
            show("MAE", metrics.model.meanAbsoluteError, metrics.baseline.meanAbsoluteError)
            show("R2", metrics.model.rSquared, metrics.baseline.rSquared)
            if isBinary { show("AUROC", try Metrics.auroc(actual, scores: predicted), 0.5) }
        }
    }

    private func show(_ name: String, _ value: Double?, _ baseline: Double?) {
        let padded = name.padding(toLength: 18, withPad: " ", startingAt: 0)
        func text(_ value: Double?) -> String { value.map { String(format: "%.8g", $0) } ?? "undefined" }
        Console.result("\(padded) \(text(value))" + (baseline == nil ? "" : "   (trivial baseline \(text(baseline)))"))
    }
}
