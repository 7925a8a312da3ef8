import Foundation

/// What the values of a column are.
public enum ColumnType: String, Hashable, Sendable, Codable, CaseIterable {
    case number, integer, category, text

    public var isNumeric: Bool { self == .number || self == .integer }
}

/// What a column is for, and how it must be protected.
public enum ColumnRole: String, Hashable, Sendable, Codable, CaseIterable {
    /// Goes into the model.
    case feature
    /// Is what the model predicts.
    case target
    /// Names a person or a record, such as a patient number. Never a feature.
    case identifier
    /// Does not name anyone alone and may in combination, such as age and postcode.
    case quasiIdentifier = "quasi-identifier"
    /// What an attacker would want to learn.
    case sensitive
    /// Says to whom a row belongs; privacy is counted per distinct value.
    case privacyUnit = "privacy-unit"
    /// Is not read at all.
    case ignore

    /// Whether columns of this role go into a model. Quasi-identifying and sensitive columns do: the role says how
    /// they are protected.
    public var isInput: Bool { self == .feature || self == .quasiIdentifier || self == .sensitive }
}

/// A closed interval of numbers that is public knowledge.
public struct Bounds: Hashable, Sendable, Codable {
    public let lower: Double
    public let upper: Double

    /// - Throws: ``TabularError`` unless both are finite and lower ≤ upper.
    public init(_ lower: Double, _ upper: Double) throws(TabularError) {
        guard lower.isFinite && upper.isFinite && lower <= upper else {
            throw TabularError(
                .invalidSchema, "bounds: got [\(lower), \(upper)], want two finite numbers, the lower one first")
        }
        self.lower = lower
        self.upper = upper
    }

    public func contains(_ value: Double) -> Bool { value >= lower && value <= upper }
    public var width: Double { upper - lower }
}

/// One column as its owner declares it.
///
/// Bounds, categories and decimals are public: they go to every party in the clear, so they must come from what is
/// known about the quantity (a scale from 0 to 10, an age below 120), not from the private values.
public struct ColumnSchema: Hashable, Sendable {
    public var name: String
    public var type: ColumnType
    public var role: ColumnRole
    /// Numeric columns only.
    public var bounds: Bounds?
    /// Digits after the decimal point of every value; the fixed-point scale is 10^decimals. Numeric columns only.
    public var decimals: Int?
    /// All values that may come, in the order of their codes. Category columns only.
    public var categories: [String]?
    /// Fields that stand for a missing value in this column, in place of the file's list.
    public var missingMarks: [String]?
    /// Whether values may be missing. Public, since the encoding then has a column that says so.
    public var allowsMissing: Bool
    /// True while bounds, categories, decimals or `allowsMissing` are a suggestion that was read off the data.
    public var isReadOffData: Bool
    public var note: String?

    public init(
        _ name: String, _ type: ColumnType, role: ColumnRole = .feature, bounds: Bounds? = nil, decimals: Int? = nil,
        categories: [String]? = nil, missingMarks: [String]? = nil, allowsMissing: Bool = false,
        isReadOffData: Bool = false, note: String? = nil
    ) {
        self.name = name
        self.type = type
        self.role = role
        self.bounds = bounds
        self.decimals = decimals
        self.categories = categories
        self.missingMarks = missingMarks
        self.allowsMissing = allowsMissing
        self.isReadOffData = isReadOffData
        self.note = note
    }
}

/// The columns of a table as its owner declares them: a value that has been checked.
public struct Schema: Hashable, Sendable {
    /// The version of the file format that this code writes.
    public static let formatVersion = 1

    public let columns: [ColumnSchema]
    /// False for a proposal made from data, until its owner has looked at it.
    public let isConfirmed: Bool
    /// Fields that stand for a missing value in every column without a list of its own; nil leaves it to the reader.
    public let missingMarks: [String]?
    public let note: String?

    /// - Throws: ``TabularError`` with code `invalidSchema` and a path such as `columns[3].decimals` in the message.
    public init(
        columns: [ColumnSchema], isConfirmed: Bool = true, missingMarks: [String]? = nil, note: String? = nil
    ) throws(TabularError) {
        guard !columns.isEmpty else { throw Self.invalid("columns", "got none, want at least one") }
        var seen: Set<String> = []
        for (position, column) in columns.enumerated() {
            let path = "columns[\(position)]"
            guard !column.name.isEmpty else { throw Self.invalid("\(path).name", "got an empty one, want a name") }
            guard seen.insert(column.name).inserted else {
                throw Self.invalid("\(path).name", "\"\(column.name)\" comes twice, want distinct names")
            }
            try Self.check(column, path: path)
        }
        self.columns = columns
        self.isConfirmed = isConfirmed
        self.missingMarks = missingMarks
        self.note = note
    }

    private static func check(_ column: ColumnSchema, path: String) throws(TabularError) {
        if column.bounds != nil && !column.type.isNumeric {
            throw invalid("\(path).bounds", "got bounds on a column of type \(column.type.rawValue), want none")
        }
        if let decimals = column.decimals {
            guard column.type.isNumeric else {
                throw invalid("\(path).decimals", "got decimals on a column of type \(column.type.rawValue), want none")
            }
            // 10^15 times any value of magnitude 1 still fits in the 53 bits of a double.
            guard (0...15).contains(decimals) else {
                throw invalid("\(path).decimals", "got \(decimals), want 0...15")
            }
            guard column.type == .number || decimals == 0 else {
                throw invalid("\(path).decimals", "got \(decimals) on an integer column, want 0")
            }
        }
        if let categories = column.categories {
            guard column.type == .category else {
                throw invalid(
                    "\(path).categories", "got categories on a column of type \(column.type.rawValue), want none")
            }
            guard !categories.isEmpty else { throw invalid("\(path).categories", "got none, want at least one") }
            guard Set(categories).count == categories.count else {
                throw invalid("\(path).categories", "got a repeated one, want distinct ones")
            }
        }
    }

    static func invalid(_ path: String, _ message: String) -> TabularError {
        TabularError(.invalidSchema, "\(path): \(message)")
    }

    /// The declaration of a column, or nil.
    public subscript(name: String) -> ColumnSchema? { columns.first { $0.name == name } }

    /// - Throws: ``TabularError`` when there is no such column.
    public func column(_ name: String) throws(TabularError) -> ColumnSchema {
        guard let column = self[name] else {
            throw TabularError(
                .missingColumn, "schema: got no such column, want one of \(Table.list(columns.map(\.name)))",
                at: DataLocation(column: name))
        }
        return column
    }

    /// The columns of a role, in order.
    public func columns(_ role: ColumnRole) -> [ColumnSchema] { columns.filter { $0.role == role } }

    /// The columns that go into a model, in order: features, quasi-identifying and sensitive ones.
    public var inputs: [ColumnSchema] { columns.filter { $0.role.isInput } }

    /// The only column with the role target.
    /// - Throws: ``TabularError`` when there is none or more than one.
    public var target: ColumnSchema {
        get throws(TabularError) {
            let targets = columns(.target)
            guard targets.count == 1 else {
                let names = Table.list(targets.map(\.name))
                throw TabularError(
                    .invalidSchema, "target columns: got \(targets.isEmpty ? "none" : names), want one; name the target"
                )
            }
            return targets[0]
        }
    }

    /// The same schema, confirmed by its owner: the suggestions become declarations.
    public func confirmed() -> Schema {
        let columns = columns.map { column in
            var column = column
            column.isReadOffData = false
            return column
        }
        return Schema(unchecked: columns, isConfirmed: true, missingMarks: missingMarks, note: nil)
    }

    /// The same schema with `name` as the only target; former targets become features.
    /// - Throws: ``TabularError`` when there is no such column.
    public func targeting(_ name: String) throws(TabularError) -> Schema {
        _ = try column(name)
        let columns = columns.map { column in
            var column = column
            if column.name == name { column.role = .target } else if column.role == .target { column.role = .feature }
            return column
        }
        return Schema(unchecked: columns, isConfirmed: isConfirmed, missingMarks: missingMarks, note: note)
    }

    /// The named columns only, in the order asked for.
    /// - Throws: ``TabularError`` when one is not there.
    public func selecting(columns names: [String]) throws(TabularError) -> Schema {
        var chosen: [ColumnSchema] = []
        for name in names { chosen.append(try column(name)) }
        return try Schema(columns: chosen, isConfirmed: isConfirmed, missingMarks: missingMarks, note: note)
    }

    private init(unchecked columns: [ColumnSchema], isConfirmed: Bool, missingMarks: [String]?, note: String?) {
        self.columns = columns
        self.isConfirmed = isConfirmed
        self.missingMarks = missingMarks
        self.note = note
    }
}
