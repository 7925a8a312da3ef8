import Tabular
import TextClassification

extension SpamStudy {
    /// Act 1: all mails in one place, with duplicates left out before the division, and with duplicates kept.
    ///
    /// With duplicates the test mails are partly those trained on, so that the figure flatters.
    public func central() throws -> (distinct: SpamAccuracies, withDuplicates: SpamAccuracies) {
        let all = MailCorpus.split(Array(corpus.items.indices), testShare: settings.testShare, seed: settings.seed)
        return (try central(training: training, test: test), try central(training: all.training, test: all.test))
    }

    private func central(training: [Int], test: [Int]) throws -> SpamAccuracies {
        let vocabulary = try Vocabulary(
            hashing: corpus.hashing, textCounts: corpus.textCounts(training, in: 0..<corpus.hashing.bucketCount),
            leastTexts: settings.leastMails)
        let rows = corpus.texts(training, vocabulary)
        let held = corpus.texts(test, vocabulary)
        let bayes = try LinearTextModel.naiveBayes(rows.counts(), smoothing: settings.smoothing)
        var model = bayes.scaled(by: settings.startScale)
        let pooled = SpamRounds(settings: settings, sites: [rows], vocabulary: vocabulary)
        for round in 0..<settings.rounds {
            model.add(try pooled.update(site: 0, round: round, from: model, share: 1))
        }
        return SpamAccuracies(
            mails: training.count + test.count, testMails: test.count, majority: Self.majority(held.labels),
            naiveBayes: bayes.accuracy(held), logistic: model.accuracy(held))
    }

    static func majority(_ labels: [Bool]) -> Double {
        let share = Double(labels.count { $0 }) / Double(max(1, labels.count))
        return max(share, 1 - share)
    }
}
