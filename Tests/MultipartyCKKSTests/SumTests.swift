import BinaryCoding
import CKKS
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

/// Sums of uploads under the parties' own parts of a collective key.
@Suite struct SumTests {
    static func simulation(
        _ holders: Int, threshold: Int, seed: UInt64, queries: Int = 100, logDegree: Int = 11, addsUploads: Bool = true
    ) throws -> PartySimulation {
        try PartySimulation(
            CollectiveGroup(
                parameters: CKKSParameters(
                    .init(
                        logDegree: logDegree, firstModulusBits: 36, scaleBits: 35, depth: 2, specialModuliBits: [],
                        security: .insecureForTestsOnly, keyHolders: holders)), threshold: threshold, keys: .init(),
                policy: CKKSReleasePolicy(statisticalBits: 30, queries: queries), label: "sums",
                addsUploads: addsUploads),
            seed: seed)
    }

    static func vector(_ sum: CollectiveSum, _ generator: inout TestGenerator) -> [Int64] {
        (0..<sum.count).map { _ in Int64.random(in: -sum.limit...sum.limit, using: &generator) }
    }

    static func name(_ number: Int) -> Fingerprint { Fingerprint(of: Array("sum \(number)".utf8)) }

    @Test(arguments: [(2, 2), (3, 2), (5, 3), (7, 7)]) func sumsAreExact(_ holders: Int, _ threshold: Int) throws {
        var parties = try Self.simulation(holders, threshold: threshold, seed: 3)
        var generator = TestGenerator(seed: UInt64(holders))
        for (number, count) in [1, 2047, 2048, 2049, 5000].enumerated() {
            let sum = try CollectiveSum(
                parties.setting, name: Self.name(number), count: count, limit: number.isMultiple(of: 2) ? 1 << 29 : 900,
                minimum: 2)
            let vectors = (0..<holders).map { _ in Self.vector(sum, &generator) }
            // With a threshold below n one stays away.
            let contributors = threshold < holders ? Array(2...holders) : Array(1...holders)
            let uploads = try contributors.map { try parties.upload(vectors[$0 - 1], for: sum, of: $0) }
            // Anybody may open it, also who did not contribute.
            let opened = try parties.open(sum, uploads, by: Array(1...threshold))
            #expect(opened == (0..<count).map { i in contributors.reduce(0) { $0 + vectors[$1 - 1][i] } })
        }
    }

    /// An upload is −a·sᵢ + u·m + e with e of deviation 3.2 and rounding; the total has the noise that is stated.
    @Test func noiseIsAsStated() throws {
        var parties = try Self.simulation(3, threshold: 2, seed: 5, logDegree: 12)
        let sum = try CollectiveSum(parties.setting, name: Self.name(0), count: 3 * 4096, limit: 1000, minimum: 2)
        var generator = TestGenerator(seed: 6)
        let vectors = (0..<3).map { _ in Self.vector(sum, &generator) }
        let uploads = try (1...3).map { try parties.upload(vectors[$0 - 1], for: sum, of: $0) }
        let request = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1, 3], using: &parties.random)
        var opening = try SumOpening(request, of: sum, uploads: uploads)
        for party in [1, 3] { _ = try opening.receive(try parties.answer(request, of: sum, by: party)) }
        let deviation = try #require(opening.measuredDeviation)
        // 12,288 coefficients: the deviation of a deviation is 0.6 %; rounding adds less than 1 %.
        #expect(abs(deviation / sum.totalDeviation - 1) < 0.04, "\(deviation) where \(sum.totalDeviation) is stated")
        // μ·‖Σ eᵢ‖₂ with the norm at most 2·3.2·√(3N), from two participants.
        let policy = parties.setting.group.policy
        let one = policy.noiseMultiplier * 2 * 3.2 * (3.0 * 4096).squareRoot()
        #expect(sum.totalDeviation >= one * 2.0.squareRoot() && sum.totalDeviation < 1.2 * one * 2.0.squareRoot())
    }

    /// Without the shares the sum is not to be had: what the adder sees of the total is spread over the unit.
    @Test func withoutAnswersNothingOpens() throws {
        var parties = try Self.simulation(3, threshold: 2, seed: 8)
        let sum = try CollectiveSum(parties.setting, name: Self.name(0), count: 2048, limit: 1000, minimum: 2)
        var generator = TestGenerator(seed: 6)
        let uploads = try (1...3).map { try parties.upload(Self.vector(sum, &generator), for: sum, of: $0) }
        let other = try CollectiveSum(parties.setting, name: Self.name(1), count: 2048, limit: 1000, minimum: 2)
        _ = try (1...3).map { try parties.upload(Self.vector(other, &generator), for: other, of: $0) }
        // Answers for two of the three uploads do not open all three: the third's mask stays.
        let request = try SumOpeningRequest(sum, over: [1, 2], by: [1, 2], using: &parties.random)
        var opening = try SumOpening(request, of: sum, uploads: Array(uploads[..<2]))
        let answers = try [1, 2].map { try parties.answer(request, of: sum, by: $0) }
        _ = try opening.receive(answers[0])
        #expect(try opening.receive(answers[1]) != nil)
        var forged = try SumOpening(
            request, of: sum, uploads: [uploads[0], try parties.relabelled(uploads[2], as: 2, sum)])
        _ = try forged.receive(answers[0])
        #expect(message { _ = try forged.receive(answers[1]) }.contains("not that of honest uploads and answers"))
    }

    /// Groups whose primes do not suit sums are refused when the sum is stated.
    @Test func unsuitableGroupsAreRefused() throws {
        func sum(
            _ firstBits: Int, _ scaleBits: Int, depth: Int, limit: Int64, statisticalBits: Int = 30
        ) throws -> CollectiveSum {
            let group = try CollectiveGroup(
                parameters: CKKSParameters(
                    .init(
                        logDegree: 11, firstModulusBits: firstBits, scaleBits: scaleBits, depth: depth,
                        specialModuliBits: [], security: .insecureForTestsOnly, keyHolders: 3)), threshold: 2,
                keys: .init(), policy: CKKSReleasePolicy(statisticalBits: statisticalBits, queries: 10), label: "x",
                addsUploads: true)
            return try CollectiveSum(
                KeyGenerationGroup(group), name: Self.name(0), count: 10, limit: limit, minimum: 2)
        }
        #expect(
            message { _ = try sum(26, 24, depth: 6, limit: 1000) }
                == "sum: the group has primes below 2^26, want greater ones")
        // 50 + 50 + 50 bits, of which the sum would need a few above 100.
        #expect(
            message { _ = try sum(50, 50, depth: 2, limit: 1 << 51, statisticalBits: 64) }.contains(
                "bits, want fewer than 126"))
        #expect(try sum(50, 50, depth: 2, limit: 1 << 30).polynomials == 1)
    }

    @Test func misuseIsRefused() throws {
        var parties = try Self.simulation(4, threshold: 2, seed: 11, queries: 5)
        let sum = try CollectiveSum(parties.setting, name: Self.name(0), count: 3000, limit: 1000, minimum: 3)
        #expect(sum.polynomials == 2)
        var generator = TestGenerator(seed: 6)
        let vectors = (0..<4).map { _ in Self.vector(sum, &generator) }
        let uploads = try (1...4).map { try parties.upload(vectors[$0 - 1], for: sum, of: $0) }
        #expect(message { _ = try parties.upload(vectors[0], for: sum, of: 1) }.contains("would show the difference"))
        #expect(
            message { _ = try SumOpeningRequest(sum, over: [1, 2], by: [1, 2], using: &parties.random) }
                == "contributors: got 2, want at least 3")
        #expect(
            message { _ = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1], using: &parties.random) }
                == "participants: got 1, want 2")
        #expect(
            message { _ = try SumOpeningRequest(sum, over: [1, 2, 2], by: [1, 2], using: &parties.random) }
                == "contributors: got [1, 2, 2], want different numbers in 1...4")
        #expect(
            message { _ = try SumOpeningRequest(sum, over: [1, 2, 5], by: [1, 2], using: &parties.random) }.contains(
                "1...4"))
        let request = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1, 2], using: &parties.random)
        #expect(message { _ = try parties.answer(request, of: sum, by: 3) }.contains("this is party 3"))
        _ = try parties.answer(request, of: sum, by: 1)
        #expect(message { _ = try parties.answer(request, of: sum, by: 1) }.contains("was answered before"))
        // The difference of two sets is one vector.
        let larger = try SumOpeningRequest(sum, over: [1, 2, 3, 4], by: [1, 2], using: &parties.random)
        #expect(message { _ = try parties.answer(larger, of: sum, by: 1) }.contains("would show single vectors"))
        // Two polynomials a request, five in the key's life.
        let again = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1, 4], using: &parties.random)
        _ = try parties.answer(again, of: sum, by: 1)
        #expect(parties.parties[0].share.used == 4)
        let third = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1, 3], using: &parties.random)
        #expect(
            message { _ = try parties.answer(third, of: sum, by: 1) }
                == "openings: 4 of the 5 of the key's policy are used, the sum needs 2; make a new key")
        // Answers of different requests do not mix.
        var opening = try SumOpening(again, of: sum, uploads: Array(uploads[..<3]))
        #expect(message { _ = try opening.receive(try parties.answer(request, of: sum, by: 2)) }.contains("want"))
        #expect(
            message { _ = try SumOpening(again, of: sum, uploads: uploads) }.contains(
                "uploads: got those of [1, 2, 3, 4]"))
        #expect(
            message { _ = try CollectiveSum(parties.setting, name: Self.name(1), count: 0, limit: 1, minimum: 2) }
                .contains("got 0 numbers"))
        #expect(
            message { _ = try parties.upload([1], for: sum, of: 1) }
                == "numbers: got 1, want 3000 up to 1000 in magnitude")
        let plain = try Self.simulation(3, threshold: 2, seed: 2, addsUploads: false)
        #expect(
            message { _ = try CollectiveSum(plain.setting, name: Self.name(1), count: 1, limit: 1, minimum: 2) }
                .contains("addsUploads"))
        let foreign = try CollectiveSum(
            Self.simulation(4, threshold: 3, seed: 2).setting, name: Self.name(1), count: 1, limit: 1, minimum: 2)
        #expect(message { _ = try parties.upload([1], for: foreign, of: 1) }.contains("is of group"))
    }

    /// A stored share goes on where it was: it refuses what it refused before.
    @Test func sharesRememberAcrossStorage() throws {
        for threshold in [2, 3] {
            var parties = try Self.simulation(3, threshold: threshold, seed: 13)
            let sum = try CollectiveSum(parties.setting, name: Self.name(0), count: 10, limit: 7, minimum: 2)
            let uploads = try (1...3).map {
                try parties.upload([Int64](repeating: Int64($0), count: 10), for: sum, of: $0)
            }
            let request = try SumOpeningRequest(
                sum, over: [1, 2, 3], by: Array(1...threshold), using: &parties.random)
            _ = try parties.answer(request, of: sum, by: 1)
            for party in 1...3 { try parties.store(party) }
            #expect(parties.parties[0].share.used == 1)
            #expect(
                message { _ = try parties.upload([Int64](repeating: 0, count: 10), for: sum, of: 1) }.contains(
                    "difference"))
            #expect(message { _ = try parties.answer(request, of: sum, by: 1) }.contains("answered before"))
            #expect(try parties.open(sum, uploads, by: Array(1...threshold)) == [Int64](repeating: 6, count: 10))
        }
    }

    @Test func fuzzDecoders() throws {
        var parties = try Self.simulation(3, threshold: 2, seed: 17)
        let sum = try CollectiveSum(parties.setting, name: Self.name(0), count: 5, limit: 1000, minimum: 2)
        let uploads = try (1...3).map { try parties.upload([1, 2, 3, 4, 5], for: sum, of: $0) }
        let request = try SumOpeningRequest(sum, over: [1, 2, 3], by: [1, 2], using: &parties.random)
        let answer = try parties.answer(request, of: sum, by: 1)
        let share = parties.parties[0].share
        var encoder = BinaryEncoder()
        uploads[0].encode(into: &encoder)
        #expect(encoder.bytes.count == sum.byteCount + 34)
        Fuzzing.run(valid: [encoder.bytes], seed: 1, iterations: Fuzzing.iterations(oneOf: 66)) { bytes in
            var decoder = BinaryDecoder(bytes)
            guard let upload = try? SumUpload(decoding: &decoder, sum: sum), upload.party == 1 else { return }
            // Whatever it is, adding it up returns or throws.
            guard var opening = try? SumOpening(request, of: sum, uploads: [upload, uploads[1], uploads[2]]) else {
                return
            }
            _ = try? opening.receive(answer)
        }
        encoder = BinaryEncoder()
        request.encode(into: &encoder)
        Fuzzing.run(valid: [encoder.bytes], seed: 2, iterations: Fuzzing.iterations(oneOf: 10)) { bytes in
            var decoder = BinaryDecoder(bytes)
            guard let hostile = try? SumOpeningRequest(decoding: &decoder) else { return }
            var random = SeededRandom(seed: 4)
            var own = share
            _ = try? own.answer(hostile, of: sum, using: &random)
        }
        encoder = BinaryEncoder()
        answer.encode(into: &encoder)
        Fuzzing.run(valid: [encoder.bytes], seed: 3, iterations: Fuzzing.iterations(oneOf: 66)) { bytes in
            var decoder = BinaryDecoder(bytes)
            guard let hostile = try? SumOpeningShare(decoding: &decoder, sum: sum) else { return }
            guard var opening = try? SumOpening(request, of: sum, uploads: uploads) else { return }
            _ = try? opening.receive(hostile)
        }
    }
}

extension PartySimulation {
    /// Through its bytes.
    mutating func upload(_ numbers: [Int64], for sum: CollectiveSum, of party: Int) throws -> SumUpload {
        var share = parties[party - 1].share
        var encoder = BinaryEncoder()
        try share.encrypt(numbers, for: sum, using: &random).encode(into: &encoder)
        parties[party - 1] = parties[party - 1].replacing(share)
        var decoder = BinaryDecoder(encoder.bytes)
        return try SumUpload(decoding: &decoder, sum: sum)
    }

    mutating func answer(_ request: SumOpeningRequest, of sum: CollectiveSum, by party: Int) throws -> SumOpeningShare {
        var share = parties[party - 1].share
        var encoder = BinaryEncoder()
        try share.answer(request, of: sum, using: &random).encode(into: &encoder)
        parties[party - 1] = parties[party - 1].replacing(share)
        var decoder = BinaryDecoder(encoder.bytes)
        return try SumOpeningShare(decoding: &decoder, sum: sum)
    }

    mutating func open(_ sum: CollectiveSum, _ uploads: [SumUpload], by participants: [Int]) throws -> [Int64]? {
        let request = try SumOpeningRequest(sum, over: uploads.map(\.party), by: participants, using: &random)
        var opening = try SumOpening(request, of: sum, uploads: uploads)
        var result: [Int64]?
        for party in participants { result = try opening.receive(try answer(request, of: sum, by: party)) }
        return result
    }

    /// The same upload under another party's number, as a coordinator could pass it off.
    func relabelled(_ upload: SumUpload, as party: Int, _ sum: CollectiveSum) throws -> SumUpload {
        var encoder = BinaryEncoder()
        upload.encode(into: &encoder)
        var bytes = encoder.bytes
        var number = BinaryEncoder()
        number.encode(UInt16(party))
        bytes.replaceSubrange(32..<34, with: number.bytes)
        var decoder = BinaryDecoder(bytes)
        return try SumUpload(decoding: &decoder, sum: sum)
    }

    /// Writes a share and reads it back.
    mutating func store(_ party: Int) throws {
        let stored = parties[party - 1].share.encoded(SecretAccess("test"))
        let read = try CollectiveKeyShare(encoded: stored, SecretAccess("test"), context: context)
        parties[party - 1] = parties[party - 1].replacing(read)
    }
}
