/// The lattice kernels as the textbook has them, one word at a time with the processor's division.
public enum ReferenceLattice {
    public static func multiply(_ a: UInt64, _ b: UInt64, _ q: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return q.dividingFullWidth((high % q, low)).remainder
    }

    public static func add(_ a: UInt64, _ b: UInt64, _ q: UInt64) -> UInt64 { (a % q + b % q) % q }

    public static func power(_ base: UInt64, _ exponent: UInt64, _ q: UInt64) -> UInt64 {
        var (result, square, rest) = (1 % q, base % q, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, square, q) }
            square = multiply(square, square, q)
            rest >>= 1
        }
        return result
    }

    public static func reverse(_ x: Int, bits: Int) -> Int {
        (0..<bits).reduce(0) { $0 | (x >> $1 & 1) << (bits - 1 - $1) }
    }

    /// a·b modulo X^N + 1 and q by its definition, N² products.
    public static func negacyclicProduct(_ a: [UInt64], _ b: [UInt64], _ q: UInt64) -> [UInt64] {
        let n = a.count
        var result = [UInt64](repeating: 0, count: n)
        for i in 0..<n where a[i] != 0 {
            for j in 0..<n where b[j] != 0 {
                let product = multiply(a[i], b[j], q)
                let value = i + j < n ? product : (product == 0 ? 0 : q - product)
                result[(i + j) % n] = add(result[(i + j) % n], value, q)
            }
        }
        return result
    }

    /// The value of a at `x`.
    public static func evaluate(_ a: [UInt64], at x: UInt64, _ q: UInt64) -> UInt64 {
        a.reversed().reduce(0) { add(multiply($0, x, q), $1, q) }
    }

    /// The forward transform by radix-2 butterflies with full reduction: position i is the value at
    /// root^(2·reverse(i) + 1).
    public static func forward(_ a: [UInt64], root: UInt64, _ q: UInt64) -> [UInt64] {
        let n = a.count
        let bits = n.trailingZeroBitCount
        var powers = [UInt64](repeating: 1, count: n)
        for i in 1..<n { powers[i] = multiply(powers[i - 1], root, q) }
        var x = a
        var (groups, length) = (1, n)
        while groups < n {
            for group in 0..<groups {
                let w = powers[reverse(groups + group, bits: bits)]
                let start = group * length
                for i in start..<start + length / 2 {
                    let (u, v) = (x[i], multiply(x[i + length / 2], w, q))
                    x[i] = (u + v) % q
                    x[i + length / 2] = (u + q - v) % q
                }
            }
            groups *= 2
            length /= 2
        }
        return x
    }
}
