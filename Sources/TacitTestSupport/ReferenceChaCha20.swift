/// The ChaCha20 key stream as RFC 8439 writes it, one block at a time, with a 64-bit counter and a 64-bit nonce.
public enum ReferenceChaCha20 {
    public static func blocks(_ count: Int, key: [UInt8], counter: UInt64, nonce: UInt64) -> [UInt8] {
        func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) }
        }
        return (0..<count).flatMap { block -> [UInt8] in
            let position = counter &+ UInt64(block)
            let start: [UInt32] =
                [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574] + (0..<8).map { word(key, $0) }
                + [position, nonce].flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
            var state = start
            func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
                for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                    state[x] = state[x] &+ state[y]
                    let mixed = state[z] ^ state[x]
                    state[z] = mixed << UInt32(turn) | mixed >> UInt32(32 - turn)
                }
            }
            for _ in 0..<10 {
                for column in 0..<4 { quarter(column, 4 + column, 8 + column, 12 + column) }
                for row in 0..<4 { quarter(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4) }
            }
            return zip(state, start).flatMap { mixed, first in
                let sum = mixed &+ first
                return (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) }
            }
        }
    }
}
