import BigIntegers
import CKernels
import Parallelism

/// Comb tables of one base in Montgomery form for machines without the eight-lane kernels; see ``CombShape``.
final class ScalarFixedBase: Sendable {
    private let bits: Int
    private let limbs: Int
    private let inverse: UInt64
    private let shape: CombShape
    /// The modulus, then R mod N and 1, with R = 2^(64·limbs).
    private let constants: WipedWords
    /// One table after the other, `shape.entries` numbers each.
    private let tables: WipedWords

    private var modulus: UnsafeMutablePointer<UInt64> { constants.words }
    private var one: UnsafeMutablePointer<UInt64> { constants.words + limbs }
    private var plainOne: UnsafeMutablePointer<UInt64> { constants.words + 2 * limbs }

    /// - Parameter modulus: odd, greater than 1.
    init(base: BigInteger, modulus: BigInteger, bits: Int, expectedCount: Int) {
        self.bits = bits
        limbs = (modulus.bitWidth + 63) / 64
        // In cycles, measured on x86-64.
        let product = 4.2 * Double(limbs * limbs)
        shape = CombShape.best(
            bits: bits, count: expectedCount,
            costs: CombShape.Costs(
                lanes: 1, product: product, squaring: product, reading: 0.67 * Double(limbs), making: product),
            fewestTeeth: 1, greatestEntries: (96 << 20) / (8 * limbs))
        constants = WipedWords(count: 3 * limbs)
        tables = WipedWords(count: shape.tables * shape.entries * limbs)
        let wordSize: BigInteger = 1 << 64
        inverse = (-modulus.inverse(modulo: wordSize)!).modulo(wordSize).limbs(count: 1)[0]
        let root: BigInteger = 1 << (64 * limbs)
        copy(modulus, to: constants.words)
        copy(root.modulo(modulus), to: constants.words + limbs)
        constants.words[2 * limbs] = 1
        fill((base.modulo(modulus) * root).modulo(modulus))
    }

    private func copy(_ number: BigInteger, to target: UnsafeMutablePointer<UInt64>) {
        for (index, word) in number.limbs(count: limbs).enumerated() { target[index] = word }
    }

    private func multiply(
        _ result: UnsafeMutablePointer<UInt64>, _ left: UnsafePointer<UInt64>, _ right: UnsafePointer<UInt64>,
        scratch: UnsafeMutablePointer<UInt64>
    ) {
        tacit_mont64_multiply(result, left, right, modulus, inverse, limbs, scratch)
    }

    /// Lends wiped memory for `count` numbers, then limbs + 1 words of scratch, then `extra` words.
    private func withWords<Result>(
        _ count: Int, extra: Int = 0, _ body: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>) -> Result
    ) -> Result {
        let memory = WipedWords(count: (count + 1) * limbs + 1 + extra)
        return withExtendedLifetime(memory) { body(memory.words, memory.words + count * limbs) }
    }

    private func fill(_ base: BigInteger) {
        withWords(1 + shape.teeth * shape.tables) { square, scratch in
            // roots[i + teeth·j] = base^(2^(spacing·i + depth·j)), one squaring after the other.
            let roots = square + limbs
            copy(base, to: square)
            for exponent in 0..<shape.spacing * shape.teeth {
                if exponent > 0 { multiply(square, square, square, scratch: scratch) }
                let (tooth, rest) = exponent.quotientAndRemainder(dividingBy: shape.spacing)
                if rest % shape.depth == 0 {
                    (roots + (tooth + shape.teeth * (rest / shape.depth)) * limbs).update(from: square, count: limbs)
                }
            }
            nonisolated(unsafe) let shared = roots
            parallelFor(shape.tables) { range in
                for table in range { self.fill(table, roots: shared + table * self.shape.teeth * self.limbs) }
            }
        }
    }

    /// Products of the roots over all sets of teeth.
    private func fill(_ table: Int, roots: UnsafeMutablePointer<UInt64>) {
        withWords(0) { _, scratch in
            let sets = tables.words + table * shape.entries * limbs
            sets.update(from: one, count: limbs)
            for set in 1..<shape.entries {
                let top = set.bitWidth - 1 - set.leadingZeroBitCount
                multiply(sets + set * limbs, sets + (set - (1 << top)) * limbs, roots + top * limbs, scratch: scratch)
            }
        }
    }

    func powers(_ exponents: [BigInteger]) -> [BigInteger] {
        parallelMap(exponents.count) { self.power(exponents[$0]) }
    }

    private func power(_ exponent: BigInteger) -> BigInteger {
        withWords(2, extra: shape.tables * shape.depth) { sum, scratch in
            let factor = sum + limbs
            let choices = scratch + limbs + 1
            shape.write(choicesOf: exponent, bits: bits, stride: 1, into: choices)
            sum.update(from: one, count: limbs)
            for bit in stride(from: shape.depth - 1, through: 0, by: -1) {
                if bit < shape.depth - 1 { multiply(sum, sum, sum, scratch: scratch) }
                for table in 0..<shape.tables {
                    tacit_mont64_select(
                        factor, tables.words + table * shape.entries * limbs, shape.entries, limbs,
                        choices[shape.depth * table + bit])
                    multiply(sum, sum, factor, scratch: scratch)
                }
            }
            multiply(sum, sum, plainOne, scratch: scratch)
            return BigInteger(limbs: UnsafeBufferPointer(start: sum, count: limbs))
        }
    }
}
