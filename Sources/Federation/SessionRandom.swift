import CKernels
import Crypto
import Foundation
import Randomness

/// The randomness of one session of a party, stretched from a seed that the party keeps with its state.
///
/// A party that is restarted in the middle of a session must send the same bytes as before: two different masks, shares
/// or noises for one session would reveal what they hide. So a session draws 32 bytes from the system, stores them before
/// anything leaves, and takes all randomness from this stream; after a restart the stored inputs and the stored seed give
/// the same messages. The seed is as secret as a key.
/// - Guarantee: indistinguishable from uniform as far as ChaCha20 and SHA-256 (as a key derivation) are.
public struct SessionRandom: SecureRandom, Sendable {
    private static let blocks = 16
    private let key: SecretBytes
    private var counter: UInt64 = 0
    private var buffer: [UInt8] = []
    private var position = 0

    /// - Parameters:
    ///   - seed: 32 bytes of the system's randomness.
    ///   - label: what the stream is for; different labels give independent streams.
    public init(seed: SecretBytes, label: String) {
        var hash = SHA256()
        hash.update(data: Data("tacit federation session ".utf8))
        seed.withBytes(SecretAccess("deriving a session's randomness")) { hash.update(bufferPointer: $0) }
        hash.update(data: Data(label.utf8))
        var digest = Array(hash.finalize())
        key = SecretBytes(wiping: &digest)
    }

    public mutating func fill(_ target: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < target.count {
            if position == buffer.count { refill() }
            let count = min(buffer.count - position, target.count - offset)
            for index in 0..<count {
                target[offset + index] = buffer[position + index]
                buffer[position + index] = 0
            }
            offset += count
            position += count
        }
    }

    private mutating func refill() {
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.blocks * 64) }
        let counter = counter
        key.withBytes(SecretAccess("key of a session's randomness")) { key in
            buffer.withUnsafeMutableBufferPointer {
                tacit_chacha20_blocks(
                    $0.baseAddress!, Self.blocks, key.baseAddress!.assumingMemoryBound(to: UInt8.self), counter, 0)
            }
        }
        self.counter += UInt64(Self.blocks)
        position = 0
    }
}
