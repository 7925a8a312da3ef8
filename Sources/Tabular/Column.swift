/// A named column of a table.
public struct Column: Hashable, Sendable {
    public enum Values: Hashable, Sendable {
        case numeric(NumericColumn)
        case categorical(CategoricalColumn)
        case text(TextColumn)
    }

    public let name: String
    public let values: Values

    public init(_ name: String, _ values: Values) {
        self.name = name
        self.values = values
    }

    /// A numeric column; NaN stands for a missing value.
    public init(_ name: String, numbers: [Double]) {
        self.init(name, .numeric(NumericColumn(numbers)))
    }

    /// A categorical column whose categories are the distinct values in order of first appearance.
    public init(_ name: String, categories values: [String?]) {
        self.init(name, .categorical(CategoricalColumn(values)))
    }

    public init(_ name: String, text values: [String?]) {
        self.init(name, .text(TextColumn(values)))
    }

    public var count: Int {
        switch values {
        case .numeric(let column): column.count
        case .categorical(let column): column.count
        case .text(let column): column.count
        }
    }

    public var missingCount: Int {
        switch values {
        case .numeric(let column): column.missing.missingCount
        case .categorical(let column): column.missingCount
        case .text(let column): column.missing.missingCount
        }
    }

    /// What the column holds, in words: number, integer, category or text.
    public var type: ColumnType {
        switch values {
        case .numeric(let column): column.isIntegral ? .integer : .number
        case .categorical: .category
        case .text: .text
        }
    }

    public func isMissing(_ row: Int) -> Bool {
        switch values {
        case .numeric(let column): column.missing[row]
        case .categorical(let column): column.code(row) < 0
        case .text(let column): column.missing[row]
        }
    }

    public func renamed(_ name: String) -> Column { Column(name, values) }

    /// The rows of a range, sharing storage with this column.
    public func slice(_ range: Range<Int>) -> Column {
        switch values {
        case .numeric(let column): Column(name, .numeric(column.slice(range)))
        case .categorical(let column): Column(name, .categorical(column.slice(range)))
        case .text(let column): Column(name, .text(column.slice(range)))
        }
    }

    /// The given rows, in the given order; a row may come more than once.
    public func selecting(_ rows: [Int]) -> Column {
        switch values {
        case .numeric(let column): Column(name, .numeric(column.selecting(rows)))
        case .categorical(let column): Column(name, .categorical(column.selecting(rows)))
        case .text(let column): Column(name, .text(column.selecting(rows)))
        }
    }
}

/// Numbers with a mask of missing ones.
///
/// A missing slot holds NaN, and nothing else does: code that forgets the mask gets NaN, never a silent zero.
public struct NumericColumn: Hashable, Sendable {
    private let storage: [Double]
    private let range: Range<Int>
    public let missing: MissingMask
    /// Whether every present value is an integer of magnitude at most 2⁵³.
    public let isIntegral: Bool

    /// Numbers of which NaN marks a missing one. Infinite values are kept; validation against a schema refuses them.
    public init(_ numbers: [Double]) {
        var missing = MissingMask(count: numbers.count)
        for (row, value) in numbers.enumerated() where value.isNaN { missing.markMissing(row) }
        self.init(storage: numbers, missing: missing)
    }

    init(storage: [Double], missing: MissingMask) {
        precondition(storage.count == missing.count)
        self.storage = storage
        self.missing = missing
        range = storage.indices
        isIntegral = storage.withUnsafeBufferPointer { values in
            values.allSatisfy { $0.isNaN || ($0 == $0.rounded(.towardZero) && $0.magnitude <= 0x1p53) }
        }
    }

    private init(storage: [Double], range: Range<Int>, missing: MissingMask, isIntegral: Bool) {
        self.storage = storage
        self.range = range
        self.missing = missing
        self.isIntegral = isIntegral
    }

    public var count: Int { range.count }

    /// The value of a row, or nil when it is missing.
    public subscript(row: Int) -> Double? {
        precondition(row >= 0 && row < count)
        let value = storage[range.lowerBound + row]
        return value.isNaN ? nil : value
    }

    /// All values with NaN where missing.
    /// - Cost: O(1) for a whole column, a copy for a slice.
    public var values: [Double] { range == storage.indices ? storage : Array(storage[range]) }

    /// The values that are there, in order.
    public var presentValues: [Double] {
        missing.missingCount == 0 ? values : storage[range].filter { !$0.isNaN }
    }

    public func withUnsafeValues<R, E: Error>(_ body: (UnsafeBufferPointer<Double>) throws(E) -> R) throws(E) -> R {
        try storage[range].withUnsafeBufferPointer(body)
    }

    func slice(_ rows: Range<Int>) -> NumericColumn {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        return NumericColumn(
            storage: storage, range: range.lowerBound + rows.lowerBound..<range.lowerBound + rows.upperBound,
            missing: missing.slice(rows), isIntegral: isIntegral)
    }

    func selecting(_ rows: [Int]) -> NumericColumn {
        let first = range.lowerBound
        let values = rows.map { row in
            precondition(row >= 0 && row < count)
            return storage[first + row]
        }
        return NumericColumn(
            storage: values, range: values.indices, missing: missing.selecting(rows), isIntegral: isIntegral)
    }

    public static func == (a: NumericColumn, b: NumericColumn) -> Bool {
        a.missing == b.missing
            && a.storage[a.range].elementsEqual(b.storage[b.range]) { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(missing)
        for value in storage[range] where !value.isNaN { hasher.combine(value) }
    }
}

/// Values out of a small list, stored as indices into it.
public struct CategoricalColumn: Hashable, Sendable {
    private let storage: [Int32]
    private let range: Range<Int>
    /// The list; codes index it. It may hold categories that no row has.
    public let categories: [String]
    public let missingCount: Int

    /// Codes of the distinct values in order of first appearance; nil is missing.
    public init(_ values: [String?]) {
        var index: [String: Int32] = [:]
        var categories: [String] = []
        let codes = values.map { value -> Int32 in
            guard let value else { return -1 }
            if let code = index[value] { return code }
            let code = Int32(categories.count)
            index[value] = code
            categories.append(value)
            return code
        }
        self.init(storage: codes, categories: categories)
    }

    /// Codes into `categories`, −1 where missing.
    /// - Throws: ``TabularError/Code/unknownCategory`` for a code outside −1..<categories.count, and
    ///   ``TabularError/Code/duplicateColumn`` never: repeated categories are `.invalidArgument`.
    public init(codes: [Int32], categories: [String]) throws(TabularError) {
        guard Set(categories).count == categories.count else {
            throw TabularError(.invalidArgument, "categories: got a repeated one, want distinct ones")
        }
        if let bad = codes.first(where: { $0 < -1 || Int($0) >= categories.count }) {
            throw TabularError(.unknownCategory, "category code: got \(bad), want -1..<\(categories.count)")
        }
        self.init(storage: codes, categories: categories)
    }

    init(storage: [Int32], categories: [String]) {
        self.storage = storage
        self.categories = categories
        range = storage.indices
        missingCount = storage.reduce(0) { $0 + ($1 < 0 ? 1 : 0) }
    }

    private init(storage: [Int32], range: Range<Int>, categories: [String]) {
        self.storage = storage
        self.range = range
        self.categories = categories
        missingCount = storage[range].reduce(0) { $0 + ($1 < 0 ? 1 : 0) }
    }

    public var count: Int { range.count }

    /// The category of a row, or nil when it is missing.
    public subscript(row: Int) -> String? {
        let code = code(row)
        return code < 0 ? nil : categories[Int(code)]
    }

    /// The index of a row's category, −1 when it is missing.
    public func code(_ row: Int) -> Int32 {
        precondition(row >= 0 && row < count)
        return storage[range.lowerBound + row]
    }

    public var codes: [Int32] { range == storage.indices ? storage : Array(storage[range]) }

    /// Rows per category, in the order of `categories`.
    public var counts: [Int] {
        var counts = [Int](repeating: 0, count: categories.count)
        for code in storage[range] where code >= 0 { counts[Int(code)] += 1 }
        return counts
    }

    func slice(_ rows: Range<Int>) -> CategoricalColumn {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        return CategoricalColumn(
            storage: storage, range: range.lowerBound + rows.lowerBound..<range.lowerBound + rows.upperBound,
            categories: categories)
    }

    func selecting(_ rows: [Int]) -> CategoricalColumn {
        CategoricalColumn(storage: rows.map(code), categories: categories)
    }

    public static func == (a: CategoricalColumn, b: CategoricalColumn) -> Bool {
        a.count == b.count && (0..<a.count).allSatisfy { a[$0] == b[$0] }
    }

    public func hash(into hasher: inout Hasher) {
        for row in 0..<count { hasher.combine(self[row]) }
    }
}

/// Free text, kept as one run of UTF-8 bytes.
public struct TextColumn: Hashable, Sendable {
    private let bytes: [UInt8]
    /// Row r of the storage is bytes[offsets[r]..<offsets[r + 1]].
    private let offsets: [Int]
    private let range: Range<Int>
    public let missing: MissingMask

    public init(_ values: [String?]) {
        var bytes: [UInt8] = []
        var offsets = [0]
        var missing = MissingMask(count: values.count)
        offsets.reserveCapacity(values.count + 1)
        for (row, value) in values.enumerated() {
            if let value { bytes.append(contentsOf: value.utf8) } else { missing.markMissing(row) }
            offsets.append(bytes.count)
        }
        self.init(bytes: bytes, offsets: offsets, missing: missing)
    }

    /// The bytes must be valid UTF-8 row by row.
    init(bytes: [UInt8], offsets: [Int], missing: MissingMask) {
        precondition(offsets.count == missing.count + 1 && offsets.last == bytes.count)
        self.bytes = bytes
        self.offsets = offsets
        self.missing = missing
        range = 0..<missing.count
    }

    private init(bytes: [UInt8], offsets: [Int], range: Range<Int>, missing: MissingMask) {
        self.bytes = bytes
        self.offsets = offsets
        self.range = range
        self.missing = missing
    }

    public var count: Int { range.count }

    /// The text of a row, or nil when it is missing.
    public subscript(row: Int) -> String? {
        missing[row] ? nil : String(decoding: utf8(row), as: UTF8.self)
    }

    /// The UTF-8 bytes of a row; empty when it is missing.
    public func utf8(_ row: Int) -> ArraySlice<UInt8> {
        precondition(row >= 0 && row < count)
        return bytes[offsets[range.lowerBound + row]..<offsets[range.lowerBound + row + 1]]
    }

    public var values: [String?] { (0..<count).map { self[$0] } }

    func slice(_ rows: Range<Int>) -> TextColumn {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        return TextColumn(
            bytes: bytes, offsets: offsets,
            range: range.lowerBound + rows.lowerBound..<range.lowerBound + rows.upperBound,
            missing: missing.slice(rows))
    }

    func selecting(_ rows: [Int]) -> TextColumn {
        var chosen: [UInt8] = []
        var ends = [0]
        ends.reserveCapacity(rows.count + 1)
        for row in rows {
            chosen.append(contentsOf: utf8(row))
            ends.append(chosen.count)
        }
        return TextColumn(bytes: chosen, offsets: ends, missing: missing.selecting(rows))
    }

    public static func == (a: TextColumn, b: TextColumn) -> Bool {
        a.missing == b.missing && (0..<a.count).allSatisfy { a.utf8($0) == b.utf8($0) }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(missing)
        for row in 0..<count { hasher.combine(utf8(row)) }
    }
}
