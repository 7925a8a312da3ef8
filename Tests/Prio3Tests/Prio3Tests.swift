import BinaryCoding
import CKernels
import Prio3
import Randomness
import TacitTestSupport
import Testing

@Suite struct Prio3Tests {
    static func refusal(_ body: () throws -> Void) -> Prio3Error.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? Prio3Error)?.code }
    }

    /// A whole batch: clients, aggregators by their state machines, collector.
    static func run(
        _ prio3: Prio3, _ measurements: [Prio3Measurement], seed: UInt64
    ) throws -> [UInt128] {
        var random = SeededRandom(seed: seed)
        let key = SecretBytes.random(count: 32, using: &random)
        let client = Prio3Client(prio3, context: [1, 2, 3])
        var aggregators = try (0..<prio3.shares).map {
            try Prio3Aggregator(prio3, number: $0, verificationKey: key, context: [1, 2, 3], minimumBatch: 1)
        }
        for measurement in measurements {
            let report = try client.shard(measurement, using: &random)
            var shares: [[UInt8]] = [], states: [Prio3Verification] = []
            for number in aggregators.indices {
                let (state, share) = try aggregators[number].begin(
                    nonce: report.nonce, publicShare: report.publicShare, inputShare: report.inputShares[number])
                #expect(report.inputShares[number].count == prio3.inputShareBytes(number))
                states.append(state)
                shares.append(share)
            }
            let message = try prio3.verifierMessage(shares, context: [1, 2, 3])
            for number in aggregators.indices { try aggregators[number].finish(states[number], with: message) }
        }
        return try prio3.unshard(aggregators.map { try $0.aggregateShare() })
    }

    @Test func sumsOfRandomMeasurements() throws {
        var random = SeededRandom(seed: 4)
        for shares in [2, 3, 5] {
            let flags = (0..<7).map { _ in random.uniform(below: 2) }
            #expect(
                try Self.run(.count(shares: shares), flags.map { .number($0) }, seed: 1) == [
                    UInt128(flags.reduce(0, +))
                ])
        }
        for maximum in [1, 2, 3, 254, 255, 256, 1_000_003, (1 << 62) + 5] as [UInt64] {
            let values = [0, maximum] + (0..<4).map { _ in random.uniform(below: maximum + 1) }
            // Over the small field a sum is right modulo its order.
            let wanted = values.reduce(UInt128(0)) { ($0 + UInt128($1)) % 0xFFFF_FFFF_0000_0001 }
            #expect(
                try Self.run(.sum(maximum: maximum), values.map { .number($0) }, seed: maximum) == [wanted],
                "\(maximum)")
        }
        for (length, maximum, chunk) in [(1, 1, nil), (5, 3, 2), (40, 1000, nil), (7, 65_535, 100), (33, 7, 1)]
            as [(Int, UInt64, Int?)]
        {
            let vectors = (0..<3).map { _ in (0..<length).map { _ in random.uniform(below: maximum + 1) } }
            let wanted = (0..<length).map { place in vectors.reduce(UInt128(0)) { $0 + UInt128($1[place]) } }
            #expect(
                try Self.run(
                    .sumVector(length: length, maximum: maximum, chunk: chunk, shares: 3), vectors.map { .numbers($0) },
                    seed: 7) == wanted, "\(length) \(maximum)")
            #expect(
                try Self.run(
                    .sumVectorWithProofs(3, length: length, maximum: maximum, chunk: chunk),
                    vectors.map { .numbers($0) },
                    seed: 8) == wanted)
        }
        let buckets = (0..<20).map { _ in random.uniform(below: 9) }
        #expect(
            try Self.run(.histogram(length: 9), buckets.map { .number($0) }, seed: 9)
                == (0..<9).map { bucket in UInt128(buckets.count { $0 == bucket }) })
        let sets = (0..<9).map { _ -> [Bool] in
            var flags = [Bool](repeating: false, count: 12)
            for _ in 0..<4 { flags[Int(random.uniform(below: 12))] = true }
            return flags
        }
        #expect(
            try Self.run(.multihotCounts(length: 12, maximumWeight: 4), sets.map { .flags($0) }, seed: 10)
                == (0..<12).map { place in UInt128(sets.count { $0[place] }) })
    }

    /// Every change of a share, at any place, is refused: each byte position class of each share of each kind.
    @Test func alteredSharesAreRefused() throws {
        var random = SeededRandom(seed: 5)
        let instances: [(Prio3, Prio3Measurement)] = [
            (try .count(), .number(1)), (try .sum(maximum: 100), .number(77)),
            (try .sumVector(length: 4, maximum: 9), .numbers([9, 0, 3, 4])),
            (try .sumVectorWithProofs(2, length: 4, maximum: 9), .numbers([9, 0, 3, 4])),
            (try .histogram(length: 6), .number(5)),
            (try .multihotCounts(length: 5, maximumWeight: 2), .flags([true, false, false, true, false])),
        ]
        for (prio3, measurement) in instances {
            let key = SecretBytes.random(count: 32, using: &random)
            let report = try Prio3Client(prio3, context: []).shard(measurement, using: &random)
            for _ in 0..<60 {
                var (publicShare, inputs) = (report.publicShare, report.inputShares)
                let target = Int(random.uniform(below: 3))
                if target == 2 {
                    if publicShare.isEmpty { continue }
                    publicShare[Int(random.uniform(below: UInt64(publicShare.count)))] ^=
                        1 << UInt8(random.uniform(below: 8))
                } else {
                    inputs[target][Int(random.uniform(below: UInt64(inputs[target].count)))] ^=
                        1 << UInt8(random.uniform(below: 8))
                }
                #expect(
                    Self.refusal {
                        var states: [Prio3Verification] = [], shares: [[UInt8]] = []
                        for number in 0..<2 {
                            let (state, share) = try prio3.query(
                                key, context: [], aggregator: number, nonce: report.nonce, publicShare: publicShare,
                                inputShare: inputs[number])
                            states.append(state)
                            shares.append(share)
                        }
                        let message = try prio3.verifierMessage(shares, context: [])
                        for state in states { _ = try prio3.outputShare(state, message) }
                    } != nil, "\(prio3), target \(target)")
            }
        }
    }

    @Test func aggregatorsRefuseReplaysAndSmallBatches() throws {
        var random = SeededRandom(seed: 6)
        let prio3 = try Prio3.count()
        let key = SecretBytes.random(count: 32, using: &random)
        let report = try Prio3Client(prio3, context: [9]).shard(.number(1), using: &random)
        var aggregators = try (0..<2).map {
            try Prio3Aggregator(prio3, number: $0, verificationKey: key, context: [9], minimumBatch: 2)
        }
        let begun = try (0..<2).map {
            try aggregators[$0].begin(
                nonce: report.nonce, publicShare: report.publicShare, inputShare: report.inputShares[$0])
        }
        let message = try prio3.verifierMessage(begun.map(\.verifierShare), context: [9])
        try aggregators[0].finish(begun[0].verification, with: message)
        #expect(Self.refusal { _ = try aggregators[0].aggregateShare() } == .batchTooSmall)
        // After a restart too.
        var encoder = BinaryEncoder()
        aggregators[0].encode(into: &encoder)
        var restored = try Prio3Aggregator(prio3, number: 0, verificationKey: key, context: [9], minimumBatch: 1)
        var decoder = BinaryDecoder(encoder.bytes)
        try restored.restore(from: &decoder)
        #expect(restored.count == 1)
        #expect(
            Self.refusal {
                _ = try restored.begin(
                    nonce: report.nonce, publicShare: report.publicShare, inputShare: report.inputShares[0])
            } == .replayed)
        // Another context, another key: the proof does not verify.
        for (context, other) in [([8], key), ([9], SecretBytes.random(count: 32, using: &random))]
            as [([UInt8], SecretBytes)]
        {
            let share = try prio3.query(
                other, context: context, aggregator: 1, nonce: report.nonce, publicShare: report.publicShare,
                inputShare: report.inputShares[1]
            ).verifierShare
            #expect(
                Self.refusal { _ = try prio3.verifierMessage([begun[0].verifierShare, share], context: context) }
                    == .invalidProof)
        }
    }

    @Test func badInputIsNamed() throws {
        func message(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch { return (error as? Prio3Error)?.message }
        }
        var random = SeededRandom(seed: 7)
        #expect(message { _ = try Prio3.count(shares: 1) } == "shares: got 1, want 2...255")
        #expect(message { _ = try Prio3.sum(maximum: 0) } == "maximum: got 0, want 1..<2^63")
        #expect(message { _ = try Prio3.histogram(length: 0) } == "length: got 0, want 1...2^28")
        #expect(
            message { _ = try Prio3.multihotCounts(length: 3, maximumWeight: 4) } == "maximumWeight: got 4, want 1...3")
        let prio3 = try Prio3.sumVector(length: 3, maximum: 10)
        let client = Prio3Client(prio3, context: [])
        #expect(
            message { _ = try client.shard(.numbers([1, 2, 11]), using: &random) }
                == "measurement: want numbers in 0...10")
        #expect(
            message { _ = try client.shard(.numbers([1, 2]), using: &random) } == "measurement: want 3 numbers, got 2")
        #expect(
            message { _ = try client.shard(.number(1), using: &random) }?.hasPrefix("measurement: want one") == true)
        let report = try client.shard(.numbers([1, 2, 3]), using: &random)
        let key = SecretBytes.random(count: 32, using: &random)
        func query(nonce: [UInt8]? = nil, publicShare: [UInt8]? = nil, input: [UInt8]? = nil) throws {
            _ = try prio3.query(
                key, context: [], aggregator: 0, nonce: nonce ?? report.nonce,
                publicShare: publicShare ?? report.publicShare, inputShare: input ?? report.inputShares[0])
        }
        #expect(message { try query(nonce: [1]) } == "nonce: got 1 bytes, want 16")
        #expect(message { try query(publicShare: [1]) } == "public share: got 1 bytes, want 64")
        #expect(
            message { try query(input: Array(report.inputShares[0].dropLast())) }?.hasPrefix("input share: got") == true
        )
        var large = report.inputShares[0]
        for place in 0..<16 { large[place] = 255 }
        #expect(
            message { try query(input: large) } == "measurement share: a number is not below the field's modulus")
        #expect(message { _ = try prio3.verifierMessage([[]], context: []) } == "verifier shares: got 1, want 2")
        #expect(message { _ = try prio3.unshard([[], []]) } == "aggregate share: got 0 bytes, want 48")
    }

    /// Field arithmetic against integers of 256 bits, and transforms against their definition.
    @Test func fieldsAndTransforms() {
        var random = SeededRandom(seed: 8)
        for field in [PrioField.field64, .field128] {
            let modulus: UInt128 =
                field == .field64 ? 0xFFFF_FFFF_0000_0001 : 0 &- 7 * (UInt128(1) << 66) &+ 1
            func element(_ value: UInt128) -> Element {
                let bytes = (0..<field.elementBytes).map { UInt8(truncatingIfNeeded: value >> UInt128(8 * $0)) }
                return try! field.decode(bytes[...], count: 1, "test")[0]
            }
            func number() -> UInt128 {
                switch random.uniform(below: 4) {
                case 0: return UInt128(random.uniform(below: 3))
                case 1: return modulus - 1 - UInt128(random.uniform(below: 3))
                default: return (UInt128(random.nextUInt64()) << 64 | UInt128(random.nextUInt64())) % modulus
                }
            }
            for _ in 0..<3000 {
                let (a, b) = (number(), number())
                let product = modulus.dividingFullWidth(a.multipliedFullWidth(by: b)).remainder
                let (x, y) = (element(a), element(b))
                #expect(field.integer(field.multiply(x, y)) == product)
                let sum = a.addingReportingOverflow(b)
                let wanted =
                    sum.overflow || sum.partialValue >= modulus ? sum.partialValue &- modulus : sum.partialValue
                #expect(field.integer(tacit_field_add(field.rawValue, x, y)) == wanted)
                #expect(field.integer(tacit_field_subtract(field.rawValue, element(wanted), y)) == a)
                if a != 0 { #expect(field.integer(field.multiply(x, field.inverse(x))) == 1) }
            }
            let n = 16, log: Int32 = 4
            let root = tacit_field_root(field.rawValue, log)
            var powers = [field.element(1)]
            for _ in 1..<n { powers.append(field.multiply(powers.last!, root)) }
            let values = (0..<n).map { _ in element(number()) }
            var transformed = values
            tacit_field_transform(field.rawValue, &transformed, log, powers)
            for k in 0..<n {
                let row = (0..<n).map { powers[$0 * k % n] }
                let wanted = tacit_field_dot(field.rawValue, row, values, n)
                #expect(field.integer(transformed[k]) == field.integer(wanted))
            }
            // Σ basis_i(t)·f(w^i) is f(t).
            let t = element(number() | 1 << 40)
            var basis = values
            #expect(tacit_field_basis(field.rawValue, &basis, log, t) == 1)
            var power = field.element(1)
            var wanted = PrioField.zero
            for k in 0..<n {
                wanted = tacit_field_add(field.rawValue, wanted, field.multiply(values[k], power))
                power = field.multiply(power, t)
            }
            #expect(
                field.integer(tacit_field_dot(field.rawValue, basis, transformed, n)) == field.integer(wanted))
            #expect(tacit_field_basis(field.rawValue, &basis, log, powers[5]) == 0)
        }
    }

    @Test func fuzzDecoders() throws {
        var random = SeededRandom(seed: 9)
        let key = SecretBytes.random(count: 32, using: &random)
        for (prio3, measurement) in [
            (try Prio3.sumVector(length: 3, maximum: 5), Prio3Measurement.numbers([1, 2, 5])),
            (try Prio3.sum(maximum: 6), .number(4)),
        ] {
            let report = try Prio3Client(prio3, context: []).shard(measurement, using: &random)
            let share = try prio3.query(
                key, context: [], aggregator: 0, nonce: report.nonce, publicShare: report.publicShare,
                inputShare: report.inputShares[0]
            ).verifierShare
            Fuzzing.run(
                valid: report.inputShares + [report.publicShare, share], iterations: Fuzzing.iterations(oneOf: 10)
            ) { bytes in
                for number in 0..<2 {
                    _ = try? prio3.query(
                        key, context: [], aggregator: number, nonce: report.nonce, publicShare: report.publicShare,
                        inputShare: bytes)
                }
                _ = try? prio3.query(
                    key, context: [], aggregator: 1, nonce: report.nonce, publicShare: bytes,
                    inputShare: report.inputShares[1])
                _ = try? prio3.verifierMessage([share, bytes], context: [])
                _ = try? prio3.unshard([bytes, bytes])
            }
            var aggregator = try Prio3Aggregator(
                prio3, number: 0, verificationKey: key, context: [], minimumBatch: 1)
            _ = try aggregator.begin(
                nonce: report.nonce, publicShare: report.publicShare, inputShare: report.inputShares[0])
            var encoder = BinaryEncoder()
            aggregator.encode(into: &encoder)
            Fuzzing.run(valid: [encoder.bytes], seed: 2, iterations: Fuzzing.iterations(oneOf: 10)) { bytes in
                var decoder = BinaryDecoder(bytes)
                var copy = aggregator
                try? copy.restore(from: &decoder)
            }
        }
    }
}
