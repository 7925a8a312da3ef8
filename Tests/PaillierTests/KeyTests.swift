import BigIntegers
import BinaryCoding
import Paillier
import Parallelism
import Randomness
import TacitTestSupport
import Testing

@Suite struct KeyTests {
    /// p and q, read off the encoded key's end.
    static func factors(_ key: PaillierSecretKey) -> (p: BigInteger, q: BigInteger) {
        let bytes = key.encoded(SecretAccess("tests look at the factors")).withBytes(SecretAccess("as above")) {
            Array($0)
        }
        let width = key.publicKey.parameters.modulusByteCount
        return (
            BigInteger(bigEndianBytes: bytes.suffix(2 * width).prefix(width)),
            BigInteger(bigEndianBytes: bytes.suffix(width))
        )
    }

    @Test func parametersSayHowSecureTheyAre() throws {
        #expect(PaillierParameters.bits2048.estimatedSecurityBits == 112)
        #expect(PaillierParameters.bits3072.estimatedSecurityBits == 128)
        #expect(PaillierParameters.bits4096.estimatedSecurityBits == 152)
        #expect(try PaillierParameters.insecure(bits: 1024).estimatedSecurityBits == 80)
        #expect(PaillierParameters.bits3072.warning == nil)
        #expect(PaillierParameters.bits2048.warning?.contains("112-bit") == true)
        #expect(try PaillierParameters.insecure(bits: 512).warning?.hasPrefix("INSECURE") == true)
        #expect(try PaillierParameters.insecure(bits: 512).description.contains("insecure"))
        expectError(.invalidParameters, "got 1024, want at least 2048") {
            try PaillierParameters(.init(modulusBits: 1024))
        }
        expectError(.invalidParameters, "got 254, want at least 256") { try PaillierParameters.insecure(bits: 254) }
        expectError(.invalidParameters, "got 3073") { try PaillierParameters(.init(modulusBits: 3073)) }
        expectError(.invalidParameters, "got -4") { try PaillierParameters(.init(modulusBits: -4)) }
    }

    @Test(arguments: [256, 512, 768, 1024, 2048])
    func generatedKeysHaveTheFormTheyShould(_ bits: Int) {
        for seed in 0..<(bits <= 512 ? 8 : 1) as Range<UInt64> {
            let key = TestKeys.make(bits, seed: seed + 100)
            let (p, q) = Self.factors(key)
            let n = key.publicKey.modulus
            #expect(p * q == n && n.bitWidth == bits && p.bitWidth == bits / 2 && q.bitWidth == bits / 2)
            #expect(p.isProbablePrime(variableTime: true) && q.isProbablePrime(variableTime: true))
            #expect(p.lowBits(2) == 3 && q.lowBits(2) == 3)
            #expect((p - 1).greatestCommonDivisor(q - 1) == 2)
            for prime in [3, 5, 7, 11, 13, 17, 257, 4099, 32771, 65521] as [UInt] {
                #expect((p - 1).remainder(dividingBy: prime) != 0 && (q - 1).remainder(dividingBy: prime) != 0)
            }
            #expect((p - q).bitWidth > bits / 2 - 100)
            #expect(key.canBeShared)
            // h_s = (−x²)ⁿ: raised to λ' it gives (−1)^(nλ') = −1, which also shows that it is an n-th power.
            let order = ((p - 1) >> 1) * ((q - 1) >> 1)
            let power = key.publicKey.randomiserBase!.power(order, modulo: n * n, variableTime: true)!
            #expect(power == n * n - 1)
        }
    }

    @Test func keysFromTheSameSeedAreEqualAndOthersDiffer() {
        #expect(TestKeys.make(512, seed: 9).publicKey == TestKeys.make(512, seed: 9).publicKey)
        #expect(TestKeys.make(512, seed: 9).publicKey != TestKeys.make(512, seed: 10).publicKey)
        #expect(PaillierSecretKey.generate(.bits2048).publicKey != PaillierSecretKey.generate(.bits2048).publicKey)
    }

    /// From the seed to the last byte, whatever the machine has: everything random is drawn in one order.
    @Test func wholeRunIsReproducible() throws {
        func run(cores: Int?) throws -> [UInt8] {
            Cores.limit(to: cores)
            defer { Cores.limit(to: nil) }
            var random = SeededRandom(seed: 77)
            let key = PaillierSecretKey.generate(try .insecure(bits: 512), using: &random)
            let encryptor = PaillierEncryptor(key.publicKey)
            encryptor.precompute(count: 3, using: &random)
            var encoder = BinaryEncoder()
            let ciphertexts = try encryptor.encrypt((0..<20).map { BigInteger($0) }, using: &random)
            try key.publicKey.encode(encryptor.rerandomise(ciphertexts, using: &random), into: &encoder)
            for share in try key.split(threshold: 2, shares: 3, using: &random) {
                share.sharing.encode(try share.partialDecryption(of: ciphertexts, using: &random), into: &encoder)
            }
            return encoder.bytes
        }
        let bytes = try run(cores: 1)
        #expect(try run(cores: nil) == bytes)
        #expect(try run(cores: 5) == bytes)
        // Pinned, so that a change of what is computed does not go unnoticed.
        #expect(
            Fingerprint(of: bytes).hexadecimal == "f50d334ed637b4ffb3c151b44b9ec3d11f8ed7c384e18c58d4f41d2bcd9f79c6")
    }

    @Test func decryptionEqualsTheTextbookOne() throws {
        // m = L(c^λ mod n²)·(L(g^λ mod n²))⁻¹ mod n with λ = lcm(p − 1, q − 1) and g = n + 1, on arbitrary units.
        for key in [TestKeys.bits256, TestKeys.bits512, TestKeys.bits1024] {
            let (p, q) = Self.factors(key)
            let n = key.publicKey.modulus
            let lambda = (p - 1).leastCommonMultiple(q - 1)
            let scale = lambda.inverse(modulo: n)!  // L((1 + n)^λ) = λ
            var random = SeededRandom(seed: 21)
            let values = (0..<20).map { _ in BigInteger.random(below: n * n - 1, using: &random) + 1 }
            let textbook = values.map { value in
                let power = value.power(lambda, modulo: n * n, variableTime: true)!
                let residue = ((power - 1).dividedFloor(by: n) * scale).modulo(n)
                return residue > n >> 1 ? residue - n : residue
            }
            let ciphertexts = try key.publicKey.ciphertexts(validating: values)
            #expect(try key.decrypt(ciphertexts) == textbook)
            // One at a time, which takes another path than a batch.
            #expect(try ciphertexts.map { try key.decrypt([$0])[0] } == textbook)
        }
    }

    @Test func encodedKeysComeBackAndDamageIsRefused() throws {
        let key = TestKeys.bits512
        #expect(try PaillierPublicKey(encoded: key.publicKey.encoded) == key.publicKey)
        let access = SecretAccess("test of the round trip")
        let bytes = key.encoded(access).withBytes(access) { Array($0) }
        let again = try PaillierSecretKey(encoded: bytes)
        let plaintexts: [BigInteger] = [5, -7, 1 << 300]
        #expect(try again.decrypt(PaillierEncryptor(key.publicKey).encrypt(plaintexts)) == plaintexts)
        #expect(again.canBeShared)
        #expect("\(key)".contains(key.publicKey.fingerprint.description))
        #expect(!"\(key)".contains(Self.factors(key).p.description))

        expectError(.invalidKey, "its factors do not belong") {
            try PaillierSecretKey(
                publicKey: key.publicKey, p: Self.factors(TestKeys.other512).p, q: Self.factors(TestKeys.other512).q)
        }
        let (p, q) = Self.factors(key)
        expectError(.invalidKey, "factors do not belong") {
            try PaillierSecretKey(publicKey: key.publicKey, p: -p, q: -q)
        }
        expectError(.invalidKey, "factors do not belong") {
            try PaillierSecretKey(publicKey: key.publicKey, p: 1, q: p * q)
        }
        #expect(throws: BinaryCodingError.self) { try PaillierSecretKey(encoded: bytes + [0]) }
        #expect(throws: BinaryCodingError.self) { try PaillierSecretKey(encoded: bytes.dropLast()) }
    }

    @Test func numbersThatAreNoKeysAreRefused() throws {
        let n = TestKeys.bits512.publicKey.modulus
        func make(_ n: BigInteger, _ base: BigInteger? = nil) throws -> PaillierPublicKey {
            try PaillierPublicKey(modulus: n, randomiserBase: base, security: .insecure)
        }
        expectError(.invalidKey, "odd") { try make(n - 1) }
        expectError(.invalidKey, "below 65536") { try make(n * 257) }
        let (p, _) = Self.factors(TestKeys.bits1024)
        expectError(.invalidKey, "got a prime") { try make(p) }
        expectError(.invalidKey, "got a square") { try make(p * p) }
        expectError(.invalidKey, "randomiser base") { try make(n, 1) }
        expectError(.invalidKey, "randomiser base") { try make(n, n * n + 1) }
        expectError(.invalidKey, "randomiser base") { try make(n, n * 7) }
        expectError(.invalidParameters, "want at least 2048") { try PaillierPublicKey(modulus: n, randomiserBase: nil) }
        expectError(.invalidParameters, "got 1,") { try make(1) }
        expectError(.invalidParameters) { try make(0) }
        expectError(.invalidKey, "positive") { try make(-n) }
    }

    @Test func ciphertextsAreValidated() throws {
        let key = TestKeys.bits512.publicKey
        let n = key.modulus
        let good = try PaillierEncryptor(key).encrypt([1, 2]).map(\.value)
        #expect(try key.ciphertexts(validating: good).map(\.value) == good)
        let (p, q) = Self.factors(TestKeys.bits512)
        for bad in [0, -1, n * n, n * n + 1] as [BigInteger] {
            expectError(.invalidCiphertext, "ciphertext 2: want a number between") {
                try key.ciphertexts(validating: good + [bad])
            }
        }
        for bad in [n, p, q, p * p, n * 12345] {
            expectError(.invalidCiphertext, "ciphertext 1: want a number that is coprime") {
                try key.ciphertexts(validating: [good[0], bad, good[1]])
            }
        }
    }

    @Test func keysAreNotMixed() throws {
        let (mine, other) = (TestKeys.bits512, TestKeys.other512)
        let a = try PaillierEncryptor(mine.publicKey).encrypt([1])
        let b = try PaillierEncryptor(other.publicKey).encrypt([2])
        let key = mine.publicKey
        expectError(.keyMismatch, "another key") { try key.add(a, b) }
        expectError(.keyMismatch) { try key.subtract(a, b) }
        expectError(.keyMismatch) { try key.sum([a, b]) }
        expectError(.keyMismatch) { try key.multiply(b, by: 3) }
        expectError(.keyMismatch) { try key.add(b, plaintexts: [1]) }
        expectError(.keyMismatch) { try key.linearCombination(a + b, weights: [1, 1], variableTime: true) }
        expectError(.keyMismatch) { try PaillierEncryptor(key).rerandomise(b) }
        expectError(.keyMismatch, "ciphertext 1") { try mine.decrypt(a + b) }
        expectError(.countMismatch, "got 1, want 2") { try key.add(a + a, a) }
        expectError(.countMismatch, "want at least 1") { try key.sum([[PaillierCiphertext]]()) }
    }

    /// The whole life of numbers under a key of the default size.
    @Test func defaultSize() throws {
        let key = PaillierSecretKey.generate(.bits3072)
        let encoding = try VectorEncoding(count: 200, fractionBits: 20, modulusBits: 3072)
        let values = (0..<200).map { Double($0 - 100) / 64 }
        let encryptor = PaillierEncryptor(key.publicKey)
        let vectors = try (0..<3).map { _ in try encryptor.encrypt(values, encoding: encoding) }
        let sum = try key.publicKey.sum(vectors)
        #expect(try key.decrypt(sum) == values.map { 3 * $0 })
        let shares = try key.split(threshold: 2, shares: 3)
        let parts = try shares.dropFirst().map { try $0.partialDecryption(of: sum.packed.ciphertexts) }
        #expect(try shares[0].sharing.combine(parts, of: sum) == values.map { 3 * $0 })
    }
}
