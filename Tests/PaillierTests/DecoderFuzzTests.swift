import BinaryCoding
import Paillier
import Randomness
import TacitTestSupport
import Testing

/// Hostile bytes through every decoder: each returns or throws.
@Suite struct DecoderFuzzTests {
    static let key = TestKeys.bits256
    static let access = SecretAccess("fuzzing")

    static func bytes(_ body: (inout BinaryEncoder) throws -> Void) rethrows -> [UInt8] {
        var encoder = BinaryEncoder()
        try body(&encoder)
        return encoder.bytes
    }

    /// What was accepted is encoded again: a decoder accepts one form of a value only.
    private func run(_ valid: [[UInt8]], _ reencode: ([UInt8]) throws -> [UInt8]) {
        for input in valid { #expect((try? reencode(input)) == input) }
        Fuzzing.run(valid: valid) { input in
            guard let again = try? reencode(input) else { return }
            if again != input { Issue.record("accepted \(input) and wrote \(again)") }
        }
    }

    @Test func publicKeys() {
        let other = TestKeys.bits512.publicKey
        run([Self.key.publicKey.encoded, other.encoded]) { try PaillierPublicKey(encoded: $0).encoded }
    }

    @Test func secretKeys() {
        func encoded(_ key: PaillierSecretKey) -> [UInt8] {
            key.encoded(Self.access).withBytes(Self.access) { Array($0) }
        }
        run([encoded(Self.key)]) { encoded(try PaillierSecretKey(encoded: $0)) }
    }

    @Test func shares() throws {
        func encoded(_ share: PaillierKeyShare) -> [UInt8] {
            share.encoded(Self.access).withBytes(Self.access) { Array($0) }
        }
        run(try Self.key.split(threshold: 2, shares: 3).map(encoded)) { encoded(try PaillierKeyShare(encoded: $0)) }
    }

    @Test func ciphertexts() throws {
        let key = Self.key.publicKey
        let some = try PaillierEncryptor(key).encrypt([1, 2, 3])
        run([try Self.bytes { try key.encode(some, into: &$0) }, try Self.bytes { try key.encode([], into: &$0) }]) {
            var decoder = BinaryDecoder($0)
            let result = try key.decodeCiphertexts(&decoder)
            try decoder.finish("ciphertexts")
            return try Self.bytes { try key.encode(result, into: &$0) }
        }
    }

    @Test func packedCiphertexts() throws {
        let key = Self.key.publicKey
        let layout = try PackingLayout(
            count: 20, bounds: -1000...1000, maximumWeight: PackingWeight(positive: 9), modulusBits: 256)
        var random = SystemRandom()
        let packed = try PaillierEncryptor(key).encrypt(
            packing: [Int64](repeating: 5, count: 20), layout: layout, using: &random)
        run([try Self.bytes { try key.encode(packed, into: &$0) }]) {
            var decoder = BinaryDecoder($0)
            let result = try key.decodePacked(&decoder, layout: layout)
            try decoder.finish("packed")
            return try Self.bytes { try key.encode(result, into: &$0) }
        }
    }

    @Test func partialDecryptions() throws {
        let shares = try Self.key.split(threshold: 2, shares: 3)
        let sharing = shares[0].sharing
        let ciphertexts = try PaillierEncryptor(Self.key.publicKey).encrypt([1, 2, 3])
        let valid = try shares.map { share in
            let part = try share.partialDecryption(of: ciphertexts)
            return Self.bytes { sharing.encode(part, into: &$0) }
        }
        run(valid) {
            var decoder = BinaryDecoder($0)
            let part = try sharing.decodePartialDecryption(&decoder)
            try decoder.finish("partial decryption")
            return Self.bytes { sharing.encode(part, into: &$0) }
        }
    }

    @Test func layouts() throws {
        let layouts = [
            try PackingLayout(count: 7, bounds: -9...9, maximumWeight: .one, modulusBits: 256),
            try PackingLayout(
                runs: [.init(count: 1 << 39, bounds: 0...1), .init(count: 3, bounds: -(1 << 40)...5)],
                maximumWeight: PackingWeight(positive: 5, negative: 2), modulusBits: 3072),
        ]
        Fuzzing.run(valid: layouts.map { layout in Self.bytes { layout.encode(into: &$0) } }) { input in
            var decoder = BinaryDecoder(input)
            _ = try? PackingLayout(decoding: &decoder)
        }
    }

    @Test func pythonPaillier() throws {
        let key = Self.key.publicKey
        let some = try PaillierEncryptor(key).encrypt([1, -2])
        let texts = [
            try PythonPaillier.json(some, exponent: -8, publicKey: key),
            try PythonPaillier.commandJSON(some[0], exponent: -8, publicKey: key),
            PythonPaillier.json(key, identifier: "a key \u{1F511} \"quoted\"\n"),
            PythonPaillier.json(Self.key, identifier: "a key", Self.access),
            "{\"v\": \"\\ud83d\\ude00\\n\", \"e\": [[[[]]]], \"x\": [true, null, -1.5e+9]}",
        ]
        Fuzzing.run(valid: texts.map { Array($0.utf8) }) { input in
            let text = String(decoding: input, as: UTF8.self)
            if let numbers = try? PythonPaillier.numbers(text, publicKey: key) { _ = try? numbers.aligned() }
            _ = try? PythonPaillier.numbers(text, publicKey: nil)
            _ = try? PythonPaillier.publicKey(text)
            _ = try? PythonPaillier.secretKey(text)
        }
    }
}
