import CGMP
import CKernels
import Foundation

/// GMP's memory functions, replaced once per process by ones that wipe memory before it is released or moved.
enum WipingAllocator {
    static func install() { _ = installed }

    private static let installed: Void = {
        // Allocation failure inside GMP cannot be reported: its functions have no error path.
        __gmp_set_memory_functions(
            { size in
                guard let memory = malloc(max(size, 1)) else { fatalError("out of memory") }
                return memory
            },
            { old, oldSize, newSize in
                guard let memory = malloc(max(newSize, 1)) else { fatalError("out of memory") }
                if let old {
                    memcpy(memory, old, min(oldSize, newSize))
                    tacit_zeroise(old, oldSize)
                    free(old)
                }
                return memory
            },
            { old, size in
                if let old { tacit_zeroise(old, size) }
                free(old)
            })
    }()
}
