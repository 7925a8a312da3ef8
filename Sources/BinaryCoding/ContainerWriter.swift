import AtomicFiles
import Crypto

/// Writes a container section by section, so that files larger than memory can be made.
///
/// Layout after the header: sections, each a 32-bit tag, a 32-bit length and the bytes; then the end mark (tag 0,
/// length 32) with the SHA-256 of everything before it. The checksum finds damage, not malice: who can write the file
/// can also renew it.
public struct ContainerWriter {
    private let file: AtomicFile
    private var hash = SHA256()
    /// Bytes written so far.
    public var byteCount: Int { file.byteCount }

    /// - Parameter permissions: 0o600 where the sections hold secrets.
    public init(path: String, header: ContainerHeader, permissions: UInt16 = 0o644) throws(AtomicFilesError) {
        file = try AtomicFile(path: path, permissions: permissions)
        try put(header.encoded)
    }

    private mutating func put(_ bytes: [UInt8]) throws(AtomicFilesError) {
        hash.update(data: bytes)
        try file.write(bytes)
    }

    /// - Parameter tag: not 0; its meaning belongs to the kind.
    public mutating func write(tag: UInt32, _ bytes: [UInt8]) throws(AtomicFilesError) {
        precondition(tag != 0, "tag: 0 is the end mark")
        var prefix = BinaryEncoder()
        prefix.encode(tag)
        prefix.encode(UInt32(bytes.count))
        try put(prefix.bytes)
        try put(bytes)
    }

    /// Writes the end mark and gives the file its name.
    public mutating func commit() throws(AtomicFilesError) {
        var end = BinaryEncoder()
        end.encode(0 as UInt32)
        end.encode(32 as UInt32)
        try put(end.bytes)
        try file.write(Array(hash.finalize()))
        try file.commit()
    }
}
