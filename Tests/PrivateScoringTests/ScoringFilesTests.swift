import AtomicFiles
import BinaryCoding
import Foundation
import PrivateScoring
import Randomness
import Synchronization
import TacitTestSupport
import Testing
import TextClassification

@Suite struct ScoringFilesTests {
    /// A trained model and its encryption, with the files of both.
    struct Owner {
        let folder: TemporaryFolder
        let text: TextModelFile
        let model: EncryptedTextModel
        let secret: SecretBytes
        let bound: Double

        init(answers: Int, seed: UInt64) throws {
            folder = try TemporaryFolder()
            var training = TextTraining()
            training.heldOutShare = 0
            training.leastTexts = 2
            training.logBuckets = 10
            text = try training.run(
                (0..<8).map { number in
                    .init(
                        Array("win money \(number % 2 == 0 ? "now" : "tuesday") \(number)".utf8),
                        isPositive: number % 2 == 0)
                }
            ).file
            var random = SeededRandom(seed: seed)
            let owner = try ScoringOwner(
                weights: text.bucketWeights, intercept: text.model.intercept, queries: answers, using: &random)
            model = try EncryptedTextModel(owner, text.vocabulary.hashing)
            secret = owner.encodedSecret(SecretAccess("test"))
            bound = owner.errorBound
            try model.write(to: folder.file("model"))
            try text.write(to: folder.file("text"))
            try ScoringCountFile.write(0, key: key, to: folder.file("answers"))
        }

        var key: Fingerprint { model.model.publicKey.identity }
        var stored: StoredScoringOwner {
            StoredScoringOwner(model: model, secret: secret, countPath: folder.file("answers"))
        }
        var count: Int { get throws { try ScoringCountFile.read(path: folder.file("answers"), key: key) } }
    }

    static func ask(
        _ model: EncryptedTextModel, _ texts: String..., using random: inout SeededRandom
    ) throws(PrivateScoringError) -> (question: ScoringQuestionFile, blinding: ScoringBlindingFile) {
        try model.ask(texts.map { ($0, Array($0.utf8)) }, using: &random)
    }

    static func words(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "nothing was thrown"
    }

    @Test func aScoreThroughFiles() throws {
        let owner = try Owner(answers: 3, seed: 1)
        let folder = owner.folder
        var random = SeededRandom(seed: 2)
        let mail = "Money now!"
        let readers = try EncryptedTextModel(path: folder.file("model"))
        #expect(readers.identity == owner.model.identity && readers.queries == 3)
        let asked = try Self.ask(readers, mail, using: &random)
        try asked.question.write(readers, to: folder.file("question"))
        try asked.blinding.write(readers, to: folder.file("blinding"))
        let question = try ScoringQuestionFile(path: folder.file("question"), owner.model)
        #expect(try owner.stored.answer(question, to: folder.file("answer"), using: &random) == (1, 3))
        let kept = try ScoringBlindingFile(path: folder.file("blinding"), readers)
        let scores = try kept.scores(ScoringAnswerFile(path: folder.file("answer"), readers))
        let score = try #require(scores.first)
        #expect(kept.names == [mail] && scores.count == 1)
        let plain = try TextModelFile(path: folder.file("text"))
        #expect(plain.model == owner.text.model && plain.vocabulary == owner.text.vocabulary)
        #expect(abs(score - (try plain.score(Array(mail.utf8)))) <= owner.bound && score > 0)
        #expect(try readers.errorBound == owner.bound)
        // Only words of training mails have weights, and the encrypted model has one for every bucket.
        #expect(plain.vocabulary.count == 4 && readers.model.featureCount == 1024)
        for secret in ["text", "blinding", "answers"] {
            let mode = try FileManager.default.attributesOfItem(atPath: folder.file(secret))[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(secret)")
        }
        // A second answer to the same question is opened by the same blinding, and counts.
        #expect(try owner.stored.answer(question, to: folder.file("again"), using: &random) == (2, 3))
        let again = try asked.blinding.scores(ScoringAnswerFile(path: folder.file("again"), readers))[0]
        #expect(abs(again - score) <= 2 * owner.bound && again != score)
    }

    @Test func foreignFilesAreRefused() throws {
        let (own, other) = (try Owner(answers: 3, seed: 1), try Owner(answers: 3, seed: 2))
        var random = SeededRandom(seed: 3)
        let first = try Self.ask(own.model, "money", using: &random)
        let second = try Self.ask(own.model, "money", using: &random)
        let folder = own.folder
        try first.question.write(own.model, to: folder.file("question"))
        try first.blinding.write(own.model, to: folder.file("blinding"))
        _ = try own.stored.answer(first.question, to: folder.file("answer"), using: &random)
        let answer = try ScoringAnswerFile(path: folder.file("answer"), own.model)
        #expect(Self.words { _ = try second.blinding.scores(answer) } == "answer: is that of another question")
        for (file, read) in [
            ("question", { _ = try ScoringQuestionFile(path: folder.file("question"), other.model) }),
            ("blinding", { _ = try ScoringBlindingFile(path: folder.file("blinding"), other.model) }),
            ("answer", { _ = try ScoringAnswerFile(path: folder.file("answer"), other.model) }),
        ] as [(String, () throws -> Void)] {
            #expect(Self.words(read).hasPrefix("\(folder.file(file)): \(file): belongs to model "), "\(file)")
        }
        #expect(
            Self.words { _ = try ScoringCountFile.read(path: folder.file("answers"), key: other.key) }
                == "\(folder.file("answers")): count: is that of another key")
        // The key of another model.
        let mixed = StoredScoringOwner(model: own.model, secret: other.secret, countPath: folder.file("answers"))
        #expect(
            Self.words { _ = try mixed.answer(first.question, to: folder.file("x"), using: &random) }
                == "secret: is the key of another model")
        #expect(try own.count == 1)
        // A model that promises no answers, or more than any.
        for answers in [0, 1_000_001] as [UInt32] {
            var parts = try ContainerParts(decoding: readFile(folder.file("model"), limit: 1 << 24))
            parts.sections[0].bytes.replaceSubrange(0..<4, with: (0..<4).map { UInt8(answers >> (8 * $0) & 255) })
            parts.header = ContainerHeader(
                kind: .encryptedTextModel, parameters: Fingerprint(of: parts.sections[0].bytes), key: own.key)
            #expect(
                Self.words { _ = try EncryptedTextModel(MemorySource(parts.sealed), name: "f") }
                    == "f: answers: got \(answers), want 1...1000000")
        }
        #expect(
            Self.words { _ = try Self.ask(own.model, "money", " .,\n", using: &random) } == " .,\n: mail: has no words")
        #expect(
            Self.words { _ = try own.model.ask([("m", "word".utf8.flatMap { [$0, 0] })], using: &random) }.hasPrefix(
                "m: mail: has many zero bytes, as in UTF-16"))
        #expect(Self.words { _ = try own.model.ask([], using: &random) } == "mails: got 0, want 1...4096")
        #expect(
            Self.words {
                _ = try own.model.ask([(String, [UInt8])](repeating: ("a", [97]), count: 4097), using: &random)
            }
                == "mails: got 4097, want 1...4096")
    }

    /// Several mails in one question: as many answers, in their order, all or none.
    @Test func severalMailsInOneQuestion() throws {
        let owner = try Owner(answers: 5, seed: 1)
        let folder = owner.folder
        var random = SeededRandom(seed: 3)
        let mails = ["now", "tuesday", "money now", "nothing known"]
        let asked = try owner.model.ask(mails.map { ($0, Array($0.utf8)) }, using: &random)
        try asked.question.write(owner.model, to: folder.file("question"))
        try asked.blinding.write(owner.model, to: folder.file("blinding"))
        let question = try ScoringQuestionFile(path: folder.file("question"), owner.model)
        #expect(question.questions.count == 4 && question.identity == asked.question.identity)
        #expect(try owner.stored.answer(question, to: folder.file("answer"), using: &random) == (4, 5))
        let kept = try ScoringBlindingFile(path: folder.file("blinding"), owner.model)
        let scores = try kept.scores(ScoringAnswerFile(path: folder.file("answer"), owner.model))
        #expect(kept.names == mails)
        for (mail, score) in zip(mails, scores) {
            #expect(abs(score - (try owner.text.score(Array(mail.utf8)))) <= owner.bound, "\(mail)")
        }
        #expect(scores[0] > scores[1])
        #expect(
            Self.words { _ = try owner.stored.answer(question, to: folder.file("more"), using: &random) }
                == "answers: got 4 questions, want at most 1, the answers left")
        #expect(try owner.count == 4 && !folder.names.contains("more"))
        // A name of any length and of any letters is kept, cut at 4,096 bytes.
        let long = "\u{2028}\u{1F600}" + String(repeating: "é", count: 5000)
        let named = try owner.model.ask([(long, Array("now".utf8))], using: &random)
        try named.blinding.write(owner.model, to: folder.file("named"))
        let name = try #require(ScoringBlindingFile(path: folder.file("named"), owner.model).names.first)
        #expect(long.hasPrefix(name.dropLast()) && (4090...4099).contains(name.utf8.count))
    }

    /// No answer that is not counted, whatever goes wrong.
    @Test func answersAreCountedBeforeTheyAreGiven() throws {
        let owner = try Owner(answers: 5, seed: 1)
        let folder = owner.folder
        var random = SeededRandom(seed: 3)
        let asked = try Self.ask(owner.model, "money", using: &random)
        // What cannot be written costs nothing.
        #expect(throws: AtomicFilesError.self) {
            try owner.stored.answer(asked.question, to: folder.file("no/where"), using: &random)
        }
        #expect(
            Self.words { _ = try owner.stored.answer(asked.question, to: folder.file("model"), using: &random) }
                == "\(folder.file("model")): exists; choose another name or move it away")
        #expect(try owner.count == 0)
        // Many at once get no more than there are.
        let given = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 16) { number in
            var random = SystemRandom()
            let name = folder.file("answer-\(number)")
            if (try? owner.stored.answer(asked.question, to: name, using: &random)) != nil {
                given.withLock { $0 += 1 }
            }
        }
        #expect(try given.withLock { $0 } == 5 && owner.count == 5)
        #expect(folder.names.filter { $0.hasPrefix("answer-") }.count == 5)
        #expect(
            Self.words { _ = try owner.stored.answer(asked.question, to: folder.file("x"), using: &random) }
                == "answers: all 5 that the noise was sized for are given; make a new key")
        // Without the count there is no answer.
        try FileManager.default.removeItem(atPath: folder.file("answers"))
        #expect(throws: AtomicFilesError.self) {
            try owner.stored.answer(asked.question, to: folder.file("x"), using: &random)
        }
        #expect(!folder.names.contains("x"))
    }

    /// Every file of the exchange with bytes changed inside the checksum: readers return or throw.
    @Test func readersOfForeignBytesAreTotal() throws {
        let owner = try Owner(answers: 3, seed: 1)
        let (folder, model, key) = (owner.folder, owner.model, owner.key)
        var random = SeededRandom(seed: 3)
        let asked = try Self.ask(model, "money", using: &random)
        try asked.question.write(model, to: folder.file("question"))
        try asked.blinding.write(model, to: folder.file("blinding"))
        _ = try owner.stored.answer(asked.question, to: folder.file("answer"), using: &random)
        let readers: [(String, ([UInt8]) -> Void)] = [
            ("text", { _ = try? TextModelFile(MemorySource($0), name: "f") }),
            ("model", { _ = try? EncryptedTextModel(MemorySource($0), name: "f") }),
            ("question", { _ = try? ScoringQuestionFile(MemorySource($0), name: "f", model) }),
            ("blinding", { _ = try? ScoringBlindingFile(MemorySource($0), name: "f", model) }),
            ("answer", { _ = try? ScoringAnswerFile(MemorySource($0), name: "f", model) }),
            ("answers", { _ = try? ScoringCountFile.read(MemorySource($0), name: "f", key: key) }),
        ]
        for (name, read) in readers {
            let parts = try ContainerParts(decoding: readFile(folder.file(name), limit: 1 << 24))
            Fuzzing.run(section: 0, of: parts, oneOf: 66, read)
            // The model names its own bytes; a forger does that too.
            guard name == "model" else { continue }
            Fuzzing.run(valid: [parts.sections[0].bytes], seed: 7, iterations: Fuzzing.iterations(oneOf: 66)) { bytes in
                var forged = parts
                forged.sections[0].bytes = bytes
                forged.header = ContainerHeader(
                    kind: .encryptedTextModel, parameters: Fingerprint(of: bytes), key: key)
                read(forged.sealed)
            }
        }
        Fuzzing.run(
            valid: [owner.secret.withBytes(SecretAccess("test")) { Array($0) }],
            iterations: Fuzzing.iterations(oneOf: 66)
        ) { bytes in
            var bytes = bytes
            let secret = SecretBytes(wiping: &bytes)
            _ = try? ScoringOwner(model: model.model, encoded: secret, answered: 0)
        }
    }

    @Test func theThreatModelIsStated() throws {
        let owner = try Owner(answers: 100, seed: 1)
        #expect(
            try owner.model.threatModel
                == "the owner, even one that deviates, sees a uniform number and an RLWE sample: neither the mail nor its score; "
                + "it can send a false score. Readers follow the protocol: they see scores, and nothing else of model and key in "
                + "100 answers; scores are sums of weights, and 1025 of them are the whole model. A reader that deviates takes the "
                + "key, and with it the model, from 205 answers")
    }
}
