import AtomicFiles
import BinaryCoding
import Crypto
import Foundation

/// The bytes of one message, in memory or in a file. What they mean is not the transport's business.
public enum MessageBody: Sendable {
    case bytes([UInt8])
    /// - byteCount: the length of the file, which must not change while it is sent.
    case file(path: String, byteCount: Int)

    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, let count): count
        }
    }

    /// The whole message in memory.
    public func read() throws(TransportsError) -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .file(let path, let count):
            do {
                let bytes = try readFile(path, limit: count)
                guard bytes.count == count else {
                    throw TransportsError(code: .damaged, message: "\(path): got \(bytes.count) bytes, want \(count)")
                }
                return bytes
            } catch let error as TransportsError {
                throw error
            } catch {
                throw TransportsError(code: .cannotStore, message: "\(error)")
            }
        }
    }

    /// SHA-256 of the message, read in pieces.
    public func digest() throws(TransportsError) -> Fingerprint {
        var hash = SHA256()
        try forEachPiece(of: 1 << 20, from: 0) { hash.update(data: $0) }
        guard let value = Fingerprint(bytes: Array(hash.finalize())) else {
            throw TransportsError(code: .damaged, message: "SHA-256: want 32 bytes")
        }
        return value
    }

    /// Calls `body` with consecutive pieces, the first beginning at `offset`.
    func forEachPiece(
        of size: Int, from offset: Int, _ body: ([UInt8]) throws(TransportsError) -> Void
    ) throws(TransportsError) {
        let reader = try reader(from: offset)
        while let piece = try reader.next(size) { try body(piece) }
    }

    func reader(from offset: Int) throws(TransportsError) -> MessageReader { try MessageReader(self, from: offset) }
}

/// Reads a body piece by piece. Used by one task at a time.
final class MessageReader {
    private let body: MessageBody
    private var offset: Int
    private let handle: FileHandle?

    init(_ body: MessageBody, from offset: Int) throws(TransportsError) {
        self.body = body
        self.offset = offset
        if case .file(let path, _) = body {
            do {
                handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                try handle?.seek(toOffset: UInt64(offset))
            } catch {
                throw TransportsError(
                    code: .cannotStore, message: "\(path): cannot read: \(error.localizedDescription)")
            }
        } else {
            handle = nil
        }
    }

    deinit { try? handle?.close() }

    /// Up to `size` bytes; nil after the last.
    func next(_ size: Int) throws(TransportsError) -> [UInt8]? {
        let count = min(size, body.byteCount - offset)
        guard count > 0 else { return nil }
        defer { offset += count }
        switch body {
        case .bytes(let bytes): return Array(bytes[offset..<offset + count])
        case .file(let path, _):
            let data = (try? handle?.read(upToCount: count)) ?? Data()
            guard data.count == count else {
                throw TransportsError(code: .cannotStore, message: "\(path): ends at byte \(offset + data.count)")
            }
            return Array(data)
        }
    }
}
