/// Solves systems with a positive definite matrix.
enum Cholesky {
    /// - Parameter matrix: row-major; only the lower triangle is read.
    static func solve(_ matrix: [Double], _ right: [Double]) -> [Double] {
        let size = right.count
        var factor = matrix
        for i in 0..<size {
            for j in 0...i {
                var sum = factor[i * size + j]
                for k in 0..<j { sum -= factor[i * size + k] * factor[j * size + k] }
                factor[i * size + j] = i == j ? max(sum, 1e-14).squareRoot() : sum / factor[j * size + j]
            }
        }
        var result = right
        for i in 0..<size {
            for k in 0..<i { result[i] -= factor[i * size + k] * result[k] }
            result[i] /= factor[i * size + i]
        }
        for i in stride(from: size - 1, through: 0, by: -1) {
            for k in i + 1..<max(size, i + 1) { result[i] -= factor[k * size + i] * result[k] }
            result[i] /= factor[i * size + i]
        }
        return result
    }
}
