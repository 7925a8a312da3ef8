import BigIntegers
import Parallelism
import Randomness

/// The odd primes below 2¹⁶, and more of them for sieving.
enum SmallPrimes {
    static let all = below(1 << 16)

    /// Below 2²⁰ in groups whose products fit a machine word, so that one division of a large number serves a group.
    static let groups: [(product: UInt, primes: [Int])] = {
        var groups: [(product: UInt, primes: [Int])] = [(1, [])]
        for prime in below(1 << 20) {
            let (product, overflow) = groups[groups.count - 1].product.multipliedReportingOverflow(by: UInt(prime))
            if overflow {
                groups.append((UInt(prime), [prime]))
            } else {
                groups[groups.count - 1].product = product
                groups[groups.count - 1].primes.append(prime)
            }
        }
        return groups
    }()

    private static func below(_ limit: Int) -> [Int] {
        var isComposite = [Bool](repeating: false, count: limit)
        var primes: [Int] = []
        for candidate in stride(from: 3, to: limit, by: 2) where !isComposite[candidate] {
            primes.append(candidate)
            for multiple in stride(from: candidate * candidate, to: limit, by: 2 * candidate) {
                isComposite[multiple] = true
            }
        }
        return primes
    }

    /// Their product, with 2.
    static let product: BigInteger = {
        var factors = all.map { BigInteger($0) } + [2]
        while factors.count > 1 {
            factors = stride(from: 0, to: factors.count, by: 2).map {
                $0 + 1 < factors.count ? factors[$0] * factors[$0 + 1] : factors[$0]
            }
        }
        return factors[0]
    }()
}

/// Primes for Paillier keys.
///
/// A prime p with p ≡ 3 mod 4, whose two highest bits are set (so that a product of two has exactly twice the length),
/// and for which (p − 1)/2 has no prime factor below 2¹⁶.
///
/// A window of 2¹⁸ candidates from a random start is sieved for both conditions at once, and what remains is tested in
/// random order, so that the choice within a window does not favour primes after long gaps.
enum PrimeGeneration {
    private static let window = 1 << 18

    static func prime(bits: Int, using random: inout some SecureRandom) -> BigInteger {
        while true {
            if let prime = search(bits: bits, using: &random) { return prime }
        }
    }

    private static func search(bits: Int, using random: inout some SecureRandom) -> BigInteger? {
        // start ≡ 3 mod 4; candidate i is start + 4i.
        let low = BigInteger.random(bits: bits - 2, using: &random)
        let start = (BigInteger(3) << (bits - 2)) + ((low >> 2) << 2) + 3
        var isExcluded = [Bool](repeating: false, count: window)
        // The longer the numbers, the more a test costs that a sieved prime saves.
        let limit = bits < 1024 ? 1 << 16 : 1 << 20
        for group in SmallPrimes.groups where group.primes[0] < limit {
            let groupRemainder = start.remainder(dividingBy: group.product)
            for prime in group.primes where prime < limit {
                let remainder = Int(groupRemainder % UInt(prime))
                // 4i ≡ target − start for target 0 (the candidate itself) and 1 (the candidate minus one).
                let quarter = inverseOfFour(modulo: prime)
                for target in 0...(prime < 1 << 16 ? 1 : 0) {
                    var index = (target + prime - remainder) % prime * quarter % prime
                    while index < window {
                        isExcluded[index] = true
                        index += prime
                    }
                }
            }
        }
        var remaining = (0..<window).filter { !isExcluded[$0] }
        for index in stride(from: remaining.count - 1, to: 0, by: -1) {
            remaining.swapAt(index, Int(random.uniform(below: UInt64(index + 1))))
        }
        let group = 2 * Cores.count
        for first in stride(from: 0, to: remaining.count, by: group) {
            let offsets = remaining[first..<min(first + group, remaining.count)]
            let candidates = offsets.map { start + BigInteger(4 * $0) }
            let isPrime = parallelMap(candidates.count) { index in
                // Baillie–PSW, which has no known counterexample, and 5 Miller–Rabin rounds with random bases: for random
                // 1024-bit candidates FIPS 186-5, table B.1, asks for 5 of the latter alone, for longer ones for 4.
                candidates[index].bitWidth == bits && candidates[index].isProbablePrime(rounds: 29, variableTime: true)
            }
            if let index = isPrime.firstIndex(of: true) { return candidates[index] }
        }
        return nil
    }

    /// 4⁻¹ modulo an odd prime.
    private static func inverseOfFour(modulo prime: Int) -> Int {
        let half = (prime + 1) / 2
        return half * half % prime
    }
}
