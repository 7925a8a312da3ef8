import Foundation
import Parallelism
import Synchronization
import Testing

@Suite struct ParallelismTests {
    @Test(arguments: [0, 1, 2, 7, 64, 1000], [1, 3, 64])
    func everyIndexOnce(count: Int, chunk: Int) {
        let seen = Mutex([Int](repeating: 0, count: count))
        parallelFor(count, chunk: chunk) { range in
            seen.withLock { counts in for index in range { counts[index] += 1 } }
        }
        #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test func mapKeepsOrderAndThrowsTheFirstError() throws {
        #expect(parallelMap(1000, chunk: 7) { $0 * $0 } == (0..<1000).map { $0 * $0 })
        struct Failure: Error { let index: Int }
        #expect {
            try parallelMap(100) { index throws(Failure) -> Int in
                if index == 40 || index == 90 { throw Failure(index: index) }
                return index
            }
        } throws: { ($0 as? Failure)?.index == 40 }
    }

    /// Memory that is written to is no longer available.
    @Test func availableMemoryIsWithinTheMachineAndShrinks() throws {
        let size = 512 << 20
        var hasShrunk = false
        // Other tests and processes come and go, so only half of it is asked for, and more than once.
        for _ in 0..<50 where !hasShrunk {
            let before = try #require(SystemMemory.availableBytes)
            #expect(before > 0 && before <= Int(ProcessInfo.processInfo.physicalMemory))
            let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
            memset(block, 1, size)
            hasShrunk = try #require(SystemMemory.availableBytes) < before - size / 2
            block.deallocate()
            if !hasShrunk { usleep(50_000) }
        }
        #expect(hasShrunk)
    }
}
