import Auditing
import TextClassification

/// What the smallest site's plain messages give away.
public struct SpamLeak: Hashable, Sendable, Codable {
    public struct Recovery: Hashable, Sendable, Codable {
        public var recall: Double
        public var precision: Double
        public var actual: Int

        init(_ score: RecoveryScore) {
            recall = score.recall
            precision = score.precision
            actual = score.actual
        }
    }

    public var siteMails: Int
    /// Words of the site that enough mails of all sites have to be features; others are none and cannot leak.
    public var features: Int
    /// All words of the site.
    public var words: Int
    /// From the counts, in act 2 the site's first message.
    public var fromCounts: Recovery
    /// From the weights after one pass from the zero model, as in ordinary federated averaging.
    public var fromUpdate: Recovery
    /// From the first round of act 2: its start knows most mails already, so that rare words hardly move.
    public var fromLateUpdate: Recovery
    /// From the exponents that python-paillier would send in the clear beside the ciphertexts of the pass from zero.
    public var fromExponents: Recovery
    /// Features for which the difference of spam and ham mails in a first batch from the zero model comes out exactly.
    public var exactDifferences: Int
    /// Features of the model.
    public var modelFeatures: Int
}

extension SpamStudy {
    /// The site whose words are looked for: the smallest.
    static let victim = 2

    /// Act 3: what a coordinator reads in the messages of the smallest site when nothing protects them.
    ///
    /// The attacker tries every word that enough mails have, the most frequent first.
    /// - Parameter run: of act 2.
    func leak(_ run: FederatedSpamRun) throws -> SpamLeak {
        let mailsOfSite = sites[Self.victim].mails
        let rows = corpus.texts(mailsOfSite, run.vocabulary)
        let (dictionary, own) = wordLists(mailsOfSite)
        let known = own.intersection(dictionary)

        let layout = try run.roundLayout(settings, sites: sites.count)
        func sent(_ update: [Double]) throws -> [Double] {
            try layout.integers([update]).integers.dropLast().map(Double.init)
        }
        func recovery(_ moved: [Double]) -> SpamLeak.Recovery {
            let claimed = WordRecovery.words(update: moved, dictionary: dictionary, vocabulary: run.vocabulary)
            return .init(RecoveryScore(claimed: claimed, actual: known))
        }

        let counts = rows.counts()
        let rounds = SpamRounds(
            settings: settings, sites: sites.map { corpus.texts($0.mails, run.vocabulary) }, vocabulary: run.vocabulary)
        let share = Double(rows.count) / Double(sites.reduce(0) { $0 + $1.mails.count })
        let zero = LinearTextModel(featureCount: run.vocabulary.count)
        let late = try rounds.update(site: Self.victim, round: 0, from: run.start, share: share)
        let pass = try rounds.update(site: Self.victim, round: 0, from: zero, share: share)

        var first = zero
        let size = min(settings.batchSize, rows.count)
        try first.train(rows, order: Array(0..<size), batchSize: size, learningRate: settings.learningRate)
        let differences = WordRecovery.countDifferences(
            update: first.weights, batchSize: size, learningRate: settings.learningRate)
        var actual = [Int](repeating: 0, count: run.vocabulary.count)
        for index in 0..<size { for feature in rows.row(index) { actual[Int(feature)] += rows.labels[index] ? 1 : -1 } }

        var moved = [Double](repeating: 0, count: run.vocabulary.count)
        let exponents = pass.dropLast().map(PublicExponents.exponent)
        for index in PublicExponents.certainlyNonZero(exponents) { moved[index] = 1 }

        return SpamLeak(
            siteMails: mailsOfSite.count, features: known.count, words: own.count,
            fromCounts: recovery(zip(counts.negative, counts.positive).map { Double($0 + $1) }),
            fromUpdate: recovery(try sent(pass)), fromLateUpdate: recovery(try sent(late)),
            fromExponents: recovery(moved),
            exactDifferences: zip(differences, actual).count { $0 == $1 }, modelFeatures: run.vocabulary.count)
    }

    /// Every word that enough mails have to be a feature, the most frequent first, and the words of some mails.
    private func wordLists(_ positions: [Int]) -> (dictionary: [[UInt8]], own: Set<[UInt8]>) {
        var counts: [[UInt8]: Int] = [:]
        for position in training {
            for word in WordReader.distinctWords(mails[corpus.items[position].source].content) {
                counts[word, default: 0] += 1
            }
        }
        // Ties by the word itself, so that the order is the same everywhere.
        let frequent = counts.filter { $0.value >= settings.leastMails }
        let dictionary = frequent.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key)
        }
        var own: Set<[UInt8]> = []
        for position in positions {
            own.formUnion(WordReader.distinctWords(mails[corpus.items[position].source].content))
        }
        return (dictionary.map(\.key), own)
    }
}
