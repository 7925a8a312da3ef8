import CKernels
import Foundation
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite(.serialized) struct PrimitiveTests {
    /// The masks of all instruction sets against the key stream of RFC 8439, in the order that the header states.
    @Test(arguments: [Int32(0), 1, 2]) func masksEqualTheReference(tier: Int32) {
        tacit_cpu_limit_tier(tier)
        defer { tacit_cpu_limit_tier(.max) }
        var random = SeededRandom(seed: 1)
        let key = random.bytes(count: 32)
        for (count, group) in [(1, 0), (255, 3), (256, 1 << 28), (1000, (1 << 28) - 1), (2049, 5)] as [(Int, UInt64)] {
            let groups = (count * 8 + 1023) / 1024
            let stream = ReferenceChaCha20.blocks(16 * groups, key: key, counter: 16 * group, nonce: 77)
            func word(_ place: Int) -> UInt32 {
                let (group, word, block) = (place / 256, place % 256 / 16, place % 16)
                return (0..<4).reduce(0) {
                    $0 | UInt32(stream[(16 * group + block) * 64 + 4 * word + $1]) << (8 * UInt32($1))
                }
            }
            var narrow = (0..<count).map { _ in UInt32(truncatingIfNeeded: random.nextUInt64()) }
            var wide = (0..<count).map { _ in random.nextUInt64() }
            let (startNarrow, startWide) = (narrow, wide)
            tacit_mask_32(&narrow, count, key, group, 77, 0)
            tacit_mask_64(&wide, count, key, group, 77, 0)
            #expect((0..<count).allSatisfy { narrow[$0] == startNarrow[$0] &+ word($0) })
            #expect(
                (0..<count).allSatisfy {
                    wide[$0] == startWide[$0] &+ (UInt64(word(2 * $0)) | UInt64(word(2 * $0 + 1)) << 32)
                })
            tacit_mask_32(&narrow, count, key, group, 77, 1)
            tacit_mask_64(&wide, count, key, group, 77, 1)
            #expect(narrow == startNarrow && wide == startWide)
        }
    }

    @Test func packingAddsWhatWasPacked() {
        var random = SeededRandom(seed: 2)
        for bits in 1...64 {
            for count in [1, 7, 8, 9, 65] {
                let keep = bits == 64 ? UInt64.max : (1 << UInt64(bits)) - 1
                let values = (0..<count).map { _ in random.nextUInt64() }
                var bytes = [UInt8](repeating: 0xAA, count: (count * bits + 7) / 8)
                tacit_mask_pack_64(&bytes, values, count, Int32(bits))
                var sum = values
                #expect(tacit_mask_add_packed_64(&sum, bytes, count, Int32(bits)) == 1)
                #expect((0..<count).allSatisfy { sum[$0] == values[$0] &+ (values[$0] & keep) })
                guard bits <= 32 else { continue }
                let narrow = values.map { UInt32(truncatingIfNeeded: $0) }
                var same = bytes
                tacit_mask_pack_32(&same, narrow, count, Int32(bits))
                #expect(same == bytes)
                var zero = [UInt32](repeating: 0, count: count)
                #expect(tacit_mask_add_packed_32(&zero, bytes, count, Int32(bits)) == 1)
                #expect((0..<count).allSatisfy { zero[$0] == narrow[$0] & UInt32(keep) })
            }
        }
    }

    @Test func fieldOf65536Elements() {
        func slow(_ a: UInt16, _ b: UInt16) -> UInt16 {
            var (product, factor): (UInt32, UInt32) = (0, UInt32(a))
            for bit in 0..<16 {
                if b >> UInt16(bit) & 1 == 1 { product ^= factor }
                factor <<= 1
                if factor & 0x10000 != 0 { factor ^= 0x1100B }
            }
            return UInt16(product)
        }
        var random = SeededRandom(seed: 3)
        for _ in 0..<20_000 {
            let (a, b) = (UInt16(random.uniform(below: 65_536)), UInt16(random.uniform(below: 65_535) + 1))
            let product = slow(a, b)
            #expect(Field65536.multiply(a, b) == product)
            #expect(Field65536.divide(product, b) == a)
            #expect(Field65536.multiply(SIMD16(repeating: a), byPublic: b) == SIMD16(repeating: product))
        }
        // The polynomial is irreducible and x generates: its powers meet every element but 0 once.
        var seen = Set<UInt16>()
        var power: UInt16 = 1
        for _ in 0..<65_535 {
            seen.insert(power)
            power = slow(power, 2)
        }
        #expect(seen.count == 65_535 && power == 1)
    }

    @Test func anyThresholdOfSharesOpensAndFewerSayNothing() {
        var random = SeededRandom(seed: 4)
        var generator = TestGenerator(seed: 5)
        for (holders, threshold) in [(2, 2), (5, 3), (40, 27), (9, 1)] {
            let secret = SecretBytes.random(count: 32, using: &random)
            let points = (0..<holders).map { UInt16(1 + 1000 * $0) }
            let shares = SeedSharing.share(secret, threshold: threshold, points: points, using: &random)
            for _ in 0..<10 {
                let chosen = (0..<holders).shuffled(using: &generator).prefix(threshold)
                let opened = SeedSharing.reconstruct(
                    chosen.map { shares[$0] }, coefficients: Field65536.coefficientsAtZero(chosen.map { points[$0] }))
                #expect(opened.isEqual(to: secret))
            }
            guard threshold > 1 else { continue }
            // With one share fewer every secret fits: each candidate has a polynomial through the shares.
            let fewer = Array(points.prefix(threshold - 1))
            let opened = SeedSharing.reconstruct(
                Array(shares.prefix(threshold - 1)), coefficients: Field65536.coefficientsAtZero(fewer))
            #expect(!opened.isEqual(to: secret))
        }
    }

    /// The exact probability that a random ring is insecure, by trying all placements, is below the stated bound.
    @Test func boundsHoldOnSmallRings() {
        let n = 14
        for (c, d) in [(2, 3), (3, 3), (4, 2), (1, 5)] {
            for k in [2, 4, 6, 8] {
                let graph = AggregationGraph(degree: k, threshold: max(2, min(c, k / 2)), window: 0)
                let bounds = GraphBounds(members: n, colluding: c, dropouts: d, coordinator: .semiHonest)
                var (insecure, unrecoverable, all) = (0, 0, 0)
                var random = SeededRandom(seed: 6)
                for _ in 0..<4000 {
                    // A random order is a random choice of the colluding and the lost.
                    let order = (0..<n).map { ($0, random.nextUInt64()) }.sorted { $0.1 < $1.1 }.map(\.0)
                    let isColluding = { order[$0 % n] < c }, isLost = { order[$0 % n] >= n - d }
                    all += 1
                    let fewNeighbours = (0..<n).allSatisfy { place in
                        (1...k / 2).reduce(0) {
                            $0 + (isColluding(place + $1) ? 1 : 0) + (isColluding(place + n - $1) ? 1 : 0)
                        } < graph.threshold
                    }
                    let isJoined = (0..<n).allSatisfy { place in
                        (0..<k / 2).contains { !isColluding(place + $0) && !isLost(place + $0) }
                    }
                    if !fewNeighbours || !isJoined { insecure += 1 }
                    if !(0..<n).allSatisfy({ place in
                        (1...k / 2).reduce(0) {
                            $0 + (isLost(place + $1) ? 0 : 1) + (isLost(place + n - $1) ? 0 : 1)
                        } >= graph.threshold
                    }) {
                        unrecoverable += 1
                    }
                }
                let slack = 3 * (Double(all)).squareRoot() / 2 / Double(all)
                #expect(Double(insecure) / Double(all) <= exp2(bounds.securityFailure(of: graph)) + slack)
                #expect(Double(unrecoverable) / Double(all) <= exp2(bounds.recoveryFailure(of: graph)) + slack)
            }
        }
    }

    @Test func chosenRingsMeetTheirBoundsAndGrowSlowly() throws {
        for trust in [CoordinatorTrust.semiHonest, .active] {
            var degrees: [Int] = []
            for n in [1000, 3000, 10_000] {
                let (c, d) = (n / 20, n / 20)
                let graph = AggregationGraph.choose(members: n, colluding: c, dropouts: d, coordinator: trust)
                let bounds = GraphBounds(members: n, colluding: c, dropouts: d, coordinator: trust)
                #expect(bounds.securityFailure(of: graph) <= -AggregationGraph.wantedSecurity(trust))
                #expect(bounds.recoveryFailure(of: graph) <= -40)
                degrees.append(graph.degree)
            }
            #expect(degrees == degrees.sorted() && degrees[2] < degrees[0] + 40, "\(degrees)")
        }
        // Hypergeometric tails against exact integers: Pr[H(10, 4, 5) ≥ 3] = (4·15 + 1·6)/252.
        let tail = Hypergeometric(population: 10, marked: 4, draws: 5)
        #expect(abs(exp2(tail.logTail(atLeast: 3)) - 66.0 / 252) < 1e-12)
        #expect(tail.logTail(atLeast: 0) == 0 && tail.logTail(atLeast: 5) == -.infinity)
    }
}
