import BigIntegers
import Parallelism

extension ModularContext {
    /// Numerator and denominator are kept apart, so that one inversion a row serves all negative exponents.
    func gmpMultiExponentiations(bases: [BigInteger], rows: [[BigInteger]], bits: Int) -> [BigInteger] {
        let straus = { (w: Int) in bases.count * (1 << (w - 1)) + rows.count * bases.count * (bits / (w + 1) + 1) }
        let pippenger = { (w: Int) in rows.count * (bits / w + 1) * (bases.count + (2 << w)) }
        let strausWindow = (1...8).min { straus($0) < straus($1) }!
        let pippengerWindow = (2...16).min { pippenger($0) < pippenger($1) }!
        if straus(strausWindow) <= pippenger(pippengerWindow) {
            let oddPowers = parallelMap(bases.count) { self.gmpOddPowers(bases[$0], count: 1 << (strausWindow - 1)) }
            return parallelMap(rows.count) { self.gmpStraus(oddPowers, rows[$0], window: strausWindow) }
        }
        return parallelMap(rows.count) { self.gmpPippenger(bases, rows[$0], bits: bits, window: pippengerWindow) }
    }

    /// base^(2k+1) for k < count.
    private func gmpOddPowers(_ base: BigInteger, count: Int) -> [BigInteger] {
        var powers = [base.modulo(modulus)]
        let square = count > 1 ? product(base, base) : base
        while powers.count < count { powers.append(product(powers.last!, square)) }
        return powers
    }

    private func gmpStraus(_ oddPowers: [[BigInteger]], _ exponents: [BigInteger], window: Int) -> BigInteger {
        func half(_ sign: Int) -> BigInteger {
            let plan = StrausPlan(exponents.map { $0.signum == sign ? $0.magnitude : 0 }, window: window)
            var result: BigInteger = 1
            for factors in plan.factors.reversed() {
                if result != 1 { result = product(result, result) }
                for factor in factors { result = product(result, oddPowers[factor.base][factor.power]) }
            }
            return result
        }
        return quotient(half(1), half(-1))
    }

    /// Rows of bases under one row of exponents ≥ 0.
    func gmpMultiExponentiations(baseRows: [[BigInteger]], plan: StrausPlan) -> [BigInteger] {
        parallelMap(baseRows.count) { row in
            let oddPowers = baseRows[row].indices.map {
                self.gmpOddPowers(baseRows[row][$0], count: plan.tableSizes[$0])
            }
            var result: BigInteger = 1
            for factors in plan.factors.reversed() {
                if result != 1 { result = self.product(result, result) }
                for factor in factors { result = self.product(result, oddPowers[factor.base][factor.power]) }
            }
            return result
        }
    }

    /// Rows of secret exponents ≥ 0, each power by itself in constant time.
    func gmpSecretMultiExponentiation(bases: [BigInteger], exponents: [BigInteger]) -> BigInteger {
        zip(bases, exponents).reduce(1) { result, term in
            product(result, gmpPower(term.0, term.1, secret: true))
        }
    }

    private func gmpPippenger(
        _ bases: [BigInteger], _ exponents: [BigInteger], bits: Int, window: Int
    ) -> BigInteger {
        func half(_ negative: Bool) -> BigInteger {
            let chosen = bases.indices.filter { exponents[$0].signum == (negative ? -1 : 1) }
            if chosen.isEmpty { return 1 }
            let magnitudes = chosen.map { exponents[$0].magnitude }
            var result: BigInteger = 1
            for digit in stride(from: (bits - 1) / window, through: 0, by: -1) {
                if result != 1 { for _ in 0..<window { result = product(result, result) } }
                var buckets = [BigInteger?](repeating: nil, count: 1 << window)
                for (base, magnitude) in zip(chosen, magnitudes) {
                    let value = (magnitude >> (digit * window)).lowBits(window).intValue!
                    if value > 0 { buckets[value] = buckets[value].map { product($0, bases[base]) } ?? bases[base] }
                }
                // Π bucket[v]^v as a product of running products.
                var running: BigInteger = 1
                var sum: BigInteger = 1
                for value in stride(from: buckets.count - 1, through: 1, by: -1) {
                    if let bucket = buckets[value] { running = product(running, bucket) }
                    if running != 1 { sum = product(sum, running) }
                }
                result = product(result, sum)
            }
            return result
        }
        return quotient(half(false), half(true))
    }
}
