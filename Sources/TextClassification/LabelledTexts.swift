/// Texts as sets of features, with their classes.
///
/// Row i has the features `features[offsets[i]..<offsets[i + 1]]`, ascending; a feature is there or not, how often does not
/// count.
public struct LabelledTexts: Hashable, Sendable {
    public private(set) var offsets: [Int] = [0]
    public private(set) var features: [Int32] = []
    /// True for spam.
    public private(set) var labels: [Bool] = []
    public let featureCount: Int

    public var count: Int { labels.count }

    public init(featureCount: Int) { self.featureCount = featureCount }

    /// - Parameter buckets: of each text, ascending, as ``WordHashing/buckets(_:)`` gives them.
    public init(_ texts: some Sequence<(buckets: [Int32], isPositive: Bool)>, _ vocabulary: Vocabulary) {
        self.init(featureCount: vocabulary.count)
        for text in texts {
            append(text.buckets.compactMap { vocabulary.feature(ofBucket: $0) }, isPositive: text.isPositive)
        }
    }

    /// - Parameter row: ascending, each in `0..<featureCount`; a precondition.
    public mutating func append(_ row: [Int32], isPositive: Bool) {
        precondition(
            row.allSatisfy { $0 >= 0 && Int($0) < featureCount }, "features: want numbers below \(featureCount)")
        features += row
        offsets.append(features.count)
        labels.append(isPositive)
    }

    public func row(_ index: Int) -> ArraySlice<Int32> { features[offsets[index]..<offsets[index + 1]] }

    /// For each feature, how many texts of either class have it.
    public func counts() -> TextCounts {
        var counts = TextCounts(featureCount: featureCount)
        for index in 0..<count {
            if labels[index] {
                counts.positiveTexts += 1
                for feature in row(index) { counts.positive[Int(feature)] += 1 }
            } else {
                counts.negativeTexts += 1
                for feature in row(index) { counts.negative[Int(feature)] += 1 }
            }
        }
        return counts
    }
}

/// How many texts of either class there are, and how many of them have each feature. Counts of sites add up.
public struct TextCounts: Hashable, Sendable {
    public var positiveTexts: Int64 = 0
    public var negativeTexts: Int64 = 0
    public var positive: [Int64]
    public var negative: [Int64]

    public init(featureCount: Int) {
        positive = [Int64](repeating: 0, count: featureCount)
        negative = positive
    }

    public static func + (a: TextCounts, b: TextCounts) -> TextCounts {
        var sum = a
        sum.positiveTexts += b.positiveTexts
        sum.negativeTexts += b.negativeTexts
        for index in sum.positive.indices { sum.positive[index] += b.positive[index] }
        for index in sum.negative.indices { sum.negative[index] += b.negative[index] }
        return sum
    }
}
