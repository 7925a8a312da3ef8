import Datasets
import Foundation
import NeuralNetworks
import PrivacyReports
import PrivateLearning
import Tabular

/// The rows that a network is trained on, and those that it is measured on.
struct NetworkData {
    let task: NetworkTask
    let training: Examples<Float>
    /// nil when nothing is held out.
    let heldOut: Examples<Float>?
    /// Which unit each row of ``training`` belongs to; nil when every row is a unit.
    let unitOfRow: [Int]?
    let summary: PrivacyReport.DataSet
    let rowNoun: String

    static func isImages(_ data: String) -> Bool { data == MNIST.name }

    /// What can be told to be wrong without reading the data: that they are not there, and what their schema lacks.
    static func require(_ request: PrivateTrainingRequest, unit: String) throws {
        if isImages(request.data) {
            let store = DatasetStore(dataDirectory: request.format.dataDirectory)
            if !store.has(MNIST.files) { _ = try MNIST.load(from: store) }
            return
        }
        try requireTableModel(request)
        guard FileManager.default.fileExists(atPath: request.data),
            var schema = try request.format.schema.map({ try Schema(path: $0) }) ?? Schema.sidecar(for: request.data)
        else { return }  // A registered data set; whatever else is wrong, reading says it.
        if let target = request.target { schema = try schema.targeting(target) }
        _ = try NetworkTask(schema: restrict(schema, to: request.features, unit: unit, of: request.data))
    }

    private static func requireTableModel(_ request: PrivateTrainingRequest) throws {
        guard request.model == .mlp else {
            throw CommandFailure(.usage, "--model \(request.model.rawValue): reads images; for tables take mlp")
        }
    }

    init(_ request: PrivateTrainingRequest, unit: String) throws {
        if Self.isImages(request.data) {
            let task = request.model == .scatter ? NetworkTask.scatteredMNIST : .mnist
            let (training, test) = try MNIST.load(from: DatasetStore(dataDirectory: request.format.dataDirectory))
            var (kept, measured) = (training, test)
            if let share = request.network.heldOut {
                (kept, measured) = training.divided(heldOut: share, seed: request.seed)
            }
            self.task = task
            self.training = try task.examples(kept)
            heldOut = measured.count == 0 ? nil : try task.examples(measured)
            unitOfRow = nil
            rowNoun = "images"
            summary = .init(
                name: "MNIST", rows: kept.count, columns: kept.height * kept.width, target: "digit",
                note: "\(measured.count) images held out")
            return
        }
        try Self.requireTableModel(request)
        let (table, schema) = try request.format.read(request.data, target: request.target)
        let chosen = try Self.restrict(schema, to: request.features, unit: unit, of: request.data)
        task = try NetworkTask(schema: chosen)
        let share = request.network.heldOut ?? 0.2
        let groupBy = unit == Self.row ? nil : unit
        var kept = table
        var measured: Table?
        if share > 0 {
            let split = try table.split(testShare: share, seed: request.seed, groupBy: groupBy)
            kept = table.rows(split.training)
            measured = table.rows(split.test)
        }
        training = try task.examples(kept)
        heldOut = try measured.map(task.examples)
        unitOfRow = try groupBy.map { try Self.units(kept, $0) }
        rowNoun = "rows"
        summary = .init(
            name: request.data, rows: kept.rowCount, columns: task.inputShape[0], target: task.target.name,
            note: "\(measured?.rowCount ?? 0) rows held out")
    }

    /// The name of the unit that is a row.
    static let row = "row"

    /// Refuses a unit that is a feature or not there, and warns of rows that belong together.
    static func check(_ schema: Schema, unit: String) throws {
        if unit != row, try schema.column(unit).role.isInput {
            throw CommandFailure(
                .configuration, "\(unit): is a feature; give it the role privacy-unit or identifier in the schema")
        }
        if unit == row, let own = schema.columns(.privacyUnit).first {
            Console.warn(
                "--unit row: \(own.name) says to whom a row belongs; only single rows are protected, not all of one "
                    + "\(own.name)")
        }
    }

    /// Only the chosen features, and never the column that says to whom a row belongs.
    private static func restrict(
        _ schema: Schema, to features: [String]?, unit: String, of data: String
    ) throws -> Schema {
        guard schema.isConfirmed else {
            throw CommandFailure(
                .configuration,
                "\(data): its schema is a proposal read off the data, whose bounds and categories become public; "
                    + "check it and confirm it with `tacit data schema --data \(data) --confirm`")
        }
        for name in features ?? [] { _ = try schema.column(name) }
        try check(schema, unit: unit)
        guard let features else { return schema }
        return try Schema(
            columns: schema.columns.map { column in
                var column = column
                if column.role.isInput, !features.contains(column.name) { column.role = .ignore }
                return column
            }, isConfirmed: schema.isConfirmed, missingMarks: schema.missingMarks, note: schema.note)
    }

    /// A number for each distinct value.
    private static func units(_ table: Table, _ name: String) throws -> [Int] {
        let column = try table.column(name)
        var numbers: [String: Int] = [:]
        return try (0..<table.rowCount).map { row in
            guard !column.isMissing(row) else {
                throw TabularError(
                    .missingValue, "privacy unit: got a missing value, want one in every row",
                    at: table.location(row: row, column: name))
            }
            let text: String
            switch column.values {
            case .numeric(let column): text = "\(column.values[row])"
            case .categorical(let column): text = column.categories[Int(column.code(row))]
            case .text(let column): text = column.values[row] ?? ""
            }
            if let known = numbers[text] { return known }
            let next = numbers.count
            numbers[text] = next
            return next
        }
    }

    /// Metrics of the held-out rows for a report, beside what the commonest class or the mean does.
    func metrics(_ epoch: TrainingEpoch?) -> [PrivacyReport.Metric] {
        guard let heldOut, let epoch, let loss = epoch.heldOutLoss else { return [] }
        switch (task.target, heldOut.targets) {
        case (.classes(_, let labels), .classes(let classes)):
            var counts = [Int](repeating: 0, count: labels.count)
            for label in classes { counts[label] += 1 }
            let baseline = Double(counts.max() ?? 0) / Double(max(1, classes.count))
            return [
                .init(
                    name: "accuracy on held-out \(rowNoun)", value: epoch.heldOutAccuracy ?? 0, baseline: baseline,
                    better: .higher),
                .init(name: "cross-entropy on held-out \(rowNoun)", value: loss, better: .lower),
            ]
        case (.number(_, let lower, let upper), .values(let values, _)):
            let scale = (upper - lower) * (upper - lower) / 4
            let mean = values.reduce(0.0) { $0 + Double($1) } / Double(max(1, values.count))
            let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            return [
                .init(
                    name: "MSE on held-out \(rowNoun)", value: loss * scale,
                    baseline: scale * variance / Double(max(1, values.count)), better: .lower)
            ]
        default: return []
        }
    }
}
