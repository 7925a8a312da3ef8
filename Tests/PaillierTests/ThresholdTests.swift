import BigIntegers
import Paillier
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
        let plaintexts: [BigInteger] = [0, 1, -1, 123_456_789, -(key.publicKey.modulus >> 1)]
        let ciphertexts = try PaillierEncryptor(key.publicKey).encrypt(plaintexts)
        let parts = try shares.map { try $0.partialDecryption(of: ciphertexts) }
        let sharing = shares[0].sharing
        for subset in Self.subsets(of: count, size: threshold) {
            #expect(try sharing.combine(subset.map { parts[$0] }, of: ciphertexts) == plaintexts)
            #expect(try sharing.combine(subset.reversed().map { parts[$0] }, of: ciphertexts) == plaintexts)
        }
        #expect(try sharing.combine(parts, of: ciphertexts) == plaintexts)
        for subset in Self.subsets(of: count, size: threshold - 1) {
            #expect { try sharing.combine(subset.map { parts[$0] }, of: ciphertexts) } throws: {
                ($0 as? PaillierError)?.code == .tooFewShares
            }
        }
    }
}
