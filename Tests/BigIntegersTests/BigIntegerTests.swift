import BigIntegers
import TacitTestSupport
import Testing

@Suite struct BigIntegerTests {
    @Test func batchInversion() {
        var random = SeededRandom(seed: 3)
        let modulus = (BigInteger(1) << 521) - 1  // a Mersenne prime
        let values = (0..<50).map { _ in BigInteger.random(below: modulus - 1, using: &random) + 1 }
        let inverses = BigInteger.inverses(of: values, modulo: modulus)!
        #expect(zip(values, inverses).allSatisfy { ($0 * $1).modulo(modulus) == 1 })
        #expect(BigInteger.inverses(of: [3, 7, 0], modulo: modulus) == nil)
        #expect(BigInteger.inverses(of: [], modulo: modulus) == [])
        #expect(BigInteger.inverses(of: [3, 5, 4], modulo: 10) == nil)
    }
}
