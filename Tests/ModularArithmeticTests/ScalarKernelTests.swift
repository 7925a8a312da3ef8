import BigIntegers
import CKernels
import TacitTestSupport
import Testing

/// The kernels that run on any processor, against ``Montgomery64Reference``.
@Suite struct ScalarKernelTests {
    @Test func products() {
        var generator = TestGenerator(seed: 20)
        for modulus in extremeModuli() {
            let reference = Montgomery64Reference(modulus: modulus)
            let limbs = reference.limbs
            let numbers = [0, 1, modulus - 1, modulus - 2] + generator.residues(3, below: modulus)
            var scratch = [UInt64](repeating: 0xAAAA, count: limbs + 1)
            for left in numbers {
                for right in numbers {
                    var result = [UInt64](repeating: 0xAAAA, count: limbs)
                    tacit_mont64_multiply(
                        &result, left.limbs(count: limbs), right.limbs(count: limbs), reference.modulus,
                        reference.inverse, limbs, &scratch)
                    #expect(
                        result == reference.product(left, right).limbs(count: limbs),
                        "\(left) times \(right) modulo \(modulus)")
                }
                // Result and both factors may be one number.
                var power = left.limbs(count: limbs)
                power.withUnsafeMutableBufferPointer { words in
                    let words = words.baseAddress!
                    tacit_mont64_multiply(
                        words, words, words, reference.modulus, reference.inverse, limbs, &scratch)
                }
                #expect(power == reference.product(left, left).limbs(count: limbs))
            }
        }
    }

    @Test func selections() {
        var generator = TestGenerator(seed: 21)
        for limbs in [1, 3, 96] {
            for entries in [1, 2, 5, 64] {
                let table = (0..<entries * limbs).map { _ in generator.next() }
                for choice in 0..<entries {
                    var result = [UInt64](repeating: 0xAAAA, count: limbs)
                    tacit_mont64_select(&result, table, entries, limbs, UInt64(choice))
                    #expect(result == Array(table[choice * limbs..<(choice + 1) * limbs]))
                }
            }
        }
    }
}
