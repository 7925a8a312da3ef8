import Auditing
import TacitTestSupport
import Tabular
import TextClassification
import Testing

@Suite struct WordRecoveryTests {
    @Test func aPlainUpdateNamesTheWords() throws {
        let hashing = try WordHashing(logBuckets: 20)
        var generator = TestGenerator(seed: 4)
        let dictionary = (0..<3000).map { Array("word\($0)".utf8) }
        let texts = (0..<200).map { index in
            let words = (0..<30).map { _ in dictionary[Int.random(in: 0..<1500, using: &generator)] }
            return (words: words, isPositive: index % 2 == 0)
        }
        let rows = texts.map {
            (buckets: hashing.buckets(Array($0.words.joined(separator: [32]))), isPositive: $0.isPositive)
        }
        var counts = [Int64](repeating: 0, count: hashing.bucketCount)
        for word in dictionary { counts[hashing.bucket(of: word)] = 3 }
        let vocabulary = try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: 1)
        let own = LabelledTexts(rows, vocabulary)

        var first = LinearTextModel(featureCount: vocabulary.count)
        try first.train(own, order: Array(0..<32), batchSize: 32, learningRate: 1)
        let differences = WordRecovery.countDifferences(update: first.weights, batchSize: 32, learningRate: 1)
        var wanted = [Int](repeating: 0, count: vocabulary.count)
        for index in 0..<32 { for feature in own.row(index) { wanted[Int(feature)] += own.labels[index] ? 1 : -1 } }
        #expect(differences == wanted)

        var model = LinearTextModel(featureCount: vocabulary.count)
        for _ in 0..<2 { try model.train(own, order: Array(0..<200), batchSize: 32, learningRate: 1) }
        let claimed = WordRecovery.words(update: model.weights, dictionary: dictionary, vocabulary: vocabulary)
        let score = RecoveryScore(claimed: claimed, actual: Set(texts.flatMap(\.words)))
        #expect(score.recall > 0.99 && score.precision > 0.99)
        #expect(
            WordRecovery.words(
                update: [Double](repeating: 0, count: vocabulary.count), dictionary: dictionary, vocabulary: vocabulary
            ).isEmpty)
    }

    /// Exponents that phe 1.5.0 gives: `EncodedNumber.encode(key, x).exponent` for these x.
    @Test(
        arguments: [
            (0.0, -14), (1.0, -13), (-1.0, -13), (0.5, -14), (0.25, -14), (0.3, -14), (0.001, -16), (-1e-06, -18),
            (1e-09, -21), (3.0, -13), (17.0, -12), (-1234.5, -11), (4503599627370496.0, 0), (9007199254740992.0, 0),
            (1e+20, 3), (Double.leastNonzeroMagnitude, -282), (1.7e+308, 242), (0.0625, -14), (0.062, -15),
        ] as [(Double, Int)])
    func exponentsAreThoseOfPythonPaillier(_ number: Double, _ exponent: Int) {
        #expect(PublicExponents.exponent(of: number) == exponent)
    }

    @Test func movedWeightsAreTold() {
        let exponents = [0, 0.001, 0, -1e-6, 0.25].map(PublicExponents.exponent)
        #expect(PublicExponents.certainlyNonZero(exponents) == [1, 3])
    }

    /// The readings see what is there: plain words give it away, random bytes do not.
    @Test func readingsTellPlainFromRandom() throws {
        var generator = TestGenerator(seed: 9)
        let facts = (0..<20_000).map { _ in Bool.random(using: &generator) }
        let plain = facts.flatMap { fact -> [UInt8] in
            fact ? [UInt8.random(in: 1...255, using: &generator), 0, 0, 0] : [0, 0, 0, 0]
        }
        let seen = try WireInspection.readings(of: plain, facts: facts)
        #expect(seen.contains { $0.auroc == 1 })
        let random = (0..<80_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        // 0.02 is 4.9 standard deviations of an AUROC of 10,000 against 10,000.
        for reading in try WireInspection.readings(of: random, facts: facts) {
            #expect(abs(reading.auroc - 0.5) < 0.02)
        }
        #expect(try WireInspection.auroc(first: [1, 1], second: [1, 1]) == 0.5)
        #expect(throws: TabularError.self) { try WireInspection.readings(of: [1, 2, 3], facts: [true, false]) }
        #expect(throws: TabularError.self) { try WireInspection.readings(of: plain, facts: [true, true]) }
    }

    @Test func scoresOfNothing() {
        let score = RecoveryScore(claimed: Set<Int>(), actual: [])
        #expect(score.recall == 0 && score.precision == 0)
    }
}
