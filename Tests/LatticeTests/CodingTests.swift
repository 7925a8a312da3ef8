import BinaryCoding
import Lattice
import Randomness
import TacitTestSupport
import Testing

@Suite struct CodingTests {
    private struct Samples {
        let ring = TestRings.make(10, [50, 20], [50])
        let key: RLWESecretKey
        let publicKey: RLWEPublicKey
        let galois: GaloisKey
        let seeded: SeededCiphertext

        init() throws {
            var random = SeededRandom(seed: 42)
            key = RLWESecretKey(ring: ring, using: &random)
            publicKey = RLWEPublicKey(key, using: &random)
            galois = try GaloisKey(.rotation(by: 1, logDegree: 10), for: key, using: &random)
            seeded = key.encryptZero(over: ring.ciphertextBasis, using: &random)
        }
    }

    private static func bytes(_ body: (inout BinaryEncoder) -> Void) -> [UInt8] {
        var encoder = BinaryEncoder()
        body(&encoder)
        return encoder.bytes
    }

    private static func decode<Value>(
        _ bytes: [UInt8], _ body: (inout BinaryDecoder) throws -> Value
    ) throws -> Value {
        var decoder = BinaryDecoder(bytes)
        let value = try body(&decoder)
        try decoder.finish("value")
        return value
    }

    @Test func everythingRoundTrips() throws {
        let samples = try Samples()
        let ring = samples.ring
        let seeded = Self.bytes { samples.seeded.encode(into: &$0) }
        #expect(seeded.count == 32 + 3 + 128 * 70)  // 50 + 20 bits for each of 1024 coefficients
        let expanded = samples.seeded.expanded()
        #expect(
            try Self.decode(seeded) { try SeededCiphertext(decoding: &$0, ring: ring) }.expanded().parts
                == expanded.parts)
        let full = Self.bytes { expanded.encode(into: &$0) }
        #expect(try Self.decode(full) { try RLWECiphertext(decoding: &$0, ring: ring) }.parts == expanded.parts)
        let publicKey = Self.bytes { samples.publicKey.encode(into: &$0) }
        #expect(
            try Self.decode(publicKey) { try RLWEPublicKey(decoding: &$0, ring: ring) }.body == samples.publicKey.body)
        let galois = Self.bytes { samples.galois.encode(into: &$0) }
        let decoded = try Self.decode(galois) { try GaloisKey(decoding: &$0, ring: ring) }
        #expect(decoded.element == samples.galois.element)
        #expect(decoded.applying(to: expanded).parts == samples.galois.applying(to: expanded).parts)
        let secret = Self.bytes { samples.key.encode(SecretAccess("test"), into: &$0) }
        #expect(secret.count == 4 + 256)
        let key = try Self.decode(secret) { try RLWESecretKey(decoding: &$0, ring: ring) }
        #expect(key.decrypt(expanded) == samples.key.decrypt(expanded))
        let parameters = Self.bytes { ring.parameters.encode(into: &$0) }
        #expect(try Self.decode(parameters) { try RingParameters(decoding: &$0) } == ring.parameters)
    }

    @Test func sparseKeysKeepTheirWeight() throws {
        var random = SeededRandom(seed: 4)
        let ring = TestRings.small
        let key = try RLWESecretKey(ring: ring, distribution: .sparseTernary(weight: 64), using: &random)
        var bytes = Self.bytes { key.encode(SecretAccess("test"), into: &$0) }
        #expect(
            try Self.decode(bytes) { try RLWESecretKey(decoding: &$0, ring: ring) }.distribution
                == .sparseTernary(weight: 64))
        bytes[0] = 63
        let error = #expect(throws: LatticeError.self) {
            try Self.decode(bytes) { try RLWESecretKey(decoding: &$0, ring: ring) }
        }
        #expect(error?.message == "secret key: want coefficients in -1...1 and the stated Hamming weight")
    }

    @Test func damageIsNamed() throws {
        let samples = try Samples()
        let good = Self.bytes { samples.seeded.body.encode(into: &$0) }
        func message(_ change: (inout [UInt8]) -> Void) -> String? {
            var bytes = good
            change(&bytes)
            do {
                _ = try Self.decode(bytes) { try RNSPolynomial<Evaluations>(decoding: &$0, ring: samples.ring) }
                return nil
            } catch { return (error as? LatticeError)?.message }
        }
        #expect(message { $0[0] = 0 } == "form: got 0, want 1, Evaluations")
        #expect(message { $0[1] = 3 } == "ciphertext primes: got 3, want 1...2")
        #expect(message { $0[2] = 2 } == "special primes: got 2, want 0 or 1")
        #expect(message { $0.removeLast() } == "polynomial: got 8959 bytes, want 8960")
        let prime = samples.ring.moduli[0]
        #expect(
            message { for i in 3..<10 { $0[i] = 0xFF } } == "limb 0: got a residue that is not below its prime \(prime)"
        )
    }

    @Test func fuzzParameters() throws {
        let valid = Self.bytes { TestRings.small.parameters.encode(into: &$0) }
        Fuzzing.run(valid: [valid]) { input in
            var decoder = BinaryDecoder(input)
            _ = try? RingParameters(decoding: &decoder)
        }
    }

    /// Cut, flipped and spliced bytes of every kind to every decoder.
    @Test func fuzzKeysAndCiphertexts() throws {
        let samples = try Samples()
        let ring = samples.ring
        let valid = [
            Self.bytes { samples.seeded.encode(into: &$0) }, Self.bytes { samples.seeded.expanded().encode(into: &$0) },
            Self.bytes { samples.publicKey.encode(into: &$0) }, Self.bytes { samples.galois.encode(into: &$0) },
            Self.bytes { samples.key.encode(SecretAccess("test"), into: &$0) },
        ]
        let decoders: [(inout BinaryDecoder) throws -> Void] = [
            { _ = try SeededCiphertext(decoding: &$0, ring: ring) },
            { _ = try RLWECiphertext(decoding: &$0, ring: ring) },
            { _ = try RLWEPublicKey(decoding: &$0, ring: ring) }, { _ = try GaloisKey(decoding: &$0, ring: ring) },
            { _ = try RLWESecretKey(decoding: &$0, ring: ring) },
        ]
        for (kind, decode) in decoders.enumerated() {
            let iterations = Fuzzing.iterations(oneOf: 10)
            Fuzzing.run(valid: [valid[kind]] + valid, seed: UInt64(kind), iterations: iterations) { input in
                var decoder = BinaryDecoder(input)
                try? decode(&decoder)
            }
        }
    }
}
