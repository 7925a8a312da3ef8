import TextClassification

extension TextModelFile {
    /// Buckets of the vocabulary of ``init(naiveBayes:leastTexts:)``, 2^22.
    static let logBuckets = 22

    /// Naive Bayes on the presence of words, smoothing 1.
    ///
    /// - Parameters:
    ///   - texts: of both classes; each has a word.
    ///   - leastTexts: a word that fewer texts have is no feature.
    /// - Throws: ``TextClassificationError`` without texts of both classes.
    /// - Reference: Metsis et al. 2006, section 2.2.
    public init(naiveBayes texts: [(content: [UInt8], isPositive: Bool)], leastTexts: Int) throws {
        let hashing = try WordHashing(logBuckets: Self.logBuckets)
        let read = try texts.map { (buckets: try hashing.checkedBuckets($0.content), isPositive: $0.isPositive) }
        var counts = [Int64](repeating: 0, count: hashing.bucketCount)
        for text in read { for bucket in text.buckets { counts[Int(bucket)] += 1 } }
        let vocabulary = try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: Int64(leastTexts))
        try self.init(
            vocabulary: vocabulary,
            model: .naiveBayes(LabelledTexts(read, vocabulary).counts(), smoothing: 1))
    }
}

extension Vocabulary {
    /// The features of a text; words that are no feature count for nothing.
    /// - Errors: ``PrivateScoringError`` `invalidEncoding` for a text without words, or in an encoding of two or four bytes a letter.
    public func checkedFeatures(_ text: [UInt8]) throws(PrivateScoringError) -> [Int32] {
        try hashing.checkedBuckets(text).compactMap { feature(ofBucket: $0) }
    }
}

extension WordHashing {
    func checkedBuckets(_ text: [UInt8]) throws(PrivateScoringError) -> [Int32] {
        if let place = text.firstIndex(of: 0) {
            throw PrivateScoringError(
                .invalidEncoding,
                "byte \(place): is 0, as in UTF-16; want text in UTF-8, Latin-1 or another extension of ASCII")
        }
        let buckets = buckets(text)
        guard !buckets.isEmpty else { throw PrivateScoringError(.invalidEncoding, "mail: has no words") }
        return buckets
    }
}
