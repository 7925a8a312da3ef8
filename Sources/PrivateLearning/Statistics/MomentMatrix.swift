import BigIntegers
import Parallelism

/// The exact second moments ZᵀZ of integer columns Z = (1, z₁, …, z_d): n, Σzᵢ and Σzᵢzⱼ.
public struct MomentMatrix: Hashable, Sendable {
    /// d + 1, the constant column included.
    public let size: Int
    /// Upper triangle, row by row: size·(size + 1)/2 entries.
    public let entries: [BigInteger]

    /// Entries of the upper triangle of a matrix with that many columns.
    public static func entryCount(columns: Int) -> Int { (columns + 1) * (columns + 2) / 2 }

    /// - Parameter entries: `entryCount(columns:)` of them.
    public init(columns: Int, entries: [BigInteger]) {
        precondition(entries.count == Self.entryCount(columns: columns), "entries: got \(entries.count)")
        size = columns + 1
        self.entries = entries
    }

    public subscript(row: Int, column: Int) -> BigInteger {
        let (i, j) = row <= column ? (row, column) : (column, row)
        return entries[i * size - i * (i - 1) / 2 + (j - i)]
    }

    /// Moments of a table.
    /// - Parameter weights: one integer ≥ 0 a row (how often it counts); nil for 1 each.
    public init(of table: IntegerTable, weights: [Int64]? = nil) {
        let columns = table.columns
        let count = columns.count + 1
        let pairs = (0..<count).flatMap { i in (i..<count).map { j in (i, j) } }
        entries = parallelMap(pairs.count, chunk: 8) { index in
            let (i, j) = pairs[index]
            let left = i == 0 ? nil : columns[i - 1]
            let right = j == 0 ? nil : columns[j - 1]
            return BigInteger(Self.sum(left, right, weights, rows: table.rowCount))
        }
        size = count
    }

    /// Σ wᵣ·aᵣ·bᵣ; nil stands for ones. Magnitudes of at most 2^52 each and at most 2^22 rows of weight 1 fit.
    private static func sum(_ a: [Int64]?, _ b: [Int64]?, _ weights: [Int64]?, rows: Int) -> Int128 {
        var total: Int128 = 0
        if let weights {
            for row in 0..<rows {
                total += Int128(weights[row]) * Int128(a?[row] ?? 1) * Int128(b?[row] ?? 1)
            }
            return total
        }
        switch (a, b) {
        case (nil, nil): return Int128(rows)
        case (nil, let column?), (let column?, nil):
            for value in column { total += Int128(value) }
        case (let left?, let right?):
            left.withUnsafeBufferPointer { x in
                right.withUnsafeBufferPointer { y in
                    for row in 0..<rows {
                        let product = x[row].multipliedFullWidth(by: y[row])
                        total += Int128(product.high) << 64 | Int128(product.low)
                    }
                }
            }
        }
        return total
    }

    public static func + (left: Self, right: Self) -> Self {
        precondition(left.size == right.size, "size: got \(right.size), want \(left.size)")
        return Self(columns: left.size - 1, entries: zip(left.entries, right.entries).map { $0 + $1 })
    }
}

/// Columns of integers with their encodings' bounds respected.
public struct IntegerTable: Sendable {
    /// Column by column; each has `rowCount` values.
    public let columns: [[Int64]]
    public let rowCount: Int

    public init(columns: [[Int64]], rowCount: Int) {
        precondition(columns.allSatisfy { $0.count == rowCount }, "columns: want \(rowCount) values each")
        self.columns = columns
        self.rowCount = rowCount
    }

    /// The rows with those numbers, in that order.
    public func selecting(rows: [Int]) -> IntegerTable {
        IntegerTable(columns: columns.map { column in rows.map { column[$0] } }, rowCount: rows.count)
    }
}

extension MomentMatrix {
    public static func - (left: Self, right: Self) -> Self {
        precondition(left.size == right.size, "size: got \(right.size), want \(left.size)")
        return Self(columns: left.size - 1, entries: zip(left.entries, right.entries).map { $0 - $1 })
    }

    /// Σ(y − b − Σ wⱼxⱼ)² over the rows, in real units, from their moments alone.
    /// - Parameter features: indices of columns, as many as coefficients.
    func squaredError(
        coefficients: [Double], intercept: Double, multipliers: [Int64], features: [Int], target: Int
    ) -> Double {
        // The quadratic form vᵀMv with v = (−b, −w…, 1), each entry in integer units of its column.
        let indices = [0] + features.map { $0 + 1 } + [target + 1]
        let vector =
            [DoubleDouble(-intercept)]
            + zip(features, coefficients).map { DoubleDouble(-$1) / DoubleDouble(Double(multipliers[$0])) }
            + [DoubleDouble(1) / DoubleDouble(Double(multipliers[target]))]
        var sum = DoubleDouble.zero
        for (row, i) in indices.enumerated() {
            for (column, j) in indices.enumerated() {
                sum += vector[row] * vector[column] * DoubleDouble(integer: self[i, j])
            }
        }
        return max(0, sum.value)
    }
}
