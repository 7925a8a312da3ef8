import BigIntegers
import CKernels
import ModularArithmetic
import Parallelism
import TacitTestSupport
import Testing

/// Every function against GMP's elementary operations, on every tier and for every batch size.
@Suite(.serialized) struct TierTests {
    static let tiers: [Int32] = [TACIT_TIER_SCALAR, TACIT_TIER_AVX512_IFMA].map { Int32($0) }

    /// Runs the body on each tier, with one core and with two: the choice of method depends on both.
    private func onEachTier(_ body: (String) -> Void) {
        defer {
            tacit_cpu_limit_tier(Int32.max)
            Cores.limit(to: nil)
        }
        for tier in Self.tiers {
            for cores in 1...2 {
                tacit_cpu_limit_tier(tier)
                Cores.limit(to: cores)
                body("tier \(tier), \(cores) cores")
            }
        }
    }

    private func power(_ base: BigInteger, _ exponent: BigInteger, _ modulus: BigInteger) -> BigInteger {
        base.power(exponent, modulo: modulus, variableTime: true)!
    }

    static let moduli: [BigInteger] = {
        var generator = TestGenerator(seed: 10)
        return [3, (1 << 50) - 1, (1 << 51) - 1, (1 << 1024) - 1, (1 << 511) + 1]
            + [64, 515, 1030].map { generator.modulus(bits: $0) }
    }()

    @Test(arguments: moduli) func powers(modulus: BigInteger) {
        var generator = TestGenerator(seed: 11)
        let context = ModularContext(modulus: modulus)
        let bases = [0, 1, modulus - 1] + generator.residues(30, below: modulus)
        let trials: [BigInteger] = [
            0, 1, 2, 3, 16, 65537, generator.integer(bits: 64), (1 << 130) - 1, generator.integer(bits: 515),
        ]
        for exponent in trials {
            let expected = bases.map { power($0, exponent, modulus) }
            onEachTier { tier in
                for count in exponent == 65537 ? Array(0...33) : [1, 2, 3, 8, 9, 33] {
                    let some = Array(bases.suffix(count))
                    let wanted = Array(expected.suffix(count))
                    #expect(context.powers(of: some, exponent: .variableTime(exponent)) == wanted, "\(tier), \(count)")
                    #expect(context.powers(of: some, exponent: .secret(exponent)) == wanted, "\(tier), \(count)")
                }
            }
        }
    }

    @Test(arguments: moduli) func powersWithOneExponentEach(modulus: BigInteger) {
        var generator = TestGenerator(seed: 12)
        let context = ModularContext(modulus: modulus)
        let bases = [0, 1, modulus - 1] + generator.residues(30, below: modulus)
        for bits in [1, 5, 64, 129, 515] {
            let exponents: [BigInteger] = [0, 1, (1 << bits) - 1] + (0..<30).map { _ in generator.integer(bits: bits) }
            let expected = zip(bases, exponents).map { power($0, $1, modulus) }
            onEachTier { tier in
                for count in bits == 64 ? Array(0...33) : [1, 8, 17, 33] {
                    for secret in [true, false] {
                        let found = context.powers(
                            of: Array(bases.suffix(count)), exponents: Array(exponents.suffix(count)), secret: secret)
                        #expect(found == Array(expected.suffix(count)), "\(tier), \(count) of \(bits) bits")
                    }
                }
            }
        }
    }

    @Test(arguments: moduli) func products(modulus: BigInteger) {
        var generator = TestGenerator(seed: 13)
        let context = ModularContext(modulus: modulus)
        let a = [0, 1, modulus - 1, modulus - 1] + generator.residues(396, below: modulus)
        let b = [modulus - 1, 1, modulus - 1, 2] + generator.residues(396, below: modulus)
        let pairs = zip(a, b).map { ($0 * $1).modulo(modulus) }
        let rows = [a, b, b, a, a].map { Array($0[..<33]) }
        onEachTier { tier in
            for count in 0...33 {
                #expect(context.products(Array(a[..<count]), Array(b[..<count])) == Array(pairs[..<count]), "\(tier)")
            }
            for count in [0, 1, 2, 63, 64, 65, 127, 128, 129, 263, 399] {
                let factors = Array(a.suffix(count))  // without the zero
                let expected = factors.reduce(1) { ($0 * $1).modulo(modulus) }
                #expect(context.product(of: factors) == expected, "\(tier), \(count)")
            }
            for height in 1...5 {
                for width in [0, 1, 2, 8, 9, 33] {
                    let some = rows[..<height].map { Array($0[..<width]) }
                    let expected = (0..<width).map { column in
                        some.reduce(1) { ($0 * $1[column]).modulo(modulus) }
                    }
                    #expect(context.product(ofColumns: some) == expected, "\(tier), \(height) by \(width)")
                }
            }
        }
    }

    /// Bases coprime to the modulus, so that all have inverses.
    private func units(_ count: Int, _ modulus: BigInteger, _ generator: inout TestGenerator) -> [BigInteger] {
        var result: [BigInteger] = []
        while result.count < count {
            result += generator.residues(1, below: modulus).filter { $0.greatestCommonDivisor(modulus) == 1 }
        }
        return result
    }

    @Test(arguments: moduli) func multiExponentiation(modulus: BigInteger) {
        var generator = TestGenerator(seed: 14)
        let context = ModularContext(modulus: modulus)
        for (count, bits) in [(0, 8), (1, 1), (1, 200), (2, 30), (7, 0), (9, 64), (33, 5), (200, 33), (600, 12)] {
            let bases = units(count, modulus, &generator)
            for signed in [false, true] {
                let exponents = (0..<count).map { index in
                    let magnitude = bits == 0 || index == 4 ? 0 : generator.integer(bits: bits)
                    return signed && index % 3 == 1 ? -magnitude : magnitude
                }
                let expected = zip(bases, exponents).reduce(BigInteger(1)) {
                    ($0 * power($1.0, $1.1, modulus)).modulo(modulus)
                }
                onEachTier { tier in
                    for secret in [false, true] {
                        let found = context.multiExponentiation(bases: bases, exponents: exponents, secret: secret)
                        #expect(found == expected, "\(tier), \(count) bases, \(bits) bits, signed \(signed), \(secret)")
                    }
                }
            }
        }
    }

    @Test(arguments: moduli) func multiExponentiationOfManyRows(modulus: BigInteger) {
        var generator = TestGenerator(seed: 15)
        let context = ModularContext(modulus: modulus)
        for (rowCount, count, bits) in [(0, 3, 8), (1, 9, 40), (3, 20, 20), (4, 1, 7), (8, 11, 65), (21, 10, 30)] {
            let bases = units(count, modulus, &generator)
            for signed in [false, true] {
                let rows = (0..<rowCount).map { row in
                    (0..<count).map { column in
                        let magnitude = row == 2 || column == 5 ? 0 : generator.integer(bits: bits)
                        return signed && (row + column) % 2 == 1 ? -magnitude : magnitude
                    }
                }
                let expected = rows.map { row in
                    zip(bases, row).reduce(BigInteger(1)) { ($0 * power($1.0, $1.1, modulus)).modulo(modulus) }
                }
                onEachTier { tier in
                    for secret in [false, true] {
                        let found = context.multiExponentiations(bases: bases, exponentRows: rows, secret: secret)
                        #expect(
                            found == expected,
                            "\(tier), \(rowCount) rows of \(count), \(bits) bits, signed \(signed), secret \(secret)")
                    }
                }
            }
        }
    }

    @Test(arguments: moduli) func multiExponentiationOfManyRowsOfBases(modulus: BigInteger) {
        var generator = TestGenerator(seed: 17)
        let context = ModularContext(modulus: modulus)
        for (rowCount, count, bits) in [(0, 3, 8), (1, 9, 40), (3, 2, 300), (4, 1, 1), (5, 4, 0), (40, 10, 30)] {
            let rows = (0..<rowCount).map { _ in units(count, modulus, &generator) }
            for signed in [false, true] {
                let exponents = (0..<count).map { index in
                    let magnitude = bits == 0 || index == 5 ? 0 : generator.integer(bits: bits)
                    return signed && index % 2 == 1 ? -magnitude : magnitude
                }
                let expected = rows.map { row in
                    zip(row, exponents).reduce(BigInteger(1)) { ($0 * power($1.0, $1.1, modulus)).modulo(modulus) }
                }
                onEachTier { tier in
                    for secret in [false, true] {
                        let found = context.multiExponentiations(baseRows: rows, exponents: exponents, secret: secret)
                        #expect(
                            found == expected,
                            "\(tier), \(rowCount) rows of \(count), \(bits) bits, signed \(signed), secret \(secret)")
                    }
                }
            }
        }
    }

    /// A base without inverse is fine as long as its own exponents are not negative.
    @Test func onlyNegativeExponentsNeedInverses() {
        let modulus: BigInteger = 3 * 1_000_003
        let context = ModularContext(modulus: modulus)
        let bases: [BigInteger] = [3, 2, 5]
        let rows = (1...9).map { [BigInteger($0), BigInteger(-$0), 7] }
        let expected = rows.map { row in
            zip(bases, row).reduce(BigInteger(1)) { ($0 * power($1.0, $1.1, modulus)).modulo(modulus) }
        }
        onEachTier { tier in
            #expect(context.multiExponentiations(bases: bases, exponentRows: rows) == expected, "\(tier)")
            #expect(context.multiExponentiation(bases: bases, exponents: rows[0]) == expected[0], "\(tier)")
        }
    }

    @Test(arguments: moduli) func fixedBase(modulus: BigInteger) {
        var generator = TestGenerator(seed: 16)
        for base in [0, 1, modulus - 1] + generator.residues(2, below: modulus) {
            for (bits, expected) in [(1, 1), (3, 100), (64, 10), (257, 1000), (400, 50000)] {
                let exponents: [BigInteger] =
                    [0, 1, (1 << bits) - 1] + (0..<30).map { _ in generator.integer(bits: bits) }
                let powers = exponents.map { power(base, $0, modulus) }
                onEachTier { tier in
                    // The table is built under the tier and must also work when the tier drops afterwards.
                    let table = FixedBaseTable(
                        base: base, context: ModularContext(modulus: modulus), exponentBits: bits,
                        expectedCount: expected)
                    for count in [0, 1, 8, 9, 33] {
                        #expect(
                            table.powers(Array(exponents[..<count])) == Array(powers[..<count]), "\(tier), \(bits) bits"
                        )
                    }
                    tacit_cpu_limit_tier(0)
                    #expect(table.powers(exponents) == powers, "\(tier), \(bits) bits")
                }
            }
        }
    }

    /// The lengths that Paillier uses: primes, n, p², n².
    @Test(arguments: [1536, 2048, 3072, 4096, 6144, 8192]) func paillierLengths(bits: Int) {
        var generator = TestGenerator(seed: UInt64(bits))
        let modulus = generator.modulus(bits: bits)
        let context = ModularContext(modulus: modulus)
        let bases = generator.residues(9, below: modulus)
        let exponent = generator.integer(bits: 300)
        let expected = bases.map { power($0, exponent, modulus) }
        let table = FixedBaseTable(base: bases[0], context: context, exponentBits: 300, expectedCount: 200)
        let exponents = (0..<200).map { _ in generator.integer(bits: 300) }
        onEachTier { tier in
            #expect(context.powers(of: bases, exponent: .variableTime(exponent)) == expected, "\(tier)")
            #expect(context.powers(of: bases, exponent: .secret(exponent)) == expected, "\(tier)")
        }
        #expect(table.powers(exponents) == exponents.map { power(bases[0], $0, modulus) })
    }

    @Test func wrongArgumentsAreCaught() async {
        await #expect(processExitsWith: .failure) { _ = ModularContext(modulus: 10) }
        await #expect(processExitsWith: .failure) { _ = ModularContext(modulus: 1) }
        await #expect(processExitsWith: .failure) {
            _ = ModularContext(modulus: 15).powers(of: [1], exponent: .variableTime(-1))
        }
        await #expect(processExitsWith: .failure) {
            _ = FixedBaseTable(base: 2, context: ModularContext(modulus: 15), exponentBits: 4, expectedCount: 1)
                .powers([16])
        }
    }
}
