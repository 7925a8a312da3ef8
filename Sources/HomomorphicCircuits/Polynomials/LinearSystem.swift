/// Dense linear algebra for the fits; a few dozen unknowns.
enum LinearSystem {
    /// x with A·x = b by elimination with row pivoting; nil when A is singular.
    static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
        let n = right.count
        var rows = matrix
        var b = right
        for column in 0..<n {
            let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
            guard abs(rows[pivot][column]) > 0 else { return nil }
            rows.swapAt(column, pivot)
            b.swapAt(column, pivot)
            for row in column + 1..<max(n, column + 1) {
                let factor = rows[row][column] / rows[column][column]
                guard factor != 0 else { continue }
                for k in column..<n { rows[row][k] -= factor * rows[column][k] }
                b[row] -= factor * b[column]
            }
        }
        for row in stride(from: n - 1, through: 0, by: -1) {
            for k in row + 1..<max(n, row + 1) { b[row] -= rows[row][k] * b[k] }
            b[row] /= rows[row][row]
        }
        return b.allSatisfy(\.isFinite) ? b : nil
    }

    /// Indices of `count` rows that are as independent as a greedy choice can make them: the row farthest from the span
    /// of those chosen before (modified Gram–Schmidt with pivoting).
    static func independentRows(_ rows: [[Double]], count: Int) -> [Int] {
        var residuals = rows
        var chosen: [Int] = []
        for _ in 0..<count {
            let norms = residuals.map { $0.reduce(0) { $0 + $1 * $1 } }
            let next = norms.indices.max { norms[$0] < norms[$1] }!
            guard norms[next] > 0 else { break }
            chosen.append(next)
            let scale = 1 / norms[next].squareRoot()
            let direction = residuals[next].map { $0 * scale }
            for row in residuals.indices {
                var projection = 0.0
                for k in direction.indices { projection += residuals[row][k] * direction[k] }
                for k in direction.indices { residuals[row][k] -= projection * direction[k] }
            }
            residuals[next] = [Double](repeating: 0, count: direction.count)
        }
        return chosen
    }
}
