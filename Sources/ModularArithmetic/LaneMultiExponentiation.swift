#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Πᵢ basesᵢ^rowᵢ for each row of exponents in [0, 2^bits): eight rows at a time, powers of the bases shared by all.
        /// With `secret` time depends on the counts and `bits` only.
        func multiExponentiations(
            bases: [BigInteger], rows: [[BigInteger]], bits: Int, secret: Bool
        ) -> [BigInteger] {
            let groupCount = (rows.count + 7) / 8
            func cost(_ window: Int) -> Int {
                ((bases.count + 7) / 8) << window + groupCount * LaneDigits.count(bits: bits, window: window)
                    * bases.count
            }
            let window = (3...8).filter { $0 == 3 || bases.count * (8 * limbs << $0) <= 256 << 20 }
                .min { cost($0) < cost($1) }!
            let tables = sharedTables(bases, window: window)
            let tableWords = limbs << window
            let digitCount = LaneDigits.count(bits: bits, window: window)
            return groups(rows.count) { engine, range in
                engine.withLanes(2, extraWords: 8 * digitCount * bases.count) { sum in
                    let factor = sum + self.laneWords
                    let digits = factor + self.laneWords
                    for base in bases.indices {
                        LaneDigits.write(
                            rows[range].map { $0[base] }[...], bits: bits, window: window,
                            into: digits + 8 * digitCount * base)
                    }
                    engine.copy(sum, self.one.words)
                    for position in stride(from: digitCount - 1, through: 0, by: -1) {
                        if position < digitCount - 1 { for _ in 0..<window { engine.square(sum, sum) } }
                        for base in bases.indices {
                            let choices = digits + 8 * (digitCount * base + position)
                            if !secret, LaneDigits.areZero(choices) { continue }
                            tacit_mont52_select_shared(
                                factor, tables.words + base * tableWords, 1 << window, self.limbs, choices)
                            engine.multiply(sum, sum, factor)
                        }
                    }
                    return engine.leave(sum, count: range.count)
                }
            }
        }

        /// For each base a shared table of its powers 0, 1, …, 2^window − 1.
        private func sharedTables(_ bases: [BigInteger], window: Int) -> WipedWords {
            let tableWords = limbs << window
            let tables = WipedWords(count: bases.count * tableWords)
            parallelFor((bases.count + 7) / 8) { range in
                let engine = LaneEngine(self)
                engine.withLanes(2) { first in
                    for group in range {
                        let members = 8 * group..<min(bases.count, 8 * group + 8)
                        engine.enter(bases[members], into: first)
                        engine.fillSharedPowers(
                            tables.words + 8 * group * tableWords, of: first, count: members.count, window: window,
                            scratch: first + self.laneWords)
                    }
                }
            }
            return tables
        }

        /// Partial products whose product is Πᵢ basesᵢ^exponentsᵢ, exponents in [0, 2^bits): eight bases at a time, which share the
        /// squarings of their worker. With `secret` time depends on the count and `bits` only.
        func partialMultiExponentiation(
            bases: [BigInteger], exponents: [BigInteger], bits: Int, secret: Bool
        ) -> [BigInteger] {
            let groupCount = (bases.count + 7) / 8
            let chunk = max(1, min(64, (groupCount + Cores.count - 1) / Cores.count))
            func cost(_ window: Int) -> Int { 1 << window + LaneDigits.count(bits: bits, window: window) }
            let window = (1...8).min { cost($0) < cost($1) }!
            let entries = 1 << window
            let digitCount = LaneDigits.count(bits: bits, window: window)
            return parallelMap((groupCount + chunk - 1) / chunk) { part in
                let members = part * chunk..<min(groupCount, (part + 1) * chunk)
                let engine = LaneEngine(self)
                let laneCount = 2 + members.count * entries
                return engine.withLanes(laneCount, extraWords: 8 * digitCount * members.count) { sum in
                    let factor = sum + self.laneWords
                    let tables = factor + self.laneWords
                    let digits = tables + members.count * entries * self.laneWords
                    for (index, group) in members.enumerated() {
                        let range = 8 * group..<min(bases.count, 8 * group + 8)
                        LaneDigits.write(
                            exponents[range], bits: bits, window: window, into: digits + 8 * digitCount * index)
                        engine.fillPowers(
                            tables + index * entries * self.laneWords, of: bases[range], count: entries,
                            scratch: sum)
                    }
                    engine.copy(sum, self.one.words)
                    for position in stride(from: digitCount - 1, through: 0, by: -1) {
                        if position < digitCount - 1 { for _ in 0..<window { engine.square(sum, sum) } }
                        for index in 0..<members.count {
                            let choices = digits + 8 * (digitCount * index + position)
                            let table = tables + index * entries * self.laneWords
                            if secret {
                                tacit_mont52_select(factor, table, entries, self.limbs, choices)
                            } else if LaneDigits.areZero(choices) {
                                continue
                            } else {
                                tacit_mont52_gather(factor, table, entries, self.limbs, choices)
                            }
                            engine.multiply(sum, sum, factor)
                        }
                    }
                    return engine.leave(sum, count: 8)
                }
            }.flatMap { $0 }
        }
    }

    extension LaneEngine {
        /// Fills up to eight shared tables that follow one another: entry e of table k is number k of `bases` to the e-th power, all in
        /// Montgomery form; digit i of entry e is word i·2^window + e.
        func fillSharedPowers(_ tables: Lanes, of bases: Lanes, count: Int, window: Int, scratch power: Lanes) {
            let limbs = modulus.limbs
            for entry in 0..<1 << window {
                switch entry {
                case 0: copy(power, modulus.one.words)
                case 1: copy(power, bases)
                default: multiply(power, power, bases)
                }
                tacit_mont52_put_shared_entry(tables, count, limbs << window, 1 << window, entry, power, limbs)
            }
        }
    }
#endif
