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

    /// Uninitialised memory.
    init(count: Int, isSecret: Bool) {
        self.count = count
        self.isSecret = isSecret
        words = MemoryPool.take(count)
    }

    deinit {
        if isSecret { tacit_zeroise(words, count * 8) }
        MemoryPool.give(words, count)
    }

    func copy() -> LimbStorage {
        let copy = LimbStorage(count: count, isSecret: isSecret)
        copy.words.update(from: words, count: count)
        return copy
    }
}

/// Buffers of polynomials, kept for reuse: fresh pages from the system cost more than the arithmetic done on them.
private enum MemoryPool {
    /// Bytes kept at most.
    private static let limit = 256 << 20
    private struct State {
        var free: [Int: [UInt]] = [:]
        var bytes = 0
    }
    private static let state = Mutex(State())

    static func take(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        let reused: UInt? = state.withLock { state in
            guard let address = state.free[count]?.popLast() else { return nil }
            state.bytes -= count * 8
            return address
        }
        if let reused { return UnsafeMutablePointer(bitPattern: reused)! }
        let bytes = max(count, 8) * 8
        // Kernels stream through many limbs at once: with large pages they miss fewer address translations.
        let large = 2 << 20
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: bytes >= large ? large : 64)
        #if os(Linux)
            if bytes >= large { madvise(memory, bytes & ~(large - 1), Int32(MADV_HUGEPAGE)) }
        #endif
        return memory.bindMemory(to: UInt64.self, capacity: count)
    }

    static func give(_ words: UnsafeMutablePointer<UInt64>, _ count: Int) {
        let address = UInt(bitPattern: words)
        let kept = state.withLock { state in
            guard state.bytes + count * 8 <= limit else { return false }
            state.free[count, default: []].append(address)
            state.bytes += count * 8
            return true
        }
        if !kept { UnsafeMutableRawPointer(words).deallocate() }
    }
}
