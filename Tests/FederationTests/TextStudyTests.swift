import BinaryCoding
import Federation
import Foundation
import TacitTestSupport
import Tabular
import TextClassification
import Testing

/// Studies of texts: what the sites find out together is what one place would from all their texts.
@Suite struct TextStudyTests {
    /// All training texts in one place, as features of the joint vocabulary.
    private struct Pooled {
        var vocabulary: Vocabulary
        var training: LabelledTexts
        var heldOut: LabelledTexts
        var sites: [LabelledTexts]

        init(_ test: TestStudy, least: Int, countsSites: Bool = false) throws {
            let hashing = try WordHashing(logBuckets: test.study.literal.model.logBuckets ?? 0)
            func buckets(_ list: [Int]) -> [(buckets: [Int32], isPositive: Bool)] {
                list.map { (hashing.buckets(test.texts[$0].content), test.texts[$0].isPositive) }
            }
            let parts = test.identities.indices.map { test.data($0) }
            var counts = [Int64](repeating: 0, count: hashing.bucketCount)
            for part in parts {
                var own = [Int64](repeating: 0, count: hashing.bucketCount)
                for text in buckets(part.training) { for bucket in text.buckets { own[Int(bucket)] += 1 } }
                for index in own.indices { counts[index] += countsSites ? min(1, own[index]) : own[index] }
            }
            vocabulary = try Vocabulary(hashing: hashing, textCounts: counts, leastTexts: Int64(least))
            let known = vocabulary
            sites = parts.map { LabelledTexts(buckets($0.training), known) }
            training = LabelledTexts(parts.flatMap { buckets($0.training) }, known)
            heldOut = LabelledTexts(parts.flatMap { buckets($0.heldOut) }, known)
        }
    }

    private static func study(
        _ kind: ProtectionKind, rounds: Int = 3, _ change: (inout StudyLiteral) -> Void = { _ in }
    ) throws -> TestStudy { try TestStudy(rounds: rounds, kind: kind, isText: true, change: change) }

    @Test(arguments: [ProtectionKind.none, .secagg, .ckks, .paillier]) func wordsAndCountsAreThoseOfAllTexts(
        _ kind: ProtectionKind
    ) throws {
        let test = try Self.study(kind)
        let pooled = try Pooled(test, least: 3)
        let run = try test.result().coordinator
        #expect(run.vocabulary == pooled.vocabulary.buckets)
        #expect((40..<100).contains(run.vocabulary.count), "\(run.vocabulary.count)")
        let purposes = run.history.map(\.purpose).filter { $0 != "keys" }
        #expect(purposes == ["vocabulary", "counts", "training", "training", "training", "evaluation"])
        // The first round evaluates the model that it starts from: naive Bayes of all counts.
        let bayes = try LinearTextModel.naiveBayes(pooled.training.counts(), smoothing: 0.1)
        let first = try #require(run.history.first { $0.purpose == "training" }?.metrics)
        #expect(first.rows == 40)
        let wanted = bayes.accuracy(pooled.heldOut)
        #expect(abs(first.accuracy - wanted) < 1e-9)
        #expect(run.totalRows == 120)
        // And the last model is what the same steps give outside of the study.
        let weights = run.model.weights
        let model = LinearTextModel(weights: Array(weights.dropLast()), intercept: weights[weights.count - 1])
        let last = try #require(run.history.last?.metrics)
        let right = model.accuracy(pooled.heldOut)
        #expect(abs(last.accuracy - right) < 1e-9)
        #expect(last.accuracy >= 0.8)
        #expect(model != bayes.scaled(by: 0.2))
        // All protections give the same bits.
        #expect(try run.model == Self.study(.none).result().coordinator.model)
    }

    /// One round by hand: each site's pass from the joint start, weighted by its texts.
    @Test func aRoundIsTheMeanOfTheSitesPasses() throws {
        let test = try Self.study(.none, rounds: 1)
        let pooled = try Pooled(test, least: 3)
        let run = try test.result().coordinator
        let start = try LinearTextModel.naiveBayes(pooled.training.counts(), smoothing: 0.1).scaled(by: 0.2)
        var expected = [Double](repeating: 0, count: pooled.vocabulary.count + 1)
        for (index, texts) in pooled.sites.enumerated() {
            let name = "order of rows \(test.study.seed) \(test.identities[index].name) 0"
            let seed = Fingerprint(of: Array(name.utf8)).bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            var order = Array(0..<texts.count)
            var generator = ShuffleGenerator(seed: seed)
            generator.shuffle(&order)
            var own = start
            try own.train(texts, order: order, batchSize: 8, learningRate: 0.2)
            let all = zip(own.weights + [own.intercept], start.weights + [start.intercept])
            for (place, pair) in all.enumerated() { expected[place] += (pair.0 - pair.1) / 4 }
        }
        for (place, weight) in run.model.weights.enumerated() {
            let wanted = expected[place] + (start.weights + [start.intercept])[place]
            #expect(abs(weight - wanted) < 1e-5, "weight \(place)")
        }
    }

    @Test func wordsOfSeveralSitesAndAllBuckets() throws {
        let sites = try Self.study(.secagg, rounds: 1) { ($0.model.leastTexts, $0.model.leastSites) = (nil, 3) }
        let run = try sites.result().coordinator
        #expect(try run.vocabulary == Pooled(sites, least: 3, countsSites: true).vocabulary.buckets)
        let all = try Self.study(.secagg, rounds: 1) { $0.model.leastTexts = nil }
        let plain = try all.result().coordinator
        #expect(plain.vocabulary.isEmpty && plain.model.count == 1025)
        #expect(plain.history.map(\.purpose) == ["counts", "training", "evaluation"])
        #expect((plain.best?.metrics.accuracy ?? 0) > 0.8)
        let zero = try Self.study(.none, rounds: 1) { ($0.model.leastTexts, $0.model.startScale) = (nil, 0) }
        #expect(try zero.result().coordinator.history.map(\.purpose) == ["training", "evaluation"])
    }

    /// Two pieces, whose words come in order.
    @Test func aLongUniverseTakesSeveralSums() throws {
        let test = try Self.study(.secagg, rounds: 1) { $0.model.logBuckets = 23 }
        let run = try test.result().coordinator
        #expect(run.history.prefix(2).map { "\($0.purpose) \($0.round)" } == ["vocabulary 0", "vocabulary 1"])
        #expect(try run.vocabulary == Pooled(test, least: 3).vocabulary.buckets)
        #expect(run.vocabulary.contains { $0 >= 1 << 22 } && run.vocabulary.contains { $0 < 1 << 22 })
    }

    @Test func noiseGoesWithAllBuckets() throws {
        let test = try TestStudy(
            sites: 5, rounds: 2, kind: .secagg,
            privacy: ClientPrivacy(
                clippingNorm: 1, noiseMultiplier: 1, placement: .distributed, neighbouring: .addOrRemoveOne,
                delta: 1e-5), isText: true
        ) { $0.model.leastTexts = nil }
        let run = try test.result()
        #expect(run.coordinator.history.map(\.purpose) == ["training", "training"])
        #expect(run.sites["site-1"]?.events.count == 2)
    }

    @Test func eachSiteAloneHasItsOwnCounts() throws {
        let test = try Self.study(.none, rounds: 1) { $0.localBaseline = true }
        let run = try test.result().coordinator
        let pooled = try Pooled(test, least: 3)
        var right = 0.0
        for index in test.identities.indices {
            let name = "order of rows \(test.study.seed) \(test.identities[index].name) 0"
            let seed = Fingerprint(of: Array(name.utf8)).bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            var order = Array(0..<pooled.sites[index].count)
            var generator = ShuffleGenerator(seed: seed)
            generator.shuffle(&order)
            var own = try LinearTextModel.naiveBayes(pooled.sites[index].counts(), smoothing: 0.1).scaled(by: 0.2)
            try own.train(pooled.sites[index], order: order, batchSize: 8, learningRate: 0.2)
            for row in index * 10..<index * 10 + 10
            where (own.score(pooled.heldOut.row(row)) > 0) == pooled.heldOut.labels[row] {
                right += 1
            }
        }
        #expect(abs((run.alone?.accuracy ?? 0) - right / 40) < 1e-9)
    }

    /// A vector a word: the same words, the same model under every protection, adaptive steps.
    @Test func vectorsOfWords() throws {
        func study(_ kind: ProtectionKind, rounds: Int = 2) throws -> TestStudy {
            try TestStudy(
                rounds: rounds, kind: kind, strategy: StrategyLiteral(name: "fedadam", rate: 0.3), isText: true
            ) {
                $0.model = ModelDescription(
                    kind: .embeddingBag, hidden: [3], dimension: 4, logBuckets: 10, leastTexts: 3, words: 16)
                $0.training.learningRate = 1
                $0.protection.clip = 20
            }
        }
        let plain = try study(.none)
        let run = try plain.result().coordinator
        #expect(run.vocabulary == (try Pooled(plain, least: 3)).vocabulary.buckets)
        #expect(run.history.map(\.purpose) == ["vocabulary", "training", "training", "evaluation"])
        #expect(run.model.count == 4 * (run.vocabulary.count + 1) + 3 * 5 + 4)
        #expect(run.model.tensors.first?.shape == [run.vocabulary.count + 1, 4])
        for kind in [ProtectionKind.secagg, .ckks] {
            #expect(try study(kind).result().coordinator.model == run.model, "\(kind)")
        }
        let file = try run.result.file(plain.study, scaling: nil, vocabulary: run.vocabulary)
        #expect(try plain.study.weights(in: file) == run.result.floats)
        let long = try study(.none, rounds: 30).result().coordinator
        #expect((long.best?.metrics.auroc ?? 0) > 0.85, "\(String(describing: long.best?.metrics))")
        // What does not go together.
        func refusal(_ change: @escaping (inout ModelDescription) -> Void) -> String {
            message {
                _ = try TestStudy(kind: .none, isText: true) {
                    $0.model = ModelDescription(kind: .embeddingBag, dimension: 4, logBuckets: 10, leastTexts: 3)
                    change(&$0.model)
                }
            }
        }
        #expect(refusal { _ in } == "nothing was thrown")
        #expect(refusal { $0.vocabulary = 7 } == "model.vocabulary: does not go with kind embedding-bag")
        #expect(refusal { $0.startScale = 0.2 } == "model.startScale: does not go with kind embedding-bag")
        #expect(refusal { $0.dimension = nil } == "model.dimension: got 0, want 1...4096")
        #expect(refusal { $0.words = 0 } == "model.words: got 0, want 1...4096")
        #expect(
            refusal { ($0.leastTexts, $0.logBuckets, $0.dimension) = (nil, 20, 512) }.contains(
                "vocabulary: got 1048576 words, whose model has 536871937 weights, want at most 16777216"))
        #expect(
            refusal { ($0.leastTexts, $0.logBuckets) = (nil, nil) }.contains(
                "embedding-bag wants vocabulary, at least 1, or logBuckets for texts"))
    }

    @Test func filesHoldTheWords() throws {
        let test = try Self.study(.none)
        let run = try test.result().coordinator
        let file = try run.result.file(test.study, scaling: nil, vocabulary: run.vocabulary)
        #expect(try test.study.vocabulary(in: file) == run.vocabulary)
        #expect(try test.study.weights(in: file) == run.result.floats)
        var without = file
        without.tensors["input.buckets"] = nil
        #expect(
            message { _ = try test.study.weights(in: without) }
                == "model: input.buckets: is missing")
    }

    /// On which side a text falls is the same everywhere, and each wording counts once.
    @Test func textsAreDividedByTheirWords() throws {
        let study = try Self.study(.none).study
        let texts = TestStudy.madeUpTexts(3000, seed: 9)
        let again = texts.prefix(500).map { (content: $0.content + Array(" !!! \n".utf8), isPositive: $0.isPositive) }
        let (all, none) = try study.data(texts, heldOutShare: 0.3)
        #expect(none == 0 && all.training.count + all.heldOut.count == 3000)
        let share = Double(all.heldOut.count) / 3000
        #expect(abs(share - 0.3) < 0.042)  // five deviations
        let (doubled, twice) = try study.data(texts + texts, heldOutShare: 0.3)
        #expect(twice == 3000 && doubled.heldOut == all.heldOut)
        // Another order and other company: the same texts are held out.
        let (backwards, _) = try study.data(texts.reversed() + again, heldOutShare: 0.3)
        #expect(Set(backwards.heldOut.filter { $0 < 3000 }.map { 2999 - $0 }) == Set(all.heldOut))
        let other = try Self.study(.none) { $0.seed = 2 }.study
        #expect(try other.data(texts, heldOutShare: 0.3).data.heldOut != all.heldOut)
        #expect(message { _ = try study.data(texts, heldOutShare: 1) }.contains("want a number from 0 to below 1"))
        #expect(message { _ = try study.data([], heldOutShare: 0) }.contains("none of them to train on"))
    }

    @Test func refused() throws {
        func refusal(
            _ kind: ProtectionKind = .none, schema: Bool = false, _ change: @escaping (inout StudyLiteral) -> Void
        ) -> String { message { _ = try Self.study(kind, change) } }
        #expect(refusal { $0.model.logBuckets = nil } == "model.logBuckets: got none, want 8...26")
        #expect(refusal { $0.model.logBuckets = 27 } == "model.logBuckets: got 27, want 8...26")
        #expect(refusal { $0.model.leastTexts = 1 } == "model.leastTexts: got 1, want 2...1048576")
        #expect(refusal { $0.model.leastSites = 2 } == "model: got leastTexts and leastSites, want one of them")
        #expect(
            refusal { ($0.model.leastTexts, $0.model.leastSites) = (nil, 5) }
                == "model.leastSites: got 5, want 2...4, the number of sites")
        #expect(
            refusal { ($0.model.leastTexts, $0.model.logBuckets) = (nil, 21) }.contains(
                "want at most 20 without leastTexts or leastSites"))
        #expect(refusal(.ckks) { $0.model.logBuckets = 22 }.contains("want at most 20 with protection ckks"))
        #expect(refusal { $0.model.startScale = 2 } == "model.startScale: got 2.0, want 0...1")
        #expect(refusal { $0.model.smoothing = 0 } == "model.smoothing: got 0.0, want a number in (0, 1000]")
        #expect(refusal { $0.training.ridge = 0.1 }.contains("training.ridge: does not go with kind text"))
        #expect(refusal { $0.strategy = StrategyLiteral(name: "scaffold") }.contains("take another strategy"))
        #expect(refusal { $0.standardise = true }.contains("standardise: wants a schema"))
        #expect(
            refusal { $0.inputs = .init(width: 3, classes: 2) }.contains("neither a schema nor inputs go with it"))
        #expect(
            refusal { $0.model = ModelDescription(kind: .logistic, logBuckets: 10) }.contains(
                "model.logBuckets: does not go with kind logistic"))
        let privacy = ClientPrivacy(
            clippingNorm: 1, noiseMultiplier: 1, placement: .central, neighbouring: .addOrRemoveOne, delta: 1e-5)
        #expect(refusal { $0.privacy = privacy }.contains("privacy: leastTexts and leastSites take exact sums"))
        #expect(
            refusal { ($0.privacy, $0.model.leastTexts, $0.model.startScale) = (privacy, nil, 0.2) }.contains(
                "privacy: model.startScale takes exact counts"))
        // Sites with tables, and sites with texts in a study of tables.
        let (text, table) = (try Self.study(.none), try TestStudy())
        #expect(
            message { _ = try Site(text.study, identity: text.identities[0], data: table.data(0)) }
                == "rows: the study wants texts")
        #expect(
            message { _ = try Site(table.study, identity: table.identities[0], data: text.data(0)) }
                == "rows: the study wants a table")
    }

    /// Nothing in common, or one class only: the study ends and says why.
    @Test func studiesThatCannotGoOnSayWhy() throws {
        func reason(_ test: TestStudy) throws -> String {
            var coordinator = try test.coordinator()
            var sites = try test.identities.indices.map { try test.site($0) }
            var queue = sites.indices.flatMap { sites[$0].handle(.join).messages }
            while !queue.isEmpty {
                for (name, bytes) in coordinator.handle(.message(queue.removeFirst())).messages {
                    let index = test.identities.firstIndex { $0.name == name }!
                    queue += sites[index].handle(.message(bytes)).messages
                }
            }
            guard case .failed(let reason) = coordinator.phase else { return "\(coordinator.phase)" }
            return reason
        }
        let rare = try Self.study(.secagg) { $0.model.leastTexts = 100_000 }
        #expect(try reason(rare).contains("vocabulary: got no word that is frequent enough"))
    }

    /// A coordinator that asks for what a study does not have is refused; nothing leaves.
    @Test func asksThatAreNotTheStudys() throws {
        let test = try Self.study(.none)
        let table = try TestStudy()
        func answer(_ test: TestStudy, _ task: SessionTask) throws -> String {
            var site = try test.site(0)
            _ = site.handle(.join)
            let transition = site.handle(.message(Instruction.task(task).encoded(study: test.study.fingerprint)))
            #expect(transition.messages.isEmpty && transition.record == nil)
            return transition.notices.map { "\($0)" }.joined()
        }
        let run = try test.result().coordinator
        let cohort = test.identities.map(\.name)
        func task(
            _ purpose: SessionPurpose, round: Int = 0, model: GlobalModel? = nil, _ vocabulary: [Int32]
        ) throws -> SessionTask {
            var coordinator = try test.coordinator()
            var found: SessionTask?
            for index in cohort.indices {
                var site = try test.site(index)
                for bytes in site.handle(.join).messages {
                    for (_, message) in coordinator.handle(.message(bytes)).messages {
                        if case .task(let task) = try Instruction(decoding: message, study: test.study.fingerprint) {
                            found = task
                        }
                    }
                }
            }
            var made = try #require(found)
            (made.purpose, made.round, made.model, made.vocabulary) = (purpose, round, model, vocabulary)
            return made
        }
        #expect(try answer(test, task(.vocabulary, round: 1, [])).contains("piece 1 of the vocabulary, want one of 1"))
        #expect(try answer(test, task(.vocabulary, [1])).contains("piece 0 of the vocabulary"))
        #expect(try answer(test, task(.counts, [])).contains("vocabulary: got 0 words, want some"))
        #expect(try answer(test, task(.counts, [5, 2000])).contains("want ascending numbers in 0..<1024"))
        #expect(
            try answer(test, task(.training, model: run.model, Array(run.vocabulary.dropLast()))).contains(
                "the model has another architecture"))
        #expect(try answer(test, task(.training, model: run.model, [])).contains("got 0 words"))
        // A list of words whose model would take 16 GB: said no to before any of it is made.
        let wide = try TestStudy(kind: .none, isText: true) {
            $0.model = ModelDescription(kind: .embeddingBag, dimension: 4096, logBuckets: 20, leastTexts: 3)
            $0.localBaseline = true
        }
        var large = try task(.local, Array(0..<1 << 20))
        large.cohort = wide.identities.map(\.name)
        #expect(try answer(wide, large).contains("vocabulary: got 1048576 words, whose model has"))
        for purpose in [SessionPurpose.vocabulary, .counts] {
            var other = try task(purpose, [])
            other.cohort = table.identities.map(\.name)
            #expect(try answer(table, other).contains("asks for words, the study has none"))
        }
    }

    @Test func vocabulariesHaveOneCoding() throws {
        let test = try Self.study(.none)
        var generator = TestGenerator(seed: 3)
        var task: SessionTask?
        var coordinator = try test.coordinator()
        for index in test.identities.indices {
            var site = try test.site(index)
            for bytes in site.handle(.join).messages {
                for (_, message) in coordinator.handle(.message(bytes)).messages {
                    if case .task(let found) = try Instruction(decoding: message, study: test.study.fingerprint) {
                        task = found
                    }
                }
            }
        }
        var made = try #require(task)
        for list in [[], [0], [Int32.max], [0, Int32.max], Array(0..<1000)] as [[Int32]]
            + (0..<50).map({ _ in
                Array(Set((0..<200).map { _ in Int32.random(in: 0...(.max), using: &generator) })).sorted()
            })
        {
            made.vocabulary = list
            let bytes = Instruction.task(made).encoded(study: test.study.fingerprint)
            guard case .task(let read) = try Instruction(decoding: bytes, study: test.study.fingerprint) else {
                Issue.record("not a task")
                return
            }
            #expect(read == made)
        }
        Fuzzing.run(
            valid: [Instruction.task(made).encoded(study: test.study.fingerprint)],
            iterations: Fuzzing.iterations(oneOf: 10)
        ) { altered in
            guard case .task(let task)? = try? Instruction(decoding: altered, study: test.study.fingerprint) else {
                return
            }
            // What is taken has one way to be written.
            #expect(Instruction.task(task).encoded(study: test.study.fingerprint) == altered)
        }
    }
}
