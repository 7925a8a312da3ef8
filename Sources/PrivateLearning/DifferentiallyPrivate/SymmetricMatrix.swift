/// Eigenvalues and vectors of small symmetric matrices.
package struct SymmetricEigen {
    /// In descending order.
    package let values: [Double]
    /// `vectors[k]` belongs to `values[k]` and has norm 1.
    package let vectors: [[Double]]

    /// By Jacobi's rotations; the error is a few units in the last place of the largest eigenvalue.
    /// - Parameter matrix: row-major, symmetric.
    /// - Reference: Golub, Van Loan, Matrix Computations (2013), section 8.5.
    package init(_ matrix: [Double], size: Int) {
        precondition(matrix.count == size * size, "matrix: want \(size) × \(size) numbers")
        var a = matrix
        var v = [Double](repeating: 0, count: size * size)
        for i in 0..<size { v[i * size + i] = 1 }
        for _ in 0..<60 {
            var off = 0.0
            var all = 0.0
            for i in 0..<size {
                for j in 0..<size {
                    all += a[i * size + j] * a[i * size + j]
                    if i != j { off += a[i * size + j] * a[i * size + j] }
                }
            }
            if off <= 1e-30 * all { break }
            for p in 0..<size {
                for q in p + 1..<max(size, p + 1) {
                    let apq = a[p * size + q]
                    guard apq != 0 else { continue }
                    let ratio = (a[q * size + q] - a[p * size + p]) / (2 * apq)
                    let t = (ratio >= 0 ? 1.0 : -1.0) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
                    let c = 1 / (t * t + 1).squareRoot()
                    let s = t * c
                    for k in 0..<size {
                        let (x, y) = (a[k * size + p], a[k * size + q])
                        a[k * size + p] = c * x - s * y
                        a[k * size + q] = s * x + c * y
                    }
                    for k in 0..<size {
                        let (x, y) = (a[p * size + k], a[q * size + k])
                        a[p * size + k] = c * x - s * y
                        a[q * size + k] = s * x + c * y
                    }
                    for k in 0..<size {
                        let (x, y) = (v[k * size + p], v[k * size + q])
                        v[k * size + p] = c * x - s * y
                        v[k * size + q] = s * x + c * y
                    }
                }
            }
        }
        let order = (0..<size).sorted { a[$0 * size + $0] > a[$1 * size + $1] }
        values = order.map { a[$0 * size + $0] }
        vectors = order.map { column in (0..<size).map { v[$0 * size + column] } }
    }
}

/// The upper triangle of Σ vvᵀ as a vector whose norm is that of the matrix: entries off the diagonal times √2.
enum UpperTriangle {
    static func count(_ size: Int) -> Int { size * (size + 1) / 2 }

    static func matrix(_ triangle: [Double], size: Int) -> [Double] {
        var matrix = [Double](repeating: 0, count: size * size)
        var index = 0
        for i in 0..<size {
            for j in i..<size {
                let value = i == j ? triangle[index] : triangle[index] / 2.0.squareRoot()
                matrix[i * size + j] = value
                matrix[j * size + i] = value
                index += 1
            }
        }
        return matrix
    }

    /// The triangle of Σ vvᵀ over rows of norm at most `normBound`.
    static func sum(_ rows: [Double], size: Int, normBound: Double) -> [Double] {
        var sums = FixedPointSums(count: count(size), bound: normBound * normBound)
        let root = 2.0.squareRoot() * (1 - 1e-15)
        rows.withUnsafeBufferPointer { rows in
            for start in stride(from: 0, to: rows.count, by: size) {
                var index = 0
                for i in 0..<size {
                    let left = rows[start + i]
                    sums.add(left * left, at: index)
                    index += 1
                    let scaled = left * root
                    for j in i + 1..<max(size, i + 1) {
                        sums.add(scaled * rows[start + j], at: index)
                        index += 1
                    }
                }
            }
        }
        return sums.values
    }
}
