import BigIntegers
import Parallelism

extension ModularContext {
    /// Πᵢ basesᵢ^exponentsᵢ mod modulus.
    ///
    /// - Parameters:
    ///   - bases: those with a negative exponent must be invertible, with `secret` all of them.
    ///   - exponents: of either sign.
    ///   - secret: whether time and memory accesses must not depend on the exponents. The length of the longest is not
    ///     hidden.
    /// - Returns: 1 when there are no bases.
    /// - Cost: with L-bit exponents about L squarings and for each base 2^w + L/w products, eight at a time where the
    ///   machine has AVX-512 IFMA.
    public func multiExponentiation(
        bases: [BigInteger], exponents: [BigInteger], secret: Bool = false
    ) -> BigInteger {
        multiExponentiations(bases: bases, exponentRows: [exponents], secret: secret)[0]
    }

    /// Πᵢ basesᵢ^rowᵢ mod modulus for each row of exponents.
    ///
    /// Powers of the bases are computed once for all rows. Conditions are those of
    /// ``multiExponentiation(bases:exponents:secret:)``.
    public func multiExponentiations(
        bases: [BigInteger], exponentRows: [[BigInteger]], secret: Bool = false
    ) -> [BigInteger] {
        for row in exponentRows {
            precondition(row.count == bases.count, "exponents: got \(row.count), want \(bases.count)")
        }
        let bits = exponentRows.reduce(0) { $1.reduce($0) { max($0, $1.bitWidth) } }
        guard bits > 0, !bases.isEmpty else { return [BigInteger](repeating: 1, count: exponentRows.count) }
        let manyRows = exponentRows.count >= 4 && hasLanes(for: exponentRows.count)
        if secret || manyRows && exponentRows.contains(where: { $0.contains { $0.signum < 0 } }) {
            // Exponents become non-negative by adding 2^bits, which multiplies every result by D = (Π bases)^(2^bits).
            let offset: BigInteger = 1 << bits
            if let inverse = product(of: bases).power(-offset, modulo: modulus, variableTime: true) {
                let shifted = exponentRows.map { $0.map { $0 + offset } }
                return products(
                    multiExponentiations(bases: bases, nonNegativeRows: shifted, bits: bits + 1, secret: secret),
                    [BigInteger](repeating: inverse, count: exponentRows.count))
            }
            precondition(!secret, "bases: want bases that have inverses")
        } else if manyRows {
            return multiExponentiations(bases: bases, nonNegativeRows: exponentRows, bits: bits, secret: false)
        }
        #if arch(x86_64)
            if let lanes = lanes(for: bases.count) {
                return exponentRows.map { multiExponentiation(lanes, bases: bases, exponents: $0) }
            }
        #endif
        return gmpMultiExponentiations(bases: bases, rows: exponentRows, bits: bits)
    }

    /// Πᵢ rowᵢ^exponentsᵢ mod modulus for each row of bases: one row of exponents for all.
    ///
    /// Conditions are those of ``multiExponentiation(bases:exponents:secret:)``.
    public func multiExponentiations(
        baseRows: [[BigInteger]], exponents: [BigInteger], secret: Bool = false
    ) -> [BigInteger] {
        for row in baseRows {
            precondition(row.count == exponents.count, "bases: got \(row.count), want \(exponents.count)")
        }
        let bits = exponents.reduce(0) { max($0, $1.bitWidth) }
        guard bits > 0, !baseRows.isEmpty else { return [BigInteger](repeating: 1, count: baseRows.count) }
        if secret {
            let offset: BigInteger = 1 << bits
            let shifted = exponents.map { $0 + offset }
            let excess = powers(of: products(ofEach: baseRows), exponent: .variableTime(offset))
            #if arch(x86_64)
                if let lanes = lanes(for: baseRows.count, lanesInProducts: 0.95) {
                    let powers = lanes.multiExponentiations(
                        baseRows: baseRows, secretExponents: shifted, bits: bits + 1)
                    return quotients(powers, excess)
                }
            #endif
            let powers = parallelMap(baseRows.count) {
                self.gmpSecretMultiExponentiation(bases: baseRows[$0], exponents: shifted)
            }
            return quotients(powers, excess)
        }
        func half(_ sign: Int) -> [BigInteger]? {
            let chosen = exponents.indices.filter { exponents[$0].signum == sign }
            if chosen.isEmpty { return nil }
            let plan = StrausPlan(chosen.map { exponents[$0].magnitude }, window: StrausPlan.window(bits: bits))
            let rows = baseRows.map { row in chosen.map { row[$0] } }
            #if arch(x86_64)
                if let lanes = lanes(for: rows.count) { return lanes.multiExponentiations(baseRows: rows, plan: plan) }
            #endif
            return gmpMultiExponentiations(baseRows: rows, plan: plan)
        }
        let numerators = half(1) ?? [BigInteger](repeating: 1, count: baseRows.count)
        guard let denominators = half(-1) else { return numerators }
        return quotients(numerators, denominators)
    }

    /// Rows of exponents in [0, 2^bits).
    private func multiExponentiations(
        bases: [BigInteger], nonNegativeRows rows: [[BigInteger]], bits: Int, secret: Bool
    ) -> [BigInteger] {
        #if arch(x86_64)
            if rows.count >= 4 {
                if let lanes = lanes(for: rows.count) {
                    return lanes.multiExponentiations(bases: bases, rows: rows, bits: bits, secret: secret)
                }
            } else if secret, let lanes = lanes(for: bases.count, lanesInProducts: 0.95) {
                return rows.map { row in
                    lanes.partialMultiExponentiation(bases: bases, exponents: row, bits: bits, secret: true)
                        .reduce(1) { product($0, $1) }
                }
            }
        #endif
        if secret {
            return parallelMap(rows.count) { self.gmpSecretMultiExponentiation(bases: bases, exponents: rows[$0]) }
        }
        return gmpMultiExponentiations(bases: bases, rows: rows, bits: bits)
    }

    #if arch(x86_64)
        private func multiExponentiation(
            _ lanes: LaneModulus, bases: [BigInteger], exponents: [BigInteger]
        ) -> BigInteger {
            func half(_ sign: Int) -> BigInteger {
                let chosen = bases.indices.filter { exponents[$0].signum == sign }
                if chosen.isEmpty { return 1 }
                let magnitudes = chosen.map { exponents[$0].magnitude }
                let bits = magnitudes.reduce(1) { max($0, $1.bitWidth) }
                return lanes.partialMultiExponentiation(
                    bases: chosen.map { bases[$0] }, exponents: magnitudes, bits: bits, secret: false
                )
                .reduce(1) { product($0, $1) }
            }
            return quotient(half(1), half(-1))
        }
    #endif

    /// The product of each row.
    private func products(ofEach rows: [[BigInteger]]) -> [BigInteger] {
        product(ofColumns: rows[0].indices.map { column in rows.map { $0[column] } })
    }

    /// numerator / denominator mod modulus.
    func quotient(_ numerator: BigInteger, _ denominator: BigInteger) -> BigInteger {
        if denominator == 1 { return numerator.modulo(modulus) }
        guard let inverse = denominator.inverse(modulo: modulus) else {
            preconditionFailure("bases: a base with a negative exponent has no inverse")
        }
        return product(numerator, inverse)
    }

    /// numeratorᵢ / denominatorᵢ mod modulus, with one inversion for sixteen of them (Montgomery).
    private func quotients(_ numerators: [BigInteger], _ denominators: [BigInteger]) -> [BigInteger] {
        let chunk = 16
        return parallelMap((numerators.count + chunk - 1) / chunk) { part in
            let range = part * chunk..<min(numerators.count, (part + 1) * chunk)
            // prefixes[i] is the product of the denominators before i.
            var prefixes: [BigInteger] = []
            var all: BigInteger = 1
            for index in range {
                prefixes.append(all)
                all = self.product(all, denominators[index])
            }
            var inverse = self.quotient(1, all)
            var results = Array(numerators[range])
            for index in range.reversed() {
                let offset = index - range.lowerBound
                results[offset] = self.product(results[offset], self.product(inverse, prefixes[offset]))
                inverse = self.product(inverse, denominators[index])
            }
            return results
        }.flatMap { $0 }
    }
}
