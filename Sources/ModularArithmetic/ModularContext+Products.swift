import BigIntegers
import Parallelism

extension ModularContext {
    /// aᵢ · bᵢ mod modulus.
    public func products(_ a: [BigInteger], _ b: [BigInteger]) -> [BigInteger] {
        precondition(a.count == b.count, "b: got \(b.count) factors, want \(a.count)")
        #if arch(x86_64)
            if let lanes = lanes(for: a.count, lanesInProducts: 4) { return lanes.product(ofColumns: [a, b]) }
        #endif
        return parallelMap(a.count, chunk: 32) { self.product(a[$0], b[$0]) }
    }

    /// The product of all factors; 1 when there are none.
    public func product(of factors: [BigInteger]) -> BigInteger {
        #if arch(x86_64)
            if factors.count >= 64, let lanes = lanes(for: factors.count, lanesInProducts: 2) {
                return lanes.partialProducts(of: factors).reduce(1) { product($0, $1) }
            }
        #endif
        let chunk = max(32, (factors.count + 4 * Cores.count - 1) / (4 * Cores.count))
        let parts = parallelMap((factors.count + chunk - 1) / chunk) { part in
            factors[part * chunk..<min(factors.count, (part + 1) * chunk)].reduce(1) { self.product($0, $1) }
        }
        return parts.reduce(1) { product($0, $1) }
    }

    /// The elementwise product of many vectors of one length: result[c] = Πᵣ rows[r][c] mod modulus.
    ///
    /// - Parameter rows: at least one.
    public func product(ofColumns rows: [[BigInteger]]) -> [BigInteger] {
        precondition(!rows.isEmpty, "rows: want at least 1")
        let width = rows[0].count
        precondition(rows.allSatisfy { $0.count == width }, "rows: want rows of one length")
        #if arch(x86_64)
            if rows.count > 1, let lanes = lanes(for: width, lanesInProducts: 2 + 2 / Double(rows.count)) {
                return lanes.product(ofColumns: rows)
            }
        #endif
        return parallelMap(width, chunk: 8) { column in
            rows.dropFirst().reduce(rows[0][column]) { self.product($0, $1[column]) }
        }
    }
}
