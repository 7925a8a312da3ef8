import CKernels
import Foundation
import Lattice
import TacitTestSupport
import Testing

#if arch(x86_64) && os(Linux)
    private typealias Extended = Float80
    private let definitionTolerance = 0x1p-50
#else
    private typealias Extended = Double
    private let definitionTolerance = 0x1p-46  // the reference itself rounds to doubles
#endif

/// Serialised, since it changes the process' tier.
@Suite(.serialized) struct SlotTransformTests {
    private static func random(_ count: Int, seed: UInt64) -> [Double] {
        var generator = TestGenerator(seed: seed)
        return (0..<count).map { _ in .random(in: -1...1, using: &generator) }
    }

    private static func perTier(_ body: (Int32) throws -> Void) rethrows {
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            try body(tier)
        }
    }

    /// m(ζ^(5^j)) term by term, in extended precision.
    private static func definition(_ coefficients: [Double], slot: Int) -> (Double, Double) {
        let n = coefficients.count
        var exponent = 1
        for _ in 0..<slot { exponent = exponent * 5 % (2 * n) }
        var (re, im): (Extended, Extended) = (0, 0)
        for (k, c) in coefficients.enumerated() where c != 0 {
            let angle = Extended.pi * Extended(exponent * k % (2 * n)) / Extended(n)
            re += Extended(c) * cos(angle)
            im += Extended(c) * sin(angle)
        }
        return (Double(re), Double(im))
    }

    /// Every number of slots, dense and sparse, each tier.
    @Test(arguments: [4, 5, 8, 9, 10])
    func slotsAreValuesAtThePowersOfFive(logDegree: Int) {
        let transform = SlotTransform(logDegree: logDegree)
        for logSlots in 0..<logDegree {
            let n = 1 << logSlots
            let (real, imaginary) = (Self.random(n, seed: 1), Self.random(n, seed: 2))
            Self.perTier { tier in
                let name = "\(n) of \(transform.maximumSlots) slots, \(Tiers.names[Int(tier)])"
                let m = transform.coefficients(real: real, imaginary: imaginary)
                #expect(m.count == transform.degree)
                let gap = transform.maximumSlots / n
                #expect(m.indices.allSatisfy { $0 % gap == 0 || m[$0] == 0 }, "\(name)")
                var error = 0.0
                for j in Set([0, 1, n / 3, n / 2, n - 1]) where j < n {
                    let (re, im) = Self.definition(m, slot: j)
                    error = max(error, hypot(re - real[j], im - imaginary[j]))
                }
                #expect(error < definitionTolerance, "\(name): \(error)")
                let back = m.withUnsafeBufferPointer { transform.slots(coefficients: $0, count: n) }
                let distance = (0..<n).map { hypot(back.real[$0] - real[$0], back.imaginary[$0] - imaginary[$0]) }
                    .max()!
                #expect(distance < 0x1p-50, "\(name): \(distance)")
            }
        }
    }

    @Test(arguments: [14, 16, 17])
    func largeRingsGoBackAndForth(logDegree: Int) {
        let transform = SlotTransform(logDegree: logDegree)
        let n = transform.maximumSlots
        let (real, imaginary) = (Self.random(n, seed: 3), Self.random(n, seed: 4))
        let m = transform.coefficients(real: real, imaginary: imaginary)
        let back = m.withUnsafeBufferPointer { transform.slots(coefficients: $0, count: n) }
        let error = (0..<n).map { hypot(back.real[$0] - real[$0], back.imaginary[$0] - imaginary[$0]) }.max()!
        // Two transforms, the largest slot near √2.
        #expect(error < 0x1p-50 * 2 * 2.0.squareRoot(), "\(error)")
        for j in [1, n - 1] {
            let (re, im) = Self.definition(m, slot: j)
            #expect(hypot(re - real[j], im - imaginary[j]) < 2 * definitionTolerance)
        }
    }

    @Test(arguments: [4, 5, 6, 7, 8, 11, 12, 13, 14])
    func everyTierGivesTheSameBits(logDegree: Int) {
        let transform = SlotTransform(logDegree: logDegree)
        for n in [transform.maximumSlots, transform.maximumSlots / 8] where n > 0 {
            let (real, imaginary) = (Self.random(n, seed: 5), Self.random(n, seed: 6))
            var seen: [[UInt64]] = []
            Self.perTier { _ in
                let m = transform.coefficients(real: real, imaginary: imaginary)
                let z = m.withUnsafeBufferPointer { transform.slots(coefficients: $0, count: n) }
                seen.append((m + z.real + z.imaginary).map(\.bitPattern))
            }
            #expect(seen.allSatisfy { $0 == seen[0] }, "N = \(transform.degree), \(n) slots")
        }
    }

    @Test func absentImaginaryPartsAreZeros() {
        let transform = SlotTransform(logDegree: 12)
        for n in [1, 2, 64, 2048] {
            let real = Self.random(n, seed: 7)
            let zeros = [Double](repeating: 0, count: n)
            #expect(transform.coefficients(real: real) == transform.coefficients(real: real, imaginary: zeros))
        }
    }

    @Test func scalesAreAppliedOnce() {
        let transform = SlotTransform(logDegree: 10)
        let real = Self.random(128, seed: 8)
        let m = transform.coefficients(real: real)
        var scaled = [Double](repeating: 7, count: transform.degree)
        transform.interpolate(real: real, imaginary: nil, count: 128, scale: 0x1p40, to: &scaled)
        #expect(scaled == m.map { $0 * 0x1p40 })
        var (re, im) = ([Double](repeating: 0, count: 128), [Double](repeating: 0, count: 128))
        transform.evaluate(scaled, count: 128, scale: 0x1p-40, real: &re, imaginary: &im)
        let back = m.withUnsafeBufferPointer { transform.slots(coefficients: $0, count: 128) }
        #expect(re == back.real && im == back.imaginary)
    }

    #if arch(x86_64) && os(Linux)
        /// 0.51 units in the last place, everywhere.
        @Test func twiddlesAreExactToTheLastBit() {
            for whole in [UInt64(1), 2, 16, 1 << 15, 1 << 16] {
                var worst = 0.0
                for e in 0...whole {
                    var (c, s) = (0.0, 0.0)
                    tacit_slots_octant(&c, &s, e, whole)
                    let angle = Float80.pi / 4 * Float80(e) / Float80(whole)
                    worst = max(worst, Double(abs(cos(angle) - Float80(c)) / Float80(c.ulp)))
                    if e > 0 { worst = max(worst, Double(abs(sin(angle) - Float80(s)) / Float80(s.ulp))) }
                }
                #expect(worst < 0.51, "\(whole): \(worst)")
            }
        }
    #endif
}
