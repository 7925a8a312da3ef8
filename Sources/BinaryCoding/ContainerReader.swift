import AtomicFiles
import Crypto

/// Where a reader takes its bytes from.
public protocol ByteSource {
    /// Exactly `count` bytes, or fewer when the source ends.
    mutating func next(_ count: Int) throws(AtomicFilesError) -> [UInt8]
    /// Bytes not yet taken, when known.
    var remaining: Int? { get }
}

/// Bytes already in memory.
public struct MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0
    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public var remaining: Int? { bytes.count - position }
    public mutating func next(_ count: Int) -> [UInt8] {
        let end = position + min(count, bytes.count - position)
        defer { position = end }
        return Array(bytes[position..<end])
    }
}

/// A file on disk.
public struct FileSource: ByteSource {
    private let input: FileInput
    private var taken = 0
    public init(path: String) throws(AtomicFilesError) { input = try FileInput(path: path) }
    public var remaining: Int? { input.byteCount.map { $0 - taken } }
    public mutating func next(_ count: Int) throws(AtomicFilesError) -> [UInt8] {
        let bytes = try input.read(upTo: count)
        taken += bytes.count
        return bytes
    }
}

/// One part of a container.
public struct ContainerSection: Sendable {
    public let tag: UInt32
    public let bytes: [UInt8]
}

/// Reads a container section by section and checks its checksum at the end.
///
/// Sections are handed out before the checksum has been seen; whoever writes something derived from them commits it
/// only after ``next()`` has returned nil.
public struct ContainerReader<Source: ByteSource> {
    public let header: ContainerHeader
    private var source: Source
    private var hash = SHA256()
    private var isFinished = false
    private let sectionLimit: Int

    /// - Parameter sectionLimit: the longest section accepted, in bytes.
    public init(_ source: Source, sectionLimit: Int = 1 << 28) throws {
        self.source = source
        self.sectionLimit = sectionLimit
        let bytes = try self.source.next(ContainerHeader.byteCount)
        hash.update(data: bytes)
        header = try ContainerHeader(decoding: bytes)
    }

    /// The next section, or nil once the end mark has been read and the checksum found right.
    public mutating func next() throws -> ContainerSection? {
        guard !isFinished else { return nil }
        let prefix = try take(8, "section")
        var decoder = BinaryDecoder(prefix)
        let tag = try decoder.decode(UInt32.self, "tag")
        let count = Int(try decoder.decode(UInt32.self, "section length"))
        if tag == 0 {
            let wanted = Array(hashAfter(prefix).finalize())
            guard count == 32, try take(32, "checksum") == wanted else {
                throw BinaryCodingError(
                    code: .damaged, message: "checksum: does not fit the file, which was damaged; fetch it again")
            }
            guard try source.next(1).isEmpty else {
                throw BinaryCodingError(code: .trailingBytes, message: "end of file: got bytes after the checksum")
            }
            isFinished = true
            return nil
        }
        guard count <= sectionLimit else {
            throw BinaryCodingError(
                code: .invalidValue, message: "section length: got \(count) bytes, want at most \(sectionLimit)")
        }
        hash.update(data: prefix)
        var bytes: [UInt8] = []
        // In pieces, so that a length that lies cannot make us allocate what the file does not hold.
        while bytes.count < count { bytes += try take(min(count - bytes.count, 1 << 20), "section") }
        hash.update(data: bytes)
        return ContainerSection(tag: tag, bytes: bytes)
    }

    private func hashAfter(_ bytes: [UInt8]) -> SHA256 {
        var copy = hash
        copy.update(data: bytes)
        return copy
    }

    private mutating func take(_ count: Int, _ what: String) throws -> [UInt8] {
        let bytes = try source.next(count)
        guard bytes.count == count else {
            throw BinaryCodingError(code: .truncated, message: "\(what): the file ends early; fetch it again")
        }
        return bytes
    }
}

/// Reads a small container whole: its header and its sections, checksum checked.
public func readContainer(
    path: String, limit: Int = 1 << 28
) throws -> (header: ContainerHeader, sections: [ContainerSection]) {
    do {
        return try readContainer(FileSource(path: path), limit: limit)
    } catch let error as BinaryCodingError {
        throw error.inFile(path)
    }
}

/// As ``readContainer(path:limit:)`` from any source of bytes.
public func readContainer(
    _ source: some ByteSource, limit: Int = 1 << 28
) throws -> (header: ContainerHeader, sections: [ContainerSection]) {
    var reader = try ContainerReader(source, sectionLimit: limit)
    var sections: [ContainerSection] = []
    var total = 0
    while let section = try reader.next() {
        total += section.bytes.count
        guard total <= limit else {
            throw BinaryCodingError(code: .invalidValue, message: "size: want at most \(limit) bytes")
        }
        sections.append(section)
    }
    return (reader.header, sections)
}
