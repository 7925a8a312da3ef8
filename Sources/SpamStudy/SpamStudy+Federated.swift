import Federation
import Foundation
import TextClassification

/// A federated run: the model, how it came about, and what crossed the wire.
struct FederatedSpamRun: Sendable {
    let protection: ProtectionKind
    var model: LinearTextModel
    var vocabulary: Vocabulary
    /// Mails of each site.
    let siteMails: [Int]
    /// On the test mails: after the counts (naive Bayes), then after each round.
    var accuracies: [Double]
    /// Bytes that each site sent: for the vocabulary, for the counts, and in one round.
    var bytes: (vocabulary: [Int], counts: [Int], round: [Int])
    /// Seconds of computing, all parties together.
    var seconds: Double
    /// The sums of the first round as they crossed the wire.
    var firstRound: LocalSums.Record?
    var countsRecord: LocalSums.Record?
    /// The joint model that the first round starts from.
    var start: LinearTextModel

    /// Of what a site sends in a round.
    func roundLayout(_ settings: SpamStudySettings, sites: Int) throws -> VectorLayout {
        try VectorLayout([("weights", vocabulary.count + 1, settings.clip, 24)], wordBits: 32, sites: sites)
    }
}

extension SpamStudy {
    /// Acts 2 and 4: vocabulary, counts and rounds, each a sum over the sites.
    ///
    /// - Parameters:
    ///   - vocabularySums: adds up counts per bucket; it is long, so that it has a protection of its own choice.
    ///   - progress: is told the round that ended, its accuracy, from 0, the counts.
    func federated(
        _ sums: inout LocalSums, vocabularySums: inout LocalSums, progress: (Int, Double) -> Void
    ) throws -> FederatedSpamRun {
        let limit = Double(training.count)
        var seconds = 0.0

        // Which buckets have words of enough mails, or of enough sites: of 33.6 million only capped sums are seen.
        let union = try vocabularySums.union(
            ThresholdUnion(
                universe: corpus.hashing.bucketCount,
                threshold: settings.leastSites.map(Int64.init) ?? settings.leastMails,
                counting: settings.leastSites == nil ? .records : .sites), sites: sites.count
        ) { corpus.textCounts(sites[$0].mails, in: $1) }
        seconds += union.seconds
        let vocabulary = try Vocabulary(hashing: corpus.hashing, buckets: union.members)
        let rows = sites.map { corpus.texts($0.mails, vocabulary) }
        let held = corpus.texts(test, vocabulary)

        // Mails of either class with each feature.
        let countLayout = try VectorLayout(
            [("ham and spam with a word", 2 * vocabulary.count, limit, 0), ("ham and spam", 2, limit, 0)], wordBits: 32,
            sites: sites.count)
        let countRecord = try sums.sum(
            countLayout,
            rows.map { site in
                let counts = site.counts()
                return counts.negative + counts.positive + [counts.negativeTexts, counts.positiveTexts]
            })
        seconds += countRecord.seconds
        let counted = countRecord.result.sums.map { Int64($0.rounded()) }
        var counts = TextCounts(featureCount: vocabulary.count)
        counts.negative = Array(counted[..<vocabulary.count])
        counts.positive = Array(counted[vocabulary.count..<2 * vocabulary.count])
        counts.negativeTexts = counted[2 * vocabulary.count]
        counts.positiveTexts = counted[2 * vocabulary.count + 1]
        let bayes = try LinearTextModel.naiveBayes(counts, smoothing: settings.smoothing)
        let start = bayes.scaled(by: settings.startScale)

        var run = FederatedSpamRun(
            protection: sums.protection, model: start, vocabulary: vocabulary, siteMails: sites.map(\.mails.count),
            accuracies: [bayes.accuracy(held)],
            bytes: (
                union.bytes, sites.indices.map(countRecord.bytes),
                [Int](repeating: 0, count: sites.count)
            ), seconds: seconds, firstRound: nil, countsRecord: countRecord, start: start)
        progress(0, run.accuracies[0])

        let total = Double(counts.negativeTexts + counts.positiveTexts)
        let rounds = SpamRounds(settings: settings, sites: rows, vocabulary: vocabulary)
        let layout = try run.roundLayout(settings, sites: sites.count)
        for round in 0..<settings.rounds {
            let vectors = try sites.indices.map { site in
                let update = try rounds.update(
                    site: site, round: round, from: run.model, share: Double(rows[site].count) / total)
                return try layout.integers([update]).integers
            }
            let record = try sums.sum(layout, vectors)
            if round == 0 {
                run.firstRound = record
                run.bytes.round = sites.indices.map(record.bytes)
            }
            let scale = exp2(Double(layout.segments[0].fractionBits))
            run.seconds += record.seconds
            run.model.add(record.result.sums.map { $0 / scale })
            run.accuracies.append(run.model.accuracy(held))
            progress(round + 1, run.accuracies[round + 1])
        }
        return run
    }
}
