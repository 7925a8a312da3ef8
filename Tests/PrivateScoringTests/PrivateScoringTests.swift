import BinaryCoding
import CKKS
import Foundation
import Lattice
import PrivateScoring
import Randomness
import TacitTestSupport
import Testing

@Suite struct PrivateScoringTests {
    static func owner(_ features: Int, queries: Int = 100, seed: UInt64) throws -> (
        owner: ScoringOwner, weights: [Double]
    ) {
        var generator = TestGenerator(seed: seed)
        let weights = (0..<features).map { _ in Double.random(in: -6...6, using: &generator) }
        var random = SeededRandom(seed: seed)
        return (try ScoringOwner(weights: weights, intercept: -1.25, queries: queries, using: &random), weights)
    }

    /// Everything through its bytes, models around the 4,096 coefficients of a polynomial.
    @Test(arguments: [0, 1, 4095, 4096, 4097, 20_000]) func scoresAreTheModels(_ count: Int) throws {
        var (owner, weights) = try Self.owner(count, seed: UInt64(count) + 1)
        var encoder = BinaryEncoder()
        owner.model.encode(into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        let model = try EncryptedLinearModel(decoding: &decoder)
        #expect(model.featureCount == count)
        let ring = model.publicKey.context.ring
        var (client, server) = (SeededRandom(seed: 5), SeededRandom(seed: 6))
        var generator = TestGenerator(seed: 9)
        var sizes: Set<Int> = []
        for size in [0, 1, 7, count / 2, count] where size <= count {
            let features = Array((0..<count).shuffled(using: &generator).prefix(size)).map(Int32.init)
            let asked = try model.ask(features, using: &client)
            encoder = BinaryEncoder()
            asked.question.encode(into: &encoder)
            sizes.insert(encoder.bytes.count)
            decoder = BinaryDecoder(encoder.bytes)
            let answer = try owner.answer(try ScoringQuestion(decoding: &decoder, ring: ring), using: &server)
            encoder = BinaryEncoder()
            answer.encode(into: &encoder)
            decoder = BinaryDecoder(encoder.bytes)
            let score = asked.blinding.score(try ScoringAnswer(decoding: &decoder, ring: ring))
            let expected = features.reduce(-1.25) { $0 + weights[Int($1)] }
            #expect(abs(score - expected) <= owner.errorBound, "\(size): \(score), want \(expected)")
        }
        // A question with one feature is as long as one with all.
        #expect(sizes.count == 1 && owner.errorBound < 0.01)
    }

    /// What the owner opens is uniform: the middle of all numbers is passed in half the cases, whatever the features.
    @Test func theOwnerSeesNoScore() throws {
        var (owner, _) = try Self.owner(100, queries: 2000, seed: 3)
        let model = owner.model
        let ring = model.publicKey.context.ring
        var random = SeededRandom(seed: 8)
        var above = [0, 0]
        for trial in 0..<600 {
            let features: [Int32] = trial.isMultiple(of: 2) ? [] : Array(0..<100)
            let answer = try owner.answer(try model.ask(features, using: &random).question, using: &random)
            var encoder = BinaryEncoder()
            answer.encode(into: &encoder)
            var decoder = BinaryDecoder(encoder.bytes)
            if try decoder.decode(UInt64.self, "residue") > ring.ciphertextBasis[0].value / 2 { above[trial % 2] += 1 }
        }
        // 300 throws each: five deviations are 43.
        for count in above { #expect(abs(count - 150) < 44, "\(above)") }
    }

    /// The noise of answers has the deviation that hides the key, seen in many answers to one question.
    @Test func answersAreFlooded() throws {
        var (owner, _) = try Self.owner(10, queries: 1000, seed: 4)
        var random = SeededRandom(seed: 2)
        let asked = try owner.model.ask([1, 2, 3] as [Int32], using: &random)
        let scores = try (0..<400).map { _ in asked.blinding.score(try owner.answer(asked.question, using: &random)) }
        let mean = scores.reduce(0, +) / 400
        let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399).squareRoot()
        // 2^15·√(12·1000) times sixteen deviations of the error, in units of 2^50.
        let expected = exp2(15) * (12.0 * 1000).squareRoot() * 16 * 854 / exp2(50)
        #expect(deviation > 0.85 * expected && deviation < 1.35 * expected, "\(deviation) for \(expected)")
    }

    @Test func badInputIsRefused() throws {
        var (owner, _) = try Self.owner(10, queries: 1, seed: 4)
        var random = SeededRandom(seed: 2)
        func text(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "nothing was thrown"
        }
        #expect(
            text { _ = try owner.model.ask([10] as [Int32], using: &random) }
                == "feature: got 10, want a number in 0..<10")
        #expect(
            text { _ = try owner.model.ask([-1] as [Int32], using: &random) }
                == "feature: got -1, want a number in 0..<10")
        let asked = try owner.model.ask([1] as [Int32], using: &random)
        _ = try owner.answer(asked.question, using: &random)
        #expect(
            text { _ = try owner.answer(asked.question, using: &random) }.contains("all 1 that the noise was sized for")
        )
        for bad in [Double.nan, .infinity, 513] {
            #expect(
                text { _ = try ScoringOwner(weights: [0, bad], intercept: 0, queries: 1, using: &random) }
                    == "weight 1: want a finite number up to 512.0 in magnitude")
        }
        let ring = owner.model.publicKey.context.ring
        var encoder = BinaryEncoder()
        owner.model.encode(into: &encoder)
        Fuzzing.run(valid: [encoder.bytes], iterations: Fuzzing.iterations(oneOf: 100)) { bytes in
            var decoder = BinaryDecoder(bytes)
            var random = SeededRandom(seed: 1)
            _ = try? EncryptedLinearModel(decoding: &decoder).ask([] as [Int32], using: &random)
        }
        encoder = BinaryEncoder()
        asked.question.encode(into: &encoder)
        Fuzzing.run(valid: [encoder.bytes], iterations: Fuzzing.iterations(oneOf: 66)) { bytes in
            var decoder = BinaryDecoder(bytes)
            guard let hostile = try? ScoringQuestion(decoding: &decoder, ring: ring) else { return }
            var (own, random) = (owner, SeededRandom(seed: 1))
            _ = try? own.answer(hostile, using: &random)
        }
        Fuzzing.run(valid: [[UInt8](repeating: 0, count: 16)], iterations: Fuzzing.iterations(oneOf: 66)) { bytes in
            var decoder = BinaryDecoder(bytes)
            guard let hostile = try? ScoringAnswer(decoding: &decoder, ring: ring) else { return }
            #expect(asked.blinding.score(hostile).isFinite)
        }
    }
}
