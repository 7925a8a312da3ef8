/// Gathers the cells of one column of the chunk at hand.
final class CSVColumnBuilder {
    enum Kind { case numeric, categorical, text, skipped }

    let name: String
    let kind: Kind
    /// Missing marks as UTF-8.
    let missingMarks: [[UInt8]]
    let limits: CSVLimits
    private(set) var rowCount = 0
    /// Room for one number a row; nil for other kinds.
    let numbers: UnsafeMutablePointer<Double>?
    private var codes: [Int32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int] = [0]
    private var missingRows: [Int] = []
    private var dictionary: ByteDictionary

    init(name: String, kind: Kind, categories: [String], missingMarks: [String], chunkRows: Int, limits: CSVLimits) {
        self.name = name
        self.kind = kind
        self.missingMarks = missingMarks.map { Array($0.utf8) }
        self.limits = limits
        numbers = kind == .numeric ? .allocate(capacity: chunkRows) : nil
        dictionary = ByteDictionary(categories)
    }

    deinit { numbers?.deallocate() }

    /// Whether the fast scan may be used: a mark that is itself a number, such as −9, must be compared as text first.
    var allowsFastNumbers: Bool {
        kind == .numeric
            && missingMarks.allSatisfy { mark in
                mark.withUnsafeBufferPointer { DecimalParser.parse($0) == .malformed }
            }
    }

    func isMissingMark(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
        for mark in missingMarks where mark.count == field.count {
            if mark.withUnsafeBufferPointer({ $0.elementsEqual(field) }) { return true }
        }
        return false
    }

    func appendMissing(row: Int) {
        switch kind {
        case .numeric:
            numbers![row] = .nan
            missingRows.append(row)
        case .categorical: codes.append(-1)
        case .text:
            offsets.append(bytes.count)
            missingRows.append(row)
        case .skipped: break
        }
    }

    func appendText(_ field: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: field)
        offsets.append(bytes.count)
    }

    /// - Returns: false when the column has more distinct values than its limit.
    func appendCategory(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let code = dictionary.code(field, limit: limits.categories) else { return false }
        codes.append(code)
        return true
    }

    /// Forgets the cells of a record that was begun and not finished.
    func truncate(to rows: Int) {
        while let last = missingRows.last, last >= rows { missingRows.removeLast() }
        if codes.count > rows { codes.removeLast(codes.count - rows) }
        if offsets.count > rows + 1 {
            offsets.removeLast(offsets.count - rows - 1)
            bytes.removeLast(bytes.count - offsets[rows])
        }
    }

    /// The column of the first `rows` rows; the builder is then empty, and keeps its categories.
    func take(rows: Int) -> Column? {
        defer {
            codes.removeAll(keepingCapacity: true)
            bytes.removeAll(keepingCapacity: true)
            offsets.removeAll(keepingCapacity: true)
            offsets.append(0)
            missingRows.removeAll(keepingCapacity: true)
        }
        switch kind {
        case .numeric:
            let values = Array(UnsafeBufferPointer(start: numbers, count: rows))
            return Column(
                name,
                .numeric(NumericColumn(storage: values, missing: MissingMask(count: rows, missing: missingRows))))
        case .categorical:
            return Column(name, .categorical(CategoricalColumn(storage: codes, categories: dictionary.strings)))
        case .text:
            return Column(
                name,
                .text(
                    TextColumn(
                        bytes: bytes, offsets: offsets, missing: MissingMask(count: rows, missing: missingRows))))
        case .skipped: return nil
        }
    }
}

/// Distinct byte strings and their numbers: open addressing, so that a lookup makes no string and no allocation.
private struct ByteDictionary {
    private(set) var strings: [String] = []
    private var keys: [[UInt8]] = []
    private var hashes: [UInt64] = []
    /// Index into `keys` plus one, 0 where empty; the size is a power of two.
    private var slots: [Int32] = [Int32](repeating: 0, count: 64)
    /// Drawn per dictionary, so that no file can be made whose categories all collide.
    private let seed = UInt64.random(in: 0...UInt64.max)

    init(_ categories: [String]) {
        for category in categories {
            var bytes = Array(category.utf8)
            bytes.withUnsafeMutableBufferPointer { _ = code(UnsafeBufferPointer($0), limit: Int(Int32.max)) }
        }
    }

    private func hash(_ field: UnsafeBufferPointer<UInt8>) -> UInt64 {
        // Eight bytes at a time through a 128-bit product folded in two: every input bit reaches every output bit.
        var state = seed ^ UInt64(field.count)
        var index = 0
        while index < field.count {
            var word: UInt64 = 0
            let take = min(8, field.count - index)
            for offset in 0..<take { word |= UInt64(field[index + offset]) << UInt64(8 * offset) }
            let (high, low) = (state ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ seed | 1)
            state = high ^ low &+ seed
            index += 8
        }
        return state ^ state >> 29
    }

    /// The number of a byte string, given out on first sight; nil when that would exceed the limit.
    mutating func code(_ field: UnsafeBufferPointer<UInt8>, limit: Int) -> Int32? {
        let hash = hash(field)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash && keys[index].count == field.count
                && keys[index].withUnsafeBufferPointer({ $0.elementsEqual(field) })
            {
                return Int32(index)
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        guard keys.count < limit else { return nil }
        keys.append(Array(field))
        hashes.append(hash)
        strings.append(String(decoding: field, as: UTF8.self))
        slots[slot] = Int32(keys.count)
        if keys.count * 2 > slots.count { grow() }
        return Int32(keys.count - 1)
    }

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index + 1)
        }
    }
}
