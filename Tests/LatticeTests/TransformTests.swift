import CKernels
import Lattice
import TacitTestSupport
import Testing

@Suite struct TransformTests {
    /// Runs the transform of one tier on a 64-byte aligned copy.
    private static func transform(
        _ values: [UInt64], _ modulus: Modulus, root: UInt64, tier: Int32, inverse: Bool = false
    ) -> [UInt64] {
        let n = values.count
        let words = UnsafeMutableRawPointer.allocate(byteCount: 8 * n, alignment: 64).bindMemory(
            to: UInt64.self, capacity: n)
        defer { words.deallocate() }
        words.update(from: values, count: n)
        var constants = tacit_modulus_make(modulus.value)
        let tables = tacit_ntt_create(Int32(n.trailingZeroBitCount), &constants, root, tier)
        defer { tacit_ntt_destroy(tables) }
        inverse ? tacit_ntt_inverse(tables, words) : tacit_ntt_forward(tables, words)
        return Array(UnsafeBufferPointer(start: words, count: n))
    }

    /// Inputs that drive lazy sums to their bounds, and random ones.
    private static func inputs(_ n: Int, _ q: UInt64) -> [[UInt64]] {
        [
            [UInt64](repeating: q - 1, count: n), [UInt64](repeating: 0, count: n),
            (0..<n).map { $0 % 2 == 0 ? q - 1 : 0 }, (0..<n).map { $0 < n / 2 ? q - 1 : 1 },
            (0..<n).map { $0 == n - 1 ? q - 1 : 0 }, testResidues(n, below: q, seed: q),
            testResidues(n, below: q, seed: q + 1),
        ]
    }

    @Test(arguments: 10...17, [20, 30, 40, 49, 50])
    func everyTierEqualsTheTextbook(logDegree: Int, bits: Int) throws {
        let n = 1 << logDegree
        let modulus = try Modulus.testPrimes(bits: bits, logDegree: logDegree)[0]
        let root = modulus.primitiveRoot(order: 2 << UInt64(logDegree))
        for (number, input) in Self.inputs(n, modulus.value).enumerated() {
            let wanted = ReferenceLattice.forward(input, root: root, modulus.value)
            for tier in Tiers.all {
                let what = "N = 2^\(logDegree), \(bits) bits, input \(number), \(Tiers.names[Int(tier)])"
                let values = Self.transform(input, modulus, root: root, tier: tier)
                #expect(values.elementsEqual(wanted) as Bool, "\(what)")
                #expect(Self.transform(values, modulus, root: root, tier: tier, inverse: true) == input, "\(what)")
                // Any evaluations, not only transforms of small inputs, go back and forth.
                let back = Self.transform(input, modulus, root: root, tier: tier, inverse: true)
                #expect(Self.transform(back, modulus, root: root, tier: tier) == input, "\(what)")
            }
        }
    }

    /// The reference itself, from the definition of evaluation.
    @Test(arguments: [10, 13])
    func referenceEvaluates(logDegree: Int) throws {
        let n = 1 << logDegree
        let modulus = try Modulus.testPrimes(bits: 50, logDegree: logDegree)[0]
        let q = modulus.value
        let root = modulus.primitiveRoot(order: 2 << UInt64(logDegree))
        #expect(ReferenceLattice.power(root, UInt64(n), q) == q - 1)
        let input = testResidues(n, below: q, seed: 3)
        let values = ReferenceLattice.forward(input, root: root, q)
        for i in [0, 1, 2, 17, n / 2, n - 1] {
            let x = ReferenceLattice.power(root, UInt64(2 * ReferenceLattice.reverse(i, bits: logDegree) + 1), q)
            #expect(values[i] == ReferenceLattice.evaluate(input, at: x, q))
        }
    }

    @Test(arguments: 10...17)
    func productsAreNegacyclic(logDegree: Int) throws {
        let n = 1 << logDegree
        let ring = TestRings.make(logDegree, [50, 35], [])
        let basis = ring.ciphertextBasis
        var generator = TestGenerator(seed: UInt64(logDegree))
        let a = RNSPolynomial<Coefficients>.random(basis, seed: 5)
        // Above 2^11 the schoolbook product gets a factor with few terms.
        var b = RNSPolynomial<Coefficients>.random(basis, seed: 6)
        if logDegree > 11 {
            var few = [Int64](repeating: 0, count: n)
            for _ in 0..<20 {
                few[Int.random(in: 0..<n, using: &generator)] = .random(in: -(1 << 30)...1 << 30, using: &generator)
            }
            few[n - 1] = -1
            b = RNSPolynomial(signed: few, basis: basis)
        }
        let product = (a.transformed() * b.transformed()).transformed()
        for j in 0..<basis.count {
            #expect(
                product.residues(j)
                    == ReferenceLattice.negacyclicProduct(b.residues(j), a.residues(j), basis[j].value))
        }
    }

    @Test(arguments: [1, 3, 5, 25, 2047, 1023, 77])
    func automorphismsAgreeInBothForms(exponent: UInt32) throws {
        let ring = TestRings.small
        let element = try GaloisElement(exponent: exponent, logDegree: 10)
        let a = RNSPolynomial<Coefficients>.random(ring.ciphertextBasis, seed: 9)
        let direct = a.applying(element)
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            #expect(a.transformed().applying(element).transformed() == direct)
        }
        let back = element.inverse(logDegree: 10)
        #expect(direct.applying(back) == a)
        #expect(element.composed(with: back, logDegree: 10) == .identity)
    }

    @Test func rotationsAreAGroup() {
        for logDegree in [10, 15, 17] {
            let a = GaloisElement.rotation(by: 3, logDegree: logDegree)
            let b = GaloisElement.rotation(by: -3, logDegree: logDegree)
            #expect(a.exponent == 125)
            #expect(a.composed(with: b, logDegree: logDegree) == .identity)
            #expect(a.inverse(logDegree: logDegree) == b)
            #expect(GaloisElement.rotation(by: 1 << (logDegree - 1), logDegree: logDegree) == .identity)
            let c = GaloisElement.conjugation(logDegree: logDegree)
            #expect(c.inverse(logDegree: logDegree) == c)
        }
    }
}
