#if arch(x86_64)
    import BigIntegers
    import CKernels

    /// Exponents in radix 2^window, as the table lookups want them: digit j of the exponent in lane k is word 8·j + k, least
    /// significant digit first.
    enum LaneDigits {
        static func count(bits: Int, window: Int) -> Int { (bits + window - 1) / window }

        /// Writes the 8·count digits of up to eight exponents in [0, 2^bits); further lanes get 0, or with `shared` the digits of the
        /// first. Time depends on the lengths only.
        static func write(
            _ exponents: ArraySlice<BigInteger>, bits: Int, window: Int, shared: Bool = false,
            into target: UnsafeMutablePointer<UInt64>
        ) {
            let count = count(bits: bits, window: window)
            let mask: UInt64 = (1 << UInt64(window)) - 1
            target.update(repeating: 0, count: 8 * count)
            for (lane, exponent) in exponents.enumerated() {
                var words = exponent.limbs(count: (bits + 63) / 64)
                for digit in 0..<count {
                    let (word, shift) = (digit * window).quotientAndRemainder(dividingBy: 64)
                    var value = words[word] >> UInt64(shift)
                    if shift + window > 64, word + 1 < words.count { value |= words[word + 1] << UInt64(64 - shift) }
                    target[8 * digit + lane] = value & mask
                }
                words.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress!, $0.count) }
            }
            if shared {
                for digit in 0..<count {
                    for lane in 1..<8 { target[8 * digit + lane] = target[8 * digit] }
                }
            }
        }

        /// Writes the choices of up to eight exponents in [0, 2^bits) from comb tables: those from table j at bit k of its blocks are
        /// the words from 8·(depth·j + k) on; further lanes get 0. Time depends on the shape only.
        static func writeComb(
            _ exponents: ArraySlice<BigInteger>, bits: Int, shape: CombShape, into target: UnsafeMutablePointer<UInt64>
        ) {
            target.update(repeating: 0, count: 8 * shape.tables * shape.depth)
            for (lane, exponent) in exponents.enumerated() {
                var words = exponent.limbs(count: (bits + 63) / 64)
                for tooth in 0..<shape.teeth {
                    // depth·j + k is the position in the row; beyond `spacing` the choices stay 0.
                    for position in 0..<min(shape.spacing, max(0, bits - shape.spacing * tooth)) {
                        let bit = shape.spacing * tooth + position
                        target[8 * position + lane] |= (words[bit / 64] >> UInt64(bit % 64) & 1) << UInt64(tooth)
                    }
                }
                words.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress!, $0.count) }
            }
        }

        /// Whether eight digits are all 0; for public exponents.
        static func areZero(_ digits: UnsafeMutablePointer<UInt64>) -> Bool { (0..<8).allSatisfy { digits[$0] == 0 } }
    }
#endif
