import DifferentialPrivacy
import Tabular

/// What is public about the features of a fit: their names, bounds, and which of them exclude each other.
public struct FeatureShape: Hashable, Sendable {
    public let names: [String]
    public let bounds: [ClosedRange<Double>]
    /// Indices of the features that are numbers and not one of a category's columns or a missing-value indicator.
    let numbers: [Int]
    /// At most this many squares of features in [−1, 1] are not 0 in a row: columns of one category exclude each other.
    let largestSquare: Double

    public var width: Int { names.count }
    /// Bound on the norm of (1, z) for features in [−1, 1].
    var normBound: Double { (1 + largestSquare).squareRoot() }

    /// - Parameter features: encoded columns; nil takes all that do not come from the target.
    /// - Errors: `unknownColumn` for none, or one that the plan does not have.
    public init(plan: EncodingPlan, target: String?, features: [String]? = nil) throws(PrivateLearningError) {
        let names = features ?? target.map(plan.features(for:)) ?? plan.columns.map(\.name)
        guard !names.isEmpty else {
            throw PrivateLearningError(code: .unknownColumn, message: "features: got none, want at least one")
        }
        var bounds: [ClosedRange<Double>] = []
        for name in names {
            let encoding = plan.columns[try plan.index(of: name)].encoding
            bounds.append(encoding.lower...encoding.upper)
        }
        self.names = names
        self.bounds = bounds
        let chosen = Set(names)
        var square = 0.0
        var ofCategories: Set<String> = []
        for input in plan.recipe.inputs {
            let own = plan.derived(from: input.name).filter(chosen.contains)
            guard !own.isEmpty else { continue }
            // A missing category has zeros in all columns but its indicator.
            square += input.type.isNumeric ? Double(own.count) : 1
            for name in own where !input.type.isNumeric || name != input.name { ofCategories.insert(name) }
        }
        largestSquare = square
        numbers = names.indices.filter { !ofCategories.contains(names[$0]) }
    }
}

/// Rows as private estimators take them: encoded under a public plan, with public bounds, and at most so many of each
/// privacy unit.
///
/// Which rows of a unit are kept, the first ones of the table, depends on that unit's own rows alone; so adding or
/// removing a unit changes at most `rowsPerUnit` rows.
public struct BoundedRows: Sendable {
    public let plan: EncodingPlan
    public let shape: FeatureShape
    /// nil where nothing is predicted.
    public let target: String?
    public let targetBounds: ClosedRange<Double>?
    /// Row-major, in the columns' own units.
    public let features: [Double]
    /// One a row; empty without a target.
    public let targets: [Double]
    /// The unit of each row, numbered from 0.
    public let unitOfRow: [Int]
    public let unitCount: Int
    /// Rows that were left out because their unit had more.
    public let omittedRows: Int
    /// The rows that were kept, by their number in the table.
    public let keptRows: [Int]

    public var rowCount: Int { unitOfRow.count }
    public var width: Int { shape.width }

    /// - Parameters:
    ///   - target: an encoded column of the plan, or nil.
    ///   - features: encoded columns; nil takes all that do not come from the target.
    ///   - unitColumn: the column that says whose a row is; nil makes every row a unit.
    /// - Throws: Tabular's errors with file, line and column; `unknownColumn`; `invalidValue` for a row whose unit is
    ///   missing.
    public init(
        _ table: Table, plan: EncodingPlan, target: String?, features: [String]? = nil, unitColumn: String?,
        rowsPerUnit: Int
    ) throws {
        shape = try FeatureShape(plan: plan, target: target, features: features)
        let names = shape.names
        var kept: [Int] = []
        var units: [Int] = []
        if let unitColumn {
            let keys = try table.keys(of: unitColumn)
            if let row = keys.firstIndex(of: -1) {
                throw PrivateLearningError(
                    code: .invalidValue,
                    message: "row \(row + 1), column \(unitColumn): got no value, want the unit that the row belongs to"
                )
            }
            var seen = [Int](repeating: 0, count: (keys.max() ?? -1) + 1)
            for (row, key) in keys.enumerated() {
                seen[key] += 1
                guard seen[key] <= rowsPerUnit else { continue }
                kept.append(row)
                units.append(key)
            }
            unitCount = seen.count
        } else {
            kept = Array(0..<table.rowCount)
            units = kept
            unitCount = kept.count
        }
        let part = kept.count == table.rowCount ? table : table.rows(kept)
        let integers = try plan.encode(part, needing: names + (target.map { [$0] } ?? []))
        let indices = try names.map { try plan.index(of: $0) }
        self.plan = plan
        self.target = target
        self.features = integers.realRows(indices, plan: plan)
        let targetIndex = try target.map { try plan.index(of: $0) }
        targetBounds = targetIndex.map { plan.columns[$0].encoding.lower...plan.columns[$0].encoding.upper }
        targets = targetIndex.map { integers.realRows([$0], plan: plan) } ?? []
        unitOfRow = units
        omittedRows = table.rowCount - kept.count
        keptRows = kept
    }

    /// - Errors: `mismatch` for other features than the estimator was made for.
    func require(_ expected: FeatureShape) throws(PrivateLearningError) {
        guard shape == expected else {
            throw PrivateLearningError(
                code: .mismatch, message: "features: got \(shape.names.count) that are not those of the estimator")
        }
    }

    /// - Errors: `invalidParameter` unless the target is a column of zeros and ones by declaration.
    func requireBinaryTarget(_ model: String) throws(PrivateLearningError) {
        guard let target, let targetBounds else {
            throw PrivateLearningError(code: .unknownColumn, message: "target: got none, want one for \(model)")
        }
        guard targetBounds == 0...1, targets.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            throw .parameter(
                "target \(target)", "values in \(targetBounds.lowerBound)...\(targetBounds.upperBound)",
                "0 and 1, or two categories, for \(model)")
        }
    }

    /// Where the values of the target lie.
    func requireTarget(_ model: String) throws(PrivateLearningError) -> ClosedRange<Double> {
        guard let targetBounds else {
            throw PrivateLearningError(code: .unknownColumn, message: "target: got none, want one for \(model)")
        }
        return targetBounds
    }
}

/// Sums of real numbers as sums of integers, so that no rounding depends on the order or the number of the rows.
struct FixedPointSums {
    private(set) var totals: [Int64]
    private let unit: Double

    /// - Parameter bound: no term is larger in magnitude; at most 2²² of them are added.
    init(count: Int, bound: Double) {
        totals = [Int64](repeating: 0, count: count)
        // Terms have up to 40 bits.
        unit = Double(sign: .plus, exponent: 39 - Int(bound.exponent), significand: 1)
    }

    /// Towards zero, so that no row's norm grows.
    @inline(__always) mutating func add(_ value: Double, at index: Int) {
        totals[index] &+= Int64((value * unit).rounded(.towardZero))
    }

    var values: [Double] { totals.map { Double($0) / unit } }
}
