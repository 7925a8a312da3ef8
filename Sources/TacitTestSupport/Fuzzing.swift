import Foundation

/// A small generator for test inputs (SplitMix64); the same seed gives the same inputs.
public struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Feeds mutated and random bytes to a decoder that must return or throw for any input.
public enum Fuzzing {
    /// Inputs per decoder: `TACIT_FUZZ_ITERATIONS`, or a number that takes a second or so.
    public static var iterations: Int {
        ProcessInfo.processInfo.environment["TACIT_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 20_000
    }

    /// The same for one of `share` decoders of a test: by default they divide the number among them, in a campaign each
    /// gets all of it.
    public static func iterations(oneOf share: Int) -> Int {
        ProcessInfo.processInfo.environment["TACIT_FUZZ_ITERATIONS"] == nil ? max(1, iterations / share) : iterations
    }

    /// Feeds a reader of containers with variations of one section, sealed again: all inputs with nothing behind the
    /// section, and one of `share` (100,000 at most) in the whole container, which may be large.
    public static func run(
        section: Int, of parts: ContainerParts, seed: UInt64 = 1, oneOf share: Int, _ read: ([UInt8]) -> Void
    ) {
        let valid = [parts.sections[section].bytes]
        let cut = parts.cut(after: section)
        run(valid: valid, seed: seed, iterations: iterations(oneOf: 20)) { read(cut.forged(section, $0)) }
        run(valid: valid, seed: seed + 1000, iterations: min(iterations(oneOf: share), 100_000)) {
            read(parts.forged(section, $0))
        }
    }

    /// Calls `body` with variations of the valid inputs: flipped bits, changed, inserted, removed and repeated bytes,
    /// extreme lengths, cuts, pieces of another input, and plain noise.
    public static func run(
        valid: [[UInt8]], seed: UInt64 = 1, iterations: Int = Fuzzing.iterations, _ body: ([UInt8]) -> Void
    ) {
        var generator = TestGenerator(seed: seed)
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]
        for iteration in 0..<iterations {
            if iteration % 16 == 0 {
                let count = Int.random(in: 0...200, using: &generator)
                body((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
                continue
            }
            var input = valid[Int.random(in: 0..<valid.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !input.isEmpty {
                let position = Int.random(in: 0..<input.count, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: input[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: input[position] = UInt8.random(in: 0...255, using: &generator)
                case 2: input.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                case 3: input.remove(at: position)
                case 4: input.removeSubrange(position...)
                case 5:
                    for index in position..<min(position + 4, input.count) {
                        input[index] = extremes[Int.random(in: 0..<extremes.count, using: &generator)]
                    }
                case 6:
                    let end = min(input.count, position + Int.random(in: 1...16, using: &generator))
                    input.insert(contentsOf: Array(input[position..<end]), at: position)
                default:
                    let other = valid[Int.random(in: 0..<valid.count, using: &generator)]
                    if !other.isEmpty {
                        let from = Int.random(in: 0..<other.count, using: &generator)
                        input.replaceSubrange(position..., with: other[from...])
                    }
                }
            }
            body(input)
        }
    }
}
