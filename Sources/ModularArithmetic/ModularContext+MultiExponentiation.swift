import BigIntegers
import Parallelism

extension ModularContext {
    /// Πᵢ basesᵢ^exponentsᵢ mod modulus, in variable time.
    ///
    /// - Parameters:
    ///   - bases: those with a negative exponent must be invertible.
    ///   - exponents: public numbers, of either sign.
    /// - Returns: 1 when there are no bases.
    /// - Cost: with L-bit exponents about L squarings and Σ(2^(w−1) + L/(w+1)) products (Straus), or
    ///   (L/w)(count + 2^w) products (Pippenger), whichever is less.
    public func multiExponentiation(bases: [BigInteger], exponents: [BigInteger]) -> BigInteger {
        multiExponentiations(bases: bases, exponentRows: [exponents])[0]
    }

    /// Πᵢ basesᵢ^rowᵢ mod modulus for each row of exponents, in variable time.
    ///
    /// Powers of the bases are computed once for all rows. Conditions are those of
    /// ``multiExponentiation(bases:exponents:)``.
    public func multiExponentiations(bases: [BigInteger], exponentRows: [[BigInteger]]) -> [BigInteger] {
        for row in exponentRows {
            precondition(row.count == bases.count, "exponents: got \(row.count), want \(bases.count)")
        }
        let bits = exponentRows.reduce(0) { $1.reduce($0) { max($0, $1.bitWidth) } }
        guard bits > 0, !bases.isEmpty else { return [BigInteger](repeating: 1, count: exponentRows.count) }
        #if arch(x86_64)
            if exponentRows.count >= 4 {
                if let lanes = lanes(for: exponentRows.count),
                    let result = laneMultiExponentiations(lanes, bases: bases, rows: exponentRows, bits: bits)
                {
                    return result
                }
            } else if let lanes = lanes(for: bases.count) {
                return exponentRows.map { laneMultiExponentiation(lanes, bases: bases, exponents: $0) }
            }
        #endif
        return gmpMultiExponentiations(bases: bases, rows: exponentRows, bits: bits)
    }

    #if arch(x86_64)
        /// Rows of exponents of either sign become non-negative by adding 2^bits to each, which multiplies every result by
        /// D = (Π bases)^(2^bits). Returns nil when D has no inverse and one is needed.
        private func laneMultiExponentiations(
            _ lanes: LaneModulus, bases: [BigInteger], rows: [[BigInteger]], bits: Int
        ) -> [BigInteger]? {
            guard rows.contains(where: { $0.contains { $0.signum < 0 } }) else {
                return lanes.multiExponentiations(bases: bases, rows: rows, bits: bits)
            }
            let offset: BigInteger = 1 << bits
            guard let inverse = product(of: bases).power(-offset, modulo: modulus, variableTime: true) else {
                return nil
            }
            let shifted = rows.map { $0.map { $0 + offset } }
            return products(
                lanes.multiExponentiations(bases: bases, rows: shifted, bits: bits + 1),
                [BigInteger](repeating: inverse, count: rows.count))
        }

        private func laneMultiExponentiation(
            _ lanes: LaneModulus, bases: [BigInteger], exponents: [BigInteger]
        ) -> BigInteger {
            func half(_ sign: Int) -> BigInteger {
                let chosen = bases.indices.filter { exponents[$0].signum == sign }
                if chosen.isEmpty { return 1 }
                let magnitudes = chosen.map { exponents[$0].magnitude }
                let bits = magnitudes.reduce(1) { max($0, $1.bitWidth) }
                return lanes.partialMultiExponentiation(
                    bases: chosen.map { bases[$0] }, exponents: magnitudes, bits: bits
                )
                .reduce(1) { product($0, $1) }
            }
            return quotient(half(1), half(-1))
        }
    #endif

    /// Numerator and denominator are kept apart, so that one inversion a row serves all negative exponents.
    func gmpMultiExponentiations(bases: [BigInteger], rows: [[BigInteger]], bits: Int) -> [BigInteger] {
        let straus = { (w: Int) in bases.count * (1 << (w - 1)) + rows.count * bases.count * (bits / (w + 1) + 1) }
        let pippenger = { (w: Int) in rows.count * (bits / w + 1) * (bases.count + (2 << w)) }
        let strausWindow = (1...8).min { straus($0) < straus($1) }!
        let pippengerWindow = (2...16).min { pippenger($0) < pippenger($1) }!
        if straus(strausWindow) <= pippenger(pippengerWindow) {
            // oddPowers[i][k] = basesᵢ^(2k+1)
            let oddPowers = parallelMap(bases.count) { index in
                let square = self.product(bases[index], bases[index])
                var powers = [bases[index].modulo(self.modulus)]
                while powers.count < 1 << (strausWindow - 1) { powers.append(self.product(powers.last!, square)) }
                return powers
            }
            return parallelMap(rows.count) { self.gmpStraus(oddPowers, rows[$0], window: strausWindow) }
        }
        return parallelMap(rows.count) { self.gmpPippenger(bases, rows[$0], bits: bits, window: pippengerWindow) }
    }

    private func gmpStraus(_ oddPowers: [[BigInteger]], _ exponents: [BigInteger], window: Int) -> BigInteger {
        // At bit position p, multiply by the odd powers listed under p; then square on the way down.
        var factors: [Int: [(base: Int, power: Int, negative: Bool)]] = [:]
        var top = 0
        for (index, exponent) in exponents.enumerated() {
            var rest = exponent.magnitude
            var position = 0
            while !rest.isZero {
                let zeros = rest.trailingZeroBitCount
                position += zeros
                rest = rest >> zeros
                let digit = rest.lowBits(window).intValue!
                factors[position, default: []].append((index, digit >> 1, exponent.signum < 0))
                top = max(top, position)
                rest = rest >> window
                position += window
            }
        }
        var numerator: BigInteger = 1
        var denominator: BigInteger = 1
        for position in stride(from: top, through: 0, by: -1) {
            numerator = product(numerator, numerator)
            if denominator != 1 { denominator = product(denominator, denominator) }
            for factor in factors[position] ?? [] {
                let power = oddPowers[factor.base][factor.power]
                if factor.negative {
                    denominator = product(denominator, power)
                } else {
                    numerator = product(numerator, power)
                }
            }
        }
        return quotient(numerator, denominator)
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

    /// numerator / denominator mod modulus.
    func quotient(_ numerator: BigInteger, _ denominator: BigInteger) -> BigInteger {
        if denominator == 1 { return numerator.modulo(modulus) }
        guard let inverse = denominator.inverse(modulo: modulus) else {
            preconditionFailure("bases: a base with a negative exponent has no inverse")
        }
        return product(numerator, inverse)
    }
}
