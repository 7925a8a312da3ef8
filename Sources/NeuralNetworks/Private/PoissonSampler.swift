import Randomness

/// Chooses each of `count` units with probability `rate`, independently of all others: the sampling that the analysis
/// of privacy amplification assumes.
///
/// The rate is rounded down to a multiple of 2⁻⁶⁴, which can only lower the loss. A unit's decision reads as many
/// bytes as it takes to tell a uniform 64-bit number from the threshold, mostly one. Sizes vary from draw to draw; an
/// empty sample is a valid one.
public struct PoissonSampler: Sendable {
    public let count: Int
    /// The rate that is used, at most the one asked for.
    public let rate: Double
    private let threshold: UInt64
    private let takesAll: Bool

    public init(count: Int, rate: Double) throws(NeuralNetworksError) {
        guard count > 0, rate > 0, rate <= 1 else {
            throw .parameter("sampling: got rate \(rate) of \(count) units, want a rate in (0, 1] of at least 1")
        }
        self.count = count
        self.rate = rate
        takesAll = rate == 1
        threshold = takesAll ? .max : UInt64(rate * 0x1p64)
    }

    /// The chosen units in increasing order.
    public func sample(using random: inout some SecureRandom) -> [Int] {
        if takesAll { return Array(0..<count) }
        var chosen: [Int] = []
        chosen.reserveCapacity(Int(1.2 * rate * Double(count)) + 16)
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
        return chosen
    }

    /// Whether 56 further random bits, after a first byte that was equal, are below the threshold's.
    private func isBelow(_ rest: UInt64, using random: inout some SecureRandom) -> Bool {
        random.nextUInt64() >> 8 < rest
    }
}
