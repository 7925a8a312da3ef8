import CKernels
import Foundation
import Synchronization

/// The words of a polynomial: aligned to cache lines, owned by one reference-counted object.
///
/// Written only while its polynomial is the sole owner, read by anyone.
final class LimbStorage: @unchecked Sendable {
    let words: UnsafeMutablePointer<UInt64>
    let count: Int
    /// Wiped before it is released.
    var isSecret: Bool
    private let block: MemoryPool.Block

    /// Uninitialised memory.
    init(count: Int, isSecret: Bool) {
        self.count = count
        self.isSecret = isSecret
        block = MemoryPool.take(count)
        words = block.words
    }

    deinit {
        if isSecret { tacit_zeroise(words, count * 8) }
        MemoryPool.give(block, count)
    }

    func copy() -> LimbStorage {
        let copy = LimbStorage(count: count, isSecret: isSecret)
        copy.words.update(from: words, count: count)
        return copy
    }

    /// Words between two limbs that a kernel reads side by side: limbs of 2ᵏ words behind each other would all begin in
    /// the same set of a cache.
    static func staggeredStride(_ n: Int) -> Int { n + 264 }
}

/// Buffers of polynomials, kept for reuse: fresh pages from the system cost more than the arithmetic done on them.
enum MemoryPool {
    /// Bytes kept at most.
    private static let limit = 256 << 20
    /// Buffers of this size and above start at different places of a cache way. Kernels read dozens of them side by side;
    /// if all began at the same place, they would push each other out of the few ways of one set.
    private static let staggered = 128 << 10
    private static let staggers = 32
    private static let staggerBytes = 33 * 64

    struct Block: @unchecked Sendable {
        /// What was allocated.
        let base: UnsafeMutableRawPointer
        let words: UnsafeMutablePointer<UInt64>
    }
    private struct State {
        var free: [Int: [Block]] = [:]
        var bytes = 0
        var made = 0
    }
    private static let state = Mutex(State())

    static func take(_ count: Int) -> Block {
        let bytes = max(count, 8) * 8
        let (reused, place): (Block?, Int) = state.withLock { state in
            if let block = state.free[count]?.popLast() {
                state.bytes -= count * 8
                return (block, 0)
            }
            state.made += 1
            return (nil, bytes >= staggered ? state.made % staggers : 0)
        }
        if let reused { return reused }
        let all = bytes + (bytes >= staggered ? staggers * staggerBytes : 0)
        // Kernels stream through many limbs at once: with large pages they miss fewer address translations.
        let large = 2 << 20
        let memory = UnsafeMutableRawPointer.allocate(byteCount: all, alignment: all >= large ? large : 64)
        #if os(Linux)
            if all >= large { madvise(memory, all & ~(large - 1), Int32(MADV_HUGEPAGE)) }
        #endif
        let words = (memory + place * staggerBytes).bindMemory(to: UInt64.self, capacity: max(count, 8))
        return Block(base: memory, words: words)
    }

    static func give(_ block: Block, _ count: Int) {
        let kept = state.withLock { state in
            guard state.bytes + count * 8 <= limit else { return false }
            state.free[count, default: []].append(block)
            state.bytes += count * 8
            return true
        }
        if !kept { block.base.deallocate() }
    }
}
