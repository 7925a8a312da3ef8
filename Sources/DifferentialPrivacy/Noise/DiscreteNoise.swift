import CKernels
import Foundation
import Randomness

/// Draws discrete Laplace or discrete Gaussian noise for vectors, at the speed of the random source.
///
/// A draw is a bin, taken by an alias table of integer weights, a number within the bin, and acceptance with the ratio of
/// the noise's mass to the bin's weight. The ratio is compared with a bound that settles most cases; others are decided
/// in floating point only where its error cannot matter, the rest in 128-bit integers.
/// - Guarantee: each draw is within ``statisticalDistance`` of the exact distribution; account for it in δ.
/// - Edge cases: not constant time: rejected draws and rare comparisons show in the time of a whole vector. See
///   `docs/differential-privacy.md`.
/// - Cost: 16 random bytes and some nanoseconds a draw; building the table takes about 0.1 ms.
/// - Reference: alias tables by Walker 1977; the distributions in Canonne, Kamath, Steinke 2020.
public final class DiscreteNoise: @unchecked Sendable {
    /// σ of mass ∝ exp(−x²/2σ²), or b of mass ∝ exp(−|x|/b): at least what was asked for, by less than a part in 2⁴⁰
    /// where it is at least 1.
    public let scale: Double
    public let isGaussian: Bool
    /// A bound on the total variation distance of one draw from the untruncated distribution: 2⁻⁸⁷, which covers the tail
    /// beyond 12.2σ or 72b and the last comparison.
    public static let statisticalDistance = 0x1p-87

    private let table: tacit_noise_table
    private let columns: UnsafeMutablePointer<tacit_noise_column>
    private let weights: UnsafeMutablePointer<UInt64>
    private let quick: UnsafeMutablePointer<UInt32>

    public static func gaussian(deviation: Double) throws(DifferentialPrivacyError) -> DiscreteNoise {
        try DiscreteNoise("deviation", deviation, isGaussian: true)
    }

    public static func laplace(scale: Double) throws(DifferentialPrivacyError) -> DiscreteNoise {
        try DiscreteNoise("scale", scale, isGaussian: false)
    }

    /// The largest scale: 2³⁶.
    public static let largestScale = 0x1p36

    private init(_ name: String, _ value: Double, isGaussian: Bool) throws(DifferentialPrivacyError) {
        guard value >= 0x1p-10, value <= Self.largestScale else {
            throw DifferentialPrivacyError(
                code: .unsupportedScale, message: "\(name): got \(value), want a number in [2^-10, 2^36]")
        }
        let columnBits = isGaussian ? 10 : 11
        let count = 1 << columnBits
        // Bins reach so far.
        let reach = value * (isGaussian ? 12.2 : 72)
        var widthBits = 0
        while Double(count - 1) * Double(1 << widthBits) <= reach + 1 { widthBits += 1 }

        // γ = x^power · multiplier / divisor, the divisor rounded up: more noise, never less.
        let square = isGaussian ? value * value : value
        let multiplierBits = max(0, min(44, 60 - Int(square.exponent)))
        let multiplier = Double(1 << multiplierBits)
        let divisor = UInt128((square * multiplier * (1 + 4e-16)).rounded(.up)) * (isGaussian ? 2 : 1)
        scale = isGaussian ? (Double(divisor) / (2 * multiplier)).squareRoot() : Double(divisor) / multiplier
        self.isGaussian = isGaussian
        let rate = multiplier / Double(divisor)
        func mass(_ x: Double) -> Double { exp(-(isGaussian ? x * x : x) * rate) }

        let columns = UnsafeMutablePointer<tacit_noise_column>.allocate(capacity: count)
        let weights = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        let quick = UnsafeMutablePointer<UInt32>.allocate(capacity: count)
        (self.columns, self.weights, self.quick) = (columns, weights, quick)
        weights.initialize(repeating: 0, count: count)
        quick.initialize(repeating: 0, count: count)
        let width = Double(1 << widthBits)
        let heights = (0..<count - 1).map { mass(Double($0) * width) }
        let total = heights.reduce(0, +)
        let capacity = UInt64(1) << UInt64(63 - columnBits)
        // One part in 2²⁰ and one unit for each bin are left for rounding up; the last bin takes what remains.
        let unit = UInt64((0x1p63 / total * (1 - 0x1p-20)).rounded(.down))
        var sum: UInt64 = 0
        for (k, height) in heights.enumerated() {
            weights[k] = UInt64((height * Double(unit) * (1 + 0x1p-40)).rounded(.up)) + 1
            sum += weights[k]
            let least = mass(Double(k + 1) * width - 1)
            let ratio = least * Double(unit) / Double(weights[k]) * (1 - 0x1p-31)
            quick[k] = UInt32(min(max(0, (ratio * 0x1p32).rounded(.down)), 0x1p32 - 1))
        }
        precondition(sum < UInt64(1) << 63, "weights fit the table")
        weights[count - 1] = (UInt64(1) << 63) - sum

        // Vose's construction, on integers: every column holds exactly `capacity`.
        var rest = (0..<count).map { weights[$0] }
        var (small, large): ([Int], [Int]) = ([], [])
        for k in 0..<count { if rest[k] < capacity { small.append(k) } else { large.append(k) } }
        while let low = small.popLast() {
            guard let high = large.popLast() else { preconditionFailure("weights fill the table") }
            columns[low] = tacit_noise_column(threshold: rest[low], bin: UInt32(low), alias: UInt32(high))
            rest[high] -= capacity - rest[low]
            if rest[high] < capacity { small.append(high) } else { large.append(high) }
        }
        for k in large { columns[k] = tacit_noise_column(threshold: capacity, bin: UInt32(k), alias: UInt32(k)) }

        table = tacit_noise_table(
            columns: columns, weights: weights, quick: quick, column_bits: Int32(columnBits),
            width_bits: Int32(widthBits), power: isGaussian ? 2 : 1, scale: unit,
            multiplier: UInt64(1) << UInt64(multiplierBits),
            divisor_high: UInt64(truncatingIfNeeded: divisor >> 64), divisor_low: UInt64(truncatingIfNeeded: divisor),
            rate: rate)
    }

    deinit {
        columns.deallocate()
        weights.deallocate()
        quick.deallocate()
    }

    /// Fills the buffer with independent draws.
    public func draw(into buffer: UnsafeMutableBufferPointer<Int64>, using random: inout some SecureRandom) {
        guard let start = buffer.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2048) { words in
            var drawn = 0
            while drawn < buffer.count {
                let wanted = min(words.count, 2 * (buffer.count - drawn) + 64)
                random.fill(
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(words)[..<(8 * wanted)]))
                var used = 0
                drawn += withUnsafePointer(to: table) {
                    tacit_noise_draw(start + drawn, buffer.count - drawn, words.baseAddress, wanted, &used, $0)
                }
            }
            tacit_zeroise(words.baseAddress, words.count * 8)
        }
    }

    /// `count` independent draws.
    public func draws(_ count: Int, using random: inout some SecureRandom) -> [Int64] {
        precondition(count >= 0, "count: want at least 0")
        return [Int64](unsafeUninitializedCapacity: count) { buffer, filled in
            draw(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), using: &random)
            filled = count
        }
    }
}
