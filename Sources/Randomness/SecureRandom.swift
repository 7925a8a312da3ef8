/// A source of random bytes that may be used for keys, masks and noise.
///
/// Product code uses ``SystemRandom``; a seeded source exists in the tests only. It is deliberately not a
/// `RandomNumberGenerator`, so that an ordinary generator can never be passed where secrets are made.
public protocol SecureRandom {
    /// Overwrites the buffer with uniformly distributed bytes.
    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer)
}

extension SecureRandom {
    /// A uniformly distributed 64-bit word.
    public mutating func nextUInt64() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { fill($0) }
        return word
    }

    /// `count` uniformly distributed bytes. For secrets prefer ``SecretBytes/random(count:using:)``.
    public mutating func bytes(count: Int) -> [UInt8] {
        precondition(count >= 0, "count: want at least 0")
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    /// A uniformly distributed integer in [0, `bound`), by rejection.
    public mutating func uniform(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "bound: want at least 1")
        let limit = UInt64.max - UInt64.max % bound
        while true {
            let word = nextUInt64()
            if word < limit { return word % bound }
        }
    }
}
