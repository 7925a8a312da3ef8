import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

/// Values of every kind over one small ring, and their bytes.
struct CodingSamples {
    static let literal = CKKSParameters.Literal(
        logDegree: 11, firstModulusBits: 50, scaleBits: 40, depth: 2, security: .insecureForTestsOnly)
    /// A few kilobytes a polynomial, so that many inputs can be tried.
    static let small = CKKSParameters.Literal(
        logDegree: 11, firstModulusBits: 26, scaleBits: 20, depth: 1, specialModuliBits: [26],
        security: .insecureForTestsOnly)
    var bench: Workbench
    let publicKey: CKKSPublicKey
    let fresh: CKKSCiphertext
    let values: [Double]

    static let allKinds = CKKSKeyRequirements(relinearisation: true, conjugation: true, rotations: [3])

    init(_ literal: CKKSParameters.Literal = Self.literal, keys: CKKSKeyRequirements = Self.allKinds) throws {
        bench = try Workbench(literal, keys: keys)
        publicKey = CKKSPublicKey(bench.secret, using: &bench.random)
        values = bench.values(64)
        fresh = try bench.encryptor.encrypt(values, using: &bench.random)
    }

    var context: CKKSContext { bench.context }
    var keys: CKKSEvaluationKeys { bench.evaluator.keys! }

    static func bytes(_ body: (inout BinaryEncoder) throws -> Void) rethrows -> [UInt8] {
        var encoder = BinaryEncoder()
        try body(&encoder)
        return encoder.bytes
    }

    static func decode<Value>(
        _ bytes: [UInt8], _ body: (inout BinaryDecoder) throws -> Value
    ) throws -> Value {
        var decoder = BinaryDecoder(bytes)
        let value = try body(&decoder)
        try decoder.finish("value")
        return value
    }

    var secretBytes: [UInt8] {
        bench.secret.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { Array($0) }
    }

    static func secret(_ bytes: [UInt8], context: CKKSContext?) throws -> CKKSSecretKey {
        var copy = bytes
        return try CKKSSecretKey(
            encoded: SecretBytes(wiping: &copy), SecretAccess("test"), context: context)
    }
}

@Suite struct CKKSCodingTests {
    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "nothing was thrown"
    }

    @Test func ciphertextsRoundTripInEveryForm() throws {
        let samples = try CodingSamples()
        let evaluator = samples.bench.evaluator
        let lazy = try evaluator.squareLazily(samples.fresh)
        let forms = [
            samples.fresh, try evaluator.add(samples.fresh, 1), lazy, try evaluator.settled(lazy),
            try CKKSEncryptor(samples.publicKey).encrypt(samples.values),
        ]
        for ciphertext in forms {
            let bytes = try CodingSamples.bytes { try ciphertext.encode(into: &$0) }
            #expect(bytes.count == ciphertext.encodedByteCount)
            let back = try CodingSamples.decode(bytes) {
                try CKKSCiphertext(decoding: &$0, context: samples.context, key: samples.bench.secret.identity)
            }
            #expect(back.parts == ciphertext.parts)
            #expect(
                back.level == ciphertext.level && back.scale == ciphertext.scale && back.slots == ciphertext.slots
                    && back.magnitude == ciphertext.magnitude && back.deviation == ciphertext.deviation
                    && back.key == ciphertext.key && back.size == ciphertext.size && back.seed == ciphertext.seed)
            #expect(try CodingSamples.bytes { try back.encode(into: &$0) } == bytes)
            #expect(
                try samples.bench.secret.decryptForOwner(back).real
                    == samples.bench.secret.decryptForOwner(ciphertext).real)
        }
        // A product of a decoded ciphertext still finds its keys.
        let squared = try evaluator.square(forms[0])
        #expect(
            difference(try samples.bench.secret.decryptForOwner(squared).real, samples.values.map { $0 * $0 }) < 1e-5)
    }

    @Test(arguments: [12, 13])
    func freshCiphertextsTakeLittleMoreThanAThirdOfSEALs(logDegree: Int) throws {
        let context = CKKSContext(
            try CKKSParameters(
                .init(
                    logDegree: logDegree, firstModulusBits: 50, scaleBits: 40, depth: 3, security: .insecureForTestsOnly
                )))
        let fresh = try CKKSEncryptor(CKKSSecretKey(context)).encrypt([1, 2, 3], magnitude: 4)
        // SEAL keeps each residue of both halves in eight bytes.
        let theirs = 2 * (1 << logDegree) * 4 * 8
        #expect(Double(fresh.encodedByteCount) < 0.55 * Double(theirs))
        #expect(Double(fresh.encodedByteCount) > 0.25 * Double(theirs))
    }

    @Test func keysRoundTrip() throws {
        let samples = try CodingSamples()
        for context in [samples.context, nil] {
            let secret = try CodingSamples.secret(samples.secretBytes, context: context)
            #expect(secret.identity == samples.bench.secret.identity)
            let opened = try secret.decryptForOwner(samples.fresh)
            #expect(difference(opened.real, samples.values) <= opened.errorBound)

            let publicBytes = CodingSamples.bytes { samples.publicKey.encode(into: &$0) }
            let publicKey = try CodingSamples.decode(publicBytes) { try CKKSPublicKey(decoding: &$0, context: context) }
            let sent = try CKKSEncryptor(publicKey).encrypt(samples.values)
            let received = try samples.bench.secret.decryptForOwner(sent)
            #expect(difference(received.real, samples.values) <= received.errorBound)

            let keyBytes = CodingSamples.bytes { samples.keys.encode(into: &$0) }
            let keys = try CodingSamples.decode(keyBytes) { try CKKSEvaluationKeys(decoding: &$0, context: context) }
            #expect(keys.contents == samples.keys.contents && keys.identity == samples.keys.identity)
            #expect(CodingSamples.bytes { keys.encode(into: &$0) } == keyBytes)
            let evaluator = CKKSEvaluator(keys.context, keys: keys)
            let rotated = try samples.bench.secret.decryptForOwner(evaluator.rotate(samples.fresh, by: 3))
            #expect(difference(rotated.real, (0..<64).map { samples.values[($0 + 3) % 64] }) <= rotated.errorBound)
        }
        // Two bits a coefficient and little else.
        #expect(samples.secretBytes.count < 512 + 100)
        #expect(samples.bench.secret.description.contains("\(samples.bench.secret.identity)"))
    }

    @Test func lyingMetadataIsRefusedOrHarmless() throws {
        let samples = try CodingSamples()
        let good = try CodingSamples.bytes { try samples.fresh.encode(into: &$0) }
        func told(_ change: (inout [UInt8]) -> Void) -> String {
            var bytes = good
            change(&bytes)
            return message {
                _ = try CodingSamples.decode(bytes) { try CKKSCiphertext(decoding: &$0, context: samples.context) }
            }
        }
        func put(_ value: Double, at offset: Int) -> (inout [UInt8]) -> Void {
            { bytes in
                withUnsafeBytes(of: value.bitPattern.littleEndian) {
                    bytes.replaceSubrange(offset..<offset + 8, with: $0)
                }
            }
        }
        #expect(told { $0[0] = 4 } == "form: got 4, want 1...3")
        #expect(told { $0[1] ^= 1 }.hasPrefix("parameters: got a ciphertext of "))
        #expect(told { $0[65] = 3 } == "level: got 3, want 0...2")
        #expect(told { $0[65] = 1 } == "part 0: got 3 primes, want 2 at level 1")
        #expect(told { $0[66] = 11 } == "slots: got 2^11, want at most 1024")
        for scale in [Double.nan, .infinity, -1, 0.5, 1e300] {
            #expect(told(put(scale, at: 67)).hasPrefix("scale: got "))
        }
        for magnitude in [Double.nan, .infinity, -1] {
            #expect(told(put(magnitude, at: 75)) == "magnitude: got \(magnitude), want a finite number from 0")
        }
        #expect(told(put(1e300, at: 75)).hasPrefix("magnitude: got values that may reach 2^"))
        for deviation in [Double.nan, .infinity, -1] {
            #expect(told(put(deviation, at: 83)) == "deviation: got \(deviation), want a finite number from 0")
        }
        #expect(told { $0.removeLast() }.hasPrefix("polynomial: got "))
        #expect(told { $0.append(0) } == "value: got 1 bytes after the end, want none")
        let other = message {
            _ = try CodingSamples.decode(good) {
                try CKKSCiphertext(decoding: &$0, context: samples.context, key: Fingerprint(of: [1]))
            }
        }
        #expect(other.hasPrefix("key: got a ciphertext of \(samples.bench.secret.identity), want "))
        // Whatever passes can be computed on: wrong results and refusals, never a trap.
        let evaluator = samples.bench.evaluator
        for magnitude in [0, Double.leastNonzeroMagnitude, 1, 1e10] {
            for deviation in [0, Double.leastNonzeroMagnitude, 1e-3] {
                for scale in [1, 3.5, 0x1p40, 0x1p119] {
                    for slots in [0, 10] as [UInt8] {
                        var bytes = good
                        bytes[66] = slots
                        put(scale, at: 67)(&bytes)
                        put(magnitude, at: 75)(&bytes)
                        put(deviation, at: 83)(&bytes)
                        guard
                            let liar = try? CodingSamples.decode(
                                bytes, { try CKKSCiphertext(decoding: &$0, context: samples.context) })
                        else { continue }
                        Self.operate(evaluator, liar, samples)
                    }
                }
            }
        }
    }

    /// Every operation, on what may be nonsense.
    static func operate(_ evaluator: CKKSEvaluator, _ liar: CKKSCiphertext, _ samples: CodingSamples) {
        _ = try? evaluator.add(liar, samples.fresh)
        _ = try? evaluator.add(liar, 1e300)
        _ = try? evaluator.add(liar, [1e10, 2])
        _ = try? evaluator.multiply(liar, samples.fresh)
        _ = try? evaluator.square(liar)
        _ = try? evaluator.multiply(liar, 1e300)
        _ = try? evaluator.multiply(liar, 0.3)
        _ = try? evaluator.multiply(liar, [0.1, 1e9])
        _ = try? evaluator.multiply(liar, integer: Int.min)
        _ = try? evaluator.rotate(liar, by: 3)
        _ = try? evaluator.conjugate(liar)
        _ = try? evaluator.rescaled(liar)
        _ = try? evaluator.lowered(liar, to: 0)
        _ = try? evaluator.dropping(liar, to: 0)
        _ = try? samples.bench.secret.decryptForOwner(liar)
        _ = liar.precisionBits
    }

    @Test func filesHoldManyCiphertextsAndNameTheBadOne() throws {
        var samples = try CodingSamples()
        let folder = try TemporaryFolder()
        let path = folder.file("rows.tacit")
        var writer = try CKKSCiphertextWriter(path: path, context: samples.context, key: samples.fresh.key)
        let rows = try (0..<3).map {
            try samples.bench.encryptor.encrypt([Double($0)], magnitude: 4, using: &samples.bench.random)
        }
        for row in rows { try writer.write(row) }
        let stranger = try CKKSEncryptor(CKKSSecretKey(samples.context)).encrypt([1])
        #expect(message { try writer.write(stranger) }.hasPrefix("ciphertext 3: got one of key "))
        try writer.commit()
        for context in [samples.context, nil] {
            var reader = try CKKSCiphertextReader(path: path, context: context)
            var opened: [Double] = []
            while let row = try reader.next() { opened.append(try samples.bench.secret.decryptForOwner(row).real[0]) }
            #expect(difference(opened, [0, 1, 2]) < 1e-6 && reader.count == 3)
        }
        var parts = try ContainerParts(decoding: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        parts.sections[2].bytes[66] = 200
        let bad = parts.sealed
        #expect(
            message {
                var reader = try CKKSCiphertextReader(MemorySource(bad), context: samples.context)
                while try reader.next() != nil {}
            } == "ciphertext 1: slots: got 2^200, want at most 1024")
        let otherContext = CKKSContext(
            try CKKSParameters(.init(logDegree: 11, scaleBits: 39, depth: 2, security: .insecureForTestsOnly)))
        #expect(
            message { _ = try CKKSCiphertextReader(path: path, context: otherContext) }.hasPrefix("parameters: got "))
        #expect(
            message { _ = try CKKSEvaluationKeyFile.read(path: path) }
                == "kind: got encrypted slots, want evaluation keys")
    }

    @Test func evaluationKeyFilesRoundTrip() throws {
        let samples = try CodingSamples()
        let folder = try TemporaryFolder()
        let path = folder.file("evaluation.tacit")
        let bytes = try CKKSEvaluationKeyFile.write(samples.keys, to: path)
        // Seeded: one polynomial of 50 + 40 + 40 + 50 bits per digit, three digits, three keys.
        #expect(bytes < 3 * 3 * 256 * 182 + 1000 && bytes > 3 * 3 * 256 * 178)
        let keys = try CKKSEvaluationKeyFile.read(path: path)
        #expect(keys.contents == samples.keys.contents && keys.identity == samples.keys.identity)
        var parts = try ContainerParts(decoding: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        parts.sections.append(parts.sections[3])
        let twice = parts.sealed
        #expect(message { _ = try CKKSEvaluationKeyFile.read(MemorySource(twice)) }.hasSuffix("twice"))
        parts.sections[4].tag = 3
        let second = parts.sealed
        #expect(
            message { _ = try CKKSEvaluationKeyFile.read(MemorySource(second)) }
                == "key 3: got tag 3, want one relinearisation key and Galois keys")
    }

    @Test func theNumberOfKeyHoldersIsPartOfTheParameters() throws {
        var literal = CodingSamples.literal
        let single = try CKKSParameters(literal)
        literal.keyHolders = 5
        let shared = try CKKSParameters(literal)
        #expect(single.fingerprint != shared.fingerprint && single.ring == shared.ring)
        let bytes = CodingSamples.bytes { shared.encode(into: &$0) }
        #expect(try CodingSamples.decode(bytes) { try CKKSParameters(decoding: &$0) } == shared)
        literal.keyHolders = 0
        #expect(message { _ = try CKKSParameters(literal) } == "keyHolders: got 0, want 1...256")
        #expect(
            message { _ = try CKKSParameters(.init(logDegree: 16, scaleBits: 20, depth: 20)) }
                == "depth: got 20, but too few primes near 2^20 are 1 modulo 131072")
    }
}
