import Datasets
import NeuralNetworks
import Tabular

extension NetworkTask {
    public var inputShape: [Int] {
        switch input {
        case .image(let height, let width, _, _): [height, width, 1]
        case .table(let recipe): [recipe.outputs.count]
        }
    }

    var inputWidth: Int { inputShape.reduce(1, *) }

    /// What training makes small.
    public var loss: Loss {
        if case .number = target { return .meanSquaredError }
        return .crossEntropy
    }

    /// MNIST as it is usually scaled, by public constants.
    public static let mnist = NetworkTask(
        input: .image(height: 28, width: 28, mean: MNIST.pixelMean, deviation: MNIST.pixelDeviation),
        target: .classes(name: "digit", labels: (0..<10).map(String.init)))

    /// What a schema says: inputs by its public encoding, the target by its bounds or categories.
    /// - Throws: `TabularError` when the schema does not say enough.
    public init(schema: Schema) throws {
        let recipe = Recipe(
            try Recipe.publicEncoding(for: schema).steps + [
                .minMax(.all, limits: .declared), .round(.all, decimals: 9),
            ])
        let column = try schema.target
        let target: Target
        switch column.type {
        case .category:
            guard let labels = column.categories, labels.count >= 2 else {
                throw PrivateLearningError(
                    code: .unfitSchema,
                    message: "\(column.name): got \(column.categories?.count ?? 0) declared categories, want at least 2"
                )
            }
            target = .classes(name: column.name, labels: labels)
        case .number, .integer:
            guard let bounds = column.bounds, bounds.width > 0 else {
                throw PrivateLearningError(
                    code: .unfitSchema,
                    message: "\(column.name): got no bounds for the target, want a lower and an upper one in the schema"
                )
            }
            target = .number(name: column.name, lower: bounds.lower, upper: bounds.upper)
        case .text:
            throw PrivateLearningError(
                code: .unfitSchema, message: "\(column.name): got a target of type text, want a number or category")
        }
        self.init(input: .table(try recipe.resolved(with: schema)), target: target)
    }

    /// The features of images.
    public func features(_ images: LabelledImages) throws(PrivateLearningError) -> [Float] {
        guard case .image(let height, let width, let mean, let deviation) = input else {
            throw PrivateLearningError(code: .mismatch, message: "model: reads rows of a table, got images")
        }
        guard images.height == height, images.width == width else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "images: got \(images.height) × \(images.width), want \(height) × \(width)")
        }
        return images.scaled(mean: mean, deviation: deviation)
    }

    public func examples(_ images: LabelledImages) throws -> Examples<Float> {
        guard case .classes = target else {
            throw PrivateLearningError(code: .mismatch, message: "model: predicts numbers, got images with classes")
        }
        return try Examples(features: features(images), width: inputWidth, targets: .classes(images.labels))
    }

    /// The features of a table's rows.
    public func features(_ table: Table) throws -> [Float] {
        guard case .table(let recipe) = input else {
            throw PrivateLearningError(code: .mismatch, message: "model: reads images, got a table")
        }
        return try recipe.apply(to: table).values.map(Float.init)
    }

    /// Features and targets of a table's rows.
    /// - Throws: `TabularError` with file, line and column.
    public func examples(_ table: Table) throws -> Examples<Float> {
        let targets: Examples<Float>.Targets
        switch target {
        case .classes: targets = .classes(try classes(in: table))
        case .number(let name, let lower, let upper):
            let column = try ColumnSchema(name, .number, role: .target, bounds: Bounds(lower, upper))
            let values = try TargetEncoding(column).apply(to: table)
            targets = .values(values.map { Float(2 * ($0 - lower) / (upper - lower) - 1) }, width: 1)
        }
        return try Examples(features: features(table), width: inputWidth, targets: targets)
    }

    /// The class number of every row.
    public func classes(in table: Table) throws -> [Int] {
        guard case .classes(let name, let labels) = target else { return [] }
        let column = try table.categorical(name)
        let numbers = column.categories.map { labels.firstIndex(of: $0) }
        return try (0..<column.count).map { row in
            let code = Int(column.code(row))
            guard code >= 0, let number = numbers[code] else {
                let place = table.location(row: row, column: name)
                throw TabularError(
                    code < 0 ? .missingValue : .unknownCategory,
                    code < 0
                        ? "target: got a missing value, want one in every row"
                        : "target: got a category that the model does not have, want one of \(labels.joined(separator: ", "))",
                    at: place)
            }
            return number
        }
    }
}
