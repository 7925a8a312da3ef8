import BinaryCoding
import Foundation

/// Which numbers a site uploads in a session, within which public bounds, and how they become integers.
///
/// A segment holds numbers x with |x| ≤ bound, as integers round(x·2^fractionBits). The bits are the most for which the sum
/// over as many sites as may take part, noise included, still fits the word: no sum can wrap round. All that is public and
/// the same for every site and protection, so all protections add up the same integers.
public struct VectorLayout: Hashable, Sendable {
    public struct Segment: Hashable, Sendable {
        public let name: String
        public let count: Int
        /// Of one site's number.
        public let bound: Double
        /// Negative for bounds that do not fit otherwise.
        public let fractionBits: Int
        /// The greatest integer of one site, noise apart.
        public let limit: Int64

        var scale: Double { exp2(Double(fractionBits)) }
    }

    public let segments: [Segment]
    /// 32 or 64.
    public let wordBits: Int
    /// The most sites in a sum.
    public let sites: Int

    /// Beyond them integers of a double's range would not stand for anything.
    static let bounds = 0x1p-100...0x1p100

    public var count: Int { segments.reduce(0) { $0 + $1.count } }
    /// Bytes of one site's vector without protection.
    public var byteCount: Int { count * wordBits / 8 }

    /// - Parameters:
    ///   - parts: name, count, bound, and the most fraction bits (0 for whole numbers).
    ///   - noiseMargin: room for each site's noise in units of a segment's bound.
    /// - Throws: `invalidParameter`.
    public init(
        _ parts: [(name: String, count: Int, bound: Double, mostBits: Int)], wordBits: Int, sites: Int,
        noiseMargin: Double = 0
    ) throws(FederationError) {
        guard wordBits == 32 || wordBits == 64, sites >= 1 else {
            throw .parameter("layout: got words of \(wordBits) bits and \(sites) sites, want 32 or 64 and at least 1")
        }
        self.wordBits = wordBits
        self.sites = sites
        segments = try parts.filter { $0.count > 0 }.map { part throws(FederationError) in
            guard Self.bounds.contains(part.bound) else {
                throw .parameter("\(part.name): got bound \(part.bound), want a number in 2^-100...2^100")
            }
            // 51 bits, so that sums are exact as doubles and in every scheme.
            let room = Double(min(wordBits - 1, 51))
            let perSite = (exp2(room) - 1) / Double(sites) / (1 + noiseMargin) - 1
            guard perSite >= 1 else { throw .parameter("sites: got \(sites), too many for words of \(wordBits) bits") }
            let bits = min(part.mostBits, Int(log2(perSite / part.bound).rounded(.down)))
            return Segment(
                name: part.name, count: part.count, bound: part.bound, fractionBits: bits,
                limit: Int64((part.bound * exp2(Double(bits))).rounded(.up)))
        }
    }

    /// Integers for the numbers of one site; numbers beyond the bound are moved to it.
    /// - Returns: the integers and how many were moved.
    /// - Throws: `invalidUpdate` for numbers that are not finite and for another count.
    public func integers(_ values: [[Double]]) throws(FederationError) -> (integers: [Int64], clipped: Int) {
        guard values.map(\.count) == segments.map(\.count) else {
            throw .update("update: got \(values.map(\.count)) numbers, want \(segments.map(\.count))")
        }
        var result: [Int64] = []
        result.reserveCapacity(count)
        var clipped = 0
        for (segment, numbers) in zip(segments, values) {
            let scale = segment.scale
            for number in numbers {
                guard number.isFinite else {
                    throw .update("update, \(segment.name): got a number that is infinite or not a number")
                }
                if abs(number) > segment.bound { clipped += 1 }
                let inside = min(max(number, -segment.bound), segment.bound)
                result.append(Int64((inside * scale).rounded(.toNearestOrEven)))
            }
        }
        return (result, clipped)
    }

    /// The numbers of each segment for which a sum of integers stands.
    public func numbers(_ sums: [Int64]) -> [[Double]] { numbers(sums.map(Double.init)) }

    func numbers(_ sums: [Double]) -> [[Double]] {
        precondition(sums.count == count, "sums: got \(sums.count), want \(count)")
        var start = 0
        return segments.map { segment in
            defer { start += segment.count }
            return sums[start..<start + segment.count].map { $0 / segment.scale }
        }
    }

    /// Checks one site's integers, as far as they can be seen.
    /// - Throws: `invalidUpdate`.
    func check(_ integers: [Int64], margin: Double = 0) throws(FederationError) {
        guard integers.count == count else { throw .update("update: got \(integers.count) numbers, want \(count)") }
        var start = 0
        for segment in segments {
            let limit = Int64(Double(segment.limit) * (1 + margin)) + 1
            for index in start..<start + segment.count where integers[index].magnitude > limit.magnitude {
                throw .update("update, \(segment.name): got a number beyond the bound \(segment.bound)")
            }
            start += segment.count
        }
    }

    // MARK: Bytes of a vector in the clear

    func encode(_ integers: [Int64], into encoder: inout BinaryEncoder) {
        if wordBits == 32 {
            WordCoding.encode(integers.map { Int32(truncatingIfNeeded: $0) }, into: &encoder)
        } else {
            WordCoding.encode(integers, into: &encoder)
        }
    }

    func decode(_ decoder: inout BinaryDecoder) throws(BinaryCodingError) -> [Int64] {
        wordBits == 32
            ? try WordCoding.decode(Int32.self, "update", &decoder).map(Int64.init)
            : try WordCoding.decode(Int64.self, "update", &decoder)
    }
}
