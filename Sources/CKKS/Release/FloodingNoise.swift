import Foundation
import Lattice
import Randomness

/// Samples of the discrete Gaussian on the integers with a large deviation, in memory that is wiped.
///
/// Built from samples of deviation 16 by convolution: with s = σ√(2π) and z = ⌊s/(√2·η)⌋, z·x₁ + max(1, z − 1)·x₂ of two
/// samples of width s is a sample of width s·√(z² + max(1, z − 1)²), when η is a smoothing parameter of the integers. The
/// last step takes the least z that reaches the deviation asked for.
///
/// Time and memory accesses do not depend on the samples. η is taken for ε = 2⁻⁸⁰, so the convolutions contribute below
/// 2⁻⁶⁰; the base samples are within 2⁻⁵⁵ each (143 entries rounded to 2⁻⁶³, and the tail), at most 32 make one sample, so
/// the statistical distance from the discrete Gaussian is at most 2⁻⁴⁹ a sample.
/// - Reference: Micciancio, Walter 2017 (ePrint 2017/259), section 5.
package struct FloodingNoise: Sendable {
    /// The deviation that the samples have: at least what was asked for.
    package let deviation: Double
    private let storage: SecretBytes
    package let count: Int

    /// Statistical distance from the exact distribution, per sample.
    package static let distance = 0x1p-49
    /// Deviations that can be made: of the greatest, every possible sample fits 63 bits.
    package static let deviations = 32.0...0x1p57

    /// The multipliers of each step, and the deviation of the result.
    package struct Plan: Hashable, Sendable {
        package let steps: [(Int64, Int64)]
        package let deviation: Double

        package static func == (left: Self, right: Self) -> Bool { left.deviation == right.deviation }
        package func hash(into hasher: inout Hasher) { hasher.combine(deviation) }

        package init(reaching wanted: Double) {
            precondition(FloodingNoise.deviations.contains(wanted), "deviation: want 32...2^57")
            let smoothing = (log(2 * (1 + 0x1p80)) / Double.pi).squareRoot()
            var deviation = FloodingNoise.baseDeviation
            var steps: [(Int64, Int64)] = []
            while deviation < wanted {
                let width = deviation * (2 * Double.pi).squareRoot()
                var z = max(1, (width / (2.0.squareRoot() * smoothing)).rounded(.down))
                func grown(_ z: Double) -> Double {
                    let other = max(1, z - 1)
                    return (z * z + other * other).squareRoot() * deviation
                }
                if grown(z) > wanted {
                    // z² + (z − 1)² ≥ r² from z = (1 + √(2r² − 1))/2 on; z = 1 gives √2.
                    let ratio = wanted / deviation
                    let least = ratio * ratio <= 2 ? 1 : ((1 + (2 * ratio * ratio - 1).squareRoot()) / 2).rounded(.up)
                    z = min(z, least)
                }
                steps.append((Int64(z), Int64(max(1, z - 1))))
                deviation = grown(z)
            }
            self.steps = steps
            self.deviation = deviation
        }
    }

    /// - Cost: 2 to 32 base samples for each.
    package init(count: Int, deviation wanted: Double, using random: inout some SecureRandom) {
        let plan = Plan(reaching: wanted)
        deviation = plan.deviation
        self.count = count
        let leaves = 1 << plan.steps.count
        // Blocks keep the base samples in the cache.
        let block = max(1, 8192 / leaves)
        storage = SecretBytes(count: count * 8) { bytes in
            let target = bytes.bindMemory(to: Int64.self)
            for start in stride(from: 0, to: count, by: block) {
                let size = min(block, count - start)
                let base = SmallPolynomial.gaussian(
                    count: (size * leaves + 7) / 8 * 8, cumulative: Self.baseTable, using: &random)
                base.withValues(SecretAccess("noise of a release")) { leavesOfAll in
                    withUnsafeTemporaryAllocation(of: Int64.self, capacity: leaves) { tree in
                        for i in 0..<size {
                            for k in 0..<leaves { tree[k] = leavesOfAll[i * leaves + k] }
                            var width = leaves
                            for (a, b) in plan.steps {
                                width /= 2
                                for k in 0..<width { tree[k] = a &* tree[2 * k] &+ b &* tree[2 * k + 1] }
                            }
                            target[start + i] = tree[0]
                        }
                        for k in 0..<leaves { tree[k] = 0 }
                    }
                }
            }
        }
    }

    package func withValues<Result>(
        _ access: SecretAccess, _ body: (UnsafeBufferPointer<Int64>) throws -> Result
    ) rethrows -> Result {
        try storage.withBytes(access) { try body($0.assumingMemoryBound(to: Int64.self)) }
    }

    /// The samples as the lowest coefficients of a polynomial, the others zero; marked secret.
    ///
    /// Written in digits narrower than every prime, so that no division by a prime depends on a sample.
    package func polynomial(_ basis: RNSBasis) -> RNSPolynomial<Coefficients> {
        precondition(count <= basis.ring.degree, "count: got \(count), want at most \(basis.ring.degree)")
        let digitBits = Int64(basis.moduli.map(\.bitWidth).min()! - 2)
        let digits = Int((62 + digitBits) / digitBits)
        return withValues(SecretAccess("noise of a release")) { values in
            var result = RNSPolynomial<Coefficients>(zero: basis, isSecret: true)
            var digit = [Int64](repeating: 0, count: basis.ring.degree)
            for place in (0..<digits).reversed() {
                if place < digits - 1 { result.multiply(byInteger: 1 << digitBits) }
                for i in 0..<count {
                    let shifted = values[i] >> (Int64(place) * digitBits)
                    // The highest digit carries the sign, the others are unsigned.
                    digit[i] = place == digits - 1 ? shifted : shifted & ((1 << digitBits) - 1)
                }
                result.add(RNSPolynomial(signed: digit, basis: basis, isSecret: true))
            }
            for i in 0..<count { digit[i] = 0 }
            return result
        }
    }
}
