import BigIntegers

/// The rank of an integer matrix, computed modulo the prime 2^61 − 1.
///
/// The rank modulo a prime never exceeds the true one, and falls short of it only when the prime divides every largest
/// non-zero minor; 2^61 − 1 does not occur in data by accident. So rank deficiency is decided exactly, without a
/// tolerance.
package enum ExactRank {
    static let prime: UInt64 = (1 << 61) - 1

    /// - Parameter entries: a `size` × `size` matrix, row by row.
    package static func rank(of entries: [BigInteger], size: Int) -> Int {
        precondition(entries.count == size * size, "entries: got \(entries.count), want \(size * size)")
        let modulus = BigInteger(prime)
        var matrix = entries.map { UInt64($0.modulo(modulus).intValue ?? 0) }
        var rank = 0
        for column in 0..<size {
            guard let pivot = (rank..<size).first(where: { matrix[$0 * size + column] != 0 }) else { continue }
            for index in 0..<size { matrix.swapAt(pivot * size + index, rank * size + index) }
            let inverse = power(matrix[rank * size + column], prime - 2)
            for row in rank + 1..<max(size, rank + 1) where matrix[row * size + column] != 0 {
                let factor = multiply(matrix[row * size + column], inverse)
                for index in column..<size {
                    let product = multiply(factor, matrix[rank * size + index])
                    matrix[row * size + index] = subtract(matrix[row * size + index], product)
                }
            }
            rank += 1
        }
        return rank
    }

    private static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        // 2^61 ≡ 1, so the high part (bits 61 and up) is added to the low part.
        let low = product.low & prime
        let high = product.high << 3 | product.low >> 61
        let sum = low + high
        return sum >= prime ? sum - prime : sum
    }

    private static func subtract(_ a: UInt64, _ b: UInt64) -> UInt64 { a >= b ? a - b : a + prime - b }

    private static func power(_ base: UInt64, _ exponent: UInt64) -> UInt64 {
        var result: UInt64 = 1
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, square) }
            square = multiply(square, square)
            rest >>= 1
        }
        return result
    }
}
