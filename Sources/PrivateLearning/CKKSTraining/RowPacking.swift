import Foundation

/// How rows of scaled columns lie in the slots of ciphertexts.
///
/// The columns are divided into blocks of f columns; in the ciphertexts of a block each row takes w = 2f slots, its f
/// numbers and f zeros (w = f = 1 for blocks of one column), row after row, `rowsPerCiphertext` rows in the period of the
/// slots. The zeros make one level less necessary: the sum over the window of 2f slots around a slot, made by log₂ 2f
/// rotations, is the sum over the row in *every* slot that holds data, so it need not be masked and spread; what the
/// other slots hold is multiplied by zero when the rows are multiplied with it again. Sums over rows are cyclic over the
/// whole period and end in every row by themselves.
///
/// Several ciphertexts hold more rows (groups); a group belongs to one batch.
public struct RowPacking: Hashable, Sendable, Codable {
    public let rowCount: Int
    public let columnCount: Int
    public let batches: Int
    /// Period of the slots, a power of two.
    public let slots: Int
    /// f
    public let blockColumns: Int

    /// w
    public var blockWidth: Int { blockColumns == 1 ? 1 : 2 * blockColumns }
    public var blockCount: Int { (columnCount + blockColumns - 1) / blockColumns }
    public var rowsPerCiphertext: Int { slots / blockWidth }
    /// Rows of a batch, the first ones having one more when they do not divide.
    public func rowCount(batch: Int) -> Int { (rowCount - batch + batches - 1) / batches }
    public func groupCount(batch: Int) -> Int {
        (rowCount(batch: batch) + rowsPerCiphertext - 1) / rowsPerCiphertext
    }
    /// Groups of all batches.
    public var groupCount: Int { (0..<batches).reduce(0) { $0 + groupCount(batch: $1) } }
    /// The groups of a batch.
    public func groups(batch: Int) -> Range<Int> {
        let start = (0..<batch).reduce(0) { $0 + groupCount(batch: $1) }
        return start..<start + groupCount(batch: batch)
    }
    /// Ciphertexts that hold the rows: `blockCount` for each group.
    public var ciphertextCount: Int { blockCount * groupCount }

    /// The rows of a group, in order.
    func rows(group: Int) -> StrideTo<Int> {
        let batch = (0..<batches).first { groups(batch: $0).contains(group) }!
        let first = (group - groups(batch: batch).lowerBound) * rowsPerCiphertext
        let count = min(rowsPerCiphertext, rowCount(batch: batch) - first)
        return stride(from: batch + first * batches, to: batch + (first + count) * batches, by: batches)
    }

    /// Rotations whose running sums are the sum over the window: to the right by f, to the left by 1, 2, …, f/2.
    var windowSteps: [Int] {
        guard blockColumns > 1 else { return [] }
        return [-blockColumns] + (0..<blockColumns.trailingZeroBitCount).map { 1 << $0 }
    }

    /// Rotations whose running sums are the sum over all rows.
    var rowSteps: [Int] {
        (blockWidth.trailingZeroBitCount..<slots.trailingZeroBitCount).map { 1 << $0 }
    }

    /// Chooses the block size with the fewest key switches in an iteration.
    /// - Parameters:
    ///   - squarings: of scores in one iteration.
    ///   - maximumSlots: N/2.
    /// - Errors: `tooFewRows` for fewer rows than batches, or none.
    public init(
        rowCount: Int, columnCount: Int, batches: Int = 1, squarings: Int = 2, maximumSlots: Int
    ) throws(PrivateLearningError) {
        precondition(maximumSlots.nonzeroBitCount == 1, "maximumSlots: want a power of two")
        guard rowCount >= batches, rowCount > 0, rowCount <= EncodingPlan.rowLimit else {
            throw PrivateLearningError(
                code: .tooFewRows, message: "rows: got \(rowCount), want \(batches)...\(EncodingPlan.rowLimit)")
        }
        guard (1...4096).contains(columnCount) else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "columns: got \(columnCount), want 1...4096")
        }
        let perBatch = (rowCount + batches - 1) / batches
        let rowsPower = 1 << (Int.bitWidth - (perBatch - 1).leadingZeroBitCount)
        var best: (packing: RowPacking, cost: Double)?
        var columns = 1
        while columns < 2 * columnCount, 2 * columns <= maximumSlots {
            let width = columns == 1 ? 1 : 2 * columns
            let packing = RowPacking(
                rowCount: rowCount, columnCount: columnCount, batches: batches,
                slots: min(maximumSlots, max(2, rowsPower * width)), blockColumns: columns)
            let groups = Double(packing.groupCount(batch: 0))
            let blocks = Double(packing.blockCount)
            // Lowering the rows to the level of the weights costs about a quarter of a key switch, twice.
            let cost =
                groups * (1 + Double(packing.windowSteps.count + squarings) + 1.5 * blocks)
                + blocks * Double(1 + packing.rowSteps.count)
            if best == nil || cost < best!.cost { best = (packing, cost) }
            columns *= 2
        }
        self = best!.packing
    }

    /// The same layout for another number of rows.
    /// - Errors: `tooFewRows`.
    func holding(_ rowCount: Int) throws(PrivateLearningError) -> RowPacking {
        guard rowCount >= batches, rowCount > 0, rowCount <= EncodingPlan.rowLimit else {
            throw PrivateLearningError(
                code: .tooFewRows, message: "rows: got \(rowCount), want \(batches)...\(EncodingPlan.rowLimit)")
        }
        return RowPacking(
            rowCount: rowCount, columnCount: columnCount, batches: batches, slots: slots, blockColumns: blockColumns)
    }

    private init(rowCount: Int, columnCount: Int, batches: Int, slots: Int, blockColumns: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.batches = batches
        self.slots = slots
        self.blockColumns = blockColumns
    }

    private enum Keys: String, CodingKey { case rowCount, columnCount, batches, slots, blockColumns }

    /// Of a file: every number is checked, since memory follows from them.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        func number(_ key: Keys, _ range: ClosedRange<Int>) throws -> Int {
            let value = try values.decode(Int.self, forKey: key)
            guard range.contains(value) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: values, debugDescription: "\(key.rawValue): got \(value), want \(range)")
            }
            return value
        }
        rowCount = try number(.rowCount, 1...EncodingPlan.rowLimit)
        columnCount = try number(.columnCount, 1...4096)
        batches = try number(.batches, 1...min(1000, rowCount))
        slots = try number(.slots, 2...1 << 15)
        blockColumns = try number(.blockColumns, 1...4096)
        guard slots.nonzeroBitCount == 1, blockColumns.nonzeroBitCount == 1, 2 * blockColumns <= max(slots, 2) else {
            throw DecodingError.dataCorruptedError(
                forKey: .slots, in: values, debugDescription: "slots: want powers of two that fit each other")
        }
    }

    // MARK: Values

    /// The slots of one ciphertext.
    /// - Parameter table: row-major, `columnCount` to a row.
    public func values(_ table: [Double], block: Int, group: Int) -> [Double] {
        precondition(table.count == rowCount * columnCount, "rows: got \(table.count) numbers")
        var result = [Double](repeating: 0, count: slots)
        let columns = block * blockColumns..<min(columnCount, (block + 1) * blockColumns)
        for (position, row) in rows(group: group).enumerated() {
            for column in columns {
                result[position * blockWidth + column - columns.lowerBound] = table[row * columnCount + column]
            }
        }
        return result
    }

    /// One number a column, repeated in every row; as many vectors as blocks.
    public func spread(_ columns: [Double]) -> [[Double]] {
        precondition(columns.count == columnCount, "columns: got \(columns.count), want \(columnCount)")
        return (0..<blockCount).map { block in
            var row = [Double](repeating: 0, count: blockWidth)
            for position in 0..<blockColumns where block * blockColumns + position < columnCount {
                row[position] = columns[block * blockColumns + position]
            }
            return (0..<slots).map { row[$0 & (blockWidth - 1)] }
        }
    }

    /// One number a column, from the slots of a vector for each block: the mean over the rows, which hold the same.
    public func gathered(_ vectors: [[Double]]) -> [Double] {
        (0..<columnCount).map { column in
            let vector = vectors[column / blockColumns]
            var sum = 0.0
            for row in 0..<rowsPerCiphertext { sum += vector[row * blockWidth + column % blockColumns] }
            return sum / Double(rowsPerCiphertext)
        }
    }
}
