import FixedPoint
import Foundation
import Tabular

extension EncodingPlan {
    /// The plan that follows from a schema: its usual public recipe, targets encoded as the features are, decimal scales
    /// from the declared decimals.
    ///
    /// A category target becomes 0/1 columns; one with two categories gives the plan's target, 1 for the second.
    /// - Parameter target: overrides the schema's target.
    /// - Throws: `unfitSchema` for a schema that nobody has confirmed or that lacks bounds, decimals or categories.
    public init(
        schema: Schema, target: String? = nil, maximumRows: Int, minimumCohort: Int
    ) throws {
        self = try Self.make(schema: schema, target: target, maximumRows: maximumRows, minimumCohort: minimumCohort)
    }

    /// The plan of a schema with values of some encoded columns cut off at limits, which are rounded to three decimals
    /// more than the column has, fewer where the fixed-point encoding has no room for them.
    ///
    /// Such limits are seldom public; a plan that has them belongs with the model that was trained with them.
    /// - Throws: as ``init(schema:target:maximumRows:minimumCohort:)``.
    public init(
        schema: Schema, target: String? = nil, clipping limits: [String: ClosedRange<Double>], maximumRows: Int,
        minimumCohort: Int
    ) throws {
        var failure: any Error = PrivateLearningError(code: .unfitSchema, message: "limits: do not fit the schema")
        for extra in stride(from: 3, through: 0, by: -1) {
            do {
                self = try Self.make(
                    schema: schema, target: target, limits: limits, extraDecimals: extra, maximumRows: maximumRows,
                    minimumCohort: minimumCohort)
                return
            } catch { failure = error }
        }
        throw failure
    }

    private static func make(
        schema: Schema, target: String?, limits: [String: ClosedRange<Double>] = [:], extraDecimals: Int = 0,
        maximumRows: Int, minimumCohort: Int
    ) throws -> EncodingPlan {
        guard schema.isConfirmed else {
            throw PrivateLearningError(
                code: .unfitSchema,
                message: "schema: is a proposal read off the data; its bounds become public. Check them and set "
                    + "\"confirmed\": true")
        }
        var aimed = schema
        if let target { aimed = try schema.targeting(target) }
        let targets = aimed.columns(.target)
        let encoded = try Schema(
            columns: aimed.columns.map { column in
                var column = column
                if column.role == .target { column.role = .feature }
                return column
            }, missingMarks: aimed.missingMarks)
        var steps = try Recipe.publicEncoding(for: encoded)
        if !limits.isEmpty {
            let outputs = try steps.resolved(with: encoded).outputs
            steps = Recipe(steps.steps + outputs.compactMap { clip($0, limits[$0.name], extraDecimals: extraDecimals) })
        }
        let recipe = try steps.resolved(with: encoded)
        var columns: [Column] = []
        for output in recipe.outputs {
            guard let lower = output.lower, let upper = output.upper, let decimals = output.decimals else {
                throw PrivateLearningError(
                    code: .unfitSchema, message: "column \(output.name): needs bounds and decimals in the schema")
            }
            do throws(FixedPointError) {
                let encoding = try FixedPointEncoding(scale: .decimal(decimals), lower: lower, upper: upper)
                columns.append(Column(name: output.name, encoding: encoding))
            } catch {
                throw PrivateLearningError(code: .unfitSchema, message: "column \(output.name): \(error.message)")
            }
        }
        var targetName: String?
        if targets.count == 1, let only = targets.first {
            // A numeric target keeps its name; a two-valued category has one column left, `name=second`.
            let made = columns.map(\.name).filter { $0 == only.name || $0.hasPrefix(only.name + "=") }
            if made.count == 1 { targetName = made[0] }
        }
        return try EncodingPlan(
            recipe: recipe, columns: columns, target: targetName, maximumRows: maximumRows, minimumCohort: minimumCohort
        )
    }

    /// The step that cuts a column off, nil when its declared bounds are as tight.
    private static func clip(
        _ column: EncodedColumn, _ limits: ClosedRange<Double>?, extraDecimals: Int
    ) -> Recipe.Step? {
        guard let limits, let lower = column.lower, let upper = column.upper, let decimals = column.decimals,
            limits.lowerBound > lower || limits.upperBound < upper
        else { return nil }
        let unit = pow(10, Double(min(15, decimals + extraDecimals)))
        func rounded(_ value: Double) -> Double { (min(max(value, lower), upper) * unit).rounded() / unit }
        return .clipTo(
            .named([column.name]), lower: rounded(limits.lowerBound), upper: rounded(limits.upperBound))
    }

    /// A table as integers.
    /// - Throws: Tabular's error with file, line and column for a value that does not fit the schema.
    public func encode(_ table: Table) throws -> IntegerTable {
        guard table.rowCount <= maximumRows else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "rows: got \(table.rowCount), want at most \(maximumRows); raise the plan's maximum")
        }
        return try integers(from: recipe.apply(to: table))
    }

    /// The columns made from the raw column of that name: itself, its one-hot columns and its missing-value indicator.
    public func derived(from rawName: String) -> [String] {
        columns.map(\.name).filter {
            $0 == rawName || $0.hasPrefix(rawName + "=") || $0 == rawName + "_missing"
        }
    }

    /// Every column that can serve as a feature when `target` is the target: all but the target's own columns.
    public func features(for target: String) -> [String] {
        let raw = target.split(separator: "=", maxSplits: 1).first.map(String.init) ?? target
        let own = Set(derived(from: target) + (recipe.inputs.contains { $0.name == raw } ? derived(from: raw) : []))
        return columns.map(\.name).filter { !own.contains($0) }
    }
}
