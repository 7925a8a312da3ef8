#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Πᵢ basesᵢ^rowᵢ for each row of exponents in [0, 2^bits): eight rows at a time, powers of the bases shared by all.
        func multiExponentiations(bases: [BigInteger], rows: [[BigInteger]], bits: Int) -> [BigInteger] {
            let groups = (rows.count + 7) / 8
            func cost(_ window: Int) -> Int {
                (bases.count + 7) / 8 * (1 << window) + groups * (bits + window - 1) / window * bases.count
            }
            let window = (3...8).filter { bases.count * (limbs << $0) * 8 <= 256 << 20 || $0 == 3 }
                .min { cost($0) < cost($1) }!
            let tables = sharedTables(bases, window: window)
            let entries = 1 << window
            return self.groups(rows.count) { engine, range in
                // digits[i] holds those of base i in the eight rows.
                let digits = bases.indices.map { base in
                    LaneDigits(rows[range].map { $0[base] }[...], bits: bits, window: window, shared: false)
                }
                let sum = engine.allocate()
                let factor = engine.allocate()
                engine.copy(sum.words, self.one.words)
                for position in stride(from: digits[0].count - 1, through: 0, by: -1) {
                    if position < digits[0].count - 1 {
                        for _ in 0..<window { engine.square(sum.words, sum.words) }
                    }
                    for base in bases.indices where !digits[base].isZero(at: position) {
                        tacit_mont52_select_shared(
                            factor.words, tables.words + base * self.limbs * entries, entries, self.limbs,
                            digits[base][position])
                        engine.multiply(sum.words, sum.words, factor.words)
                    }
                }
                return engine.leave(sum.words, count: range.count)
            }
        }

        /// For each base its powers 0, 1, …, 2^window − 1 in Montgomery form: digit i of entry e is word i·2^window + e.
        private func sharedTables(_ bases: [BigInteger], window: Int) -> LaneMemory {
            let tableWords = limbs << window
            let tables = LaneMemory(words: bases.count * tableWords)
            parallelFor((bases.count + 7) / 8) { range in
                let engine = LaneEngine(self)
                let first = engine.allocate()
                let power = engine.allocate()
                for group in range {
                    let members = 8 * group..<min(bases.count, 8 * group + 8)
                    engine.enter(bases[members], into: first.words)
                    engine.copy(power.words, self.one.words)
                    for entry in 0..<1 << window {
                        if entry == 1 { engine.copy(power.words, first.words) }
                        if entry > 1 { engine.multiply(power.words, power.words, first.words) }
                        tacit_mont52_scatter_shared(
                            tables.words + 8 * group * tableWords, members.count, tableWords, 1 << window, entry,
                            power.words, self.limbs)
                    }
                }
            }
            return tables
        }

        /// Partial products whose product is Πᵢ basesᵢ^exponentsᵢ, exponents in [0, 2^bits): eight bases at a time, which share the
        /// squarings of their worker.
        func partialMultiExponentiation(bases: [BigInteger], exponents: [BigInteger], bits: Int) -> [BigInteger] {
            let groups = (bases.count + 7) / 8
            let chunk = max(1, min(64, (groups + Cores.count - 1) / Cores.count))
            let window = (1...8).min { a, b in
                (1 << a) + (bits + a - 1) / a < (1 << b) + (bits + b - 1) / b
            }!
            let entries = 1 << window
            return parallelMap((groups + chunk - 1) / chunk) { part in
                let engine = LaneEngine(self)
                let sum = engine.allocate()
                let factor = engine.allocate()
                let members = part * chunk..<min(groups, (part + 1) * chunk)
                let tables = engine.allocate(members.count * entries)
                var digits: [LaneDigits] = []
                for (index, group) in members.enumerated() {
                    let range = 8 * group..<min(bases.count, 8 * group + 8)
                    digits.append(LaneDigits(exponents[range], bits: bits, window: window, shared: false))
                    let table = tables.words + index * entries * self.laneWords
                    engine.copy(table, self.one.words)
                    engine.enter(bases[range], into: table + self.laneWords)
                    for entry in 2..<max(entries, 3) where entry < entries {
                        let power = table + entry * self.laneWords
                        engine.multiply(power, power - self.laneWords, table + self.laneWords)
                    }
                }
                engine.copy(sum.words, self.one.words)
                for position in stride(from: digits[0].count - 1, through: 0, by: -1) {
                    if position < digits[0].count - 1 {
                        for _ in 0..<window { engine.square(sum.words, sum.words) }
                    }
                    for index in digits.indices where !digits[index].isZero(at: position) {
                        let table = tables.words + index * entries * self.laneWords
                        tacit_mont52_gather(factor.words, table, self.limbs, digits[index][position])
                        engine.multiply(sum.words, sum.words, factor.words)
                    }
                }
                return engine.leave(sum.words, count: 8)
            }.flatMap { $0 }
        }
    }
#endif
