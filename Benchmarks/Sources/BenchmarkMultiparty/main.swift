// One party's work in collective CKKS: processor time and bytes. Waits for commands, answers one JSON object a line.
//
//     shape LOGDEGREE PARTIES     parameters of 128 bits, a collective key
//     sizes                       bytes that one party sends
//     run OPERATION SECONDS       processor seconds of one run
//
// Alone: `BenchmarkMultiparty table` prints all of it.

import BinaryCoding
import CKKS
import Foundation
import MultipartyCKKS
import Parallelism
import Randomness

Cores.limit(to: 1)

/// Processor time of the process in seconds.
func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func byteCount(_ body: (inout BinaryEncoder) -> Void) -> Int {
    var encoder = BinaryEncoder()
    body(&encoder)
    return encoder.bytes.count
}

/// What party 1 spends on making a key, and what it sends.
struct KeyGenerationCost {
    var seconds = 0.0
    /// To all, once.
    var broadcastBytes = 0
    /// To each other party.
    var privateBytes = 0
}

/// Runs a key generation among parties in this process; party 1 is measured.
func generateKeys(_ setting: KeyGenerationGroup) throws -> ([CollectiveKeys], KeyGenerationCost) {
    let parties = setting.group.parties
    var cost = KeyGenerationCost()
    func measured<Value>(_ party: Int, _ body: () throws -> Value) rethrows -> Value {
        let start = processorTime()
        defer { if party == 1 { cost.seconds += processorTime() - start } }
        return try body()
    }
    var states: [CollectiveKeyGeneration] = []
    var queue: [PartyMessage] = []
    for party in 1...parties {
        let (state, messages) = try measured(party) {
            var random = SystemRandom()
            return try CollectiveKeyGeneration.start(setting, party: party, using: &random)
        }
        states.append(state)
        queue += messages
    }
    var keys: [Int: CollectiveKeys] = [:]
    var position = 0
    while position < queue.count {
        let message = queue[position]
        position += 1
        if message.sender == 1 {
            let bytes = byteCount { message.encode(into: &$0) }
            if message.recipient == nil { cost.broadcastBytes += bytes } else { cost.privateBytes = bytes }
        }
        for party in 1...parties where party != message.sender && (message.recipient ?? party) == party {
            switch try measured(party, { try states[party - 1].receive(message) }) {
            case .send(let messages): queue += messages
            case .finish(let made, let messages):
                keys[party] = made
                queue += messages
            }
        }
    }
    return ((1...parties).map { keys[$0]! }, cost)
}

/// A collective key and a ciphertext that is opened again and again.
final class Bench {
    let logDegree: Int
    let parties: Int
    let parameters: CKKSParameters
    let context: CKKSContext
    var keys: [CollectiveKeys]
    let ciphertext: CKKSCiphertext
    let few: CKKSCiphertext
    let group: CollectiveGroup

    /// The shapes of BenchmarkCKKS: as many levels as 128 bits allow with scales of 40 bits.
    init(logDegree: Int, parties: Int) throws {
        self.logDegree = logDegree
        self.parties = parties
        let shapes: [Int: (depth: Int, special: [Int])] = [13: (2, [50]), 14: (7, [50]), 15: (16, [45, 45, 45])]
        guard let shape = shapes[logDegree] else { fatalError("shape: want 13...15") }
        parameters = try CKKSParameters(
            .init(
                logDegree: logDegree, firstModulusBits: 50, scaleBits: 40, depth: shape.depth,
                specialModuliBits: shape.special, keyHolders: parties))
        context = CKKSContext(parameters)
        // As many openings as a benchmark makes.
        group = try CollectiveGroup(
            parameters: parameters, threshold: parties, keys: .init(),
            policy: CKKSReleasePolicy(statisticalBits: 30, queries: 1 << 16), label: "benchmark")
        keys = try generateKeys(KeyGenerationGroup(group, context: context)).0
        let values = (0..<context.maximumSlots).map { sin(Double($0)) }
        // The noise of 40-bit scales drowns values of 1; room for larger ones lets them be opened.
        let encryptor = CKKSEncryptor(keys[0].publicKey)
        ciphertext = try encryptor.encrypt(values, magnitude: 1e6)
        few = try encryptor.encrypt(Array(values[..<16]), magnitude: 1e6)
    }

    func generation(_ requirements: CKKSKeyRequirements, threshold: Int? = nil) throws -> KeyGenerationCost {
        let group = try CollectiveGroup(
            parameters: parameters, threshold: threshold ?? parties, keys: requirements, label: "benchmark")
        return try generateKeys(KeyGenerationGroup(group, context: context)).1
    }

    func opening(_ ciphertext: CKKSCiphertext) throws -> (answer: Double, combination: Double, bytes: Int) {
        var random = SystemRandom()
        let request = try OpeningRequest(
            opening: ciphertext, of: group, by: Array(1...parties), using: &random)
        var (answer, combination, bytes) = (0.0, 0.0, 0)
        var shares: [OpeningShare] = []
        for party in 1...parties {
            var share = keys[party - 1].share
            let start = processorTime()
            shares.append(try share.answer(request, opening: ciphertext, using: &random))
            if party == 1 { answer = processorTime() - start }
        }
        bytes = byteCount { shares[0].encode(into: &$0, context: context) }
        let start = processorTime()
        var opening = try CollectiveOpening(request, opening: ciphertext, of: group)
        for share in shares { _ = try opening.receive(share) }
        combination = processorTime() - start
        return (answer, combination, bytes)
    }

    func seconds(_ operation: String) throws -> Double? {
        switch operation {
        case "public_key": try generation(.init()).seconds
        case "public_key_threshold":
            parties > 2 ? try generation(.init(), threshold: parties - 1).seconds : nil
        case "relinearisation": try generation(.init(relinearisation: true)).seconds - generation(.init()).seconds
        case "rotation": try generation(.init(rotations: [1])).seconds - generation(.init()).seconds
        case "answer": try opening(ciphertext).answer
        case "combine": try opening(ciphertext).combination
        case "answer_16_slots": try opening(few).answer
        default: nil
        }
    }

    static let operations = [
        "public_key", "public_key_threshold", "relinearisation", "rotation", "answer", "combine", "answer_16_slots",
    ]

    func sizes() throws -> [String: Int] {
        let plain = try generation(.init())
        let relinearisation = try generation(.init(relinearisation: true)).broadcastBytes - plain.broadcastBytes
        let rotation = try generation(.init(rotations: [1])).broadcastBytes - plain.broadcastBytes
        var result = [
            "public_key": plain.broadcastBytes, "relinearisation": relinearisation, "rotation": rotation,
            "answer": try opening(ciphertext).bytes, "answer_16_slots": try opening(few).bytes,
        ]
        if parties > 2 { result["secret_share"] = try generation(.init(), threshold: parties - 1).privateBytes }
        return result
    }
}

func answer(_ object: [String: any Sendable]) {
    let data = try! JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
    print(String(decoding: data, as: UTF8.self))
    fflush(nil)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func timed(_ bench: Bench, _ operation: String, seconds: Double) throws -> Double? {
    guard try bench.seconds(operation) != nil else { return nil }
    var (times, start) = ([Double](), processorTime())
    while times.count < 3 || processorTime() - start < seconds { times.append(try bench.seconds(operation)!) }
    start = 0
    return median(times)
}

if CommandLine.arguments.contains("table") {
    for logDegree in [13, 14, 15] {
        for parties in [2, 3, 5] {
            let bench = try Bench(logDegree: logDegree, parties: parties)
            var line: [String: any Sendable] = [
                "benchmark": "multiparty", "log_degree": logDegree, "parties": parties, "bytes": try bench.sizes(),
            ]
            for operation in Bench.operations {
                if let seconds = try timed(bench, operation, seconds: 0.2) {
                    line[operation + "_ms"] = (seconds * 1e5).rounded() / 100
                }
            }
            answer(line)
        }
    }
} else {
    var bench: Bench?
    while let line = readLine() {
        let words = line.split(separator: " ").map(String.init)
        switch words.first {
        case "shape":
            bench = try Bench(logDegree: Int(words[1])!, parties: Int(words[2])!)
            answer(["ready": true])
        case "sizes": answer(try bench!.sizes())
        case "run":
            if let seconds = try timed(bench!, words[1], seconds: Double(words[2])!) {
                answer(["processor": seconds])
            } else {
                answer(["missing": true])
            }
        default: answer(["missing": true])
        }
    }
}
