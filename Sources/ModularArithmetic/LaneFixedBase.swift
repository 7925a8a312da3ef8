#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    /// base^(d·2^(w·k)) for every digit d < 2^w and every position k, in Montgomery form, shared by all lanes.
    final class LaneFixedBase: Sendable {
        private let modulus: LaneModulus
        private let bits: Int
        private let window: Int
        private let positions: Int
        /// One table for each position: digit i of entry d is word i·2^w + d.
        private let tables: LaneMemory

        private var entries: Int { 1 << window }
        private var tableWords: Int { modulus.limbs * entries }

        /// Operand groups that one worker takes through the tables together, so that each table is fetched once for all.
        private static let groupsTogether = 12
        private static let greatestBytes = 96 << 20

        init(base: BigInteger, modulus: LaneModulus, bits: Int, expectedCount: Int) {
            self.modulus = modulus
            self.bits = bits
            let limbs = modulus.limbs
            // In products of 2.3·limbs² cycles: a lookup permutes limbs·2^w/8 vectors at about 1.2 cycles.
            func cost(_ window: Int) -> Double {
                let positions = Double((bits + window - 1) / window)
                let entries = Double(1 << window)
                let lookup = entries / 8 * 1.2 / (2.3 * Double(limbs))
                return positions * (entries / 8 + Double((expectedCount + 7) / 8) * (1 + lookup))
            }
            window = (3...10).filter { (bits + $0 - 1) / $0 * (limbs << $0) * 8 <= Self.greatestBytes || $0 == 3 }
                .min { cost($0) < cost($1) }!
            positions = (bits + window - 1) / window
            tables = LaneMemory(words: limbs * positions << window)
            fill(base)
        }

        private func fill(_ base: BigInteger) {
            // base^(2^(w·k)) for each k, one after the other.
            let engine = LaneEngine(modulus)
            let laneWords = modulus.laneWords
            let roots = engine.allocate(positions)
            engine.enter([base], into: roots.words)
            for position in 1..<max(positions, 2) where position < positions {
                let root = roots.words + position * laneWords
                engine.square(root, root - laneWords)
                for _ in 1..<window { engine.square(root, root) }
            }
            let (window, positions, entries, tableWords) = (window, positions, entries, tableWords)
            let limbs = modulus.limbs
            parallelFor((positions + 7) / 8) { range in
                for group in range {
                    // Eight positions side by side; their powers one after the other.
                    let engine = LaneEngine(self.modulus)
                    let first = engine.allocate()
                    let power = engine.allocate()
                    let count = min(8, positions - 8 * group)
                    for lane in 0..<count {
                        let root = roots.words + (8 * group + lane) * laneWords
                        for limb in 0..<limbs { first.words[8 * limb + lane] = root[8 * limb] }
                    }
                    let target = self.tables.words + 8 * group * tableWords
                    engine.copy(power.words, self.modulus.one.words)
                    for entry in 0..<1 << window {
                        if entry == 1 { engine.copy(power.words, first.words) }
                        if entry > 1 { engine.multiply(power.words, power.words, first.words) }
                        tacit_mont52_scatter_shared(target, count, tableWords, entries, entry, power.words, limbs)
                    }
                }
            }
        }

        func powers(_ exponents: [BigInteger]) -> [BigInteger] {
            let groups = (exponents.count + 7) / 8
            let together = max(1, min(Self.groupsTogether, (groups + Cores.count - 1) / Cores.count))
            return parallelMap((groups + together - 1) / together) { part in
                let range = 8 * part * together..<min(exponents.count, 8 * (part + 1) * together)
                return self.block(exponents[range])
            }.flatMap { $0 }
        }

        private func block(_ exponents: ArraySlice<BigInteger>) -> [BigInteger] {
            let engine = LaneEngine(modulus)
            let starts = Array(stride(from: exponents.startIndex, to: exponents.endIndex, by: 8))
            let digits = starts.map { start in
                LaneDigits(
                    exponents[start..<min(start + 8, exponents.endIndex)], bits: bits, window: window, shared: false)
            }
            let sums = engine.allocate(starts.count)
            let factor = engine.allocate()
            for position in 0..<positions {
                for group in starts.indices {
                    let sum = sums.words + group * modulus.laneWords
                    tacit_mont52_select_shared(
                        position == 0 ? sum : factor.words, tables.words + position * tableWords, entries,
                        modulus.limbs,
                        digits[group][position])
                    if position > 0 { engine.multiply(sum, sum, factor.words) }
                }
            }
            return starts.indices.flatMap { group in
                engine.leave(
                    sums.words + group * modulus.laneWords, count: min(8, exponents.endIndex - starts[group]))
            }
        }
    }
#endif
