#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Runs `body` on consecutive groups of eight indices of 0..<count, on several cores; joins what it returns.
        func groups(
            _ count: Int, _ body: @Sendable (LaneEngine, Range<Int>) -> [BigInteger]
        ) -> [BigInteger] {
            parallelMap((count + 7) / 8) { group in
                body(LaneEngine(self), 8 * group..<min(count, 8 * group + 8))
            }.flatMap { $0 }
        }

        /// One public exponent > 0 for all bases: sliding windows.
        func powers(of bases: [BigInteger], publicExponent exponent: BigInteger) -> [BigInteger] {
            let plan = SlidingWindows(exponent)
            return groups(bases.count) { engine, range in
                engine.withLanes(1 + plan.tableSize) { sum in
                    // powers[k] = base^(2k+1)
                    let powers = sum + self.laneWords
                    engine.enter(bases[range], into: powers)
                    if plan.tableSize > 1 {
                        engine.square(sum, powers)
                        for index in 1..<plan.tableSize {
                            let power = powers + index * self.laneWords
                            engine.multiply(power, power - self.laneWords, sum)
                        }
                    }
                    engine.copy(sum, powers + plan.steps[0].power * self.laneWords)
                    for (index, step) in plan.steps.enumerated() {
                        if index > 0 { engine.multiply(sum, sum, powers + step.power * self.laneWords) }
                        for _ in 0..<step.squarings { engine.square(sum, sum) }
                    }
                    return engine.leave(sum, count: range.count)
                }
            }
        }

        /// One exponent ≥ 0 for each base, or one for all: fixed windows. With `secret` every table entry is read for every
        /// digit, and time depends on the length of the longest exponent in 64-bit words only.
        func powers(of bases: [BigInteger], exponents: [BigInteger], secret: Bool) -> [BigInteger] {
            let longest = exponents.reduce(1) { max($0, $1.bitWidth) }
            let bits = secret ? (longest + 63) / 64 * 64 : longest
            let window = Self.fixedWindow(bits: bits, limbs: limbs, secret: secret)
            let entries = 1 << window
            let digitCount = LaneDigits.count(bits: bits, window: window)
            let shared = exponents.count == 1
            return groups(bases.count) { engine, range in
                engine.withLanes(2 + entries, extraWords: 8 * digitCount) { sum in
                    let factor = sum + self.laneWords
                    let table = factor + self.laneWords
                    let digits = table + entries * self.laneWords
                    LaneDigits.write(
                        shared ? exponents[...] : exponents[range], bits: bits, window: window, shared: shared,
                        into: digits)
                    engine.fillPowers(table, of: bases[range], count: entries)
                    for position in stride(from: digitCount - 1, through: 0, by: -1) {
                        let first = position == digitCount - 1
                        let target = first ? sum : factor
                        if !first { for _ in 0..<window { engine.square(sum, sum) } }
                        if secret {
                            tacit_mont52_select(target, table, entries, self.limbs, digits + 8 * position)
                        } else {
                            tacit_mont52_gather(target, table, self.limbs, digits + 8 * position)
                        }
                        if !first { engine.multiply(sum, sum, factor) }
                    }
                    return engine.leave(sum, count: range.count)
                }
            }
        }

        /// The window with the least cost, in products of about 2.3·limbs² cycles; reading one table entry of a secret choice takes
        /// about 1.5·limbs cycles, a direct read 12·limbs in all.
        static func fixedWindow(bits: Int, limbs: Int, secret: Bool) -> Int {
            func cost(_ window: Int) -> Double {
                let entries = Double(1 << window)
                let reading = (secret ? 1.5 * entries : 12) / (2.3 * Double(limbs))
                return entries + Double((bits + window - 1) / window) * (1 + reading)
            }
            return (1...7).min { cost($0) < cost($1) }!
        }
    }

    extension LaneEngine {
        /// table[e] = baseᵢ^e for e < count in Montgomery form; `count` ≥ 2.
        func fillPowers(_ table: Lanes, of bases: ArraySlice<BigInteger>, count: Int) {
            let laneWords = modulus.laneWords
            copy(table, modulus.one.words)
            enter(bases, into: table + laneWords)
            for entry in stride(from: 2, to: count, by: 1) {
                let power = table + entry * laneWords
                if entry % 2 == 0 {
                    square(power, table + entry / 2 * laneWords)
                } else {
                    multiply(power, power - laneWords, table + laneWords)
                }
            }
        }
    }
#endif
