extension Schema {
    /// Holds a table against the schema and throws at the first value that does not fit.
    ///
    /// Columns with the role ignore, and those of the table that the schema does not know, are not looked at.
    /// - Throws: ``TabularError`` with file, line (or row) and column.
    /// - Cost: one pass over the columns.
    public func validate(_ table: Table) throws(TabularError) {
        if let first = violations(in: table, limit: 1).first { throw first }
    }

    /// All values of a table that do not fit, column by column, at most `limit`.
    public func violations(in table: Table, limit: Int = 100) -> [TabularError] {
        var found = Violations(limit: limit)
        for declared in columns where declared.role != .ignore && !found.isFull {
            guard let column = table[declared.name] else {
                found.add(
                    TabularError(
                        .missingColumn, "got no such column, want it as the schema declares it",
                        at: DataLocation(file: table.origin?.file, column: declared.name)))
                continue
            }
            check(column, as: declared, in: table, &found)
        }
        return found.errors
    }

    private struct Violations {
        let limit: Int
        var errors: [TabularError] = []
        var isFull: Bool { errors.count >= limit }
        mutating func add(_ error: TabularError) { if !isFull { errors.append(error) } }
    }

    private func check(_ column: Column, as declared: ColumnSchema, in table: Table, _ found: inout Violations) {
        if !declared.allowsMissing && column.missingCount > 0 {
            for row in 0..<column.count where column.isMissing(row) && !found.isFull {
                found.add(
                    TabularError(
                        .missingValue,
                        "value: got a missing one, want one in every row (or allowsMissing in the schema)",
                        at: table.location(row: row, column: column.name)))
            }
        }
        switch (declared.type, column.values) {
        case (.number, .numeric(let numbers)), (.integer, .numeric(let numbers)):
            numbers.withUnsafeValues { check($0, as: declared, in: table, &found) }
        case (.category, .categorical(let values)):
            guard let categories = declared.categories else { return }
            let known = Set(categories)
            let isKnown = values.categories.map(known.contains)
            if isKnown.allSatisfy({ $0 }) { return }
            for row in 0..<values.count where !found.isFull {
                let code = values.code(row)
                if code >= 0 && !isKnown[Int(code)] {
                    found.add(
                        TabularError(
                            .unknownCategory,
                            "category: got one that is not declared, want one of \(Table.list(categories))",
                            at: table.location(row: row, column: column.name)))
                }
            }
        case (.text, .text): break
        default:
            found.add(
                TabularError(
                    .wrongType, "type: got \(column.type.rawValue), want \(declared.type.rawValue)",
                    at: DataLocation(file: table.origin?.file, column: column.name)))
        }
    }

    private func check(
        _ values: UnsafeBufferPointer<Double>, as declared: ColumnSchema, in table: Table, _ found: inout Violations
    ) {
        let lower = declared.bounds?.lower ?? -.greatestFiniteMagnitude
        let upper = declared.bounds?.upper ?? .greatestFiniteMagnitude
        let decimals = declared.type == .integer ? 0 : declared.decimals
        let scale = decimals.map(Decimals.scale)
        // First without a branch; NaN is missing, has been dealt with, and fails every comparison.
        var outside = 0
        for value in values { outside &+= (value < lower ? 1 : 0) &+ (value > upper ? 1 : 0) }
        var isSuspect = outside > 0
        if let scale {
            for value in values where !value.isNaN && !Decimals.fits(value, scale: scale) { isSuspect = true }
        }
        guard isSuspect else { return }
        for row in values.indices {
            let value = values[row]
            if value.isNaN || found.isFull { continue }
            if value < lower || value > upper {
                let isFinite = value.isFinite
                found.add(
                    TabularError(
                        isFinite ? .outOfBounds : .notFinite,
                        isFinite
                            ? "value: got one \(value < lower ? "below" : "above") its bounds, want one in [\(lower), \(upper)]; "
                                + "correct it, or widen the bounds in every owner's schema"
                            : "value: got an infinity, want a finite number",
                        at: table.location(row: row, column: declared.name)))
            } else if let scale, !Decimals.fits(value, scale: scale) {
                let isInteger = declared.type == .integer
                found.add(
                    TabularError(
                        isInteger ? .notAnInteger : .tooManyDecimals,
                        isInteger
                            ? "value: got a fraction, want an integer of magnitude at most 2^53"
                            : "value: got one with more decimals than declared, want at most \(decimals ?? 0)",
                        at: table.location(row: row, column: declared.name)))
            }
        }
    }
}

/// Decimal digits of doubles.
enum Decimals {
    /// 10^decimals, exact for decimals ≤ 22.
    static func scale(_ decimals: Int) -> Double {
        var power = 1.0
        for _ in 0..<decimals { power *= 10 }
        return power
    }

    /// Whether a value is the double nearest to some k/scale with |k| ≤ 2⁵³; scale is a power of ten up to 10¹⁵.
    ///
    /// Rounding value·scale gives that k: the product is off by less than half for |k| < 2⁵², and division rounds
    /// correctly, so comparing k/scale with the value decides.
    @inline(__always)
    static func fits(_ value: Double, scale: Double) -> Bool {
        let scaled = (value * scale).rounded()
        return scaled.magnitude <= 0x1p53 && scaled / scale == value
    }

    /// The least number of decimals that represents a value exactly in the sense of ``fits(_:scale:)``, up to `limit`.
    static func count(_ value: Double, limit: Int = 15) -> Int? {
        for decimals in 0...limit where fits(value, scale: scale(decimals)) { return decimals }
        return nil
    }

    /// A value rounded to a number of decimals, ties away from zero.
    static func rounded(_ value: Double, _ decimals: Int) -> Double {
        let power = scale(decimals)
        let scaled = (value * power).rounded()
        return scaled.magnitude <= 0x1p53 ? scaled / power : value
    }
}
