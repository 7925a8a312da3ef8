#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Rows of bases under one row of public exponents: eight rows at a time.
        func multiExponentiations(baseRows rows: [[BigInteger]], plan: StrausPlan) -> [BigInteger] {
            // The odd powers of base i begin at lane array starts[i].
            let starts = plan.tableSizes.reduce(into: [0]) { $0.append($0.last! + $1) }
            return groups(rows.count) { engine, range in
                engine.withLanes(2 + starts.last!) { sum in
                    let square = sum + self.laneWords
                    let powers = square + self.laneWords
                    for (base, size) in plan.tableSizes.enumerated() where size > 0 {
                        let first = powers + starts[base] * self.laneWords
                        engine.enter(rows[range].map { $0[base] }[...], into: first)
                        if size > 1 { engine.square(square, first) }
                        for index in stride(from: 1, to: size, by: 1) {
                            let power = first + index * self.laneWords
                            engine.multiply(power, power - self.laneWords, square)
                        }
                    }
                    engine.copy(sum, self.one.words)
                    for (position, factors) in plan.factors.enumerated().reversed() {
                        if position < plan.factors.count - 1 { engine.square(sum, sum) }
                        for factor in factors {
                            let power = powers + (starts[factor.base] + factor.power) * self.laneWords
                            engine.multiply(sum, sum, power)
                        }
                    }
                    return engine.leave(sum, count: range.count)
                }
            }
        }

        /// Rows of bases under one row of secret exponents in [0, 2^bits): eight rows at a time; time depends on the
        /// counts and `bits` only.
        func multiExponentiations(
            baseRows rows: [[BigInteger]], secretExponents exponents: [BigInteger], bits: Int
        ) -> [BigInteger] {
            let window = Self.fixedWindow(bits: bits, limbs: limbs, secret: true)
            let entries = 1 << window
            let digitCount = LaneDigits.count(bits: bits, window: window)
            let tableWords = entries * laneWords
            return groups(rows.count) { engine, range in
                engine.withLanes(2 + exponents.count * entries, extraWords: 8 * digitCount * exponents.count) { sum in
                    let factor = sum + self.laneWords
                    let tables = factor + self.laneWords
                    let digits = tables + exponents.count * tableWords
                    for base in exponents.indices {
                        LaneDigits.write(
                            exponents[base...base], bits: bits, window: window, shared: true,
                            into: digits + 8 * digitCount * base)
                        engine.fillPowers(
                            tables + base * tableWords, of: rows[range].map { $0[base] }[...], count: entries,
                            scratch: sum)
                    }
                    engine.copy(sum, self.one.words)
                    for position in stride(from: digitCount - 1, through: 0, by: -1) {
                        if position < digitCount - 1 { for _ in 0..<window { engine.square(sum, sum) } }
                        for base in exponents.indices {
                            tacit_mont52_select(
                                factor, tables + base * tableWords, entries, self.limbs,
                                digits + 8 * (digitCount * base + position))
                            engine.multiply(sum, sum, factor)
                        }
                    }
                    return engine.leave(sum, count: range.count)
                }
            }
        }
    }
#endif
