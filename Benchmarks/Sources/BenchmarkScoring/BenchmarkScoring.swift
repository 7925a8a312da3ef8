import BinaryCoding
import Foundation
import Parallelism
import PrivateScoring
import Randomness

// Scores by an encrypted linear model of features that stay at home, every message through its bytes.
//   BenchmarkScoring [features of the model] [features of a text] [texts]      one JSON object

func argument(_ place: Int, _ standard: Int) -> Int {
    CommandLine.arguments.count > place ? Int(CommandLine.arguments[place]) ?? standard : standard
}
let (size, present, texts) = (argument(1, 1 << 16), argument(2, 120), argument(3, 20))
Cores.limit(to: 1)

func processorSeconds() -> Double {
    var usage = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &usage)
    return Double(usage.tv_sec) + Double(usage.tv_nsec) * 1e-9
}

/// Adds up what the body takes.
func measured<Value>(_ total: inout [Double], _ body: () throws -> Value) rethrows -> Value {
    let start = processorSeconds()
    let value = try body()
    total.append(processorSeconds() - start)
    return value
}

var random = SystemRandom()
let weights = (0..<size).map { 3 * sin(Double($0) * 1.7 + 0.3) }
var (setup, ask, answer, open): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
var owner = try measured(&setup) {
    try ScoringOwner(weights: weights, intercept: 0.5, queries: texts, using: &random)
}
var encoder = BinaryEncoder()
owner.model.encode(into: &encoder)
let modelBytes = encoder.bytes.count
var decoder = BinaryDecoder(encoder.bytes)
let model = try EncryptedLinearModel(decoding: &decoder)
let ring = model.publicKey.context.ring
var (questionBytes, answerBytes, greatest) = (0, 0, 0.0)
for text in 0..<texts {
    let features = (0..<present).map { Int32(($0 * 541 + text * 7919) % size) }
    let (question, blinding) = try measured(&ask) {
        let asked = try model.ask(Set(features), using: &random)
        var encoder = BinaryEncoder()
        asked.question.encode(into: &encoder)
        return (encoder.bytes, asked.blinding)
    }
    let given = try measured(&answer) {
        var decoder = BinaryDecoder(question)
        let answer = try owner.answer(ScoringQuestion(decoding: &decoder, ring: ring), using: &random)
        var encoder = BinaryEncoder()
        answer.encode(into: &encoder)
        return encoder.bytes
    }
    let score = try measured(&open) {
        var decoder = BinaryDecoder(given)
        return blinding.score(try ScoringAnswer(decoding: &decoder, ring: ring))
    }
    greatest = max(greatest, abs(score - Set(features).reduce(0.5) { $0 + weights[Int($1)] }))
    (questionBytes, answerBytes) = (question.count, given.count)
}

func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
let fields: [String: Any] = [
    "benchmark": "scoring/ours", "features": size, "present": present, "setup": median(setup), "ask": median(ask),
    "answer": median(answer), "open": median(open), "modelBytes": modelBytes, "keyBytes": 0,
    "questionBytes": questionBytes, "answerBytes": answerBytes, "greatestError": greatest,
]
print(String(decoding: try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys]), as: UTF8.self))
