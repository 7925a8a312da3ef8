import CKernels

/// Leave to read a secret. Every place that reads one writes `SecretAccess(…)`, so one search lists them all.
public struct SecretAccess: Sendable {
    /// - Parameter reason: why the secret is read here; for the reader of the code.
    public init(_ reason: StaticString) {}
}

/// Bytes that must not be seen: kept in one place on the heap, wiped when released, never printed.
public final class SecretBytes: Sendable, CustomStringConvertible {
    /// Immutable after construction, which makes sharing between threads sound.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    public var count: Int { storage.count }
    public var description: String { "SecretBytes(\(count) bytes)" }

    /// `fill` writes the secret straight into its final place.
    public init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        fill(storage)
    }

    /// Copies the bytes and wipes the source.
    public convenience init(wiping bytes: inout [UInt8]) {
        self.init(count: bytes.count) { storage in
            bytes.withUnsafeMutableBytes {
                storage.copyMemory(from: UnsafeRawBufferPointer($0))
                tacit_zeroise($0.baseAddress, $0.count)
            }
        }
        bytes = []
    }

    /// `count` fresh random bytes.
    public static func random(count: Int, using random: inout some SecureRandom) -> SecretBytes {
        SecretBytes(count: count) { random.fill($0) }
    }

    deinit {
        tacit_zeroise(storage.baseAddress, storage.count)
        storage.deallocate()
    }

    /// Lends the bytes for the duration of `body`.
    public func withBytes<Result, Failure: Error>(
        _ access: SecretAccess, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// Compares in a time that depends on the lengths only.
    public func isEqual(to other: SecretBytes) -> Bool {
        count == other.count
            && tacit_equal_constant_time(storage.baseAddress, other.storage.baseAddress, count) == 1
    }
}

/// Overwrites the array's memory with zeros and empties it. The array must be the only owner of its memory, otherwise
/// a copy is wiped instead.
public func zeroise(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress, $0.count) }
    bytes = []
}
