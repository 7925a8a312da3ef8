import BinaryCoding
import CKKS
import Lattice
import TacitTestSupport
import Testing

/// Cut, flipped and spliced bytes for every decoder; what passes is computed on.
@Suite struct CKKSCodingFuzzTests {
    @Test func fuzzParameters() throws {
        var holders = CodingSamples.literal
        holders.keyHolders = 3
        let valid = try [CodingSamples.literal, holders].map { literal in
            let parameters = try CKKSParameters(literal)
            return CodingSamples.bytes { parameters.encode(into: &$0) }
        }
        Fuzzing.run(valid: valid, seed: 11, iterations: Fuzzing.iterations(oneOf: 4)) { input in
            var decoder = BinaryDecoder(input)
            guard let parameters = try? CKKSParameters(decoding: &decoder) else { return }
            // What is accepted has scales that mean something.
            precondition(parameters.chain.scales.allSatisfy { $0 > 0x1p19 && $0 < 0x1p51 })
        }
    }

    @Test func fuzzCiphertexts() throws {
        let samples = try CodingSamples(CodingSamples.small)
        let lazy = try samples.bench.evaluator.squareLazily(samples.fresh)
        let valid = try [samples.fresh, lazy, try samples.bench.evaluator.settled(lazy)].map { ciphertext in
            try CodingSamples.bytes { try ciphertext.encode(into: &$0) }
        }
        // The head is where the decisions are: most mutations go there.
        var passed = 0
        for (round, seed) in [(0, 21), (1, 22)] as [(Int, UInt64)] {
            let heads = valid.map { Array($0[..<91]) }
            let iterations = Fuzzing.iterations(oneOf: 10)
            Fuzzing.run(valid: round == 0 ? heads : valid, seed: seed, iterations: iterations) { input in
                let bytes = round == 0 ? input + valid[input.count % valid.count][91...] : input
                var decoder = BinaryDecoder(bytes)
                guard let liar = try? CKKSCiphertext(decoding: &decoder, context: samples.context) else { return }
                passed += 1
                if passed % 16 == 0, passed < 100_000 {
                    CKKSCodingTests.operate(samples.bench.evaluator, liar, samples)
                }
            }
        }
        #expect(passed > Fuzzing.iterations / 200)
    }

    @Test func fuzzKeys() throws {
        let samples = try CodingSamples(CodingSamples.small)
        let publicKey = CodingSamples.bytes { samples.publicKey.encode(into: &$0) }
        let keys = CodingSamples.bytes { samples.keys.encode(into: &$0) }
        let secret = samples.secretBytes
        for context in [samples.context, nil] {
            // Without a context each input that is long enough has tables made for its ring.
            let iterations = context == nil ? 500 : Fuzzing.iterations(oneOf: 20)
            Fuzzing.run(valid: [publicKey], seed: 31, iterations: iterations) { input in
                var decoder = BinaryDecoder(input)
                _ = try? CKKSPublicKey(decoding: &decoder, context: context)
            }
            Fuzzing.run(valid: [keys, publicKey], seed: 32, iterations: iterations) { input in
                var decoder = BinaryDecoder(input)
                _ = try? CKKSEvaluationKeys(decoding: &decoder, context: context)
            }
            Fuzzing.run(valid: [secret], seed: 33, iterations: iterations) { input in
                _ = try? CodingSamples.secret(input, context: context)
            }
        }
    }

    @Test func fuzzFiles() throws {
        // One polynomial of one prime and one key: what is fuzzed here is the file around what is decoded above.
        var literal = CodingSamples.small
        literal.depth = 0
        let samples = try CodingSamples(literal, keys: CKKSKeyRequirements(rotations: [3]))
        let folder = try TemporaryFolder()
        var writer = try CKKSCiphertextWriter(
            path: folder.file("rows"), context: samples.context, key: samples.fresh.key)
        try writer.write(samples.fresh)
        try writer.commit()
        try CKKSEvaluationKeyFile.write(samples.keys, to: folder.file("keys"))
        let files = try ["rows", "keys"].map { name in
            var input = try FileSource(path: folder.file(name))
            return try input.next(1 << 24)
        }
        Fuzzing.run(valid: files, seed: 41, iterations: Fuzzing.iterations(oneOf: 40)) { input in
            // Mostly sealed again, so that the decoders behind the checksum are reached.
            let bytes = (try? ContainerParts(decoding: input))?.sealed ?? input
            if var reader = try? CKKSCiphertextReader(MemorySource(bytes), context: samples.context) {
                while (try? reader.next()) ?? nil != nil {}
            }
            _ = try? CKKSEvaluationKeyFile.read(MemorySource(bytes), context: samples.context)
        }
        // The forger's way: sections changed, checksum renewed.
        let parts = try files.map { try ContainerParts(decoding: $0) }
        for (number, original) in parts.enumerated() {
            for (index, section) in original.sections.enumerated() {
                let iterations = Fuzzing.iterations(oneOf: 200 * original.sections.count)
                Fuzzing.run(valid: [section.bytes], seed: UInt64(50 + 10 * number + index), iterations: iterations) {
                    input in
                    var forged = original
                    forged.sections[index].bytes = input
                    let bytes = forged.sealed
                    if var reader = try? CKKSCiphertextReader(MemorySource(bytes), context: samples.context) {
                        while (try? reader.next()) ?? nil != nil {}
                    }
                    _ = try? CKKSEvaluationKeyFile.read(MemorySource(bytes), context: samples.context)
                }
            }
        }
    }
}
