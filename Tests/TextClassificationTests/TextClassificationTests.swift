import Foundation
import TacitTestSupport
import TextClassification
import Testing

@Suite struct TextClassificationTests {
    @Test func wordsAreRead() {
        let words = WordReader.distinctWords(Array("Subject: FREE money!! free $100, caf\u{E9} - free".utf8))
        #expect(
            words.map { String(decoding: $0, as: UTF8.self) } == ["subject", "free", "money!!", "$100", "caf\u{E9}"])
        #expect(WordReader.distinctWords([]) == [] && WordReader.distinctWords([0, 10, 32]) == [])
        #expect(WordReader.normalised(Array(" A  b\r\n".utf8)) == Array("a b".utf8))
    }

    @Test func bucketsAreSpreadEvenly() throws {
        // χ² over 256 buckets of 200,000 distinct words; 355 has probability 1e-5 with 255 degrees of freedom.
        let hashing = try WordHashing(logBuckets: 8)
        var counts = [Int](repeating: 0, count: 256)
        for number in 0..<200_000 { counts[hashing.bucket(of: Array("w\(number)".utf8))] += 1 }
        let expected = 200_000.0 / 256
        let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(statistic < 355)
        #expect(throws: TextClassificationError.self) { try WordHashing(logBuckets: 27) }
    }

    /// FNV-1a of "foobar" is 0x85944171f73967e8 (the published vector); the finaliser is SplitMix64's.
    @Test func hashIsTheDocumentedOne() throws {
        var z: UInt64 = 0x8594_4171_F739_67E8
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        #expect(try WordHashing(logBuckets: 24).bucket(of: Array("foobar".utf8)) == Int(z >> 40))
    }

    @Test func vocabularyHoldsWhatEnoughTextsHave() throws {
        let hashing = try WordHashing(logBuckets: 12)
        let texts = ["a b c", "a b", "a", "d"].map { hashing.buckets(Array($0.utf8)) }
        var counts = [Int64](repeating: 0, count: hashing.bucketCount)
        for text in texts { for bucket in text { counts[Int(bucket)] += 1 } }
        let vocabulary = try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: 2)
        #expect(vocabulary.count == 2)
        #expect(vocabulary.feature(of: Array("a".utf8)) != nil && vocabulary.feature(of: Array("b".utf8)) != nil)
        #expect(vocabulary.feature(of: Array("c".utf8)) == nil && vocabulary.feature(of: Array("d".utf8)) == nil)
        #expect(throws: TextClassificationError.self) {
            try Vocabulary(hashing: hashing, textCounts: [1], leastTexts: 2)
        }
        #expect(throws: TextClassificationError.self) {
            try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: 0)
        }
    }

    static func random(_ count: Int, features: Int, seed: UInt64) -> LabelledTexts {
        var generator = TestGenerator(seed: seed)
        var texts = LabelledTexts(featureCount: features)
        for _ in 0..<count {
            let row = (0..<features).filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }.map(Int32.init)
            texts.append(row, isPositive: row.contains { $0 < 3 })
        }
        return texts
    }

    @Test func countsOfPartsAddUpToThoseOfTheWhole() throws {
        let a = Self.random(50, features: 20, seed: 1)
        let b = Self.random(70, features: 20, seed: 2)
        var both = a
        for index in 0..<b.count { both.append(Array(b.row(index)), isPositive: b.labels[index]) }
        #expect(a.counts() + b.counts() == both.counts())
    }

    /// By hand from the definition: θ₊ = (2.5, 2.5, 1.5)/6.5 and θ₋ = (0.5, 0.5, 1.5)/2.5.
    @Test func naiveBayesIsTheDefinition() throws {
        var texts = LabelledTexts(featureCount: 3)
        texts.append([0, 1], isPositive: true)
        texts.append([0], isPositive: true)
        texts.append([1, 2], isPositive: true)
        texts.append([2], isPositive: false)
        let model = try LinearTextModel.naiveBayes(texts.counts(), smoothing: 0.5)
        let ratios: [Double] = [1.923_076_923_076_923, 1.923_076_923_076_923, 0.384_615_384_615_384_6]
        let wanted: [Double] = ratios.map { log($0) }
        for (weight, want) in zip(model.weights, wanted) { #expect(abs(weight - want) < 1e-14) }
        #expect(abs(model.intercept - log(3)) < 1e-15)
        var oneClass = LabelledTexts(featureCount: 1)
        oneClass.append([0], isPositive: true)
        #expect(throws: TextClassificationError.self) {
            try LinearTextModel.naiveBayes(oneClass.counts(), smoothing: 1)
        }
        #expect(throws: TextClassificationError.self) { try LinearTextModel.naiveBayes(texts.counts(), smoothing: 0) }
    }

    @Test func trainingFollowsTheGradient() throws {
        let texts = Self.random(40, features: 12, seed: 3)
        func loss(_ model: LinearTextModel) -> Double {
            zip(model.scores(texts), texts.labels).reduce(0) { $0 + log1p(exp($1.1 ? -$1.0 : $1.0)) } / 40
        }
        var start = LinearTextModel(featureCount: 12)
        for index in 0..<12 { start.weights[index] = Double(index) / 10 - 0.5 }
        var moved = start
        try moved.train(texts, order: Array(0..<40), batchSize: 40, learningRate: 1)
        for index in 0..<12 {
            var (up, down) = (start, start)
            up.weights[index] += 1e-5
            down.weights[index] -= 1e-5
            let slope = (loss(up) - loss(down)) / 2e-5
            #expect(abs((start.weights[index] - moved.weights[index]) - slope) < 1e-8)
        }
        var fitted = LinearTextModel(featureCount: 12)
        for _ in 0..<300 { try fitted.train(texts, order: Array(0..<40), batchSize: 8, learningRate: 1) }
        #expect(fitted.accuracy(texts) == 1)
        #expect(throws: TextClassificationError.self) {
            try fitted.train(texts, order: [0], batchSize: 0, learningRate: 1)
        }
        #expect(throws: TextClassificationError.self) {
            try fitted.train(texts, order: [0], batchSize: 1, learningRate: .infinity)
        }
    }
}
