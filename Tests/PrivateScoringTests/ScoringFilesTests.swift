import BinaryCoding
import PrivateScoring
import Randomness
import TacitTestSupport
import Testing
import TextClassification

@Suite struct ScoringFilesTests {
    /// Every file of the exchange, whole and with bytes changed inside the checksum: readers return or throw.
    @Test func readersOfForeignBytesAreTotal() throws {
        let folder = try TemporaryFolder()
        func path(_ name: String) -> String { "\(folder.path)/\(name)" }
        func bytes(_ name: String) throws -> [UInt8] { try readBytes(path(name)) }
        let text = try TextModelFile(
            naiveBayes: (0..<6).map { (Array("win money \($0 % 2 == 0 ? "now" : "tuesday")".utf8), $0 % 2 == 0) },
            leastTexts: 2)
        #expect(text.vocabulary.count == 4)
        var random = SeededRandom(seed: 1)
        var owner = try ScoringOwner(
            weights: text.model.weights, intercept: text.model.intercept, queries: 3, using: &random)
        let model = try EncryptedTextModel(owner, text.vocabulary)
        let asked = try model.model.ask(text.vocabulary.checkedFeatures(Array("now".utf8)), using: &random)
        let question = ScoringQuestionFile(asked.question)
        let key = model.model.publicKey.identity
        try text.write(to: path("text"))
        try model.write(to: path("model"))
        try question.write(model, to: path("question"))
        try ScoringBlindingFile(asked.blinding, of: question).write(model, to: path("blinding"))
        try ScoringAnswerFile(owner.answer(question.question, using: &random), to: question)
            .write(model, to: path("answer"))
        try ScoringCountFile.write(1, key: key, to: path("count"))
        // A stored key goes on where it was.
        let secret = owner.encodedSecret(SecretAccess("test"))
        var stored = try ScoringOwner(
            model: EncryptedTextModel(path: path("model")).model, encoded: secret,
            answered: ScoringCountFile.read(path: path("count"), key: key))
        #expect(stored.queries == 3 && stored.errorBound == owner.errorBound)
        let score = try ScoringBlindingFile(path: path("blinding"), model).score(
            ScoringAnswerFile(path: path("answer"), model))
        #expect(abs(score - text.model.score(text.vocabulary.checkedFeatures(Array("now".utf8))[...])) <= owner.errorBound)
        for _ in 0..<2 { _ = try stored.answer(question.question, using: &random) }
        #expect(throws: PrivateScoringError.self) { _ = try stored.answer(question.question, using: &random) }

        let readers: [(String, ([UInt8]) -> Void)] = [
            ("text", { _ = try? TextModelFile(MemorySource($0), name: "f") }),
            ("model", { _ = try? EncryptedTextModel(MemorySource($0), name: "f") }),
            ("question", { _ = try? ScoringQuestionFile(MemorySource($0), name: "f", model) }),
            ("blinding", { _ = try? ScoringBlindingFile(MemorySource($0), name: "f", model) }),
            ("answer", { _ = try? ScoringAnswerFile(MemorySource($0), name: "f", model) }),
            ("count", { _ = try? ScoringCountFile.read(MemorySource($0), name: "f", key: key) }),
        ]
        for (name, read) in readers {
            let parts = try ContainerParts(bytes(name))
            Fuzzing.run(section: 0, of: parts, oneOf: 50, read)
        }
    }
}
