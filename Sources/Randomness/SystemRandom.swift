import CKernels
import Foundation

/// The operating system's generator, read in blocks through ChaCha20.
///
/// Each value takes 32 bytes from `getentropy` and stretches them with ChaCha20; after every refill the key is replaced
/// by the first 32 bytes of the stream (fast key erasure), and bytes handed out are wiped from the buffer, so that
/// reading the process's memory later does not reveal what was drawn earlier. The key is renewed from the system after
/// 2²⁴ refills. Requests of a kibibyte or more are written at once under a key of their own, drawn from the stream and
/// used once: AES-256 in counter mode where the processor has it for 512-bit vectors, ChaCha20 elsewhere. Copies of a
/// value share their state; a value must not be used by two threads at once. Not safe across `fork` without `exec`, which this project never does.
/// - Guarantee: output is indistinguishable from uniform as far as ChaCha20, AES and the system's source are.
/// - Cost: one system call per value; about one ChaCha20 block per 64 bytes.
public struct SystemRandom: SecureRandom {
    private let state = KeyErasureStream()

    public init() {}

    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) { state.fill(buffer) }
}

/// The stream of a secret seed, which gives the same bytes again: for a party of a protocol that stores its seed and what
/// it has received, and works out anew what it has sent.
///
/// The seed is 32 bytes that ``SystemRandom`` drew for this one run; whoever has it has everything drawn from it. The same
/// seed must never be used with other inputs than before, or secrets meet the same noise twice: the caller compares.
/// - Guarantee: as ``SystemRandom``, for the seed.
public struct DerivedRandom: SecureRandom {
    public static let seedBytes = 32
    private let state: KeyErasureStream

    /// - Parameter seed: 32 bytes.
    public init(seed: SecretBytes) {
        precondition(seed.count == Self.seedBytes, "seed: got \(seed.count) bytes, want \(Self.seedBytes)")
        state = seed.withBytes(SecretAccess("seed of a protocol's randomness")) { KeyErasureStream(key: $0) }
    }

    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) { state.fill(buffer) }
}

/// ChaCha20 whose key is replaced by the start of its own output at every refill.
private final class KeyErasureStream {
    static let blocks = 64
    let stream: UnsafeMutableRawBufferPointer
    var position: Int
    var refills = 0
    let renewsFromSystem: Bool

    init() {
        stream = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blocks * 64, alignment: 64)
        position = stream.count
        renewsFromSystem = true
        seed()
    }

    /// The stream of a key of 32 bytes, and of nothing else.
    init(key: UnsafeRawBufferPointer) {
        stream = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blocks * 64, alignment: 64)
        position = stream.count
        renewsFromSystem = false
        stream.copyMemory(from: key)
    }

    deinit {
        tacit_zeroise(stream.baseAddress, stream.count)
        stream.deallocate()
    }

    /// The key of the next refill is the first 32 bytes of the buffer.
    func seed() {
        // A machine without a working entropy source must not go on: there is no safe value to return.
        guard getentropy(stream.baseAddress!, 32) == 0 else { fatalError("the system's random source failed") }
    }

    func refill() {
        refills += 1
        if renewsFromSystem, refills & 0xFF_FFFF == 0 { seed() }
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { key in
            key.copyMemory(from: UnsafeRawBufferPointer(rebasing: stream[..<32]))
            tacit_chacha20_blocks(
                stream.baseAddress!.assumingMemoryBound(to: UInt8.self), Self.blocks,
                key.baseAddress!.assumingMemoryBound(to: UInt8.self), 0, 0)
            tacit_zeroise(key.baseAddress, 32)
        }
        position = 32
    }

    /// Large requests are written in place, under a key of their own that is taken from the stream and wiped: as good as
    /// the stream, without its copy.
    /// - Returns: bytes written.
    func fillInPlace(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        // A derived stream must not depend on the processor, which decides between the two ciphers here.
        guard renewsFromSystem, buffer.count >= 1024, let start = buffer.baseAddress else { return 0 }
        let out = start.assumingMemoryBound(to: UInt8.self)
        return withUnsafeTemporaryAllocation(byteCount: 48, alignment: 8) { bytes in
            fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<32]))
            let key = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
            defer { tacit_zeroise(key, 48) }
            guard tacit_aes_stream_available() != 0 else {
                let blocks = buffer.count / 64
                tacit_chacha20_blocks(out, blocks, key, 0, 0)
                return blocks * 64
            }
            (key + 32).update(repeating: 0, count: 16)
            let blocks = buffer.count / 256 * 16
            tacit_aes_stream(out, blocks, key, key + 32)
            return blocks * 16
        }
    }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var offset = fillInPlace(buffer)
        while offset < buffer.count {
            if position == stream.count { refill() }
            let count = min(stream.count - position, buffer.count - offset)
            (buffer.baseAddress! + offset).copyMemory(from: stream.baseAddress! + position, byteCount: count)
            tacit_zeroise(stream.baseAddress! + position, count)
            position += count
            offset += count
        }
    }
}
