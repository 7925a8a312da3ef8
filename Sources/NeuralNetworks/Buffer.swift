/// Numbers at one place in memory, aligned for the widest vectors; as many as were asked for at most.
final class Buffer<Scalar: NetworkScalar> {
    private(set) var base: UnsafeMutablePointer<Scalar>
    private(set) var capacity: Int

    init(count: Int = 0) {
        capacity = count
        base = Self.allocate(count)
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Scalar> {
        let bytes = max(count, 1) * MemoryLayout<Scalar>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return raw.bindMemory(to: Scalar.self, capacity: max(count, 1))
    }

    /// Room for `count` numbers; the content is undefined when the memory had to grow.
    func reserve(_ count: Int) -> UnsafeMutablePointer<Scalar> {
        if count > capacity {
            UnsafeMutableRawPointer(base).deallocate()
            capacity = count
            base = Self.allocate(count)
        }
        return base
    }
}

/// `count` rows of `width` numbers, one after the other: what layers hand to each other. Does not own its memory.
public struct Rows<Scalar: NetworkScalar>: @unchecked Sendable {
    public let base: UnsafeMutablePointer<Scalar>
    public let count: Int
    public let width: Int

    public init(base: UnsafeMutablePointer<Scalar>, count: Int, width: Int) {
        self.base = base
        self.count = count
        self.width = width
    }

    subscript(row: Int) -> UnsafeMutablePointer<Scalar> { base + row * width }
    var scalarCount: Int { count * width }

    func copy(from other: Rows) {
        precondition(other.scalarCount == scalarCount, "rows: got \(other.scalarCount) numbers, want \(scalarCount)")
        base.update(from: other.base, count: scalarCount)
    }

    func add(_ other: Rows) {
        precondition(other.scalarCount == scalarCount, "rows: got \(other.scalarCount) numbers, want \(scalarCount)")
        Scalar.add(1, times: other.base, to: base, scalarCount)
    }

    func clear() { base.update(repeating: 0, count: scalarCount) }
}
