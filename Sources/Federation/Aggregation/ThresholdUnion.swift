/// Which items of a public universe enough sites, or enough records of all sites together, have; found from protected sums, so
/// that nobody says which items are its own.
///
/// A site's number for an item is how many of its records have it, but at most `threshold`; where items of `sites` are counted,
/// at most 1. A sum of such numbers reaches the threshold exactly when the uncapped one does, says less than it, and takes few
/// bits: with n sites log₂(n·threshold) for an item. For words the universe is that of a public hash, because words themselves
/// have none that is small enough; two words with one hash count as one.
///
/// - Guarantee: that of the protection: the coordinator and the sites learn for each item min-capped sums over all sites.
///   Items that only one site has show as sums that do not reach the threshold, up to threshold − 1, but not whose they are.
public struct ThresholdUnion: Hashable, Sendable {
    /// What is counted.
    public enum Counting: String, Hashable, Sendable, Codable {
        /// Records of all sites together.
        case records
        /// Sites that have it at all.
        case sites
    }

    /// Items 0..<universe.
    public let universe: Int
    public let threshold: Int64
    public let counting: Counting

    /// Items of one sum; longer universes are done in pieces.
    static let piece = 1 << 22

    /// - Throws: `invalidParameter`.
    public init(universe: Int, threshold: Int64, counting: Counting) throws(FederationError) {
        guard (1...Int(Int32.max)).contains(universe), (1...1 << 30).contains(threshold) else {
            throw .parameter(
                "union: got \(universe) items and a threshold of \(threshold), want 1...2^31 - 1 and 1...2^30")
        }
        self.universe = universe
        self.threshold = threshold
        self.counting = counting
    }

    /// The most that a site says of one item.
    var cap: Int64 { counting == .sites ? 1 : threshold }

    /// What a site uploads for some items.
    func capped(_ counts: [Int64]) -> [Int64] { counts.map { min(max($0, 0), cap) } }
}

extension LocalSums {
    /// What came of a union.
    public struct Union: Sendable {
        /// Ascending.
        public let members: [Int32]
        /// Sent by each site.
        public let bytes: [Int]
        public let seconds: Double
    }

    /// The items that reach the threshold.
    /// - Parameter counts: of a site, by its position, for a range of items.
    /// - Throws: ``FederationError``.
    public mutating func union(
        _ union: ThresholdUnion, sites: Int, counts: (Int, Range<Int>) -> [Int64]
    ) throws(FederationError) -> Union {
        guard union.counting == .records || union.threshold <= sites else {
            throw .parameter("union: got a threshold of \(union.threshold) of \(sites) sites")
        }
        var members: [Int32] = []
        var bytes = [Int](repeating: 0, count: sites)
        var seconds = 0.0
        for start in stride(from: 0, to: union.universe, by: ThresholdUnion.piece) {
            let range = start..<min(union.universe, start + ThresholdUnion.piece)
            let layout = try VectorLayout(
                [("items", range.count, Double(union.cap), 0)], wordBits: 32, sites: sites)
            let record = try sum(layout, (0..<sites).map { union.capped(counts($0, range)) })
            let threshold = Double(union.threshold) - 0.5
            for (place, sum) in record.result.sums.enumerated() where sum > threshold {
                members.append(Int32(start + place))
            }
            for site in 0..<sites { bytes[site] += record.bytes(site: site) }
            seconds += record.seconds
        }
        return Union(members: members, bytes: bytes, seconds: seconds)
    }
}
