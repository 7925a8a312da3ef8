import Randomness
import Testing

@Suite struct RandomnessTests {
    /// Chi-square of byte frequencies over 2^22 bytes: 255 degrees of freedom; the limits are passed by chance with
    /// probability below 1e-9 on either side.
    @Test func bytesAreUniform() {
        var random = SystemRandom()
        var counts = [Int](repeating: 0, count: 256)
        for byte in random.bytes(count: 1 << 22) { counts[Int(byte)] += 1 }
        let expected = Double(1 << 22) / 256
        let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(statistic > 140 && statistic < 420)
    }

    @Test func blockBordersDoNotRepeatOrShowTheKey() {
        var random = SystemRandom()
        // Odd lengths walk across refills; 16-byte pieces must all differ.
        var pieces = Set<[UInt8]>()
        for _ in 0..<5000 {
            pieces.insert(random.bytes(count: 16))
            _ = random.bytes(count: 7)
        }
        #expect(pieces.count == 5000)
    }

    @Test func twoSourcesDiffer() {
        var one = SystemRandom()
        var two = SystemRandom()
        #expect(one.bytes(count: 32) != two.bytes(count: 32))
    }

    @Test func aSeedGivesTheSameBytesHoweverTheyAreDrawn() {
        func seed(_ byte: UInt8) -> SecretBytes {
            SecretBytes(count: 32) { for i in 0..<32 { $0[i] = byte &+ UInt8(i) } }
        }
        var (one, two, other) = (
            DerivedRandom(seed: seed(1)), DerivedRandom(seed: seed(1)), DerivedRandom(seed: seed(2))
        )
        let whole = one.bytes(count: 20_000)
        var pieces: [UInt8] = []
        var size = 0
        while pieces.count < whole.count {
            size = (size + 7) % 97
            pieces += two.bytes(count: min(1 + size, whole.count - pieces.count))
        }
        #expect(pieces == whole)
        #expect(other.bytes(count: 32) != Array(whole.prefix(32)))
        // Neither the seed nor a repetition is in it.
        #expect(Set(stride(from: 0, to: whole.count, by: 16).map { Array(whole[$0..<$0 + 16]) }).count == 1250)
        #expect(Array(whole.prefix(32)) != (0..<32).map { 1 + UInt8($0) })
    }

    @Test func uniformStaysBelowItsBoundAndReachesEveryValue() {
        var random = SystemRandom()
        var seen = Set<UInt64>()
        for _ in 0..<2000 { seen.insert(random.uniform(below: 7)) }
        #expect(seen == [0, 1, 2, 3, 4, 5, 6])
    }

    @Test func secretsCompareAndNeverPrint() {
        var bytes: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(wiping: &bytes)
        #expect(bytes.isEmpty)
        #expect(secret.description == "SecretBytes(3 bytes)")
        #expect(secret.isEqual(to: SecretBytes(count: 3) { $0.copyBytes(from: [1, 2, 3]) }))
        #expect(!secret.isEqual(to: SecretBytes(count: 3) { $0.copyBytes(from: [1, 2, 4]) }))
        #expect(!secret.isEqual(to: SecretBytes(count: 2) { $0.copyBytes(from: [1, 2]) }))
    }
}
