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
    /// - Parameter lasting: whether it will be held for long, so that no larger buffer should be spent on it.
    init(count: Int, isSecret: Bool, lasting: Bool = false) {
        self.count = count
        self.isSecret = isSecret
        block = MemoryPool.take(count, lasting: lasting)
        words = block.words
    }

    deinit {
        if isSecret { tacit_zeroise(words, count * 8) }
        MemoryPool.give(block)
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
///
/// Ciphertexts of one circuit have many sizes, one a level, so a request is also met by a buffer that is half as large
/// again; what is kept may reach a quarter of what is in use.
enum MemoryPool {
    /// Bytes kept at most, unless more than four times as many are in use.
    private static let limit = 256 << 20
    /// Buffers of this size and above start at different places of a cache way. Kernels read dozens of them side by side;
    /// if all began at the same place, they would push each other out of the few ways of one set.
    private static let staggered = 128 << 10
    private static let staggers = 32
    private static let staggerBytes = 33 * 64
    /// Words from which on a request takes a larger buffer.
    private static let flexible = 1 << 17

    struct Block: @unchecked Sendable {
        /// What was allocated.
        let base: UnsafeMutableRawPointer
        let words: UnsafeMutablePointer<UInt64>
        /// Words that fit.
        let capacity: Int
    }
    private struct State {
        var free: [Int: [Block]] = [:]
        /// Kept, and handed out.
        var bytes = 0
        var used = 0
        var made = 0

        mutating func take(_ capacity: Int) -> Block? {
            guard let block = free[capacity]?.popLast() else { return nil }
            if free[capacity]!.isEmpty { free[capacity] = nil }
            bytes -= capacity * 8
            return block
        }
    }
    private static let state = Mutex(State())

    static func take(_ count: Int, lasting: Bool) -> Block {
        let bytes = max(count, 8) * 8
        let (reused, place): (Block?, Int) = state.withLock { state in
            var capacity = count
            if count >= flexible, !lasting, state.free[count] == nil {
                capacity = state.free.keys.filter { $0 > count && $0 <= count + count / 2 }.min() ?? count
            }
            let block = state.take(capacity)
            state.used += capacity * 8
            if let block { return (block, 0) }
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
        return Block(base: memory, words: words, capacity: count)
    }

    static func give(_ block: Block) {
        let dropped: [Block] = state.withLock { state in
            let bytes = block.capacity * 8
            state.used -= bytes
            var dropped: [Block] = []
            let most = max(limit, state.used / 4)
            // Large buffers serve more requests than small ones.
            while state.bytes + bytes > most, let least = state.free.keys.min(), least < block.capacity {
                dropped.append(state.take(least)!)
            }
            guard state.bytes + bytes <= most else { return dropped + [block] }
            state.free[block.capacity, default: []].append(block)
            state.bytes += bytes
            return dropped
        }
        for block in dropped { block.base.deallocate() }
    }
}
