import ArgumentParser
import CKKS
import Foundation
import Lattice
import PrivateLearning
import Tabular

/// What is going to be computed on ciphertexts, from which parameters follow.
struct CircuitOptions: ParsableArguments {
    enum Model: String, ExpressibleByArgument, CaseIterable { case logistic, linear, ridge }

    @Option(
        name: .customLong("model"),
        help: "The model to be trained: logistic, linear or ridge; or the file of a network that is to predict.")
    var modelName = Model.logistic.rawValue
    @Option(help: "Training iterations, or auto.") var iterations = "auto"
    @Option(help: "Ridge penalty, a row.") var lambda: Double?
    @Option(help: "Parts of the rows that take turns, one an iteration.") var batches = 1
    @Option(help: "Rows of the table, when there is no --data.") var rows: Int?
    @Option(help: "Encoded columns to learn from, when there is no --data.") var columns: Int?
    @Option(
        name: .customLong("error"),
        help:
            "The greatest error that a weight may get from the encryption, in units of the sigmoid's interval; 0.015625 within the levels, none asked for with bootstrapping. Of a network: of a score, in units of the greatest."
    )
    var error: Double?

    @Flag(
        name: .customLong("batched"), help: "With a network: for thousands of inputs at a time instead of one at once.")
    var isBatched = false

    var layout: InferenceLayout { isBatched ? .batched : .single }
    var model: Model { Model(rawValue: modelName) ?? .logistic }
    /// The file of a network, or of its description.
    var networkFile: String? { Model(rawValue: modelName) == nil ? modelName : nil }
    var networkError: Double { error ?? InferenceCircuit.standardErrorBound }

    func validate() throws {
        guard iterations == "auto" || (Int(iterations) ?? 0) > 0 else {
            throw ValidationError("--iterations: got \(iterations), want auto or a number from 1 on")
        }
        if let networkFile {
            guard FileManager.default.fileExists(atPath: networkFile) else {
                throw ValidationError(
                    "--model: got \(networkFile), want logistic, linear, ridge, or the file of a network")
            }
        }
        guard !isBatched || networkFile != nil else {
            throw ValidationError("--batched: belongs to the file of a network in --model")
        }
        // More than the whole range is no bound. NaN is in no range.
        if let error, !(Double.leastNormalMagnitude...1).contains(error) {
            throw ValidationError("--error: got \(error), want a number above 0 and at most 1")
        }
    }

    var trainingPlan: TrainingPlan {
        get throws {
            try TrainingPlan(
                loss: model == .logistic ? .logistic(.standard) : .squared,
                iterations: Int(iterations) ?? TrainingPlan.standardIterations,
                ridge: lambda ?? (model == .ridge ? 0.01 : 0), batches: batches)
        }
    }

    /// The circuit for a table, or for its public size alone.
    func circuit(data: String?, format: TableFormatOptions, target: String?) throws -> GradientCircuit {
        let rowCount: Int
        let featureCount: Int
        if let data {
            let (table, schema) = try format.read(data, target: target)
            let plan = try EncodingPlan(schema: schema, maximumRows: EncodingPlan.rowLimit, minimumCohort: 1)
            guard let name = plan.target else {
                throw CommandFailure(.usage, "--target: the schema names none; say which column to predict")
            }
            rowCount = table.rowCount
            featureCount = plan.features(for: name).count
        } else {
            guard let rows, let columns else {
                throw CommandFailure(.usage, "give --data, or --rows and --columns")
            }
            guard (1...EncodingPlan.rowLimit).contains(rows), (1...1 << 20).contains(columns) else {
                throw CommandFailure(
                    .usage,
                    "--rows, --columns: got \(rows) and \(columns), want 1...\(EncodingPlan.rowLimit) and 1...\(1 << 20)"
                )
            }
            (rowCount, featureCount) = (rows, columns)
        }
        // The constant column, and the target beside the features of a squared loss.
        let columnCount = featureCount + (model == .logistic ? 1 : 2)
        return GradientCircuit(
            plan: try trainingPlan, rowCount: rowCount, columnCount: columnCount,
            entryBound: max(1, FeatureScaling.standardClip))
    }

    func design(
        _ circuit: GradientCircuit, release: ModelReleaseOptions, insecure: Bool
    ) throws -> EncryptedTrainingDesign {
        let security: RingParameters.Security = insecure ? .insecureForTestsOnly : .classical128
        guard release.isWanted else {
            return try EncryptedTrainingDesign(circuit, errorBound: error, security: security)
        }
        return try EncryptedTrainingDesign(
            releasing: circuit, policy: release.policy, errorBound: error ?? GradientCircuit.standardErrorBound,
            security: security)
    }
}
