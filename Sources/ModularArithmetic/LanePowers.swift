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
                let powers = engine.allocate(plan.tableSize)
                let sum = engine.allocate()
                engine.enter(bases[range], into: powers.words)
                // powers[k] = base^(2k+1)
                if plan.tableSize > 1 {
                    engine.square(sum.words, powers.words)
                    for index in 1..<plan.tableSize {
                        let power = powers.words + index * self.laneWords
                        engine.multiply(power, power - self.laneWords, sum.words)
                    }
                }
                engine.copy(sum.words, powers.words + plan.steps[0].power * self.laneWords)
                for (index, step) in plan.steps.enumerated() {
                    if index > 0 { engine.multiply(sum.words, sum.words, powers.words + step.power * self.laneWords) }
                    for _ in 0..<step.squarings { engine.square(sum.words, sum.words) }
                }
                return engine.leave(sum.words, count: range.count)
            }
        }

        /// One exponent ≥ 0 for each base, or one for all: fixed windows. With `secret` every table entry is read for every
        /// digit, and time depends on the length of the longest exponent in 64-bit words only.
        func powers(of bases: [BigInteger], exponents: [BigInteger], secret: Bool) -> [BigInteger] {
            let longest = exponents.reduce(1) { max($0, $1.bitWidth) }
            let bits = secret ? (longest + 63) / 64 * 64 : longest
            let window = Self.fixedWindow(bits: bits, limbs: limbs, secret: secret)
            let entries = 1 << window
            return groups(bases.count) { engine, range in
                let digits = LaneDigits(
                    exponents.count == 1 ? exponents[...] : exponents[range], bits: bits, window: window,
                    shared: exponents.count == 1)
                let table = engine.allocate(entries)
                let sum = engine.allocate()
                let factor = engine.allocate()
                engine.copy(table.words, self.one.words)
                engine.enter(bases[range], into: table.words + self.laneWords)
                for index in 2..<max(entries, 3) where index < entries {
                    let power = table.words + index * self.laneWords
                    if index % 2 == 0 {
                        engine.square(power, table.words + index / 2 * self.laneWords)
                    } else {
                        engine.multiply(power, power - self.laneWords, table.words + self.laneWords)
                    }
                }
                for position in stride(from: digits.count - 1, through: 0, by: -1) {
                    let first = position == digits.count - 1
                    if !first { for _ in 0..<window { engine.square(sum.words, sum.words) } }
                    let target = first ? sum.words : factor.words
                    if secret {
                        tacit_mont52_select(target, table.words, entries, self.limbs, digits[position])
                    } else {
                        tacit_mont52_gather(target, table.words, self.limbs, digits[position])
                    }
                    if !first { engine.multiply(sum.words, sum.words, factor.words) }
                }
                return engine.leave(sum.words, count: range.count)
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

    /// A public exponent as windows that begin and end with a set bit.
    struct SlidingWindows: Sendable {
        /// Multiply by base^(2·power+1), then square `squarings` times.
        let steps: [(power: Int, squarings: Int)]
        /// Number of odd powers needed.
        let tableSize: Int

        /// - Parameter exponent: > 0.
        init(_ exponent: BigInteger) {
            let bits = exponent.bitWidth
            let window = (1...8).min { (1 << $0) / 2 + bits / ($0 + 1) < (1 << $1) / 2 + bits / ($1 + 1) }!
            var windows: [(value: Int, position: Int)] = []
            var top = bits - 1
            while top >= 0 {
                guard exponent.bit(top) else {
                    top -= 1
                    continue
                }
                var low = max(0, top - window + 1)
                while !exponent.bit(low) { low += 1 }
                var value = 0
                for index in stride(from: top, through: low, by: -1) {
                    value = 2 * value + (exponent.bit(index) ? 1 : 0)
                }
                windows.append((value, low))
                top = low - 1
            }
            steps = windows.indices.map { index in
                let next = index + 1 < windows.count ? windows[index + 1].position : 0
                return (windows[index].value >> 1, windows[index].position - next)
            }
            tableSize = windows.reduce(1) { max($0, ($1.value >> 1) + 1) }
        }
    }

    /// The digits of up to eight exponents in radix 2^window, least significant first, eight lanes side by side; wiped on release.
    final class LaneDigits {
        let count: Int
        private let memory: LaneMemory

        /// - Parameters:
        ///   - exponents: in [0, 2^bits); lanes beyond the last get 0.
        ///   - shared: whether the first exponent is used for all lanes.
        init(_ exponents: ArraySlice<BigInteger>, bits: Int, window: Int, shared: Bool) {
            count = (bits + window - 1) / window
            memory = LaneMemory(words: 8 * count)
            let mask: UInt64 = (1 << UInt64(window)) - 1
            for (lane, exponent) in exponents.enumerated() {
                var words = exponent.limbs(count: (bits + 63) / 64)
                for digit in 0..<count {
                    let position = digit * window
                    var value = words[position / 64] >> UInt64(position % 64)
                    if position % 64 + window > 64, position / 64 + 1 < words.count {
                        value |= words[position / 64 + 1] << UInt64(64 - position % 64)
                    }
                    memory.words[8 * digit + lane] = value & mask
                }
                words.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress!, $0.count) }
            }
            if shared {
                for digit in 0..<count {
                    for lane in 1..<8 { memory.words[8 * digit + lane] = memory.words[8 * digit] }
                }
            }
        }

        /// Whether all eight digits at a position are 0; for public exponents.
        func isZero(at position: Int) -> Bool { (0..<8).allSatisfy { memory.words[8 * position + $0] == 0 } }

        /// The eight digits at one position.
        subscript(position: Int) -> UnsafeMutablePointer<UInt64> { memory.words + 8 * position }
    }
#endif
