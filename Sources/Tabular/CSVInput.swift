import AtomicFiles

/// The bytes of a CSV file as they come, behind one buffer that holds the record at hand.
///
/// The buffer grows only when a single record does not fit, and never beyond the limit on records, so that memory does
/// not depend on the length of the file.
final class CSVInput {
    typealias Source = (UnsafeMutableRawBufferPointer) throws(TabularError) -> Int

    /// Readable bytes behind the data, zero, so that scans may look ahead without a test.
    static let padding = 64
    private static let initialCapacity = 1 << 18

    /// For messages.
    let name: String
    /// Bytes of the whole input, where that is known beforehand.
    let size: Int?
    private let source: Source
    private var buffer: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var start = 0
    private(set) var end = 0
    /// Bytes of the file before buffer[0].
    private var bytesBefore = 0
    private(set) var isAtEnd = false

    init(name: String, size: Int? = nil, source: @escaping Source) {
        self.name = name
        self.size = size
        self.source = source
        capacity = Self.initialCapacity
        buffer = .allocate(capacity: capacity + Self.padding)
        buffer.initialize(repeating: 0, count: capacity + Self.padding)
    }

    deinit { buffer.deallocate() }

    /// The first byte not yet consumed.
    var base: UnsafePointer<UInt8> { UnsafePointer(buffer + start) }
    var count: Int { end - start }

    /// The offset in the file of a byte of the buffer.
    func fileOffset(_ position: UnsafePointer<UInt8>) -> Int { bytesBefore + (position - UnsafePointer(buffer)) }

    func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start)
        start += count
    }

    /// Reads more bytes behind those that are there; at the end of the input sets ``isAtEnd``.
    ///
    /// Pointers into the buffer are no longer valid afterwards.
    /// - Returns: false when the buffer is full at `limit` bytes.
    func fill(limit: Int) throws(TabularError) -> Bool {
        if start > 0 {
            buffer.update(from: buffer + start, count: end - start)
            bytesBefore += start
            end -= start
            start = 0
        }
        if end == capacity {
            guard capacity < limit else { return false }
            let larger = min(max(limit, Self.initialCapacity), capacity * 2)
            let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: larger + Self.padding)
            grown.initialize(from: buffer, count: end)
            (grown + end).initialize(repeating: 0, count: larger + Self.padding - end)
            buffer.deallocate()
            buffer = grown
            capacity = larger
        }
        let got = try source(UnsafeMutableRawBufferPointer(start: buffer + end, count: capacity - end))
        precondition(got >= 0 && got <= capacity - end, "a source returned more bytes than it was given room for")
        end += got
        if got == 0 { isAtEnd = true }
        (buffer + end).update(repeating: 0, count: Self.padding)
        return true
    }

    static func file(_ path: String) throws(TabularError) -> CSVInput {
        let file: FileInput
        do { file = try FileInput(path: path) } catch {
            throw TabularError(.unreadable, error.message)
        }
        return CSVInput(name: path, size: file.byteCount) { room throws(TabularError) in
            do throws(AtomicFilesError) { return try file.read(into: room) } catch {
                throw TabularError(.unreadable, error.message)
            }
        }
    }

    static func bytes(_ bytes: [UInt8], name: String) -> CSVInput {
        var offset = 0
        return CSVInput(name: name, size: bytes.count) { room throws(TabularError) in
            let count = min(room.count, bytes.count - offset)
            bytes.withUnsafeBytes { all in
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<offset + count]))
            }
            offset += count
            return count
        }
    }
}
