import BigIntegers
import FixedPoint
import Paillier
import TacitTestSupport
import Testing

@Suite struct EncryptedVectorTests {
    @Test func sumsOfVectors() throws {
        let key = TestKeys.bits1024
        let encoding = try VectorEncoding(
            count: 333, valueBits: 24, fractionBits: 18, headroomBits: 3, modulusBits: 1024)
        var generator = TestGenerator(seed: 11)
        let unit = 1 / Double(1 << 18)
        let vectors = (0..<8).map { _ in
            (0..<333).map { _ in Double(Int.random(in: -8_388_608...8_388_607, using: &generator)) * unit }
        }
        let encryptor = PaillierEncryptor(key.publicKey)
        let encrypted = try vectors.map { try encryptor.encrypt($0, encoding: encoding) }
        let sums = (0..<333).map { column in vectors.reduce(0) { $0 + $1[column] } }  // exact in doubles
        #expect(try key.decrypt(key.publicKey.sum(encrypted)) == sums)
        expectError(.headroomExhausted) { try key.publicKey.sum(encrypted + [encrypted[0]]) }
        let shares = try key.split(threshold: 3, shares: 4)
        let sum = try key.publicKey.sum(encrypted)
        let parts = try shares[1...].map { try $0.partialDecryption(of: sum.packed.ciphertexts) }
        #expect(try shares[0].sharing.combine(parts, of: sum) == sums)
        #expect(try key.decrypt(key.publicKey.multiply(encrypted[0], by: 5)) == vectors[0].map { 5 * $0 })
    }

    @Test func numbersThatDoNotFit() throws {
        let encoding = try VectorEncoding(count: 2, fractionBits: 20, modulusBits: 512)
        let encryptor = PaillierEncryptor(TestKeys.bits512.publicKey)
        expectError(.valueOutOfBounds, "element 1") { try encryptor.encrypt([0, 8], encoding: encoding) }
        expectError(.valueOutOfBounds, "element 0") { try encryptor.encrypt([.nan, 0], encoding: encoding) }
        expectError(.valueOutOfBounds) { try encryptor.encrypt([-.infinity, 0], encoding: encoding) }
        expectError(.countMismatch, "got 3, want 2") { try encryptor.encrypt([0, 0, 0], encoding: encoding) }
        expectError(.invalidParameters, "got 60 of values") {
            try VectorEncoding(count: 2, valueBits: 60, fractionBits: 20, modulusBits: 512)
        }
        #expect(
            try TestKeys.bits512.decrypt(encryptor.encrypt([-8, 8 - 0x1p-20], encoding: encoding)) == [-8, 8 - 0x1p-20])
    }

    @Test func encodingsAreNotMixed() throws {
        let key = TestKeys.bits512
        let encryptor = PaillierEncryptor(key.publicKey)
        let a = try VectorEncoding(count: 2, fractionBits: 20, modulusBits: 512)
        let b = try VectorEncoding(count: 2, fractionBits: 19, modulusBits: 512)  // the same integers, another scale
        let x = try encryptor.encrypt([1, 2], encoding: a)
        let y = try encryptor.encrypt([1, 2], encoding: b)
        expectError(.layoutMismatch, "vector 1") { try key.publicKey.sum([x, y]) }
    }
}
