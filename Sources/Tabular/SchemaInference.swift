import Foundation

/// Looks at a file and proposes a schema for it.
///
/// What is proposed is marked as read off the data and not confirmed: bounds are the extremes rounded outward to one
/// digit of their span, categories are the values seen, decimals the most digits seen. Its owner replaces them by what
/// is publicly known and confirms.
struct SchemaInference {
    /// A column of text with at most this many distinct values is proposed as a category.
    private static let categoryLimit = 64

    private struct Evidence {
        var present = 0
        var missing = 0
        var numbers = 0
        var isIntegral = true
        var lower = Double.infinity
        var upper = -Double.infinity
        /// The most decimals seen; nil once a value needs more than 15.
        var decimals: Int? = 0
        var firstText: DataLocation?
        var distinct: [String: Int]? = [:]
        var distinctNumbers: Set<Double>? = []
    }

    private var evidence: [Evidence]
    private let names: [String]

    private init(names: [String]) {
        self.names = names
        evidence = names.map { _ in Evidence() }
    }

    static func propose(_ reader: CSVReader, target: String?) throws(TabularError) -> Schema {
        var inference = SchemaInference(names: reader.columnNames)
        while let chunk = try reader.next() { inference.add(chunk) }
        return try inference.proposal(target: target)
    }

    /// Judges by the first chunk alone.
    static func guess(_ reader: CSVReader) throws(TabularError) -> Schema {
        var inference = SchemaInference(names: reader.columnNames)
        if let chunk = try reader.next() { inference.add(chunk) }
        return try inference.proposal(target: nil)
    }

    private mutating func add(_ chunk: Table) {
        for (position, column) in chunk.columns.enumerated() {
            guard case .text(let text) = column.values else { continue }
            for row in 0..<text.count {
                if text.missing[row] {
                    evidence[position].missing += 1
                    continue
                }
                let bytes = text.utf8(row)
                let outcome = bytes.withUnsafeBufferPointer { DecimalParser.parse($0) }
                Self.add(outcome, bytes, &evidence[position]) { chunk.location(row: row, column: column.name) }
            }
        }
    }

    private static func add(
        _ outcome: DecimalParser.Outcome, _ bytes: ArraySlice<UInt8>, _ evidence: inout Evidence,
        _ location: () -> DataLocation
    ) {
        evidence.present += 1
        if case .number(let value) = outcome {
            evidence.numbers += 1
            evidence.lower = min(evidence.lower, value)
            evidence.upper = max(evidence.upper, value)
            let isIntegral = value == value.rounded(.towardZero) && value.magnitude <= 0x1p53
            if !isIntegral { evidence.isIntegral = false }
            if let most = evidence.decimals, !isIntegral, !Decimals.fits(value, scale: Decimals.scale(most)) {
                evidence.decimals = Decimals.count(value)
            }
            if evidence.distinctNumbers != nil {
                evidence.distinctNumbers!.insert(value)
                if evidence.distinctNumbers!.count > 100_000 { evidence.distinctNumbers = nil }
            }
        } else if evidence.firstText == nil {
            evidence.firstText = location()
        }
        // Only while the column may still become a category.
        if evidence.distinct != nil {
            evidence.distinct![String(decoding: bytes, as: UTF8.self), default: 0] += 1
            if evidence.distinct!.count > categoryLimit { evidence.distinct = nil }
        }
    }

    private func proposal(target: String?) throws(TabularError) -> Schema {
        if let target, !names.contains(target) {
            throw TabularError(
                .missingColumn, "target: got no such column, want one of \(Table.list(names))",
                at: DataLocation(column: target))
        }
        var columns: [ColumnSchema] = []
        for (name, evidence) in zip(names, evidence) {
            columns.append(Self.column(name, evidence, isTarget: name == target))
        }
        return try Schema(
            columns: columns, isConfirmed: false,
            note:
                "A proposal read off the data. Bounds, categories and decimals are shown to every party: replace them by "
                + "what is publicly known, set the roles, then set confirmed to true.")
    }

    private static func column(_ name: String, _ evidence: Evidence, isTarget: Bool) -> ColumnSchema {
        var column = ColumnSchema(name, .text, allowsMissing: evidence.missing > 0, isReadOffData: true)
        if evidence.present == 0 {
            column.role = .ignore
            column.note = "every value is missing"
            return column
        }
        if evidence.numbers == evidence.present {
            column.type = evidence.isIntegral ? .integer : .number
            column.decimals = evidence.isIntegral ? 0 : evidence.decimals
            column.bounds = outward(evidence.lower, evidence.upper)
            if evidence.decimals == nil {
                column.note = "some values have more than 15 decimals: declare how many matter"
            }
        } else if let distinct = evidence.distinct {
            column.type = .category
            column.categories = distinct.keys.sorted()
        }
        if evidence.numbers > 0 && evidence.numbers < evidence.present {
            let place = evidence.firstText?.line.map { ", the first at line \($0)" } ?? ""
            column.note =
                "\(evidence.numbers) of \(evidence.present) values are numbers; the others are not\(place)"
        }
        if isTarget {
            column.role = .target
        } else if looksLikeIdentifier(name, evidence) {
            column.role = .identifier
        } else if column.type == .text {
            column.role = .ignore
        }
        return column
    }

    /// A name that ends in id or nr, over integers or text nearly all of which differ.
    private static func looksLikeIdentifier(_ name: String, _ evidence: Evidence) -> Bool {
        let lower = name.lowercased()
        guard lower == "id" || ["_id", "-id", " id", "_nr", "_number", "number"].contains(where: lower.hasSuffix) else {
            return false
        }
        if evidence.numbers == evidence.present {
            guard evidence.isIntegral else { return false }
            return evidence.distinctNumbers.map { $0.count * 2 > evidence.present } ?? true
        }
        return evidence.distinct == nil
    }

    /// The extremes rounded outward to a multiple of the power of ten below their span.
    static func outward(_ lower: Double, _ upper: Double) -> Bounds? {
        let span = max(upper - lower, max(lower.magnitude, upper.magnitude) / 10, 1e-300)
        let step = pow(10, log10(span).rounded(.down))
        guard step.isFinite && step > 0 else { return try? Bounds(lower, upper) }
        // Dividing by a reciprocal keeps multiples of 0.1 and the like shortest.
        func multiple(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
            let count = (value / step).rounded(rule)
            return step < 1 ? count / (1 / step).rounded() : count * step
        }
        var low = multiple(lower, .down)
        var high = multiple(upper, .up)
        if !low.isFinite || low > lower { low = lower }
        if !high.isFinite || high < upper { high = upper }
        return try? Bounds(low, high)
    }
}

extension Schema {
    /// Proposes a schema for a CSV file; see ``SchemaInference``. The whole file is read, in chunks.
    /// - Parameter target: the column to give the role target.
    /// - Returns: an unconfirmed schema whose suggestions are marked as read off the data.
    /// - Throws: ``TabularError``.
    public static func proposal(
        forCSV path: String, format: CSVFormat = CSVFormat(), target: String? = nil
    ) throws(TabularError) -> Schema {
        try SchemaInference.propose(
            CSVReader(.file(path), schema: nil, format: format, validates: false), target: target)
    }

    /// Proposes a schema for CSV in memory.
    /// - Throws: ``TabularError``.
    public static func proposal(
        forCSV bytes: [UInt8], name: String, format: CSVFormat = CSVFormat(), target: String? = nil
    ) throws(TabularError) -> Schema {
        try SchemaInference.propose(
            CSVReader(.bytes(bytes, name: name), schema: nil, format: format, validates: false), target: target)
    }
}

extension Table {
    /// Reads a whole CSV file.
    ///
    /// Without a schema the types are guessed from the first chunk; should a later value not fit, the whole file is
    /// looked at once more and read again. Nothing but the type is taken from the guess.
    /// - Throws: ``TabularError``.
    public init(
        csv path: String, schema: Schema? = nil, format: CSVFormat = CSVFormat()
    ) throws(TabularError) {
        self = try Self.read(schema: schema, format: format) { () throws(TabularError) in try CSVInput.file(path) }
    }

    /// Reads CSV from memory; `name` stands for the file in messages.
    /// - Throws: ``TabularError``.
    public init(
        csv bytes: [UInt8], name: String, schema: Schema? = nil, format: CSVFormat = CSVFormat()
    ) throws(TabularError) {
        self = try Self.read(schema: schema, format: format) { CSVInput.bytes(bytes, name: name) }
    }

    private static func read(
        schema: Schema?, format: CSVFormat, _ open: () throws(TabularError) -> CSVInput
    ) throws(TabularError) -> Table {
        if let schema {
            return try CSVReader(open(), schema: schema, format: format, validates: true).readAll()
        }
        var sampled = format
        sampled.limits.chunkRows = min(format.limits.chunkRows, 4096)
        let guess = try SchemaInference.guess(CSVReader(open(), schema: nil, format: sampled, validates: false))
        do {
            return try CSVReader(open(), schema: guess.typesOnly, format: format, validates: false).readAll()
        } catch {
            guard [.notANumber, .limitExceeded].contains(error.code) else { throw error }
        }
        let proposal = try SchemaInference.propose(
            CSVReader(open(), schema: nil, format: format, validates: false), target: nil)
        return try CSVReader(open(), schema: proposal.typesOnly, format: format, validates: false).readAll()
    }
}

extension Schema {
    /// Names and types without anything that was read off the data.
    var typesOnly: Schema {
        get throws(TabularError) {
            try Schema(
                columns: columns.map {
                    ColumnSchema($0.name, $0.type == .integer ? .number : $0.type, allowsMissing: true)
                },
                missingMarks: missingMarks)
        }
    }
}
