import Randomness

/// A reproducible stand-in for the system's random source. For tests only: it gives no secrecy at all.
public struct SeededRandom: SecureRandom {
    private var generator: TestGenerator

    public init(seed: UInt64) { generator = TestGenerator(seed: seed) }

    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var position = 0
        while position < buffer.count {
            let count = min(8, buffer.count - position)
            withUnsafeBytes(of: generator.next().littleEndian) { word in
                UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: word[..<count]))
            }
            position += count
        }
    }
}
