import BinaryCoding
import Federation
import Foundation
import PrivateScoring
import Randomness
import TextClassification

/// Private scoring: mails that stay at home, a model that stays encrypted.
public struct SpamScoring: Hashable, Sendable, Codable {
    /// Test mails scored.
    public var mails: Int
    /// Mails that are called the same as by the model in the clear.
    public var sameDecisions: Int
    public var accuracy: Double
    /// Of a score, and what the noise may be at most.
    public var greatestError: Double
    public var statedError: Double
    /// Of the encrypted model, sent once; of a question and of an answer.
    public var modelBytes: Int
    public var questionBytes: Int
    public var answerBytes: Int
    /// Seconds of computing for a mail, at its reader and at the model's owner.
    public var clientSeconds: Double
    public var ownerSeconds: Double
    /// Answers that the noise was sized for.
    public var answers: Int
}

extension SpamStudy {
    /// Answers to which the owner of the model commits itself.
    static let scoringAnswers = 10_000

    /// Scores test mails by a model that only its owner could read, through the bytes of all messages.
    func scoring(_ run: FederatedSpamRun, mails count: Int) throws -> SpamScoring? {
        let positions = Array(test.prefix(count))
        guard !positions.isEmpty else { return nil }
        let texts = corpus.texts(positions, run.vocabulary)
        var (ownerRandom, clientRandom) = (SystemRandom(), SystemRandom())
        var owner = try ScoringOwner(
            weights: run.model.weights, intercept: run.model.intercept, queries: max(Self.scoringAnswers, count),
            using: &ownerRandom)
        var encoder = BinaryEncoder()
        owner.model.encode(into: &encoder)
        let modelBytes = encoder.bytes.count
        var decoder = BinaryDecoder(encoder.bytes)
        let model = try EncryptedLinearModel(decoding: &decoder)
        let ring = model.publicKey.context.ring
        var result = SpamScoring(
            mails: positions.count, sameDecisions: 0, accuracy: 0, greatestError: 0, statedError: owner.errorBound,
            modelBytes: modelBytes, questionBytes: 0, answerBytes: 0, clientSeconds: 0, ownerSeconds: 0,
            answers: owner.queries)
        var right = 0
        let clock = ContinuousClock()
        for index in positions.indices {
            let start = clock.now
            let (question, blinding) = try model.ask(texts.row(index), using: &clientRandom)
            encoder = BinaryEncoder()
            question.encode(into: &encoder)
            result.questionBytes = max(result.questionBytes, encoder.bytes.count)
            let asked = clock.now
            decoder = BinaryDecoder(encoder.bytes)
            let answer = try owner.answer(try ScoringQuestion(decoding: &decoder, ring: ring), using: &ownerRandom)
            encoder = BinaryEncoder()
            answer.encode(into: &encoder)
            result.answerBytes = max(result.answerBytes, encoder.bytes.count)
            let answered = clock.now
            decoder = BinaryDecoder(encoder.bytes)
            let score = blinding.score(try ScoringAnswer(decoding: &decoder, ring: ring))
            result.clientSeconds += (asked - start) / .seconds(1) + (clock.now - answered) / .seconds(1)
            result.ownerSeconds += (answered - asked) / .seconds(1)
            let plain = run.model.score(texts.row(index))
            result.greatestError = max(result.greatestError, abs(score - plain))
            if (score > 0) == (plain > 0) { result.sameDecisions += 1 }
            if (score > 0) == texts.labels[index] { right += 1 }
        }
        result.accuracy = Double(right) / Double(positions.count)
        result.clientSeconds /= Double(positions.count)
        result.ownerSeconds /= Double(positions.count)
        return result
    }
}
