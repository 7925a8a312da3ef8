import CGMP
import Randomness

extension BigInteger {
    /// A uniformly distributed integer in [0, 2^`bits`).
    public static func random(bits: Int, using random: inout some SecureRandom) -> Self {
        precondition(bits > 0, "bits: want at least 1")
        let count = (bits + 63) / 64
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { words in
            random.fill(UnsafeMutableRawBufferPointer(words))
            if bits % 64 != 0 { words[count - 1] &= (1 << UInt64(bits % 64)) - 1 }
            let result = make { __gmpz_import($0, count, -1, 8, 0, 0, words.baseAddress) }
            for index in 0..<count { words[index] = 0 }
            return result
        }
    }

    /// A uniformly distributed integer in [0, `bound`), by rejection.
    public static func random(below bound: Self, using random: inout some SecureRandom) -> Self {
        precondition(bound.signum > 0, "bound: want a positive number")
        while true {
            let candidate = Self.random(bits: bound.bitWidth, using: &random)
            if candidate < bound { return candidate }
        }
    }

    /// Whether the number is prime: trial division, a strong Lucas test and `rounds` − 24 further Miller–Rabin rounds (GMP's
    /// BPSW-based `mpz_probab_prime_p`); a composite passes with probability below 4^−(rounds−24).
    public func isProbablePrime(rounds: Int = 64, variableTime: Bool) -> Bool {
        precondition(variableTime, "the time of a primality test depends on the number")
        return read { __gmpz_probab_prime_p($0, Int32(rounds)) } > 0
    }

    /// The remainder of a non-negative number divided by a small one.
    public func remainder(dividingBy divisor: UInt) -> UInt { read { __gmpz_fdiv_ui($0, divisor) } }
}

extension BigInteger {
    public var isPerfectSquare: Bool { read { __gmpz_perfect_square_p($0) } != 0 }

    /// The Jacobi symbol (self / modulus) of an odd positive modulus: −1, 0 or 1. The time depends on the numbers.
    public func jacobiSymbol(over modulus: Self) -> Int {
        precondition(modulus.signum > 0 && modulus.isOdd, "modulus: want a positive odd number")
        return Int(read { a in modulus.read { __gmpz_jacobi(a, $0) } })
    }

    /// The inverse of each number modulo `modulus`, or nil when one of them has none.
    ///
    /// - Cost: one inversion and three products a number (Montgomery's trick).
    public static func inverses(of values: [Self], modulo modulus: Self) -> [Self]? {
        guard !values.isEmpty else { return [] }
        // prefixes[i] = v₀ ⋯ vᵢ
        var prefixes: [Self] = []
        prefixes.reserveCapacity(values.count)
        for value in values {
            prefixes.append(((prefixes.last ?? 1) * value).modulo(modulus))
        }
        guard var rest = prefixes.last!.inverse(modulo: modulus) else { return nil }
        var result = values
        for index in stride(from: values.count - 1, through: 1, by: -1) {
            result[index] = (rest * prefixes[index - 1]).modulo(modulus)
            rest = (rest * values[index]).modulo(modulus)
        }
        result[0] = rest
        return result
    }
}
