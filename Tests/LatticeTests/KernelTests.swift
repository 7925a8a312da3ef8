import BigIntegers
import CKernels
import Lattice
import TacitTestSupport
import Testing

/// Serialised, since it changes the process' tier.
@Suite(.serialized) struct KernelTests {
    private static let sizes = [15, 20, 31, 40, 49, 50]
    private static let n = 1024

    private typealias Words = UnsafeMutablePointer<UInt64>

    private static func perTier(_ body: (Int32) throws -> Void) rethrows {
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            try body(tier)
        }
    }

    @Test(arguments: KernelTests.sizes)
    func elementwiseKernelsEqualTheReference(bits: Int) throws {
        let n = Self.n
        for modulus in try Modulus.testPrimes(bits: bits, count: 2) {
            var m = tacit_modulus_make(modulus.value)
            let q = modulus.value
            let (a, b, c) = (
                testResidues(n, below: q, seed: 1), testResidues(n, below: q, seed: 2),
                testResidues(n, below: q, seed: 3)
            )
            let s = testResidues(100, below: q, seed: 4)
            Self.perTier { tier in
                func check(_ name: String, _ kernel: (inout [UInt64]) -> Void, _ wanted: (Int) -> UInt64) {
                    var out = a  // in place, too
                    kernel(&out)
                    let wrong = (0..<n).first { out[$0] != wanted($0) }
                    #expect(wrong == nil, "\(name), \(bits) bits, \(Tiers.names[Int(tier)])")
                }
                let product = { (x: UInt64, y: UInt64) in ReferenceLattice.multiply(x, y, q) }
                check("add", { tacit_vector_add(&$0, a, b, n, &m) }) { (a[$0] + b[$0]) % q }
                check("subtract", { tacit_vector_subtract(&$0, a, b, n, &m) }) { (a[$0] + q - b[$0]) % q }
                check("add constant", { tacit_vector_add_constant(&$0, a, s[70], n, &m) }) { (a[$0] + s[70]) % q }
                check("negate", { tacit_vector_negate(&$0, a, n, &m) }) { (q - a[$0]) % q }
                check("multiply", { tacit_vector_multiply(&$0, a, b, n, &m) }) { product(a[$0], b[$0]) }
                check("multiply-add", { tacit_vector_multiply_add(&$0, a, b, c, n, &m) }) {
                    (product(a[$0], b[$0]) + c[$0]) % q
                }
                for s in [0, 1, q - 1, s[70], s[71]] {
                    check("scale", { tacit_vector_scale(&$0, a, s, n, &m) }) { product(a[$0], s) }
                    check("scale-add", { tacit_vector_scale_add(&$0, a, s, c, n, &m) }) {
                        (product(a[$0], s) + c[$0]) % q
                    }
                    check("subtract-scale", { tacit_vector_subtract_scale(&$0, a, b, s, n, &m) }) {
                        product((a[$0] + q - b[$0]) % q, s)
                    }
                }
            }
        }
    }

    /// Short ones, long ones, and lengths that are no multiple of the run that long ones are cut into.
    @Test(arguments: KernelTests.sizes, [1, 2, 4, 5, 6, 7, 13, 14, 15, 16, 31, 48])
    func lazySumsOfProducts(bits: Int, count: Int) throws {
        let n = count < 16 ? 1088 : 128
        let modulus = try Modulus.testPrimes(bits: bits)[0]
        var m = tacit_modulus_make(modulus.value)
        let q = modulus.value
        // The first pair of vectors is the extreme one: all q − 1, which drives the accumulators highest.
        let factors = (0..<3).map { side in
            (0..<count).map { k -> Words in
                let words = Words.allocate(capacity: n)
                let values = testResidues(n, below: q, seed: UInt64(100 * side + k))
                for i in 0..<n { words[i] = i < 16 ? q - 1 : values[i] }
                return words
            }
        }
        defer { factors.joined().forEach { $0.deallocate() } }
        func wanted(_ side: Int) -> [UInt64] {
            (0..<n).map { i in
                (0..<count).reduce(0) {
                    ReferenceLattice.add($0, ReferenceLattice.multiply(factors[0][$1][i], factors[side][$1][i], q), q)
                }
            }
        }
        let pointers = factors.map { $0.map { Optional(UnsafePointer($0)) } }
        Self.perTier { tier in
            var (first, second) = ([UInt64](repeating: 0, count: n), [UInt64](repeating: 0, count: n))
            tacit_vector_dot_pair(&first, &second, pointers[0], pointers[1], pointers[2], count, n, &m)
            #expect(first == wanted(1), "\(bits) bits, \(count) products, \(Tiers.names[Int(tier)])")
            #expect(second == wanted(2), "\(bits) bits, \(count) products, \(Tiers.names[Int(tier)])")
            tacit_vector_dot(&first, pointers[0], pointers[2], count, n, &m)
            #expect(first == wanted(2))
        }
    }

    @Test(arguments: KernelTests.sizes)
    func residuesOfNumbers(bits: Int) throws {
        let n = 256
        let modulus = try Modulus.testPrimes(bits: bits)[0]
        var m = tacit_modulus_make(modulus.value)
        let q = BigInteger(modulus.value)
        var generator = TestGenerator(seed: 11)
        var reals: [Double] = [
            0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0x1p52, -0x1p52, 0x1p53 + 2, 0x1p62, -0x1p63, 0x1p64, 0x1p100,
            0x1p63.nextDown, -(0x1p63.nextDown), 0x1p51 + 0.5, 0x1p51 + 1.5, -0x1p51 - 0.5, 0x1p1023,
            -Double.greatestFiniteMagnitude, Double.leastNonzeroMagnitude, Double(modulus.value),
            -Double(modulus.value),
            -1.5 * Double(modulus.value), 0x1p200 + 0x1p160,
        ]
        // A run of large ones, a run of small ones, and mixed ones: kernels look at runs.
        while reals.count < 64 { reals.append(.random(in: -0x1p500...0x1p500, using: &generator)) }
        while reals.count < 128 { reals.append(.random(in: -0x1p52...0x1p52, using: &generator)) }
        while reals.count < n {
            reals.append(
                Double.random(in: -1...1, using: &generator)
                    * Double(sign: .plus, exponent: .random(in: 0...140, using: &generator), significand: 1))
        }
        let wanted = reals.map { BigInteger(truncating: $0.rounded(.toNearestOrEven)).modulo(q).limbs(count: 1)[0] }
        Self.perTier { tier in
            var out = [UInt64](repeating: 0, count: n)
            tacit_vector_from_double(&out, reals, n, &m)
            #expect(out == wanted, "\(bits) bits, \(Tiers.names[Int(tier)])")
        }
        let words = (0..<n).map { $0 < 4 ? UInt64.max >> UInt64(1 + $0) : generator.next() >> 1 }
        var out = [UInt64](repeating: 0, count: n)
        tacit_vector_reduce(&out, words, n, &m)
        #expect(out == words.map { $0 % modulus.value })
        for a in testResidues(100, below: modulus.value, seed: 12) where a != 0 {
            #expect(ReferenceLattice.multiply(modulus.inverse(a), a, modulus.value) == 1)
        }
    }

    /// Conversion against the Chinese remainder theorem in big integers, from one prime to forty, wide and narrow.
    @Test(arguments: [
        [50], [30, 50], [50, 49, 48], [40, 20, 31, 45, 50, 50], Array(repeating: 50, count: 17),
        Array(repeating: 49, count: 40),
    ])
    func conversionIsCentredAndExact(bits: [Int]) throws {
        let ring = TestRings.make(10, bits, [])
        let sources = ring.moduli
        let targets = try Modulus.testPrimes(bits: 48, count: 2) + Modulus.testPrimes(bits: 17, count: 1)
        let product = sources.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        let n = 128
        var generator = TestGenerator(seed: UInt64(bits.count))
        // Small, large, near the middle (but not so near that the stated error may round it either way), and random.
        let half = product >> 1
        let margin = (product >> 30) + 1
        var integers: [BigInteger] = [0, 1, product - 1, half - margin, half + margin, 12345, product - 12345]
        while integers.count < n {
            let wide = (0..<42).reduce(BigInteger(0)) { sum, _ in (sum << 50) + BigInteger(generator.next() >> 14) }
                .modulo(product)
            let distance = (wide - half).magnitude
            if distance > margin || product.bitWidth < 32 { integers.append(wide) }
        }
        let residues = sources.map { q in integers.map { $0.modulo(BigInteger(q.value)).limbs(count: 1)[0] } }
        let wanted = targets.map { p in
            integers.map { x in (x > half ? x - product : x).modulo(BigInteger(p.value)).limbs(count: 1)[0] }
        }
        Self.perTier { tier in
            #expect(
                LatticeConversion.convert(residues, from: sources, to: targets) == wanted,
                "\(bits.count) primes, \(Tiers.names[Int(tier)])")
        }
    }

    /// Near ±Q/2 either neighbour may come out, but every tier must take the same one.
    @Test func tiersAgreeAtTheBoundary() throws {
        let sources = TestRings.make(10, Array(repeating: 50, count: 8), []).moduli
        let targets = try Modulus.testPrimes(bits: 45, count: 3)
        let product = sources.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        let integers = (0..<128).map {
            (product >> 1) + BigInteger(($0 - 64) * ($0 - 64) * ($0 - 64)) * BigInteger(1 << 40)
        }
        let residues = sources.map { q in integers.map { $0.modulo(BigInteger(q.value)).limbs(count: 1)[0] } }
        var results: [[[UInt64]]] = []
        Self.perTier { _ in results.append(LatticeConversion.convert(residues, from: sources, to: targets)) }
        #expect(results.allSatisfy { $0 == results[0] })
        for (j, p) in targets.enumerated() {
            for (i, x) in integers.enumerated() {
                let allowed = [x, x - product].map { $0.modulo(BigInteger(p.value)).limbs(count: 1)[0] }
                #expect(allowed.contains(results[0][j][i]))
            }
        }
    }

    /// round(x / D) in big integers; where x / D is within 2⁻³⁰ of a half, the neighbour is right, too.
    @Test(arguments: [1, 2])
    func droppingPrimesDividesAndRounds(count: Int) throws {
        let ring = TestRings.small
        for special in [false, true] {
            let basis = special ? ring.keyBasis : ring.ciphertextBasis
            let moduli = basis.moduli
            let a = RNSPolynomial<Coefficients>.random(basis, seed: 21)
            let kept = special ? ring.parameters.moduli.count : moduli.count - count
            let divisor = moduli[kept...].reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
            let integers = CRT.integers(a)
            let margin = divisor >> 30
            Self.perTier { tier in
                let quotient = a.transformed().dividedByDroppedPrimes(count).transformed()
                #expect(quotient.basis == (special ? basis.withoutSpecialPrimes : ring.basis(kept)))
                for j in 0..<kept {
                    let q = BigInteger(moduli[j].value)
                    let rounded = { (x: BigInteger) in
                        ((x << 1) + divisor).dividedFloor(by: divisor << 1).modulo(q).limbs(count: 1)[0]
                    }
                    let residues = quotient.residues(j)
                    let wrong = integers.indices.first { i in
                        residues[i] != rounded(integers[i]) && residues[i] != rounded(integers[i] - margin)
                            && residues[i] != rounded(integers[i] + margin)
                    }
                    #expect(wrong == nil, "limb \(j), \(Tiers.names[Int(tier)])")
                    let exact = integers.indices.count { residues[$0] == rounded(integers[$0]) }
                    #expect(exact >= ring.degree - 8)  // only the extreme inputs come so near to a half
                }
            }
        }
    }

    /// The double nearest to the integer for one and two primes, a few last places for more, the same in every tier.
    @Test(arguments: [
        [50], [15], [50, 49], [30, 50], [17, 15], [50, 40, 40], [40, 20, 31, 50], Array(repeating: 50, count: 20),
    ])
    func centredValuesAreTheIntegers(bits: [Int]) throws {
        let ring = TestRings.make(10, bits.map { max($0, 15) }, [])
        let (basis, n) = (ring.ciphertextBasis, ring.degree)
        let moduli = basis.moduli
        let product = moduli.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        let half = product >> 1
        var generator = TestGenerator(seed: 5)
        var integers: [BigInteger] = [0, 1, -1, half, -half, half - 1, 1 - half]
        while integers.count < n {
            // All magnitudes: random bits cut to a random length.
            let length = Int.random(in: 0..<product.bitWidth - 1, using: &generator)
            var x = BigInteger(0)
            for _ in 0..<(length + 49) / 50 { x = (x << 50) + BigInteger(generator.next() >> 14) }
            x = x.modulo(BigInteger(1) << length)
            integers.append(integers.count % 2 == 0 ? x : -x)
        }
        var a = RNSPolynomial<Coefficients>(zero: basis)
        for (j, q) in moduli.enumerated() {
            let residues = integers.map { $0.modulo(BigInteger(q.value)).limbs(count: 1)[0] }
            a.withMutableLimb(j) { _ = $0.update(fromContentsOf: residues) }
        }
        var seen: [[UInt64]] = []
        Self.perTier { tier in
            let got = a.centredValues()
            seen.append(got.map(\.bitPattern))
            let wrong = integers.indices.first { i in
                let error = (BigInteger(truncating: got[i]) - integers[i]).magnitude
                if bits.count > 2 { return error << 50 > integers[i].magnitude * BigInteger(bits.count) }
                // Nearest: at most half a unit in the last place.
                return error << 1 > BigInteger(truncating: max(1, got[i].magnitude.ulp))
                    || (got[i].magnitude < 0x1p53 && error != 0)
            }
            #expect(wrong == nil, "\(bits), \(Tiers.names[Int(tier)]): \(wrong.map { got[$0] } ?? 0)")
        }
        #expect(seen.allSatisfy { $0 == seen[0] }, "\(bits)")
    }

    @Test func firstBadNumberIsFound() {
        for bad in [Double.nan, .infinity, -.infinity, -.nan] {
            for place in [0, 63, 64, 200, 255] {
                var values = [Double](repeating: .greatestFiniteMagnitude, count: 256)
                #expect(tacit_first_not_finite(values, 256) == 256)
                values[place] = bad
                values[255] = bad
                #expect(tacit_first_not_finite(values, 256) == place)
            }
        }
    }

    @Test func bitsPackAndUnpack() throws {
        for bits in 15...50 {
            let q = (UInt64(1) << bits) - 1
            let values = testResidues(64, below: q, seed: UInt64(bits))
            var bytes = [UInt8](repeating: 0, count: 8 * bits)
            tacit_pack_bits(&bytes, values, 64, Int32(bits))
            var out = [UInt64](repeating: 0, count: 64)
            #expect(tacit_unpack_bits(&out, bytes, 64, Int32(bits), q) == 1)
            #expect(out == values)
            #expect(tacit_unpack_bits(&out, bytes, 64, Int32(bits), values.max()!) == 0)
        }
    }
}

/// Calls the conversion kernel with constants computed by big integers, independently of the library's.
enum LatticeConversion {
    static func convert(_ residues: [[UInt64]], from sources: [Modulus], to targets: [Modulus]) -> [[UInt64]] {
        let n = residues[0].count
        let product = sources.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        let word = { (x: BigInteger, q: Modulus) in x.modulo(BigInteger(q.value)).limbs(count: 1)[0] }
        let source = sources.map { tacit_modulus_make($0.value) }
        let target = targets.map { tacit_modulus_make($0.value) }
        let parts = sources.map { product.dividedExactly(by: BigInteger($0.value)) }
        let inverse = zip(sources, parts).map { word($1.inverse(modulo: BigInteger($0.value))!, $0) }
        let matrix = targets.flatMap { p in parts.map { word($0, p) } }
        let negative = targets.map { word(-product, $0) }
        var out = targets.map { _ in [UInt64](repeating: 0, count: n) }
        let input = residues.map { values in
            let words = UnsafeMutablePointer<UInt64>.allocate(capacity: n)
            words.initialize(from: values, count: n)
            return words
        }
        let output = targets.map { _ in UnsafeMutablePointer<UInt64>.allocate(capacity: n) }
        defer { (input + output).forEach { $0.deallocate() } }
        source.withUnsafeBufferPointer { source in
            target.withUnsafeBufferPointer { target in
                inverse.withUnsafeBufferPointer { inverse in
                    matrix.withUnsafeBufferPointer { matrix in
                        negative.withUnsafeBufferPointer { negative in
                            var conversion = tacit_conversion(
                                sources: sources.count, targets: targets.count, source: source.baseAddress,
                                target: target.baseAddress, inverse: inverse.baseAddress, matrix: matrix.baseAddress,
                                product: negative.baseAddress)
                            tacit_convert_centred(
                                output.map { Optional($0) }, input.map { Optional(UnsafePointer($0)) }, &conversion, 0,
                                n)
                        }
                    }
                }
            }
        }
        for j in targets.indices { out[j] = Array(UnsafeBufferPointer(start: output[j], count: n)) }
        return out
    }
}

enum CRT {
    /// The coefficients in [0, B).
    static func integers(_ a: RNSPolynomial<Coefficients>) -> [BigInteger] {
        let moduli = a.basis.moduli
        let product = moduli.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        var sums = [BigInteger](repeating: 0, count: a.degree)
        for (j, q) in moduli.enumerated() {
            let part = product.dividedExactly(by: BigInteger(q.value))
            let factor = part * part.inverse(modulo: BigInteger(q.value))!
            for (i, x) in a.residues(j).enumerated() { sums[i] += factor * BigInteger(x) }
        }
        return sums.map { $0.modulo(product) }
    }

    /// The coefficients in (−B/2, B/2).
    static func centred(_ a: RNSPolynomial<Coefficients>) -> [BigInteger] {
        let product = a.basis.moduli.reduce(BigInteger(1)) { $0 * BigInteger($1.value) }
        return integers(a).map { $0 > product >> 1 ? $0 - product : $0 }
    }
}
