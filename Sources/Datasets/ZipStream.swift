import CZlib

/// Unpacks one entry of an archive piece by piece.
final class ZipStream {
    private let archive: ZipArchive
    private let entry: ZipArchive.Entry
    private let inflater: UnsafeMutablePointer<z_stream>?
    private var consumed = 0
    private var produced = 0
    private var checksum: UInt = 0
    private var isFinished = false

    init(_ archive: ZipArchive, _ entry: ZipArchive.Entry) {
        self.archive = archive
        self.entry = entry
        guard entry.isDeflated else {
            inflater = nil
            return
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // −15: raw deflate with the full window, no zlib header. Fails only without memory for 40 kB.
        let status = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib could not be started")
        inflater = stream
    }

    deinit {
        if let inflater {
            inflateEnd(inflater)
            inflater.deallocate()
        }
    }

    /// Fills the memory as far as there is more; returns 0 once the entry has ended with the right length and CRC-32.
    func read(into room: UnsafeMutableRawBufferPointer) throws(DatasetsError) -> Int {
        guard !isFinished, room.count > 0 else { return 0 }
        let count = entry.isDeflated ? try inflated(room) : stored(room)
        produced += count
        if count > 0 {
            checksum = crc32_z(checksum, room.baseAddress!.assumingMemoryBound(to: UInt8.self), count)
            return count
        }
        isFinished = true
        guard produced == entry.uncompressedSize else {
            throw damaged("unpacks to \(produced) bytes, want \(entry.uncompressedSize)")
        }
        guard UInt32(checksum) == entry.crc32 else { throw damaged("CRC-32 does not match") }
        guard consumed == entry.compressedSize else {
            throw damaged("\(entry.compressedSize - consumed) compressed bytes are left over")
        }
        return 0
    }

    private func damaged(_ message: String) -> DatasetsError {
        DatasetsError(.invalidArchive, "\(archive.name): archive: \(entry.name): \(message)")
    }

    private func stored(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(room.count, entry.compressedSize - consumed)
        archive.bytes.withUnsafeBytes { bytes in
            let start = entry.dataOffset + consumed
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
        }
        consumed += count
        return count
    }

    private func inflated(_ room: UnsafeMutableRawBufferPointer) throws(DatasetsError) -> Int {
        guard let inflater else { return 0 }
        // One byte more than declared is room enough to find out that there is more.
        let wanted = min(room.count, entry.uncompressedSize - produced + 1, 1 << 30)
        let status = archive.bytes.withUnsafeBufferPointer { bytes in
            inflater.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress! + entry.dataOffset + consumed)
            inflater.pointee.avail_in = UInt32(entry.compressedSize - consumed)
            inflater.pointee.next_out = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
            inflater.pointee.avail_out = UInt32(wanted)
            return inflate(inflater, Z_NO_FLUSH)
        }
        consumed = entry.compressedSize - Int(inflater.pointee.avail_in)
        let count = wanted - Int(inflater.pointee.avail_out)
        guard produced + count <= entry.uncompressedSize else {
            throw damaged("unpacks to more than the declared \(entry.uncompressedSize) bytes")
        }
        switch status {
        case Z_STREAM_END, Z_OK: break
        // No progress was possible: the compressed bytes end too early, or everything has been said.
        case Z_BUF_ERROR where count == 0: break
        default: throw damaged("the compressed bytes are damaged")
        }
        return count
    }
}
