/// What the study fixes in advance; all of it is public.
public struct SpamStudySettings: Hashable, Sendable, Codable {
    /// Share of the mails that nobody trains on.
    public var testShare = 0.2
    /// 2^this buckets for words.
    public var logBuckets = 25
    /// A bucket that fewer mails of all sites have is no feature.
    public var leastMails: Int64 = 3
    /// Where it is set, a bucket is a feature of the federated runs when this many sites have it, however many mails.
    public var leastSites: Int?
    /// Of naive Bayes.
    public var smoothing = 0.1
    /// The logistic model starts from naive Bayes with scores this many times as large.
    public var startScale = 0.2
    public var rounds = 8
    public var batchSize = 32
    public var learningRate = 0.3
    /// In round r, from 0, the rate is learningRate/(1 + decay·r).
    public var decay = 0.2
    /// Bound of what a site adds to a weight in one round; more is cut off.
    public var clip = 4.0
    /// Of divisions and shuffles. Keys, masks and noise never come from it.
    public var seed: UInt64 = 1

    public init() {}

    func learningRate(round: Int) -> Double { learningRate / (1 + decay * Double(round)) }
}
