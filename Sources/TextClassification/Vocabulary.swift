/// The buckets that are features of a model: those in which enough texts of all sites together have a word.
///
/// It is made from counts of texts per bucket, which sites add up under protection. No word is in it, and no bucket of a
/// word that only few texts have.
public struct Vocabulary: Hashable, Sendable {
    public let hashing: WordHashing
    /// Ascending; feature i stands for the words of bucket `buckets[i]`.
    public let buckets: [Int32]

    public var count: Int { buckets.count }

    /// - Parameters:
    ///   - textCounts: for each bucket, how many texts have a word in it.
    ///   - leastTexts: a bucket with fewer is no feature.
    /// - Throws: ``TextClassificationError`` when the counts do not fit the hashing.
    public init(
        hashing: WordHashing, textCounts: [Int64], leastTexts: Int64
    ) throws(TextClassificationError) {
        guard textCounts.count == hashing.bucketCount else {
            throw TextClassificationError(
                .invalidArgument, "counts: got \(textCounts.count), want \(hashing.bucketCount), one a bucket")
        }
        guard leastTexts >= 1 else {
            throw TextClassificationError(.invalidArgument, "leastTexts: got \(leastTexts), want at least 1")
        }
        self.hashing = hashing
        buckets = textCounts.indices.filter { textCounts[$0] >= leastTexts }.map(Int32.init)
    }

    /// - Parameter buckets: ascending, each once.
    /// - Throws: ``TextClassificationError`` for others.
    public init(hashing: WordHashing, buckets: [Int32]) throws(TextClassificationError) {
        guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 }), (buckets.first ?? 0) >= 0,
            Int(buckets.last ?? 0) < hashing.bucketCount
        else {
            throw TextClassificationError(
                .invalidArgument, "buckets: want ascending numbers in 0..<\(hashing.bucketCount)")
        }
        self.hashing = hashing
        self.buckets = buckets
    }

    /// The feature of a bucket, or nil.
    public func feature(ofBucket bucket: Int32) -> Int32? {
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle] < bucket { low = middle + 1 } else { high = middle }
        }
        return low < buckets.count && buckets[low] == bucket ? Int32(low) : nil
    }

    /// The feature of a word, or nil for a word that too few texts have.
    public func feature(of word: [UInt8]) -> Int32? { feature(ofBucket: Int32(hashing.bucket(of: word))) }
}
