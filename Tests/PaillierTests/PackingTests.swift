import BigIntegers
import BinaryCoding
import Paillier
import Randomness
import TacitTestSupport
import Testing

@Suite struct PackingTests {
    @Test func randomLayoutsPackAndUnpack() throws {
        var generator = TestGenerator(seed: 7)
        for round in 0..<300 {
            let modulusBits = [64, 256, 512, 3072].randomElement(using: &generator)!
            let runs = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                let width = Int.random(in: 0...min(60, (modulusBits - 8) / 2), using: &generator)
                let span = Int64(1) << Int64(width)
                let lower = Int64.random(in: -span...span, using: &generator)
                let upper = Int64.random(in: lower...span, using: &generator)
                return PackingLayout.Run(count: Int.random(in: 0...70, using: &generator), bounds: lower...upper)
            }
            guard runs.contains(where: { $0.count > 0 }) else { continue }
            let layout = try PackingLayout(runs: runs, maximumWeight: .one, modulusBits: modulusBits)
            let bounds = runs.flatMap { run in [ClosedRange<BigInteger>](repeating: run.bounds, count: run.count) }
            let values = bounds.map { bounds -> Int64 in
                let (l, u) = (Int64(bounds.lowerBound.intValue!), Int64(bounds.upperBound.intValue!))
                return [l, u, Int64.random(in: l...u, using: &generator)].randomElement(using: &generator)!
            }
            #expect(layout.slotCount == values.count)
            let packed = try layout.pack(values)
            #expect(packed == (try layout.pack(values.map { BigInteger($0) })), "round \(round)")
            #expect(packed.count == layout.plaintextCount)
            #expect(packed.allSatisfy { $0.bitWidth <= layout.capacityBits })
            #expect(try layout.unpack(packed, weight: .one) == values.map { BigInteger($0) }, "round \(round)")
            #expect(try layout.unpackInt64(packed, weight: .one) == values, "round \(round)")
            // No plaintext has room for one more slot of the kind that follows it.
            #expect(layout.usedBits <= layout.plaintextCount * layout.capacityBits)
            var encoder = BinaryEncoder()
            layout.encode(into: &encoder)
            var decoder = BinaryDecoder(encoder.bytes)
            #expect(try PackingLayout(decoding: &decoder) == layout)
        }
    }

    @Test func slotsLargerThanMachineWords() throws {
        let bound = BigInteger(1) << 150
        let layout = try PackingLayout(
            runs: [.init(count: 7, bounds: -bound...bound), .init(count: 3, bounds: 0...1)],
            maximumWeight: PackingWeight(positive: 5, negative: 2), modulusBits: 512)
        var random = SeededRandom(seed: 4)
        let values = (0..<7).map { _ in BigInteger.random(bits: 150, using: &random) - (bound >> 1) } + [0, 1, 1]
        let key = TestKeys.bits512
        let packed = try PaillierEncryptor(key.publicKey).encrypt(packing: values, layout: layout, using: &random)
        let combined = try key.publicKey.subtract(
            try key.publicKey.multiply(packed, by: 5), try key.publicKey.multiply(packed, by: 2))
        #expect(combined.weight == PackingWeight(positive: 5, negative: 2))
        #expect(try key.decrypt(combined) == values.map { 3 * $0 })
        expectError(.invalidLayout, "63 bits") { try key.decryptInt64(combined) }
    }

    /// Sums at the very ends of what was declared: the carries between slots would show here.
    @Test(arguments: [(1, 0), (10, 0), (1024, 0), (7, 7), (0, 3), (1000, 1)])
    func extremesOfTheDeclaredWeight(_ positive: Int, _ negative: Int) throws {
        let runs: [PackingLayout.Run] = [
            .init(count: 3, bounds: -5...5), .init(count: 5, bounds: 20...100), .init(count: 4, bounds: -90 ... -3),
            .init(count: 2, bounds: 0...0), .init(count: 40, bounds: -8_388_608...8_388_607),
        ]
        let maximum = PackingWeight(positive: positive, negative: negative)
        let layout = try PackingLayout(runs: runs, maximumWeight: maximum, modulusBits: 512)
        let bounds = runs.flatMap { run in [ClosedRange<BigInteger>](repeating: run.bounds, count: run.count) }
        let key = TestKeys.bits512
        let encryptor = PaillierEncryptor(key.publicKey)
        var random = SystemRandom()
        for upperFirst in [true, false] {
            let high = bounds.enumerated().map { ($0 % 2 == 0) == upperFirst ? $1.upperBound : $1.lowerBound }
            let low = bounds.enumerated().map { ($0 % 2 == 0) == upperFirst ? $1.lowerBound : $1.upperBound }
            // One fresh value weighs (1, 0); a layout without positive weight cannot hold it, so it is wrapped as (0, 1).
            guard positive > 0 else {
                expectError(.headroomExhausted) { try encryptor.encrypt(packing: high, layout: layout, using: &random) }
                continue
            }
            let a = try encryptor.encrypt(packing: high, layout: layout, using: &random)
            let b = try encryptor.encrypt(packing: low, layout: layout, using: &random)
            let sum = try key.publicKey.linearCombination([a, b], factors: [positive, -negative])
            let expected = zip(high, low).map { BigInteger(positive) * $0 - BigInteger(negative) * $1 }
            #expect(try key.decrypt(sum) == expected)
            #expect(try key.decryptInt64(sum).map { BigInteger($0) } == expected)
            expectError(.headroomExhausted, "want at most \(maximum)") { try key.publicKey.add(sum, a) }
            #expect(sum.weight == maximum)
        }
    }

    @Test func overflowIsRefusedBeforeItHappens() throws {
        let key = TestKeys.bits512.publicKey
        let layout = try PackingLayout(
            count: 20, bounds: -100...100, maximumWeight: PackingWeight(positive: 4), modulusBits: 512)
        let encryptor = PaillierEncryptor(key)
        var random = SystemRandom()
        let values = [Int64](repeating: -100, count: 20)
        let one = try encryptor.encrypt(packing: values, layout: layout, using: &random)
        expectError(.valueOutOfBounds, "slot 3: got a value outside the declared -100...100") {
            var bad = values
            bad[3] = 101
            return try layout.pack(bad)
        }
        expectError(.valueOutOfBounds, "slot 0") { try layout.pack([BigInteger](repeating: 1 << 80, count: 20)) }
        expectError(.valueOutOfBounds) { try layout.pack([Int64](repeating: .min, count: 20)) }
        expectError(.countMismatch, "got 19, want 20") { try layout.pack([Int64](repeating: 0, count: 19)) }
        expectError(.headroomExhausted, "got 5, want at most 4") { try key.sum([one, one, one, one, one]) }
        expectError(.headroomExhausted, "got 5") { try key.multiply(one, by: 5) }
        expectError(.headroomExhausted, "got +0/−1") { try key.multiply(one, by: -1) }
        expectError(.headroomExhausted) { try key.subtract(one, one) }
        expectError(.headroomExhausted, "more than 2^63") {
            try key.linearCombination([one, one], factors: [.max, .max])
        }
        expectError(.headroomExhausted) { try key.multiply(one, by: .min) }
        #expect(try key.multiply(one, by: 4).weight == PackingWeight(positive: 4))
        #expect(try TestKeys.bits512.decryptInt64(key.multiply(one, by: 0)) == [Int64](repeating: 0, count: 20))

        // Values that are sums already carry their weight.
        let sums = try encryptor.encrypt(
            packing: [Int64](repeating: 300, count: 20), layout: layout, weight: PackingWeight(positive: 3),
            using: &random)
        #expect(try TestKeys.bits512.decryptInt64(key.add(sums, one)) == [Int64](repeating: 200, count: 20))
        expectError(.headroomExhausted) { try key.sum([sums, one, one]) }
        expectError(.valueOutOfBounds, "-300...300") {
            try layout.pack([Int64](repeating: 301, count: 20), weight: PackingWeight(positive: 3))
        }
    }

    @Test func layoutsAreNotMixed() throws {
        let key = TestKeys.bits512
        let a = try PackingLayout(count: 5, bounds: 0...10, maximumWeight: PackingWeight(positive: 4), modulusBits: 512)
        let b = try PackingLayout(count: 5, bounds: 0...11, maximumWeight: PackingWeight(positive: 4), modulusBits: 512)
        #expect(a != b)
        var random = SystemRandom()
        let encryptor = PaillierEncryptor(key.publicKey)
        let x = try encryptor.encrypt(packing: [1, 2, 3, 4, 5] as [Int64], layout: a, using: &random)
        let y = try encryptor.encrypt(packing: [1, 2, 3, 4, 5] as [Int64], layout: b, using: &random)
        expectError(.layoutMismatch, "summand 1") { try key.publicKey.add(x, y) }
        expectError(.layoutMismatch) { try key.publicKey.subtract(x, y) }
        expectError(.layoutMismatch, "operand 1") { try key.publicKey.linearCombination([x, y], factors: [1, 1]) }
        expectError(.countMismatch) { try PackedCiphertexts(layout: a, ciphertexts: [], weight: .one) }
        var encoder = BinaryEncoder()
        try key.publicKey.encode(x, into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        #expect(try key.publicKey.decodePacked(&decoder, layout: a) == x)
        decoder = BinaryDecoder(encoder.bytes)
        expectError(.layoutMismatch) { try key.publicKey.decodePacked(&decoder, layout: b) }
        let large = try PackingLayout(count: 5, bounds: 0...10, maximumWeight: .one, modulusBits: 1024)
        expectError(.invalidLayout, "larger key") {
            try encryptor.encrypt(packing: [1, 2, 3, 4, 5] as [Int64], layout: large, using: &random)
        }
    }

    @Test func plaintextsOfAnotherOriginAreFoundOut() throws {
        let layout = try PackingLayout(count: 5, bounds: -10...10, maximumWeight: .one, modulusBits: 256)
        expectError(.valueOutOfBounds, "does not fit the layout") {
            try layout.unpack([BigInteger(1) << 200], weight: .one)
        }
        expectError(.valueOutOfBounds, "does not fit the layout") {
            try layout.unpack([-(BigInteger(1) << 200)], weight: .one)
        }
        expectError(.valueOutOfBounds, "slot 1") { try layout.unpack([11 << 5], weight: .one) }
        expectError(.countMismatch, "got 2, want 1") { try layout.unpack([0, 0], weight: .one) }
        expectError(.headroomExhausted) { try layout.unpack([0], weight: PackingWeight(positive: 2)) }
    }

    @Test func layoutsThatCannotBeAreRefused() {
        expectError(.invalidLayout, "got none") { try PackingLayout(runs: [], maximumWeight: .one, modulusBits: 512) }
        expectError(.invalidLayout, "slot 0: got 511 bits, want at most 510") {
            try PackingLayout(
                runs: [.init(count: 1, bounds: 0...(BigInteger(1) << 510))], maximumWeight: .one, modulusBits: 512)
        }
        expectError(.invalidLayout, "maximum weight") {
            try PackingLayout(count: 1, bounds: 0...1, maximumWeight: PackingWeight(positive: 0), modulusBits: 512)
        }
        expectError(.invalidLayout, "2^40") {
            try PackingLayout(count: .max, bounds: 0...1, maximumWeight: .one, modulusBits: 512)
        }
        expectError(.invalidLayout, "2^40") {
            try PackingLayout(count: -1, bounds: 0...1, maximumWeight: .one, modulusBits: 512)
        }
    }

    @Test func wholeModelTakesLessThanAMegabyte() throws {
        // 24 bits and 10 of head-room are 34 bits; 3070 of 3072 bits hold 90 such slots.
        let encoding = try VectorEncoding(count: 50_635, fractionBits: 16, modulusBits: 3072)
        #expect(encoding.layout.plaintextCount == 563)
        #expect(encoding.layout.plaintextCount * PaillierParameters.bits3072.ciphertextByteCount == 432_384)
    }
}
