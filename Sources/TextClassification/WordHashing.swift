/// Words as numbers of buckets: everybody computes the same bucket for a word, so that no list of words is ever exchanged.
///
/// The hash is public and hides nothing: whoever guesses a word can compute its bucket. What keeps words secret is that
/// buckets leave a site only inside sums under protection.
public struct WordHashing: Hashable, Sendable {
    /// 2^`logBuckets` buckets.
    public let logBuckets: Int

    /// - Throws: ``TextClassificationError`` for `logBuckets` outside 8...26.
    public init(logBuckets: Int) throws(TextClassificationError) {
        guard (8...26).contains(logBuckets) else {
            throw TextClassificationError(.invalidArgument, "logBuckets: got \(logBuckets), want 8...26")
        }
        self.logBuckets = logBuckets
    }

    public var bucketCount: Int { 1 << logBuckets }

    /// The highest bits of a 64-bit hash: FNV-1a, whose highest bits alone are poor, mixed by the finaliser of SplitMix64.
    public func bucket(of word: [UInt8]) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in word { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 31
        return Int(hash >> UInt64(64 - logBuckets))
    }

    /// The buckets of a text's words, ascending, each once.
    public func buckets(_ text: [UInt8]) -> [Int32] {
        var result = WordReader.distinctWords(text).map { Int32(bucket(of: $0)) }
        result.sort()
        var kept = 0
        for index in result.indices where index == 0 || result[index] != result[kept - 1] {
            result[kept] = result[index]
            kept += 1
        }
        result.removeLast(result.count - kept)
        return result
    }
}
