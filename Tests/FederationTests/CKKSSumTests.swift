import Federation
import TacitTestSupport
import Testing

/// Sums of vectors under threshold CKKS equal the sums of the integers, whatever their length and whoever stays away.
@Suite struct CKKSSumTests {
    /// Few words are in most mails, most are in few.
    static func counts(_ length: Int, limit: Int64, using generator: inout TestGenerator) -> [Int64] {
        (0..<length).map { _ in
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: Int64.random(in: -limit...limit, using: &generator)
            case 1: limit
            case 2: -limit
            default: Int64.random(in: 0...3, using: &generator)
            }
        }
    }

    static func sum(_ vectors: [[Int64]], of sites: [Int]) -> [Double] {
        vectors[0].indices.map { index in Double(sites.reduce(0) { $0 + vectors[$1][index] }) }
    }

    /// Around the N = 4,096 numbers of a ciphertext, and the lengths of the spam study.
    @Test func sumsAreExact() throws {
        var generator = TestGenerator(seed: 1)
        var sums = try LocalSums(protection: .ckks, sites: 3, threshold: 2, openings: 500)
        for length in [1, 2, 4095, 4096, 4097, 8191, 8192, 8193, 16_384, 16_385, 50_635, 100_860] {
            let layout = try VectorLayout([("counts", length, 24_074, 0)], wordBits: 32, sites: 3)
            let vectors = (0..<3).map { _ in Self.counts(length, limit: 24_074, using: &generator) }
            let record = try sums.sum(layout, vectors)
            #expect(record.result.sums == Self.sum(vectors, of: [0, 1, 2]))
        }
    }

    /// All bits of both words, several segments, more sites.
    @Test(arguments: [(3, 2, 32), (5, 3, 64), (4, 4, 32), (12, 7, 32)]) func everyBitIsRight(
        _ sites: Int, _ threshold: Int, _ wordBits: Int
    ) throws {
        var generator = TestGenerator(seed: UInt64(sites))
        var sums = try LocalSums(protection: .ckks, sites: sites, threshold: threshold, openings: 2000)
        let layout = try VectorLayout(
            [("weights", 5000, 4, 60), ("rows", 3, 1_000_000, 0)], wordBits: wordBits, sites: sites)
        let vectors = (0..<sites).map { _ in
            layout.segments.flatMap { Self.counts($0.count, limit: $0.limit, using: &generator) }
        }
        let record = try sums.sum(layout, vectors)
        #expect(record.result.sums == Self.sum(vectors, of: Array(0..<sites)))
        #expect((record.result.sums.map(abs).max() ?? 0) > (wordBits == 32 ? 0x1p29 : 0x1p49))
    }

    @Test func sitesMayStayAway() throws {
        var generator = TestGenerator(seed: 9)
        var sums = try LocalSums(protection: .ckks, sites: 5, threshold: 2, openings: 100)
        let layout = try VectorLayout([("counts", 6000, 1000, 0)], wordBits: 32, sites: 5)
        let vectors = (0..<5).map { _ in Self.counts(6000, limit: 1000, using: &generator) }
        func contributors(_ absent: [Set<Int>]) throws -> [Int] {
            let record = try sums.sum(layout, vectors, absent: absent)
            #expect(record.result.sums == Self.sum(vectors, of: record.result.contributors), "\(absent)")
            return record.result.contributors
        }
        // Before the upload, between upload and opening, in the second try of opening, and together.
        #expect(try contributors([[1]]) == [0, 2, 3, 4])
        #expect(try contributors([[], [0]]) == [0, 1, 2, 3, 4])
        #expect(try contributors([[], [0, 1], [2]]) == [0, 1, 2, 3, 4])
        #expect(try contributors([[4, 0], [1]]) == [1, 2, 3])
        #expect(
            message { _ = try sums.sum(layout, vectors, absent: [[0, 1, 2, 3]]) }.contains(
                "got 1 answers, want at least 2"))
        #expect(message { _ = try sums.sum(layout, vectors, absent: [[3, 4], [0, 1]]) }.contains("want 2"))
    }

    /// One site's upload of 50,635 weights, all bytes of the message.
    @Test func anUploadIsSmall() throws {
        let layout = try VectorLayout([("weights", 50_635, 4, 24)], wordBits: 32, sites: 3)
        var generator = TestGenerator(seed: 2)
        let vectors = (0..<3).map { _ in Self.counts(50_635, limit: layout.segments[0].limit, using: &generator) }
        for (protection, limit) in [(ProtectionKind.ckks, 330_000), (.secagg, 210_000)] {
            var sums = try LocalSums(
                protection: protection, sites: 3, threshold: 2, openings: 500, hasDealer: true)
            let record = try sums.sum(layout, vectors)
            let upload = record.messages[0].map(\.count).max() ?? 0
            print(
                "upload of 50,635 weights under \(protection): \(upload) bytes, all messages \(record.bytes(site: 0))")
            #expect(upload > 0 && upload <= limit)
            #expect(record.result.sums == Self.sum(vectors, of: [0, 1, 2]))
        }
    }

    /// The union is what counting in the clear gives, under every protection.
    @Test(arguments: [ProtectionKind.none, .secagg, .ckks]) func unionsAreThoseOfTheCounts(_ protection: ProtectionKind)
        throws
    {
        var generator = TestGenerator(seed: 4)
        let counts = (0..<4).map { _ in
            (0..<9000).map { _ in Int64(max(0, Int.random(in: -6...5, using: &generator))) }
        }
        var sums = try LocalSums(
            protection: protection, sites: 4, threshold: 2, openings: 100, hasDealer: true)
        for (threshold, counting) in [(3, ThresholdUnion.Counting.records), (1, .records), (2, .sites), (4, .sites)] {
            let union = try sums.union(
                ThresholdUnion(universe: 9000, threshold: Int64(threshold), counting: counting), sites: 4
            ) { Array(counts[$0][$1]) }
            let expected = (0..<9000).filter { item in
                let own = counts.map { $0[item] }
                return counting == .sites ? own.count { $0 > 0 } >= threshold : own.reduce(0, +) >= threshold
            }
            #expect(union.members == expected.map(Int32.init), "\(threshold) \(counting)")
            #expect(!union.members.isEmpty && union.members.count < 9000)
        }
        #expect(
            message {
                _ = try sums.union(ThresholdUnion(universe: 9, threshold: 5, counting: .sites), sites: 4) { _, _ in [] }
            } == "union: got a threshold of 5 of 4 sites")
        #expect(
            message { _ = try ThresholdUnion(universe: 0, threshold: 1, counting: .records) }.contains("got 0 items"))
    }
}
