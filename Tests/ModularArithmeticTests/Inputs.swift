import BigIntegers
import TacitTestSupport

extension TestGenerator {
    /// A number of at most `bits` bits.
    mutating func integer(bits: Int) -> BigInteger {
        let words = (0..<(bits + 63) / 64).map { _ in next() }
        return BigInteger(limbs: words).lowBits(bits)
    }

    /// An odd number of exactly `bits` bits; `bits` ≥ 2.
    mutating func modulus(bits: Int) -> BigInteger {
        let number = integer(bits: bits - 1) + (1 << (bits - 1))
        return number.isOdd ? number : number + 1
    }

    mutating func residues(_ count: Int, below modulus: BigInteger) -> [BigInteger] {
        (0..<count).map { _ in integer(bits: modulus.bitWidth + 64).modulo(modulus) }
    }
}

/// Odd moduli of many shapes: one digit to 160, all ones, a single bit and one, just below and above the lengths at which a
/// digit is added.
func extremeModuli() -> [BigInteger] {
    var generator = TestGenerator(seed: 52)
    var moduli: [BigInteger] = [3, 5, 7, 0xFFFF_FFFF]
    for bits in [49, 50, 51, 52, 53, 102, 103, 154, 155, 206, 258, 310, 362, 414, 415, 466, 830, 831, 882] {
        moduli.append((1 << bits) - 1)
        moduli.append((1 << (bits - 1)) + 1)
        moduli.append(generator.modulus(bits: bits))
    }
    for bits in [1024, 1536, 2048, 3072, 4096, 6144, 8192, 52 * 160 - 2] {
        moduli.append((1 << bits) - 1)
        moduli.append(generator.modulus(bits: bits))
    }
    // Digits that are all ones or all zero above an odd one.
    moduli.append(((1 << 2000) - 1) << 80 + 1)
    moduli.append((1 << 2078) + 1)
    return moduli
}
