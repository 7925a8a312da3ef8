import BigIntegers

/// Public exponents ≥ 0 of several bases, cut into windows that end with a set bit (Straus's interleaving): going down from the
/// highest position, square once for each position, and there multiply by the odd powers listed.
struct StrausPlan: Sendable {
    /// factors[p]: at bit position p multiply by bases[base]^(2·power + 1).
    let factors: [[(base: Int, power: Int)]]
    /// How many odd powers of each base are needed.
    let tableSizes: [Int]

    init(_ exponents: [BigInteger], window: Int) {
        let bits = exponents.reduce(0) { max($0, $1.bitWidth) }
        var factors = [[(base: Int, power: Int)]](repeating: [], count: bits)
        var tableSizes = [Int](repeating: 0, count: exponents.count)
        for (index, exponent) in exponents.enumerated() {
            var rest = exponent
            var position = 0
            while !rest.isZero {
                let zeros = rest.trailingZeroBitCount
                position += zeros
                rest = rest >> zeros
                let power = rest.lowBits(window).intValue! >> 1
                factors[position].append((index, power))
                tableSizes[index] = max(tableSizes[index], power + 1)
                rest = rest >> window
                position += window
            }
        }
        self.factors = factors
        self.tableSizes = tableSizes
    }

    /// The window that takes the fewest products for one use of each table.
    static func window(bits: Int) -> Int {
        func cost(_ window: Int) -> Int { 1 << (window - 1) + bits / (window + 1) }
        return (1...8).min { cost($0) < cost($1) }!
    }
}
