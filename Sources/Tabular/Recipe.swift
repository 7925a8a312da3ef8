/// How the columns of a table become the numbers of a model: a list of steps, each seeing what the one before left.
///
/// A recipe starts from the schema's inputs (features, quasi-identifying and sensitive columns) and must end with
/// numbers only. Steps that take a mean, a deviation or a list of categories from the data are *fitted*, on training
/// data only. A recipe without such steps is *public*: it follows from the schema alone, so that several owners encode
/// alike without pooling anything, and its columns carry bounds and decimals from which encodings are sized.
public struct Recipe: Hashable, Sendable, Codable {
    /// Which columns a step works on.
    public enum Columns: Hashable, Sendable, Codable {
        /// Every column of the kind that the step works on.
        case all
        case named([String])
    }

    public enum Imputation: Hashable, Sendable, Codable {
        /// Fitted; numeric columns.
        case mean
        /// Fitted; numeric columns. The lower and upper middle are averaged.
        case median
        /// Fitted; numeric and category columns. The least or first of equally frequent values.
        case mode
        /// Public; numeric columns.
        case constant(Double)
        /// Public; category columns.
        case category(String)
    }

    /// Where categories, or limits, come from.
    public enum Source: String, Hashable, Sendable, Codable {
        /// From the schema: public.
        case declared
        /// From the training data.
        case fitted
    }

    /// What becomes of a category that is not on the list.
    public enum UnknownCategory: String, Hashable, Sendable, Codable {
        case refuse
        /// A zero in every column of the encoding.
        case allZero
    }

    public enum Step: Hashable, Sendable, Codable {
        /// Replaces missing values.
        case impute(Columns, with: Imputation)
        /// Adds a column `x_missing`, 1 where x is missing and 0 elsewhere. Numbers must still be imputed; a missing
        /// category is then encoded as zeros.
        case indicateMissing(Columns)
        /// One 0/1 column `x=c` per category c, without the first when `dropFirst`.
        case oneHot(Columns, categories: Source, dropFirst: Bool, unknown: UnknownCategory)
        /// (x − mean) / deviation, with the deviation of a population (divided by n). Fitted.
        case standardise(Columns)
        /// (x − lower) / (upper − lower).
        case minMax(Columns, limits: Source)
        /// Moves values outside the limits to the nearer limit.
        case clip(Columns, limits: Source)
        case clipTo(Columns, lower: Double, upper: Double)
        /// Rounds to a number of decimals, ties away from zero, so that the column has declared decimals.
        case round(Columns, decimals: Int)
        case drop(Columns)
    }

    public let steps: [Step]

    public init(_ steps: [Step]) { self.steps = steps }

    /// Whether the recipe follows from a schema alone.
    public var isPublic: Bool {
        steps.allSatisfy { step in
            switch step {
            case .impute(_, with: .constant), .impute(_, with: .category): true
            case .impute, .standardise: false
            case .oneHot(_, let source, _, _): source == .declared
            case .minMax(_, let source), .clip(_, let source): source == .declared
            case .indicateMissing, .clipTo, .round, .drop: true
            }
        }
    }

    /// The usual public recipe for a schema: numbers clipped to their bounds, categories one-hot without the first;
    /// where values may be missing an indicator column, and for numbers the middle of the bounds in their place.
    /// - Throws: ``TabularError`` for an input of type text, or without the bounds, decimals or categories it needs.
    public static func publicEncoding(for schema: Schema) throws(TabularError) -> Recipe {
        var steps: [Step] = []
        for column in schema.inputs {
            let this = Columns.named([column.name])
            if column.allowsMissing { steps.append(.indicateMissing(this)) }
            switch column.type {
            case .number, .integer:
                guard let bounds = column.bounds, let decimals = column.type == .integer ? 0 : column.decimals else {
                    throw TabularError(
                        .invalidRecipe, "schema: got no bounds or decimals, want both for a public encoding",
                        at: DataLocation(column: column.name))
                }
                if column.allowsMissing {
                    let middle = Decimals.rounded(bounds.lower + bounds.width / 2, decimals)
                    steps.append(.impute(this, with: .constant(min(max(middle, bounds.lower), bounds.upper))))
                }
                steps.append(.clip(this, limits: .declared))
            case .category:
                steps.append(.oneHot(this, categories: .declared, dropFirst: true, unknown: .refuse))
            case .text:
                throw TabularError(
                    .invalidRecipe, "type: got text, want a number or category; give the column the role ignore",
                    at: DataLocation(column: column.name))
            }
        }
        return Recipe(steps)
    }

    /// Fits the recipe on training data.
    /// - Returns: the recipe with every number it needs, to be saved with the model.
    /// - Throws: ``TabularError`` when a step does not suit its columns or a column cannot be fitted.
    public func fitted(on training: Table, schema: Schema) throws(TabularError) -> FittedRecipe {
        try compile(schema, training)
    }

    /// Turns a public recipe into one that can be applied, from the schema alone.
    /// - Throws: ``TabularError`` for a recipe that needs fitting, or an output without bounds or decimals.
    public func resolved(with schema: Schema) throws(TabularError) -> FittedRecipe {
        guard isPublic else {
            throw TabularError(.invalidRecipe, "recipe: got a step that is fitted to data, want public steps only")
        }
        let result = try compile(schema, nil)
        if let column = result.outputs.first(where: { !$0.isSized }) {
            throw TabularError(
                .invalidRecipe,
                "public encoding: got no bounds or decimals for an output, want both; declare them in the schema, or clip "
                    + "and round",
                at: DataLocation(column: column.name))
        }
        return result
    }

    private func compile(_ schema: Schema, _ table: Table?) throws(TabularError) -> FittedRecipe {
        let inputs = schema.inputs.map(FittedRecipe.Input.init)
        var state = try RecipeState(inputs, table: table)
        var fitted: [FittedRecipe.Step] = []
        var warnings: [DataWarning] = []
        for step in steps {
            for concrete in try state.fit(step, schema: schema, warnings: &warnings) {
                try state.run(concrete)
                fitted.append(concrete)
            }
        }
        return FittedRecipe(
            inputs: inputs, steps: fitted, outputs: try state.outputs(), isPublic: isPublic, warnings: warnings)
    }
}

/// A recipe with every number it needs. Saved with a model, and applied to any table with the same inputs.
public struct FittedRecipe: Hashable, Sendable, Codable {
    /// A column that the table must have.
    public struct Input: Hashable, Sendable, Codable {
        public let name: String
        public let type: ColumnType
        public let bounds: Bounds?
        public let decimals: Int?
        public let categories: [String]?

        init(_ column: ColumnSchema) {
            name = column.name
            type = column.type
            bounds = column.bounds
            decimals = column.type == .integer ? 0 : column.decimals
            categories = column.categories
        }
    }

    /// One operation on one column, or on several at once, with its numbers.
    public enum Step: Hashable, Sendable, Codable {
        case fill(column: String, value: Double)
        case fillCategory(column: String, category: String)
        case indicateMissing(column: String)
        case oneHot(column: String, categories: [String], dropFirst: Bool, unknown: Recipe.UnknownCategory)
        /// (x − offset) / scale
        case scale(column: String, offset: Double, scale: Double)
        case clip(column: String, lower: Double, upper: Double)
        case round(column: String, decimals: Int)
        case drop(column: String)
    }

    public let inputs: [Input]
    public let steps: [Step]
    public let outputs: [EncodedColumn]
    /// Whether nothing in it was taken from data.
    public let isPublic: Bool
    /// What was odd about the training data, such as a constant column.
    public let warnings: [DataWarning]

    init(inputs: [Input], steps: [Step], outputs: [EncodedColumn], isPublic: Bool, warnings: [DataWarning]) {
        self.inputs = inputs
        self.steps = steps
        self.outputs = outputs
        self.isPublic = isPublic
        self.warnings = warnings
    }

    /// Encodes a table.
    ///
    /// Every value is then held against the bounds and decimals that ``outputs`` promises, so what is built on them can
    /// rely on them.
    /// - Throws: ``TabularError`` with file, line and column for a missing column, a value still missing, an unknown
    ///   category, or a value that breaks a promise.
    public func apply(to table: Table) throws(TabularError) -> FeatureMatrix {
        var state = try RecipeState(inputs, table: table)
        for step in steps { try state.run(step) }
        return try state.matrix(promised: outputs, table: table)
    }
}
