import CZlib

/// Unpacks a gzip file held in memory.
enum Gzip {
    /// - Parameter limit: the most bytes that the content may have.
    /// - Throws: ``DatasetsError`` with code `invalidArchive` for anything but one complete gzip member of at most
    ///   `limit` bytes.
    static func unpack(_ bytes: [UInt8], name: String, limit: Int) throws(DatasetsError) -> [UInt8] {
        func damaged(_ message: String) -> DatasetsError {
            DatasetsError(.invalidArchive, "\(name): gzip: \(message)")
        }
        guard bytes.count >= 18, bytes.count <= Int(UInt32.max) else {
            throw damaged("got \(bytes.count) bytes, want at least 18")
        }
        var stream = z_stream()
        // 15 + 16: the full window, a gzip header and its checksum.
        guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw damaged("zlib could not be started")
        }
        defer { inflateEnd(&stream) }
        var result: [UInt8] = []
        var status = Z_OK
        bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress!)
            stream.avail_in = UInt32(input.count)
            // Grows with what has really been unpacked, never with what a header claims.
            while status == Z_OK, result.count <= limit {
                let size = min(1 << 20, limit + 1 - result.count)
                let piece = [UInt8](unsafeUninitializedCapacity: size) { room, filled in
                    stream.next_out = room.baseAddress!
                    stream.avail_out = UInt32(size)
                    status = inflate(&stream, Z_NO_FLUSH)
                    filled = size - Int(stream.avail_out)
                }
                result += piece
                if piece.isEmpty && status == Z_OK { status = Z_BUF_ERROR }
            }
        }
        guard result.count <= limit else { throw damaged("unpacks to more than \(limit) bytes") }
        guard status == Z_STREAM_END else { throw damaged("the compressed bytes are damaged or cut short") }
        guard stream.avail_in == 0 else { throw damaged("\(stream.avail_in) bytes are left over") }
        return result
    }
}
