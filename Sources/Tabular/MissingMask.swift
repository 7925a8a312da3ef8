/// Which rows of a column have no value: one bit a row, and no memory at all while nothing is missing.
public struct MissingMask: Hashable, Sendable {
    /// Bit r of word r / 64 is set when row r is missing; empty when no row is.
    private var words: [UInt64]
    public private(set) var count: Int
    public private(set) var missingCount: Int

    /// A mask over `count` rows, none of which is missing.
    public init(count: Int) {
        precondition(count >= 0)
        words = []
        self.count = count
        missingCount = 0
    }

    /// A mask over `count` rows of which those in `rows` are missing; each in 0..<count.
    public init(count: Int, missing rows: some Sequence<Int>) {
        self.init(count: count)
        for row in rows { markMissing(row) }
    }

    public subscript(row: Int) -> Bool {
        precondition(row >= 0 && row < count)
        return words.isEmpty ? false : words[row >> 6] >> UInt64(row & 63) & 1 == 1
    }

    public mutating func markMissing(_ row: Int) {
        precondition(row >= 0 && row < count)
        if words.isEmpty { words = [UInt64](repeating: 0, count: (count + 63) >> 6) }
        let bit = UInt64(1) << UInt64(row & 63)
        if words[row >> 6] & bit == 0 {
            words[row >> 6] |= bit
            missingCount += 1
        }
    }

    /// The rows that are missing, in order.
    public var missingRows: [Int] {
        var rows: [Int] = []
        rows.reserveCapacity(missingCount)
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                rows.append(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return rows
    }

    /// The mask of a range of rows.
    /// - Cost: O(missing rows), and O(1) when nothing is missing.
    func slice(_ range: Range<Int>) -> MissingMask {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        if missingCount == 0 { return MissingMask(count: range.count) }
        return MissingMask(
            count: range.count, missing: missingRows.lazy.filter(range.contains).map { $0 - range.lowerBound })
    }

    /// The mask of the given rows, in the given order.
    func selecting(_ rows: [Int]) -> MissingMask {
        if missingCount == 0 { return MissingMask(count: rows.count) }
        return MissingMask(count: rows.count, missing: rows.indices.lazy.filter { self[rows[$0]] })
    }

    mutating func append(_ other: MissingMask) {
        let offset = count
        count += other.count
        if !words.isEmpty {
            words.append(contentsOf: repeatElement(0, count: (count + 63) >> 6 - words.count))
        }
        for row in other.missingRows { markMissing(offset + row) }
    }
}
