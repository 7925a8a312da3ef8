import CKernels
import TacitTestSupport
import Testing

@Suite(.serialized) struct ChaCha20Tests {
    private let key = (0..<32).map { UInt8($0) }

    private func stream(_ blocks: Int, counter: UInt64, nonce: UInt64) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: blocks * 64)
        tacit_chacha20_blocks(&out, blocks, key, counter, nonce)
        return out
    }

    /// RFC 8439, section 2.3.2: nonce 00:00:00:09:00:00:00:4a:00:00:00:00, block counter 1. The RFC's first nonce word
    /// is the upper half of our counter.
    @Test func firstBlockOfTheRFC() {
        let expected: [UInt8] = [
            0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
            0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
            0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
            0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
        ]
        #expect(stream(1, counter: 1 | 0x0900_0000 << 32, nonce: 0x4a00_0000) == expected)
    }

    @Test func everyTierAgreesWithTheReferenceAcrossTheCounterCarry() {
        defer { tacit_cpu_limit_tier(Int32.max) }
        for blocks in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100] {
            for counter in [0, 0xFFFF_FFF8, UInt64.max - 3] {
                let reference = ReferenceChaCha20.blocks(blocks, key: key, counter: counter, nonce: 7)
                for tier in 0...2 as ClosedRange<Int32> {
                    tacit_cpu_limit_tier(tier)
                    #expect(stream(blocks, counter: counter, nonce: 7) == reference, "\(blocks) blocks, tier \(tier)")
                }
            }
        }
    }

}
