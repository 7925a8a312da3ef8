import BigIntegers
import Paillier
import Randomness
import TacitTestSupport
import Testing

/// What the scheme promises, on random inputs.
@Suite struct AlgebraTests {
    static let secretKey = TestKeys.bits512
    static var publicKey: PaillierPublicKey { secretKey.publicKey }

    /// Random signed numbers of many sizes, with the extremes.
    static func plaintexts(_ count: Int, bits: Int, seed: UInt64) -> [BigInteger] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { index in
            let size = 1 + Int(random.uniform(below: UInt64(bits)))
            let value = BigInteger.random(bits: size, using: &random)
            return index % 2 == 0 ? value : -value
        }
    }

    @Test func roundTripWithExtremes() throws {
        let half = Self.publicKey.modulus >> 1
        let plaintexts = Self.plaintexts(40, bits: 510, seed: 1) + [0, 1, -1, half, -half, half - 1, 1 - half]
        let encryptor = PaillierEncryptor(Self.publicKey)
        let ciphertexts = try encryptor.encrypt(plaintexts)
        #expect(try Self.secretKey.decrypt(ciphertexts) == plaintexts)
        for beyond in [half + 1, -half - 1, half << 3] {
            #expect { try encryptor.encrypt([beyond]) } throws: { ($0 as? PaillierError)?.code == .plaintextOutOfRange }
        }
    }

    @Test func encryptionIsFreshEachTime() throws {
        let encryptor = PaillierEncryptor(Self.publicKey)
        let zeros = [BigInteger](repeating: 0, count: 50)
        #expect(Set(try encryptor.encrypt(zeros) + encryptor.encrypt(zeros)).count == 100)
    }

    @Test func homomorphisms() throws {
        let key = Self.publicKey
        let a = Self.plaintexts(30, bits: 400, seed: 2)
        let b = Self.plaintexts(30, bits: 400, seed: 3)
        let k = Self.plaintexts(30, bits: 100, seed: 4)
        let encryptor = PaillierEncryptor(key)
        let x = try encryptor.encrypt(a)
        let y = try encryptor.encrypt(b)
        let decrypt = Self.secretKey.decrypt(_:) as ([PaillierCiphertext]) throws -> [BigInteger]
        #expect(try decrypt(key.add(x, y)) == zip(a, b).map { $0 + $1 })
        #expect(try decrypt(key.subtract(x, y)) == zip(a, b).map { $0 - $1 })
        #expect(try decrypt(key.negate(x)) == a.map { -$0 })
        #expect(try decrypt(key.add(x, plaintexts: b)) == zip(a, b).map { $0 + $1 })
        #expect(try decrypt(key.multiply(x, by: k, variableTime: true)) == zip(a, k).map { $0 * $1 })
        #expect(try decrypt(key.multiply(x, by: k, variableTime: false)) == zip(a, k).map { $0 * $1 })
        for factor in [0, 1, -1, 12345, -98765] as [BigInteger] {
            #expect(try decrypt(key.multiply(x, by: factor)) == a.map { $0 * factor })
        }
        #expect(try decrypt(key.sum([x, y, x, x])) == zip(a, b).map { 3 * $0 + $1 })
        #expect(try decrypt([key.total(x)]) == [a.reduce(0, +)])
        #expect(try decrypt([key.total([])]) == [0])
        let dot = zip(a, k).reduce(BigInteger(0)) { $0 + $1.0 * $1.1 }
        #expect(try decrypt([key.linearCombination(x, weights: k, variableTime: true)]) == [dot])
        #expect(try decrypt([key.linearCombination(x, weights: k, variableTime: false)]) == [dot])
        // Several rows of weights, and several rows of ciphertexts.
        let other = k.map { 5 - $0 }
        let otherDot = zip(a, other).reduce(BigInteger(0)) { $0 + $1.0 * $1.1 }
        let crossDot = zip(b, k).reduce(BigInteger(0)) { $0 + $1.0 * $1.1 }
        for variableTime in [true, false] {
            #expect(
                try decrypt(key.linearCombinations(x, weights: [k, other], variableTime: variableTime)) == [
                    dot, otherDot,
                ])
            #expect(
                try decrypt(key.linearCombinations(ofRows: [x, y], weights: k, variableTime: variableTime))
                    == [dot, crossDot])
        }
        expectError(.countMismatch) { try key.linearCombinations(ofRows: [x], weights: [1], variableTime: true) }
        expectError(.plaintextOutOfRange, "weight: got 600 bits") {
            try key.linearCombination([x[0]], weights: [1 << 599], variableTime: true)
        }
        #expect(try key.linearCombinations(ofRows: [], weights: k, variableTime: true).isEmpty)
    }

    @Test func sumsWrapModuloTheKeyAsTheMathematicsSays() throws {
        let half = Self.publicKey.modulus >> 1
        let x = try PaillierEncryptor(Self.publicKey).encrypt([half])
        #expect(try Self.secretKey.decrypt(Self.publicKey.add(x, x)) == [-1])  // 2⌊n/2⌋ = n − 1
    }

    @Test func rerandomisationKeepsThePlaintextOnly() throws {
        let encryptor = PaillierEncryptor(Self.publicKey)
        let a = Self.plaintexts(20, bits: 500, seed: 5)
        let x = try encryptor.encrypt(a)
        let y = try encryptor.rerandomise(x)
        #expect(zip(x, y).allSatisfy { $0 != $1 })
        #expect(try Self.secretKey.decrypt(y) == a)
    }

    @Test func stockOfRandomisersIsUsedOnceEach() throws {
        var random = SystemRandom()
        let encryptor = PaillierEncryptor(Self.publicKey)
        encryptor.precompute(count: 10, using: &random)
        #expect(encryptor.precomputedCount == 10)
        let first = try encryptor.encrypt([BigInteger](repeating: 7, count: 6))
        #expect(encryptor.precomputedCount == 4)
        let second = try encryptor.encrypt([BigInteger](repeating: 7, count: 6))
        #expect(encryptor.precomputedCount == 0)
        #expect(Set(first + second).count == 12)
        #expect(try Self.secretKey.decrypt(first + second) == [BigInteger](repeating: 7, count: 12))
    }
}
