import BinaryCoding
import Parallelism
import TextClassification

/// How a text model is trained, and how much is held out to measure it.
public struct TextTraining: Hashable, Sendable {
    /// 2^this buckets for words, in ``TextModelFile/logBucketsRange``.
    public var logBuckets = 16
    /// A bucket that fewer texts have is no feature.
    public var leastTexts = 3
    /// Share of the texts that are not trained on.
    public var heldOutShare = 0.2
    /// Of naive Bayes.
    public var smoothing = 0.1
    /// Passes of logistic regression after naive Bayes; 0 leaves that as it is.
    public var passes = 8
    /// The logistic model starts from naive Bayes with scores this many times as large.
    public var startScale = 0.2
    public var batchSize = 32
    public var learningRate = 0.3
    /// In pass r, from 0, the rate is learningRate/(1 + decay·r).
    public var decay = 0.2

    public static let mostPasses = 1000

    public init() {}

    public struct Text: Sendable {
        public var content: [UInt8]
        /// True for spam.
        public var isPositive: Bool

        public init(_ content: [UInt8], isPositive: Bool) {
            self.content = content
            self.isPositive = isPositive
        }

        /// Whether it has words, in an encoding that is read.
        public var isReadable: Bool { !content.seemsWide && !WordReader.normalised(content).isEmpty }
    }

    public struct Outcome: Sendable {
        public var file: TextModelFile
        /// Texts trained on.
        public var positives: Int
        public var negatives: Int
        /// Texts left out because another has the same words in the same order.
        public var duplicates: Int
        /// nil when nothing was held out.
        public var heldOut: Judgement?
    }

    /// Decisions about texts that were not trained on.
    public struct Judgement: Hashable, Sendable, Codable {
        public var positives = 0
        public var negatives = 0
        /// Positives called negative.
        public var missed = 0
        /// Negatives called positive.
        public var falseAlarms = 0

        public var count: Int { positives + negatives }
        public var accuracy: Double { 1 - Double(missed + falseAlarms) / Double(max(1, count)) }
    }

    /// Multinomial naive Bayes on the presence of words, improved by logistic regression.
    ///
    /// Texts with the same words in the same order count once. Whether a text is held out and when it is trained on is decided
    /// by the hash of its words, so every run gives the same model.
    /// - Throws: ``PrivateScoringError`` `invalidArgument` for settings out of range, without texts of both classes to train
    ///   on, and when no word is in enough of them.
    /// - Reference: Metsis et al. 2006, section 2.2.
    /// - Parameter progress: told the number of passes done.
    public func run(_ texts: [Text], progress: (Int) -> Void = { _ in }) throws -> Outcome {
        guard (0..<1).contains(heldOutShare) else {
            throw PrivateScoringError(.invalidArgument, "heldOutShare: got \(heldOutShare), want 0..<1")
        }
        guard (0...Self.mostPasses).contains(passes) else {
            throw PrivateScoringError(.invalidArgument, "passes: got \(passes), want 0...\(Self.mostPasses)")
        }
        let hashing = try WordHashing(logBuckets: logBuckets)
        try TextModelFile.check(hashing)
        let read = parallelMap(texts.count, chunk: 64) { index in
            (
                buckets: hashing.buckets(texts[index].content),
                identity: Fingerprint(of: WordReader.normalised(texts[index].content))
            )
        }
        var seen: Set<Fingerprint> = []
        var training: [(buckets: [Int32], isPositive: Bool)] = []
        var identities: [Fingerprint] = []
        var heldOut: [(buckets: [Int32], isPositive: Bool)] = []
        for (text, one) in zip(texts, read) where seen.insert(one.identity).inserted {
            let draw = one.identity.bytes.prefix(8).reduce(0.0) { ($0 * 256 + Double($1)) } * 0x1p-64
            if draw < heldOutShare {
                heldOut.append((one.buckets, text.isPositive))
            } else {
                training.append((one.buckets, text.isPositive))
                identities.append(one.identity)
            }
        }
        let positives = training.count { $0.isPositive }
        guard positives > 0, positives < training.count else {
            throw PrivateScoringError(
                .invalidArgument,
                "texts: got \(positives) of one class and \(training.count - positives) of the other to train on, want both"
            )
        }
        var counts = [Int64](repeating: 0, count: hashing.bucketCount)
        for text in training { for bucket in text.buckets { counts[Int(bucket)] += 1 } }
        let vocabulary = try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: Int64(leastTexts))
        guard vocabulary.count > 0 else {
            throw PrivateScoringError(.invalidArgument, "texts: no word is in \(leastTexts) of them")
        }
        let rows = LabelledTexts(training, vocabulary)
        var model = try LinearTextModel.naiveBayes(rows.counts(), smoothing: smoothing)
        if passes > 0 { model = model.scaled(by: startScale) }
        for pass in 0..<passes {
            try model.train(
                rows, order: Self.order(identities, pass), batchSize: batchSize,
                learningRate: learningRate / (1 + decay * Double(pass)))
            progress(pass + 1)
        }
        let file = try TextModelFile(vocabulary: vocabulary, model: model)
        return Outcome(
            file: file, positives: positives, negatives: training.count - positives,
            duplicates: texts.count - seen.count,
            heldOut: heldOut.isEmpty ? nil : Self.judge(file.model, LabelledTexts(heldOut, vocabulary)))
    }

    /// Texts by their hashes, from another byte on in every pass: an order that no list of mails has by itself.
    private static func order(_ identities: [Fingerprint], _ pass: Int) -> [Int] {
        let keys = identities.map { one in
            (0..<8).reduce(UInt64(0)) { $0 << 8 | UInt64(one.bytes[(8 + pass + $1) % 32]) }
        }
        return keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    private static func judge(_ model: LinearTextModel, _ texts: LabelledTexts) -> Judgement {
        var result = Judgement()
        for index in 0..<texts.count {
            let isCalledPositive = model.score(texts.row(index)) > 0
            if texts.labels[index] {
                result.positives += 1
                if !isCalledPositive { result.missed += 1 }
            } else {
                result.negatives += 1
                if isCalledPositive { result.falseAlarms += 1 }
            }
        }
        return result
    }
}
