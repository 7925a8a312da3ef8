import Foundation
import Prio3
import Randomness
import TacitTestSupport
import Testing

/// The vectors of draft-irtf-cfrg-vdaf-20, every operation of every file.
@Suite struct VectorTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
    static var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
            .filter { $0.hasPrefix("Prio3") && $0.hasSuffix(".json") }.sorted()
    }

    struct Vector: Decodable {
        struct Operation: Decodable {
            var operation: String
            var aggregator_id: Int?
            var report_index: Int?
            var success: Bool
        }
        struct Report: Decodable {
            var input_shares: [String]
            var measurement: Measurement
            var nonce: String
            var out_shares: [[String]]
            var public_share: String
            var rand: String
            var verifier_messages: [String]
            var verifier_shares: [[String]]

            enum Keys: String, CodingKey {
                case input_shares, measurement, nonce, out_shares, public_share, rand, verifier_messages,
                    verifier_shares
            }
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                input_shares = try container.decode([String].self, forKey: .input_shares)
                measurement = try container.decode(Measurement.self, forKey: .measurement)
                nonce = try container.decode(String.self, forKey: .nonce)
                // A list of bytes for each aggregator, or bytes at once.
                if let lists = try? container.decode([[String]].self, forKey: .out_shares) {
                    out_shares = lists
                } else {
                    out_shares = try container.decode([String].self, forKey: .out_shares).map { [$0] }
                }
                public_share = try container.decode(String.self, forKey: .public_share)
                rand = try container.decode(String.self, forKey: .rand)
                verifier_messages = try container.decode([String].self, forKey: .verifier_messages)
                verifier_shares = try container.decode([[String]].self, forKey: .verifier_shares)
            }
        }
        enum Measurement: Decodable {
            case none
            case some(Prio3Measurement)
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .none
                } else if let flags = try? container.decode([Bool].self) {
                    self = .some(.flags(flags))
                } else if let numbers = try? container.decode([UInt64].self) {
                    self = .some(.numbers(numbers))
                } else {
                    self = .some(.number(try container.decode(UInt64.self)))
                }
            }
        }
        enum Result: Decodable {
            case none
            case numbers([UInt64])
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .none
                } else if let numbers = try? container.decode([UInt64].self) {
                    self = .numbers(numbers)
                } else {
                    self = .numbers([try container.decode(UInt64.self)])
                }
            }
        }
        var agg_result: Result
        var agg_shares: [String]
        var ctx: String
        var operations: [Operation]
        var reports: [Report]
        var shares: Int
        var verify_key: String
        var chunk_length: Int?
        var length: Int?
        var max_measurement: UInt64?
        var max_weight: Int?

        func instance(_ name: String) throws -> Prio3 {
            let kind = name.dropFirst("Prio3".count).prefix { $0 != "_" }
            switch kind {
            case "Count": return try .count(shares: shares)
            case "Sum": return try .sum(maximum: max_measurement!, shares: shares)
            case "SumVec":
                return try .sumVector(
                    length: length!, maximum: max_measurement!, chunk: chunk_length!, shares: shares)
            case "SumVecWithMultiproof":
                return try .sumVectorWithProofs(
                    3, length: length!, maximum: max_measurement!, chunk: chunk_length!, shares: shares)
            case "Histogram": return try .histogram(length: length!, chunk: chunk_length!, shares: shares)
            case "MultihotCountVec":
                return try .multihotCounts(
                    length: length!, maximumWeight: max_weight!, chunk: chunk_length!, shares: shares)
            case "HigherDegree": return try .ternaryForTests(shares: shares)
            default: throw CocoaError(.featureUnsupported)
            }
        }
    }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func allKindsAreThere() {
        #expect(Self.files.count == 17)
        #expect(Self.files.count { $0.contains("_bad_") } == 6)
    }

    @Test(arguments: files) func everyOperation(file: String) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: file))
        let vector = try JSONDecoder().decode(Vector.self, from: data)
        let prio3 = try vector.instance(file)
        let context = Self.bytes(vector.ctx)
        let key = SecretBytes(count: 32) { target in target.copyBytes(from: Self.bytes(vector.verify_key)) }
        let client = Prio3Client(prio3, context: context)
        var verifications: [[Int: Prio3Verification]] = .init(repeating: [:], count: vector.reports.count)
        var aggregators = try (0..<vector.shares).map {
            try Prio3Aggregator(prio3, number: $0, verificationKey: key, context: context, minimumBatch: 1)
        }
        var refusals = 0
        for step in vector.operations {
            func outcome(_ body: () throws -> Void) {
                do {
                    try body()
                    #expect(step.success, "\(step.operation) should have failed")
                } catch {
                    refusals += 1
                    #expect(!step.success, "\(step.operation): \(error)")
                }
            }
            let index = step.report_index ?? 0
            switch step.operation {
            case "shard":
                let report = vector.reports[index]
                guard case .some(let measurement) = report.measurement else { continue }
                outcome {
                    let made = try client.shard(
                        measurement, nonce: Self.bytes(report.nonce), random: Self.bytes(report.rand))
                    #expect(made.publicShare == Self.bytes(report.public_share))
                    #expect(made.inputShares == report.input_shares.map(Self.bytes))
                }
            case "verify_init":
                let report = vector.reports[index], number = step.aggregator_id!
                outcome {
                    let (verification, share) = try prio3.query(
                        key, context: context, aggregator: number, nonce: Self.bytes(report.nonce),
                        publicShare: Self.bytes(report.public_share),
                        inputShare: Self.bytes(report.input_shares[number]))
                    verifications[index][number] = verification
                    #expect(share == Self.bytes(report.verifier_shares[0][number]))
                }
            case "verifier_shares_to_message":
                outcome {
                    let message = try prio3.verifierMessage(
                        vector.reports[index].verifier_shares[0].map(Self.bytes), context: context)
                    #expect(message == Self.bytes(vector.reports[index].verifier_messages[0]))
                }
            case "verify_next":
                let number = step.aggregator_id!
                outcome {
                    let share = try prio3.outputShare(
                        try #require(verifications[index][number]),
                        Self.bytes(vector.reports[index].verifier_messages[0]))
                    #expect(prio3.field.encode(share) == vector.reports[index].out_shares[number].flatMap(Self.bytes))
                }
            case "aggregate":
                let number = step.aggregator_id!
                outcome {
                    for (index, report) in vector.reports.enumerated() {
                        try aggregators[number].finish(
                            try #require(verifications[index][number]), with: Self.bytes(report.verifier_messages[0]))
                    }
                    #expect(try aggregators[number].aggregateShare() == Self.bytes(vector.agg_shares[number]))
                }
            case "unshard":
                outcome {
                    let result = try prio3.unshard(vector.agg_shares.map(Self.bytes))
                    guard case .numbers(let wanted) = vector.agg_result else { throw CocoaError(.coderInvalidValue) }
                    #expect(result == wanted.map { UInt128($0) })
                }
            default: Issue.record("operation \(step.operation) is not known")
            }
        }
        #expect(refusals == (file.contains("_bad_") ? 1 : 0))
    }

    @Test func extendableOutput() throws {
        struct Xof: Decodable {
            var binder: String, derived_seed: String, dst: String, expanded_vec_field128: String, seed: String
            var length: Int
        }
        let vector = try JSONDecoder().decode(
            Xof.self, from: Data(contentsOf: Self.folder.appending(path: "XofTurboShake128.json")))
        var xof = XofTurboShake128(
            seed: Self.bytes(vector.seed), tag: Self.bytes(vector.dst), binder: Self.bytes(vector.binder))
        #expect(xof.bytes(32) == Self.bytes(vector.derived_seed))
        var second = XofTurboShake128(
            seed: Self.bytes(vector.seed), tag: Self.bytes(vector.dst), binder: Self.bytes(vector.binder))
        let elements = second.vector(.field128, count: vector.length)
        #expect(PrioField.field128.encode(elements) == Self.bytes(vector.expanded_vec_field128))
    }

    /// TurboSHAKE128 of RFC 9861, appendix: absorbing and reading in pieces of any size give the same bytes.
    @Test func piecesDoNotMatter() {
        var random = SeededRandom(seed: 1)
        for length in [0, 1, 100, 167, 168, 169, 336, 1000] {
            let message = random.bytes(count: length), seed = random.bytes(count: 32)
            var whole = XofTurboShake128(seed: seed, tag: [1, 2], binder: message)
            let wanted = whole.bytes(1000)
            var parts = XofTurboShake128(seed: seed, tag: [1, 2])
            var position = 0
            while position < length {
                let count = min(length - position, 1 + Int(random.uniform(below: 200)))
                parts.absorb(Array(message[position..<position + count]))
                position += count
            }
            var got: [UInt8] = []
            while got.count < 1000 { got += parts.bytes(min(1000 - got.count, Int(random.uniform(below: 400)))) }
            #expect(got == wanted)
        }
    }
}
