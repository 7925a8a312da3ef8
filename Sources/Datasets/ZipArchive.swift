import CZlib

/// Reads ZIP archives that are held in memory.
///
/// Handled are stored and deflated entries of archives in one part below 4 GB. The directory at the end is taken as the
/// truth and held against the local headers. Refused are: encryption, other methods, ZIP64, names that lead out of a folder, repeated names,
/// entries that overlap or lie outside the file, sizes that deflate cannot reach, and contents whose length or CRC-32 is
/// not the declared one. No input traps, and no allocation exceeds what the input and the limits justify.
/// - Reference: PKWARE, APPNOTE 6.3.10, sections 4.3 and 4.4.
public struct ZipArchive: Sendable {
    public struct Entry: Hashable, Sendable {
        public let name: String
        public let compressedSize: Int
        public let uncompressedSize: Int
        public let crc32: UInt32
        let isDeflated: Bool
        /// Where the compressed bytes begin.
        let dataOffset: Int
    }

    public struct Limits: Hashable, Sendable {
        public var entryCount: Int
        /// Bytes of one entry when unpacked.
        public var entrySize: Int

        public init(entryCount: Int = 10_000, entrySize: Int = 1 << 30) {
            self.entryCount = entryCount
            self.entrySize = entrySize
        }
    }

    public let entries: [Entry]
    let bytes: [UInt8]
    /// For messages.
    let name: String

    /// Deflate cannot shrink by more than this factor: 258 bytes need at least two bits.
    static let highestRatio = 1032

    /// - Throws: ``DatasetsError`` with code `invalidArchive`.
    public init(_ bytes: [UInt8], name: String, limits: Limits = Limits()) throws(DatasetsError) {
        self.bytes = bytes
        self.name = name
        let reader = Reader(bytes: bytes, name: name)
        guard let end = Self.endRecord(reader) else {
            throw reader.invalid("no end-of-directory record, want one; is the file cut off?")
        }
        guard try reader.u16(end + 4) == 0, try reader.u16(end + 6) == 0 else {
            throw reader.invalid("got a part of a split archive, want a whole one")
        }
        let count = try reader.u16(end + 10)
        let size = try reader.u32(end + 12)
        var position = try reader.u32(end + 16)
        guard count != 0xFFFF && size != 0xFFFF_FFFF && position != 0xFFFF_FFFF else {
            throw reader.invalid("got ZIP64, want an archive below 4 GB")
        }
        guard count <= limits.entryCount else {
            throw reader.invalid("got \(count) entries, want at most \(limits.entryCount)")
        }
        guard position + size <= end else { throw reader.invalid("the directory lies outside the file") }
        let directoryEnd = position + size
        var entries: [Entry] = []
        var names: Set<String> = []
        var ranges: [Range<Int>] = []
        for _ in 0..<count {
            let (entry, used, range) = try Self.entry(reader, at: position, before: directoryEnd, limits)
            guard names.insert(entry.name).inserted else { throw reader.invalid("got two entries of one name") }
            position += used
            ranges.append(range)
            entries.append(entry)
        }
        // An archive whose entries share bytes can unpack to far more than its size.
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        for (a, b) in zip(sorted, sorted.dropFirst()) where a.upperBound > b.lowerBound {
            throw reader.invalid("got entries that overlap")
        }
        self.entries = entries
    }

    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    /// The content of an entry.
    /// - Throws: ``DatasetsError`` when it does not unpack to the declared length and CRC-32.
    public func contents(of entry: Entry) throws(DatasetsError) -> [UInt8] {
        let stream = ZipStream(self, entry)
        var result: [UInt8] = []
        // The declared size has been held against the compressed one, so this is at most the factor above.
        result.reserveCapacity(entry.uncompressedSize)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { room.deallocate() }
        while true {
            let count = try stream.read(into: room)
            if count == 0 { return result }
            result.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[0..<count]))
        }
    }

    // MARK: Directory

    private struct Reader {
        let bytes: [UInt8]
        let name: String

        func invalid(_ message: String) -> DatasetsError {
            DatasetsError(.invalidArchive, "\(name): archive: \(message)")
        }

        func u16(_ offset: Int) throws(DatasetsError) -> Int {
            guard offset >= 0 && offset + 2 <= bytes.count else { throw invalid("a header is cut off") }
            return Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
        }

        func u32(_ offset: Int) throws(DatasetsError) -> Int {
            try u16(offset) | u16(offset + 2) << 16
        }
    }

    /// The last place where an end record stands whose comment reaches exactly to the end of the file.
    private static func endRecord(_ reader: Reader) -> Int? {
        let bytes = reader.bytes
        guard bytes.count >= 22 else { return nil }
        for offset in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 0xFFFF), by: -1) {
            guard bytes[offset] == 0x50, bytes[offset + 1] == 0x4B, bytes[offset + 2] == 5, bytes[offset + 3] == 6
            else { continue }
            if let length = try? reader.u16(offset + 20), offset + 22 + length == bytes.count { return offset }
        }
        return nil
    }

    private static func entry(
        _ reader: Reader, at position: Int, before end: Int, _ limits: Limits
    ) throws(DatasetsError) -> (Entry, used: Int, range: Range<Int>) {
        guard position + 46 <= end, try reader.u32(position) == 0x0201_4B50 else {
            throw reader.invalid("the directory is damaged")
        }
        let flags = try reader.u16(position + 8)
        let method = try reader.u16(position + 10)
        let crc = UInt32(try reader.u32(position + 16))
        let compressed = try reader.u32(position + 20)
        let uncompressed = try reader.u32(position + 24)
        let nameLength = try reader.u16(position + 28)
        let used = 46 + nameLength + (try reader.u16(position + 30)) + (try reader.u16(position + 32))
        let local = try reader.u32(position + 42)
        guard position + used <= end else { throw reader.invalid("the directory is cut off") }
        let name = try safeName(reader.bytes[position + 46..<position + 46 + nameLength], reader)
        guard flags & 0x2041 == 0 else { throw reader.invalid("\(name): is encrypted, want it plain") }
        guard method == 0 || method == 8 else {
            throw reader.invalid("\(name): got compression method \(method), want 0 (stored) or 8 (deflate)")
        }
        guard compressed != 0xFFFF_FFFF && uncompressed != 0xFFFF_FFFF && local != 0xFFFF_FFFF else {
            throw reader.invalid("\(name): got ZIP64, want sizes below 4 GB")
        }
        guard uncompressed <= limits.entrySize else {
            throw reader.invalid("\(name): unpacks to \(uncompressed) bytes, want at most \(limits.entrySize)")
        }
        guard method == 8 ? uncompressed <= compressed * highestRatio : uncompressed == compressed else {
            throw reader.invalid("\(name): \(compressed) bytes cannot unpack to \(uncompressed)")
        }
        guard local + 30 <= reader.bytes.count, try reader.u32(local) == 0x0403_4B50 else {
            throw reader.invalid("\(name): got no local header where the directory points")
        }
        let localNameLength = try reader.u16(local + 26)
        let start = local + 30 + localNameLength + (try reader.u16(local + 28))
        guard start + compressed <= reader.bytes.count else { throw reader.invalid("\(name): is cut off") }
        guard try reader.u16(local + 8) == method,
            reader.bytes[local + 30..<local + 30 + localNameLength]
                == reader.bytes[position + 46..<position + 46 + nameLength]
        else { throw reader.invalid("\(name): the local header says something else than the directory") }
        let entry = Entry(
            name: name, compressedSize: compressed, uncompressedSize: uncompressed, crc32: crc, isDeflated: method == 8,
            dataOffset: start)
        return (entry, used, local..<start + compressed)
    }

    /// A name that stays inside the folder it is unpacked to.
    private static func safeName(_ bytes: ArraySlice<UInt8>, _ reader: Reader) throws(DatasetsError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw reader.invalid("got an entry name that is not UTF-8")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isSafe =
            !name.isEmpty && !name.hasPrefix("/") && !parts.contains("..") && !parts.contains(".")
            && !name.utf8.contains { $0 < 0x20 || $0 == 0x5C || $0 == 0x3A || $0 == 0x7F }
        guard isSafe else { throw reader.invalid("got an entry name that leads out of its folder or hides characters") }
        return name
    }
}
