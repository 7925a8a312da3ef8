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
}
