import Foundation
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite struct PrivacyTests {
    /// The masked vector of one site.
    static func view(update: [Int64], seed: UInt64, bits: Int = 32) throws -> (vector: [UInt8], all: [[UInt8]]) {
        var harness = try RoundHarness(
            members: 4, dropouts: 1, colluding: 1, trust: .active, length: update.count,
            values: bits == 32 ? .wrapping(bits: 32) : .wrapping(bits: bits), seed: seed)
        let id = harness.ids[0]
        harness.updates[id] = update
        // A partner takes up the difference, so that the sum is the same whatever the update.
        for place in update.indices { harness.updates[harness.ids[1]]![place] = 5_000 &- update[place] }
        _ = try harness.run()
        let entries = harness.coordinator.transcript.entries
        let input = entries.first { $0.message.kind == .maskedInput && $0.message.sender == id }!
        return (Array(input.message.body.dropFirst(32)), entries.map(\.message.body))
    }

    /// χ² of the 256 byte values over 4 × 100,000 bytes; fails for a uniform source with probability 10⁻⁶.
    @Test func maskedVectorsAreUniform() throws {
        for bits in [8, 24, 64] {
            let view = try Self.view(update: [Int64](repeating: 3, count: 50_000), seed: UInt64(bits), bits: bits)
                .vector
            for stride in 1...3 {
                var counts = [Double](repeating: 0, count: 256)
                for place in Swift.stride(from: 0, to: view.count, by: stride) { counts[Int(view[place])] += 1 }
                let expected = counts.reduce(0, +) / 256
                let statistic = counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
                // 255 degrees of freedom: mean 255, quantile of 1 − 10⁻⁶ is 372.
                #expect(statistic < 372, "\(bits) bits, every \(stride) bytes: \(statistic)")
            }
        }
    }

    /// A game with fixed seeds: two updates, same sum, and the best linear and counting distinguishers on everything that
    /// the coordinator sees win half of the time.
    @Test func theCoordinatorsViewDoesNotDependOnTheUpdate() throws {
        let zero = [Int64](repeating: 0, count: 64), large = [Int64](repeating: 4_000_000, count: 64)
        var wins = [Int](repeating: 0, count: 3)
        let games = 200
        for game in 0..<games {
            let isLarge = game % 2 == 1
            let view = try Self.view(update: isLarge ? large : zero, seed: UInt64(1000 + game))
            let words = stride(from: 0, to: view.vector.count, by: 4).map { place in
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(view.vector[place + $1]) << (8 * UInt32($1)) }
            }
            let mean = words.reduce(0.0) { $0 + Double(Int32(bitPattern: $1)) } / Double(words.count)
            let ones = view.vector.reduce(0) { $0 + $1.nonzeroBitCount }
            let length = view.all.reduce(0) { $0 + $1.count }
            for (index, guess) in [mean > 2_000_000, ones > view.vector.count * 4, length % 2 == 1].enumerated()
            where guess == isLarge { wins[index] += 1 }
        }
        // Binomial(200, ½): 5 standard deviations are 35.
        for count in wins { #expect(abs(count - games / 2) <= 35, "\(wins)") }
    }

    /// With the same seeds, everything but the masked inputs and commitments of the two changed sites is the same.
    @Test func nothingElseDependsOnTheUpdate() throws {
        let a = try Self.view(update: [1, 2, 3], seed: 7).all, b = try Self.view(update: [7, 7, 7], seed: 7).all
        #expect(a.count == b.count && zip(a, b).allSatisfy { $0.count == $1.count })
        #expect(zip(a, b).filter { $0 != $1 }.count == 2)
    }
}
