import BigIntegers

/// Ordinary and ridge least squares from exact integer moments.
///
/// With X (n × d) centred and y centred, solves (XᵀX + λI) w = Xᵀy. The moments come as integers, so the centred
/// products n·Σxᵢxⱼ − Σxᵢ·Σxⱼ are exact; rank is decided exactly; the solution is found by a pivoted Cholesky
/// factorisation of the correlation matrix in double-double arithmetic. A rank-deficient design without ridge gives
/// the solution of least Euclidean norm in the columns' own units, as the pseudo-inverse would.
/// - Reference: Golub and Van Loan 2013, sections 4.2.8 (pivoted Cholesky) and 5.5 (minimum norm).
package struct LeastSquares {
    /// Coefficients in the real units of the columns.
    package var coefficients: [Double]
    package var intercept: Double
    /// Standard errors under homoscedastic noise; nil for ridge, deficient rank, or no degrees of freedom.
    package var standardErrors: [Double]?
    /// Rank of the centred design.
    package var rank: Int
    /// Σ(y − ŷ)², Σ(y − ȳ)².
    package var residualSumOfSquares: Double
    package var totalSumOfSquares: Double
    package var rowCount: Int

    /// - Parameters:
    ///   - moments: integer moments of (1, columns…).
    ///   - multipliers: for each column the integer that stands for 1.0.
    ///   - features: indices of columns, at least one.
    ///   - target: index of the target's column.
    ///   - ridge: λ ≥ 0, in the real units; the intercept is not penalised.
    /// - Throws: `tooFewRows` for fewer than two rows; `inconsistentSums` when no table has such moments.
    package init(
        moments: MomentMatrix, multipliers: [Int64], features: [Int], target: Int, ridge: Double
    ) throws(PrivateLearningError) {
        guard ridge.isFinite, ridge >= 0 else {
            throw PrivateLearningError(code: .invalidParameter, message: "lambda: got \(ridge), want a number ≥ 0")
        }
        guard let count = moments[0, 0].intValue, count >= 2 else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got \(moments[0, 0]), want at least 2")
        }
        rowCount = count
        let d = features.count
        let all = features + [target]
        // n·Σxᵢxⱼ − Σxᵢ·Σxⱼ, exact, in units of 1 / (multiplierᵢ · multiplierⱼ · n)
        var centred = [BigInteger](repeating: 0, count: (d + 1) * (d + 1))
        for (row, i) in all.enumerated() {
            for (column, j) in all.enumerated() where column >= row {
                let value = moments[0, 0] * moments[i + 1, j + 1] - moments[0, i + 1] * moments[0, j + 1]
                centred[row * (d + 1) + column] = value
                centred[column * (d + 1) + row] = value
            }
        }
        func product(_ i: Int, _ j: Int) -> BigInteger { centred[i * (d + 1) + j] }
        guard (0...d).allSatisfy({ product($0, $0).signum >= 0 }) else {
            throw PrivateLearningError(
                code: .inconsistentSums,
                message: "sums: a variance came out negative; a file was not made from rows of a table")
        }
        let designEntries = (0..<d).flatMap { i in (0..<d).map { j in product(i, j) } }
        rank = ExactRank.rank(of: designEntries, size: d)

        // Correlation form: u has unit columns; constant columns get a scale of 1 and never become pivots.
        let lengths = (0...d).map {
            product($0, $0).isZero ? DoubleDouble(1) : DoubleDouble(integer: product($0, $0)).squareRoot
        }
        var matrix = [DoubleDouble](repeating: .zero, count: d * d)
        for i in 0..<d {
            for j in 0..<d { matrix[i * d + j] = DoubleDouble(integer: product(i, j)) / (lengths[i] * lengths[j]) }
        }
        let right = (0..<d).map { DoubleDouble(integer: product($0, d)) / lengths[$0] }
        let countDD = DoubleDouble(Double(count))
        if ridge > 0 {
            for i in 0..<d {
                let unit = DoubleDouble(Double(multipliers[features[i]]))
                matrix[i * d + i] += DoubleDouble(ridge) * countDD * unit * unit / (lengths[i] * lengths[i])
            }
        }
        let factor = PivotedCholesky(matrix, size: d, rank: ridge > 0 ? d : rank)
        var standardised = factor.solve(right)
        if ridge == 0 && rank < d {
            // From correlation units to real units: wᵢ = uᵢ · multiplierᵢ / lengthᵢ (a common factor left out).
            let toReal = (0..<d).map { DoubleDouble(Double(multipliers[features[$0]])) / lengths[$0] }
            standardised = factor.minimumNorm(standardised, scales: toReal)
        }
        let targetUnit = DoubleDouble(Double(multipliers[target]))
        let weights = (0..<d).map { i in
            standardised[i] * DoubleDouble(Double(multipliers[features[i]])) / (lengths[i] * targetUnit)
        }
        coefficients = weights.map(\.value)

        func mean(_ column: Int) -> DoubleDouble {
            DoubleDouble(integer: moments[0, column + 1]) / (countDD * DoubleDouble(Double(multipliers[column])))
        }
        var constant = mean(target)
        for i in 0..<d { constant -= weights[i] * mean(features[i]) }
        intercept = constant.value

        // Σ(y − ŷ)² = yᵀy − 2uᵀr + uᵀRu over centred data, R without the ridge.
        let total = DoubleDouble(integer: product(d, d))
        var residual = total
        for i in 0..<d {
            var row = DoubleDouble.zero
            for j in 0..<d { row += DoubleDouble(integer: product(i, j)) / (lengths[i] * lengths[j]) * standardised[j] }
            residual += standardised[i] * (row - right[i] - right[i])
        }
        let unit = countDD * targetUnit * targetUnit
        residualSumOfSquares = max(0, (residual / unit).value)
        totalSumOfSquares = (total / unit).value

        standardErrors = nil
        let freedom = count - d - 1
        if ridge == 0, rank == d, freedom > 0 {
            let variance = residualSumOfSquares / Double(freedom)
            standardErrors = factor.inverseDiagonal().enumerated().map { i, entry in
                // (XᵀX)⁻¹ᵢᵢ = n · multiplierᵢ² · (R⁻¹)ᵢᵢ / lengthᵢ²
                let scale = DoubleDouble(Double(multipliers[features[i]])) / lengths[i]
                return (variance * (entry * countDD * scale * scale).value).squareRoot()
            }
        }
    }
}

/// P·A·Pᵀ = L·Lᵀ for a symmetric positive semi-definite matrix of known rank.
struct PivotedCholesky {
    private let size: Int
    private let rank: Int
    /// Original indices in pivot order; the first `rank` are independent.
    private let order: [Int]
    /// Lower triangle of the first `rank` columns, rows in pivot order.
    private var lower: [DoubleDouble]

    init(_ matrix: [DoubleDouble], size: Int, rank: Int) {
        self.size = size
        self.rank = rank
        var work = matrix
        var order = Array(0..<size)
        for step in 0..<rank {
            var pivot = step
            for row in step..<size where work[row * size + row].high > work[pivot * size + pivot].high { pivot = row }
            if pivot != step {
                order.swapAt(pivot, step)
                for index in 0..<size { work.swapAt(step * size + index, pivot * size + index) }
                for index in 0..<size { work.swapAt(index * size + step, index * size + pivot) }
            }
            let root = work[step * size + step].squareRoot
            work[step * size + step] = root
            guard root.high > 0 else { continue }
            for row in step + 1..<max(size, step + 1) {
                work[row * size + step] = work[row * size + step] / root
            }
            for row in step + 1..<max(size, step + 1) {
                for column in step + 1..<row + 1 {
                    let value = work[row * size + column] - work[row * size + step] * work[column * size + step]
                    work[row * size + column] = value
                    work[column * size + row] = value
                }
            }
        }
        self.order = order
        lower = work
    }

    private func forward(_ right: [DoubleDouble]) -> [DoubleDouble] {
        var result = right
        for row in 0..<rank {
            for column in 0..<row { result[row] -= lower[row * size + column] * result[column] }
            result[row] = result[row] / lower[row * size + row]
        }
        return result
    }

    private func backward(_ right: [DoubleDouble]) -> [DoubleDouble] {
        var result = right
        for row in stride(from: rank - 1, through: 0, by: -1) {
            for column in row + 1..<max(rank, row + 1) { result[row] -= lower[column * size + row] * result[column] }
            result[row] = result[row] / lower[row * size + row]
        }
        return result
    }

    /// A solution of A·x = right whose entries outside the pivots are 0; `right` lies in the range of A.
    func solve(_ right: [DoubleDouble]) -> [DoubleDouble] {
        let solution = backward(forward(order.prefix(rank).map { right[$0] }))
        var result = [DoubleDouble](repeating: .zero, count: size)
        for (position, index) in order.prefix(rank).enumerated() { result[index] = solution[position] }
        return result
    }

    /// The solution with the least Σ(scaleᵢ·xᵢ)² among all that differ from `solution` by a null vector.
    func minimumNorm(_ solution: [DoubleDouble], scales: [DoubleDouble]) -> [DoubleDouble] {
        // One null vector for each dependent column j: 1 at j and −(coefficients of column j in the pivots).
        let nulls = (rank..<size).map { dependent -> [DoubleDouble] in
            let combination = backward((0..<rank).map { lower[dependent * size + $0] })
            var vector = [DoubleDouble](repeating: .zero, count: size)
            for (position, index) in order.prefix(rank).enumerated() { vector[index] = -combination[position] }
            vector[order[dependent]] = DoubleDouble(1)
            return (0..<size).map { vector[$0] * scales[$0] }
        }
        var scaled = (0..<size).map { solution[$0] * scales[$0] }
        // Modified Gram–Schmidt on the null vectors, twice for accuracy; then take their part out of the solution.
        var basis: [[DoubleDouble]] = []
        for var vector in nulls {
            for _ in 0..<2 {
                for other in basis { subtract(other, from: &vector) }
            }
            let length = dot(vector, vector).squareRoot
            basis.append(vector.map { $0 / length })
        }
        for other in basis { subtract(other, from: &scaled) }
        for other in basis { subtract(other, from: &scaled) }
        return (0..<size).map { scaled[$0] / scales[$0] }
    }

    /// The diagonal of A⁻¹ for full rank.
    func inverseDiagonal() -> [DoubleDouble] {
        precondition(rank == size, "rank: got \(rank), want \(size)")
        var result = [DoubleDouble](repeating: .zero, count: size)
        for position in 0..<size {
            var unit = [DoubleDouble](repeating: .zero, count: size)
            unit[position] = DoubleDouble(1)
            let half = forward(unit)
            result[order[position]] = dot(half, half)
        }
        return result
    }

    private func dot(_ a: [DoubleDouble], _ b: [DoubleDouble]) -> DoubleDouble {
        zip(a, b).reduce(.zero) { $0 + $1.0 * $1.1 }
    }

    /// Removes the part along the unit vector.
    private func subtract(_ unit: [DoubleDouble], from vector: inout [DoubleDouble]) {
        let share = dot(unit, vector)
        for index in vector.indices { vector[index] -= share * unit[index] }
    }
}
