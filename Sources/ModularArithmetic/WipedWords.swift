import CKernels

/// Words aligned to 64 bytes, wiped when released.
///
/// Filled by one owner before it is shared, and only read afterwards.
final class WipedWords: @unchecked Sendable {
    let words: UnsafeMutablePointer<UInt64>
    let count: Int

    init(count: Int) {
        self.count = count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 8, alignment: 64)
        words = bytes.initializeMemory(as: UInt64.self, repeating: 0, count: max(count, 1))
    }

    deinit {
        tacit_zeroise(words, count * 8)
        UnsafeMutableRawPointer(words).deallocate()
    }
}
