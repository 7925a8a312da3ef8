import BigIntegers
import BinaryCoding
import Paillier
import Randomness
import TacitTestSupport
import Testing

@Suite struct ThresholdTests {
    static func subsets(of count: Int, size: Int) -> [[Int]] {
        (0..<1 << count).filter { $0.nonzeroBitCount == size }.map { mask in (0..<count).filter { mask >> $0 & 1 == 1 }
        }
    }

    @Test(arguments: [(2, 2), (2, 3), (3, 5), (5, 5), (4, 6)])
    func everySubsetOpens(_ threshold: Int, _ count: Int) throws {
        let key = TestKeys.bits512
        let shares = try key.split(threshold: threshold, shares: count)
        #expect(shares.allSatisfy { $0.isConsistent() })
        let plaintexts: [BigInteger] = [0, 1, -1, 123_456_789, -(key.publicKey.modulus >> 1)]
        let ciphertexts = try PaillierEncryptor(key.publicKey).encrypt(plaintexts)
        let parts = try shares.map { try $0.partialDecryption(of: ciphertexts) }
        let sharing = shares[0].sharing
        for part in parts { try sharing.verify(part, of: ciphertexts) }
        for subset in Self.subsets(of: count, size: threshold) {
            #expect(try sharing.combine(subset.map { parts[$0] }, of: ciphertexts) == plaintexts)
            #expect(try sharing.combine(subset.reversed().map { parts[$0] }, of: ciphertexts) == plaintexts)
        }
        #expect(try sharing.combine(parts, of: ciphertexts) == plaintexts)
        for subset in Self.subsets(of: count, size: threshold - 1) {
            let few = subset.map { parts[$0] }
            expectError(.tooFewShares, "got \(threshold - 1), want at least \(threshold)") {
                try sharing.combine(few, of: ciphertexts)
            }
            // Nor does the arithmetic give anything without the check.
            expectError(.partialDecryptionsDoNotFit) { try sharing.combineUnverified(few, count: ciphertexts.count) }
        }
    }

    @Test func manyHolders() throws {
        let key = TestKeys.bits256
        let shares = try key.split(threshold: 20, shares: 60)
        let ciphertexts = try PaillierEncryptor(key.publicKey).encrypt([42, -42])
        let parts = try shares.suffix(20).map { try $0.partialDecryption(of: ciphertexts) }
        #expect(try shares[0].sharing.combine(parts, of: ciphertexts) == [42, -42])
    }

    struct Setting {
        var shares: [PaillierKeyShare]
        var ciphertexts: [PaillierCiphertext]
        var parts: [PartialDecryption]
        var sharing: PaillierSharing { shares[0].sharing }

        init() throws {
            let key = TestKeys.bits512
            shares = try key.split(threshold: 2, shares: 3)
            ciphertexts = try PaillierEncryptor(key.publicKey).encrypt([10, 20, 30])
            let all = ciphertexts
            parts = try shares.map { try $0.partialDecryption(of: all) }
        }

        func bytes(_ part: PartialDecryption) -> [UInt8] {
            var encoder = BinaryEncoder()
            sharing.encode(part, into: &encoder)
            return encoder.bytes
        }

        func decode(_ bytes: [UInt8]) throws -> PartialDecryption {
            var decoder = BinaryDecoder(bytes)
            return try sharing.decodePartialDecryption(&decoder)
        }
    }

    /// 32 + 32 bytes of fingerprints, index, count; then ciphertexts of 128 bytes; then the proof.
    static let firstValue = 70
    static let width = 128

    @Test func forgedContributionsAreNamed() throws {
        let setting = try Setting()
        let (sharing, ciphertexts, parts) = (setting.sharing, setting.ciphertexts, setting.parts)
        #expect(try setting.decode(setting.bytes(parts[1])) == parts[1])
        let n = sharing.publicKey.modulus
        for position in 0..<3 {
            let range = Self.firstValue + position * Self.width..<Self.firstValue + (position + 1) * Self.width
            var bytes = setting.bytes(parts[1])
            let value = BigInteger(bigEndianBytes: bytes[range])
            let square = n * n
            let forgeries: [BigInteger] = [
                (value * 4).modulo(square), square - value, (value * (n + 1)).modulo(square), 1,
            ]
            for forged in forgeries {
                bytes.replaceSubrange(range, with: forged.bigEndianBytes(count: Self.width))
                let part = try setting.decode(bytes)
                expectError(.forgedPartialDecryption, "share 2") { try sharing.verify(part, of: ciphertexts) }
                expectError(.forgedPartialDecryption, "share 2:") {
                    try sharing.combine([parts[0], part], of: ciphertexts)
                }
                // The honest ones still open.
                #expect(try sharing.combine([parts[0], parts[2]], of: ciphertexts) == [10, 20, 30])
            }
        }
        // Any bit of the proof counts.
        let good = setting.bytes(parts[0])
        for position in stride(from: Self.firstValue + 3 * Self.width, to: good.count, by: 11) {
            var bytes = good
            bytes[position] ^= 1 << UInt8(position % 8)
            let part = try setting.decode(bytes)
            expectError(.forgedPartialDecryption, "share 1") { try sharing.verify(part, of: ciphertexts) }
        }
        // A contribution under another holder's name.
        var bytes = good
        bytes[64] = 3
        let renamed = try setting.decode(bytes)
        expectError(.forgedPartialDecryption, "share 3") { try sharing.verify(renamed, of: ciphertexts) }
        expectError(.forgedPartialDecryption, "share 3, 2") {
            var other = setting.bytes(parts[1])
            other[Self.firstValue + 127] ^= 2
            return try sharing.combine([renamed, try setting.decode(other)], of: ciphertexts)
        }
    }

    /// Changes that keep the plain product of a file's values, or only its order: one proof covers all values, so it must
    /// notice.
    @Test func valuesOfOneFileCannotBeTradedAgainstEachOther() throws {
        let setting = try Setting()
        let (sharing, ciphertexts) = (setting.sharing, setting.ciphertexts)
        let good = setting.bytes(setting.parts[1])
        let square = sharing.publicKey.modulus * sharing.publicKey.modulus
        let ranges = (0..<3).map { Self.firstValue + $0 * Self.width..<Self.firstValue + ($0 + 1) * Self.width }
        let values = ranges.map { BigInteger(bigEndianBytes: good[$0]) }
        let shift: BigInteger = 4
        let traded = [
            (values[0] * shift).modulo(square), (values[1] * shift.inverse(modulo: square)!).modulo(square), values[2],
        ]
        for changed in [traded, [values[1], values[0], values[2]], [values[0], values[0], values[0]]] {
            var bytes = good
            for (range, value) in zip(ranges, changed) {
                bytes.replaceSubrange(range, with: value.bigEndianBytes(count: Self.width))
            }
            let part = try setting.decode(bytes)
            expectError(.forgedPartialDecryption, "share 2") { try sharing.verify(part, of: ciphertexts) }
        }
        try sharing.verify(setting.decode(good), of: ciphertexts)
    }

    /// A proof says nothing about another file: not for the same holder, not for the same ciphertexts.
    @Test func proofsCannotBeMoved() throws {
        let setting = try Setting()
        let again = try setting.shares[1].partialDecryption(of: setting.ciphertexts)
        #expect(again != setting.parts[1])  // proofs are randomised
        let one = try setting.shares[1].partialDecryption(of: [setting.ciphertexts[0]])
        let whole = setting.bytes(setting.parts[1])
        let proofStart = Self.firstValue + 3 * Self.width
        var bytes = whole
        bytes.replaceSubrange(proofStart..., with: setting.bytes(one)[(Self.firstValue + Self.width)...])
        let part = try setting.decode(bytes)
        expectError(.forgedPartialDecryption) { try setting.sharing.verify(part, of: setting.ciphertexts) }
        bytes = whole
        bytes.replaceSubrange(proofStart..., with: setting.bytes(setting.parts[0])[proofStart...])
        let other = try setting.decode(bytes)
        expectError(.forgedPartialDecryption) { try setting.sharing.verify(other, of: setting.ciphertexts) }
        try setting.sharing.verify(again, of: setting.ciphertexts)
    }

    @Test func wrongContributionsWithoutProofsDoNotFit() throws {
        let setting = try Setting()
        var bytes = setting.bytes(setting.parts[1])
        bytes[Self.firstValue + Self.width - 1] ^= 1
        let bad = try setting.decode(bytes)
        expectError(.partialDecryptionsDoNotFit, "ciphertext 0") {
            try setting.sharing.combineUnverified([setting.parts[0], bad], count: 3)
        }
    }

    @Test func contributionsThatDoNotBelongTogether() throws {
        let setting = try Setting()
        let (sharing, ciphertexts, parts) = (setting.sharing, setting.ciphertexts, setting.parts)
        expectError(.sharesDoNotMatch, "share 2 more than once") {
            try sharing.combine([parts[1], parts[1]], of: ciphertexts)
        }
        expectError(.sharesDoNotMatch, "other ciphertexts") {
            try sharing.combine(parts, of: Array(ciphertexts.reversed()))
        }
        expectError(.sharesDoNotMatch, "other ciphertexts") { try sharing.combine(parts, of: [ciphertexts[0]]) }
        // The same key, shared once more.
        let again = try TestKeys.bits512.split(threshold: 2, shares: 3)
        let foreign = try again[1].partialDecryption(of: ciphertexts)
        expectError(.sharesDoNotMatch, "another key or sharing") {
            try sharing.combine([parts[0], foreign], of: ciphertexts)
        }
        let other = try PaillierEncryptor(TestKeys.other512.publicKey).encrypt([1])
        expectError(.keyMismatch) { try setting.shares[0].partialDecryption(of: other) }
        expectError(.keyMismatch) { try sharing.combine(parts, of: other) }
        #expect(try sharing.combine([parts[0], parts[2]], of: ciphertexts) == [10, 20, 30])
    }

    @Test func nothingToDecrypt() throws {
        let setting = try Setting()
        let parts = try setting.shares.map { try $0.partialDecryption(of: []) }
        #expect(try setting.sharing.combine(parts, of: []) == [])
    }

    @Test func sharesComeBackFromTheirBytes() throws {
        let setting = try Setting()
        let access = SecretAccess("test of the round trip")
        for share in setting.shares {
            let bytes = share.encoded(access).withBytes(access) { Array($0) }
            let again = try PaillierKeyShare(encoded: bytes)
            #expect(again.index == share.index && again.sharing == share.sharing && again.isConsistent())
            var wrong = bytes
            wrong[wrong.count - 1] ^= 1
            #expect(try !PaillierKeyShare(encoded: wrong).isConsistent())
            wrong[wrong.count - Self.width - 2] = 9
            expectError(.invalidKey, "got 9, want 1...3") { try PaillierKeyShare(encoded: wrong) }
        }
    }

    @Test func sharingsThatCannotBe() {
        let key = TestKeys.bits512
        expectError(.invalidParameters, "threshold: got 1, want 2...3") { try key.split(threshold: 1, shares: 3) }
        expectError(.invalidParameters, "threshold: got 4, want 2...3") { try key.split(threshold: 4, shares: 3) }
        expectError(.invalidParameters, "shares: got 256, want 2...255") { try key.split(threshold: 2, shares: 256) }
        expectError(.invalidParameters, "shares: got -1") { try key.split(threshold: 2, shares: -1) }
    }
}
