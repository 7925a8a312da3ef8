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

@Suite struct NearestDoubleTests {
    /// The C library's reading of decimal digits rounds correctly and knows nothing of our code.
    @Test func agreesWithDecimalReading() {
        var random = SeededRandom(seed: 8)
        for bits in [1, 10, 52, 53, 54, 55, 63, 64, 65, 66, 100, 128, 500, 1000, 1023, 1024, 1025, 2000] {
            for _ in 0..<200 {
                let value = BigInteger.random(bits: bits, using: &random)
                #expect(value.nearestDouble == Double(value.description)!)
                #expect((-value).nearestDouble == -value.nearestDouble)
            }
        }
    }

    @Test func tiesGoToTheEvenNeighbour() {
        for shift in [0, 1, 10, 11, 12, 64, 200] {
            let one = BigInteger(1) << shift
            let tie = ((BigInteger(1) << 53) + 1) << shift
            let unit = (BigInteger(1) << 53) << shift
            #expect(tie.nearestDouble == unit.nearestDouble)
            #expect((tie + 2 * one).nearestDouble == (unit + 4 * one).nearestDouble)
            if shift > 0 {
                #expect((tie + 1).nearestDouble == (unit + 2 * one).nearestDouble)
                #expect((tie - 1).nearestDouble == unit.nearestDouble)
            }
        }
        #expect(BigInteger(3).nearestDouble(timesPowerOfTwo: -1) == 1.5)
        #expect(BigInteger(0).nearestDouble == 0)
        #expect((BigInteger(1) << 2000).nearestDouble == .infinity)
        #expect((BigInteger(-1) << 2000).nearestDouble(timesPowerOfTwo: -2000) == -1)
    }
}
