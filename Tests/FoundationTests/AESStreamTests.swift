import CKernels
import Randomness
import Testing

@Suite struct AESStreamTests {
    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.filter { $0 != " " })
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
    }

    /// NIST SP 800-38A, F.5.5: AES-256 in counter mode; the key stream is the plain text plus the cipher text.
    @Test(.enabled(if: tacit_aes_stream_available() != 0, "SKIPPED: no AES on 512-bit vectors here"))
    func vectorsOfTheStandard() {
        let key = Self.bytes("603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4")
        let plain = Self.bytes(
            "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 "
                + "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710")
        let cipher = Self.bytes(
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5 "
                + "2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6")
        var counter = Self.bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
        var stream = [UInt8](repeating: 0, count: 256)
        tacit_aes_stream(&stream, 16, key, counter)
        #expect(zip(stream, plain).map { $0 ^ $1 } == cipher)
        // A later start gives a later part of the stream, for every number of blocks.
        counter[15] = 0xff
        var longer = [UInt8](repeating: 0, count: 1024)
        counter[14] = 0xfe
        tacit_aes_stream(&longer, 64, key, counter)
        counter[14] = 0xff
        counter[15] = 0x0f
        var part = [UInt8](repeating: 0, count: 256)
        tacit_aes_stream(&part, 16, key, counter)
        #expect(Array(longer[256..<512]) == part)
    }

    /// Large requests in both ways of filling them: no repetition, no zeros, even with odd lengths and offsets.
    @Test func largeRequests() {
        defer { tacit_cpu_limit_tier(Int32.max) }
        for tier in [0, 2] as [Int32] {
            tacit_cpu_limit_tier(tier)
            var random = SystemRandom()
            var pieces = Set<[UInt8]>()
            var ones = 0
            for count in [1023, 1024, 1025, 1279, 1280, 5000, 65_537] {
                let bytes = random.bytes(count: count)
                for start in stride(from: 0, to: count - 16, by: 16) { pieces.insert(Array(bytes[start..<start + 16])) }
                // The last bytes are filled too.
                #expect(bytes.suffix(24).contains { $0 != 0 })
                ones += bytes.reduce(0) { $0 + $1.nonzeroBitCount }
            }
            let all = [1023, 1024, 1025, 1279, 1280, 5000, 65_537].reduce(0, +)
            #expect(pieces.count == [1023, 1024, 1025, 1279, 1280, 5000, 65_537].reduce(0) { $0 + ($1 - 1) / 16 })
            // Half of the bits, six deviations.
            #expect(abs(Double(ones) - 4 * Double(all)) < 6 * (2 * Double(all)).squareRoot())
        }
    }
}
