import PrivateScoring
import TacitTestSupport
import Testing
import TextClassification

@Suite struct TextTrainingTests {
    /// Texts in which words with an s are commoner in the positive ones.
    static func texts(_ count: Int, seed: UInt64) -> [TextTraining.Text] {
        var generator = TestGenerator(seed: seed)
        return (0..<count).map { _ in
            let isPositive = Bool.random(using: &generator)
            let words = (0..<30).map { _ -> String in
                let isOwn = Int.random(in: 0..<3, using: &generator) == 0
                return (isOwn ? isPositive ? "s" : "h" : "n") + "\(Int.random(in: 0..<40, using: &generator))"
            }
            return .init(Array(words.joined(separator: " ").utf8), isPositive: isPositive)
        }
    }

    @Test func theModelFindsTheClasses() throws {
        let texts = Self.texts(600, seed: 1)
        let outcome = try TextTraining().run(texts)
        let held = try #require(outcome.heldOut)
        #expect(outcome.positives + outcome.negatives + held.count == 600 && outcome.duplicates == 0)
        // 120 expected; five deviations are 49.
        #expect(abs(held.count - 120) < 49 && held.accuracy > 0.98)
        let isRight = try texts.map { try (outcome.file.score($0.content) > 0) == $0.isPositive }
        #expect(isRight.count { $0 } > 590)
        let weight = { (word: String) in
            outcome.file.vocabulary.feature(of: Array(word.utf8)).map { outcome.file.model.weights[Int($0)] } ?? 0
        }
        for number in 0..<40 { #expect(weight("s\(number)") > 0 && weight("h\(number)") < 0) }
    }

    /// The same texts in another order and some twice: the same model to the bit.
    @Test func orderAndDuplicatesDoNotMatter() throws {
        var texts = Self.texts(200, seed: 2)
        var training = TextTraining()
        let first = try training.run(texts)
        texts += texts.prefix(50).map { .init($0.content + Array(" .\n".utf8), isPositive: $0.isPositive) }
        var generator = TestGenerator(seed: 3)
        texts.shuffle(using: &generator)
        let second = try training.run(texts)
        #expect(second.duplicates == 50 && first.heldOut == second.heldOut)
        #expect(first.file.vocabulary == second.file.vocabulary)
        for (a, b) in zip(first.file.model.weights, second.file.model.weights) { #expect(abs(a - b) < 1e-9) }
        // A duplicate of a text that is held out is not trained on: whatever is held out, the counts add up.
        training.heldOutShare = 0.5
        let third = try training.run(texts)
        #expect(third.positives + third.negatives + (third.heldOut?.count ?? 0) + third.duplicates == 250)
    }

    /// Without passes it is naive Bayes as LinearTextModel has it.
    @Test func zeroPassesAreNaiveBayes() throws {
        let texts = Self.texts(100, seed: 4)
        var training = TextTraining()
        (training.passes, training.heldOutShare, training.leastTexts) = (0, 0, 1)
        let file = try training.run(texts).file
        #expect(try training.run(texts).heldOut == nil)
        let hashing = file.vocabulary.hashing
        let rows = LabelledTexts(texts.map { (hashing.buckets($0.content), $0.isPositive) }, file.vocabulary)
        #expect(try file.model == .naiveBayes(rows.counts(), smoothing: 0.1))
        let all = file.bucketWeights
        #expect(all.count == 1 << 16 && all.count { $0 != 0 } == file.model.weights.count { $0 != 0 })
        for text in texts {
            let expected = hashing.buckets(text.content).reduce(file.model.intercept) { $0 + all[Int($1)] }
            #expect(abs(try file.score(text.content) - expected) < 1e-9)
        }
    }

    @Test func badInputIsRefused() throws {
        let words = ScoringFilesTests.words
        var training = TextTraining()
        #expect(
            words { _ = try training.run(Self.texts(30, seed: 1).filter(\.isPositive)) }.contains(
                "to train on, want both"))
        #expect(
            words { _ = try training.run([.init([97], isPositive: true), .init([98], isPositive: false)]) }
                == "texts: no word is in 3 of them")
        training.logBuckets = 19
        #expect(words { _ = try training.run([]) } == "logBuckets: got 19, want 10...18")
        training.logBuckets = 16
        training.passes = -1
        #expect(words { _ = try training.run([]) } == "passes: got -1, want 0...1000")
        training.heldOutShare = .nan
        #expect(words { _ = try training.run([]) } == "heldOutShare: got nan, want 0..<1")
    }
}
