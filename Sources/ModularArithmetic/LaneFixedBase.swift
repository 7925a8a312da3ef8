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
                let positions = Double(LaneDigits.count(bits: bits, window: window))
                let entries = Double(1 << window)
                let lookup = entries / 8 * 1.2 / (2.3 * Double(limbs))
                return positions * (entries / 8 + Double((expectedCount + 7) / 8) * (1 + lookup))
            }
            window = (3...10)
                .filter {
                    $0 == 3 || LaneDigits.count(bits: bits, window: $0) * (8 * limbs << $0) <= Self.greatestBytes
                }
                .min { cost($0) < cost($1) }!
            positions = LaneDigits.count(bits: bits, window: window)
            tables = LaneMemory(words: limbs * positions << window)
            fill(base)
        }

        private func fill(_ base: BigInteger) {
            let engine = LaneEngine(modulus)
            engine.withLanes(positions) { roots in
                // roots[k] = base^(2^(w·k)), one after the other.
                engine.enter([base], into: roots)
                for position in stride(from: 1, to: positions, by: 1) {
                    let root = roots + position * modulus.laneWords
                    engine.square(root, root - modulus.laneWords)
                    for _ in 1..<window { engine.square(root, root) }
                }
                nonisolated(unsafe) let roots = UnsafePointer(roots)
                parallelFor((positions + 7) / 8) { range in
                    for group in range { self.fill(group, roots: roots) }
                }
            }
        }

        /// Eight positions side by side, their powers one after the other.
        private func fill(_ group: Int, roots: UnsafePointer<UInt64>) {
            let engine = LaneEngine(modulus)
            let laneWords = modulus.laneWords
            engine.withLanes(2) { first in
                let power = first + laneWords
                let count = min(8, positions - 8 * group)
                for lane in 0..<count {
                    let root = roots + (8 * group + lane) * laneWords
                    for limb in 0..<modulus.limbs { first[8 * limb + lane] = root[8 * limb] }
                }
                engine.fillSharedPowers(
                    tables.words + 8 * group * tableWords, of: first, count: count, window: window, scratch: power)
            }
        }

        func powers(_ exponents: [BigInteger]) -> [BigInteger] {
            let groups = (exponents.count + 7) / 8
            let together = max(1, min(Self.groupsTogether, (groups + Cores.count - 1) / Cores.count))
            return parallelMap((groups + together - 1) / together) { part in
                self.block(exponents[8 * part * together..<min(exponents.count, 8 * (part + 1) * together)])
            }.flatMap { $0 }
        }

        private func block(_ exponents: ArraySlice<BigInteger>) -> [BigInteger] {
            let engine = LaneEngine(modulus)
            let starts = Array(stride(from: exponents.startIndex, to: exponents.endIndex, by: 8))
            let laneWords = modulus.laneWords
            return engine.withLanes(starts.count + 1, extraWords: 8 * positions * starts.count) { sums in
                let factor = sums + starts.count * laneWords
                let digits = factor + laneWords
                for (group, start) in starts.enumerated() {
                    LaneDigits.write(
                        exponents[start..<min(start + 8, exponents.endIndex)], bits: bits, window: window,
                        into: digits + 8 * positions * group)
                }
                for position in 0..<positions {
                    for group in starts.indices {
                        let sum = sums + group * laneWords
                        tacit_mont52_select_shared(
                            position == 0 ? sum : factor, tables.words + position * tableWords, entries, modulus.limbs,
                            digits + 8 * (positions * group + position))
                        if position > 0 { engine.multiply(sum, sum, factor) }
                    }
                }
                return starts.enumerated().flatMap { group, start in
                    engine.leave(sums + group * laneWords, count: min(8, exponents.endIndex - start))
                }
            }
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
                tacit_mont52_scatter_shared(tables, count, limbs << window, 1 << window, entry, power, limbs)
            }
        }
    }
#endif
