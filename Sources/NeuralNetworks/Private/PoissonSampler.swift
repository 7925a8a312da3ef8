import Foundation
import Randomness

/// Chooses each of `count` units with probability `rate`, independently of all others: the sampling that the analysis
/// of privacy amplification assumes.
///
/// The rate is rounded down to a multiple of 2⁻⁶⁴, which can only lower the loss. Sizes vary from draw to draw; an empty
/// sample is a valid one.
///
/// Above a rate of 1/16 a unit's decision reads as many bytes as it takes to tell a uniform 64-bit number from the
/// threshold, mostly one: exact. Below, the gaps between chosen units are drawn by inversion, P(gap ≥ k) = (1 − rate)^k,
/// from 128 random bits and a table of that precision, so that the cost is that of the chosen units and not of all. A
/// gap's distribution is within 2⁻¹¹⁰ of the geometric one.
/// - Reference: for gaps instead of single decisions, Devroye 1986, chapter X.
public struct PoissonSampler: Sendable {
    public let count: Int
    /// The rate that is used, at most the one asked for.
    public let rate: Double
    private let threshold: UInt64
    private let takesAll: Bool
    private let gaps: GapTable?

    public init(count: Int, rate: Double) throws(NeuralNetworksError) {
        guard count > 0, rate > 0, rate <= 1 else {
            throw .parameter("sampling: got rate \(rate) of \(count) units, want a rate in (0, 1] of at least 1")
        }
        self.count = count
        self.rate = rate
        takesAll = rate == 1
        threshold = takesAll ? .max : UInt64(rate * 0x1p64)
        gaps = rate < 1.0 / 16 && threshold > 0 ? GapTable(threshold) : nil
    }

    /// The chosen units in increasing order.
    public func sample(using random: inout some SecureRandom) -> [Int] {
        if takesAll { return Array(0..<count) }
        if threshold == 0 { return [] }
        var chosen: [Int] = []
        chosen.reserveCapacity(Int(1.2 * rate * Double(count)) + 16)
        if let gaps {
            gaps.sample(count, into: &chosen, using: &random)
        } else {
            decide(into: &chosen, using: &random)
        }
        return chosen
    }

    /// Unit by unit.
    private func decide(into chosen: inout [Int], using random: inout some SecureRandom) {
        let top = UInt8(threshold >> 56)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { block in
            var start = 0
            while start < count {
                let size = min(4096, count - start)
                random.fill(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(block)[..<size]))
                for index in 0..<size where block[index] <= top {
                    if block[index] < top || isBelow(threshold & (1 << 56 - 1), using: &random) {
                        chosen.append(start + index)
                    }
                }
                start += size
            }
        }
    }

    /// Whether 56 further random bits, after a first byte that was equal, are below the threshold's.
    private func isBelow(_ rest: UInt64, using random: inout some SecureRandom) -> Bool {
        random.nextUInt64() >> 8 < rest
    }
}

/// P(gap ≥ k) for k = 0, 1, …, as 128-bit fractions.
private final class GapTable: Sendable {
    /// Upper and lower halves; the first is 1 − 2⁻¹²⁸ in place of 1.
    private let high: [UInt64]
    private let low: [UInt64]
    private let perLog: Double

    /// - Parameter threshold: the rate times 2⁶⁴, above 0.
    init(_ threshold: UInt64) {
        let miss = 0 &- threshold
        let rate = Double(threshold) * 0x1p-64
        // Longer gaps are put together of several.
        let length = max(8, min(1 << 14, Int(6 / rate)))
        var high: [UInt64] = [.max]
        var low: [UInt64] = [.max]
        var chance = UInt128(miss) << 64
        for _ in 1...length {
            high.append(UInt64(truncatingIfNeeded: chance >> 64))
            low.append(UInt64(truncatingIfNeeded: chance))
            // Times miss/2⁶⁴, upward: gaps may be longer, never shorter.
            let lower = UInt128(UInt64(truncatingIfNeeded: chance)) * UInt128(miss)
            chance = (chance >> 64) * UInt128(miss) + (lower >> 64) + 1
        }
        (self.high, self.low) = (high, low)
        perLog = 1 / log1p(-rate)
    }

    func sample(_ count: Int, into chosen: inout [Int], using random: inout some SecureRandom) {
        let last = high.count - 1
        high.withUnsafeBufferPointer { high in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 128) { words in
                var used = words.count
                var position = 0
                while true {
                    if used == words.count {
                        random.fill(UnsafeMutableRawBufferPointer(words))
                        used = 0
                    }
                    let (first, second) = (words[used], words[used + 1])
                    used += 2
                    func reaches(_ k: Int) -> Bool { first < high[k] || first == high[k] && second < low[k] }
                    var k = min(last, Int(log((Double(first) + 0.5) * 0x1p-64) * perLog))
                    while k > 0, !reaches(k) { k -= 1 }
                    while k < last, reaches(k + 1) { k += 1 }
                    position += k
                    if k == last { if position >= count { return } else { continue } }
                    if position >= count { return }
                    chosen.append(position)
                    position += 1
                }
            }
        }
    }
}
