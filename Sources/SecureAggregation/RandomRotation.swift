import CKernels
import Randomness

/// x ↦ H·D·x/√n: signs drawn from a public seed, then the Walsh-Hadamard transform. Orthogonal; spreads what is in few
/// coordinates over all.
struct RandomRotation {
    private let signs: [UInt8]
    private let length: Int

    /// - Parameter length: a power of two.
    init(seed: [UInt8], length: Int) {
        precondition(length > 0 && length & (length - 1) == 0 && seed.count == 32, "a power of two, 32 bytes")
        self.length = length
        var bytes = [UInt8](repeating: 0, count: (length / 8 + 64) / 64 * 64)
        tacit_chacha20_blocks(&bytes, bytes.count / 64, seed, 0, 0x726F_7461_7465)
        signs = bytes
    }

    private func isNegative(_ place: Int) -> Bool { signs[place / 8] >> UInt8(place % 8) & 1 == 1 }

    func apply(_ values: inout [Double]) {
        for place in 0..<length where isNegative(place) { values[place].negate() }
        Self.transform(&values)
    }

    func undo(_ values: inout [Double]) {
        Self.transform(&values)
        for place in 0..<length where isNegative(place) { values[place].negate() }
    }

    private static func transform(_ values: inout [Double]) {
        let count = values.count
        values.withUnsafeMutableBufferPointer { values in
            var half = 1
            while half < count {
                for start in stride(from: 0, to: count, by: 2 * half) {
                    for place in start..<start + half {
                        let (a, b) = (values[place], values[place + half])
                        values[place] = a + b
                        values[place + half] = a - b
                    }
                }
                half *= 2
            }
            let scale = 1 / Double(count).squareRoot()
            for place in 0..<count { values[place] *= scale }
        }
    }
}
