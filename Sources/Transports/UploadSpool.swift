import BinaryCoding
import Crypto
import Dispatch
import Foundation
import Synchronization

/// Messages on their way in, one file each, kept when a connection breaks so that the next one goes on where it ended.
final class UploadSpool: Sendable {
    let folder: String
    private struct State {
        /// Which attempt owns a file; a newer attempt takes it away from an older one.
        var owners: [String: UInt64] = [:]
        var next: UInt64 = 0
    }
    private let state = Mutex(State())
    /// A site has at most this many unfinished messages here; the one untouched for longest goes first.
    private static let unfinishedPerPeer = 4

    /// - Throws: ``TransportsError`` with code `cannotStore`.
    init(folder: String) throws(TransportsError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw TransportsError(
                code: .cannotStore, message: "\(folder): cannot create: \(error.localizedDescription)")
        }
    }

    /// The file of this message with what arrived earlier, no longer in the hands of any older attempt.
    func open(
        peer: EnrolledPeer, identifier: Fingerprint, byteCount: UInt64
    ) throws(TransportsError) -> Upload {
        let prefix = String(peer.fingerprint.hexadecimal.prefix(32))
        let name = "\(prefix)-\(identifier.hexadecimal).part"
        makeRoom(prefix: prefix, for: name)
        let owner = state.withLock {
            $0.next += 1
            $0.owners[name] = $0.next
            return $0.next
        }
        return try Upload(
            path: folder + "/" + name, byteCount: byteCount,
            isCurrent: { [weak self] in
                self?.state.withLock { $0.owners[name] == owner } ?? false
            },
            onEnd: { [weak self] in
                self?.state.withLock { if $0.owners[name] == owner { $0.owners[name] = nil } }
            })
    }

    private func makeRoom(prefix: String, for name: String) {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let others = files.filter { $0.hasPrefix(prefix) && $0 != name }.map { file in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + file)
            return (file, attributes?[.modificationDate] as? Date ?? .distantPast)
        }.sorted { $0.1 > $1.1 }
        for (file, _) in others.dropFirst(Self.unfinishedPerPeer - 1) { unlink(folder + "/" + file) }
    }
}

/// One attempt to receive one message into its file. Used by one task.
final class Upload {
    let path: String
    let byteCount: UInt64
    /// How many bytes the file holds.
    private(set) var offset: UInt64 = 0
    private let descriptor: Int32
    private var hash = SHA256()
    private let isCurrent: @Sendable () -> Bool
    private let onEnd: @Sendable () -> Void

    init(
        path: String, byteCount: UInt64, isCurrent: @escaping @Sendable () -> Bool,
        onEnd: @escaping @Sendable () -> Void
    ) throws(TransportsError) {
        self.path = path
        self.byteCount = byteCount
        self.isCurrent = isCurrent
        self.onEnd = onEnd
        descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot create") }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while offset < byteCount {
            let wanted = min(buffer.count, Int(clamping: byteCount - offset))
            let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, off_t(offset)) }
            guard count > 0 else { break }
            hash.update(data: buffer[..<count])
            offset += UInt64(count)
        }
        ftruncate(descriptor, off_t(offset))
    }

    deinit {
        close(descriptor)
        onEnd()
    }

    /// Appends a piece.
    /// - Throws: `superseded` when a newer attempt took over, `invalidFrame` for a piece from elsewhere, `cannotStore`
    ///   when the disk is full; the file then ends with the last whole piece.
    func append(_ bytes: [UInt8], at position: UInt64) throws(TransportsError) {
        guard isCurrent() else {
            throw TransportsError(code: .superseded, message: "upload: a newer connection goes on with this message")
        }
        guard position == offset, UInt64(bytes.count) <= byteCount - offset else {
            throw TransportsError(
                code: .invalidFrame,
                message:
                    "chunk: got \(bytes.count) bytes at \(position), want at most \(byteCount - offset) at \(offset)"
            )
        }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + written, bytes.count - written, off_t(offset) + off_t(written))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = Self.failure(path, "cannot write")
                ftruncate(descriptor, off_t(offset))
                throw error
            }
            written += count
        }
        hash.update(data: bytes)
        offset += UInt64(bytes.count)
    }

    /// Makes the whole message durable.
    /// - Throws: `damaged` when the bytes are not those announced; the file is then emptied.
    func finish(digest: Fingerprint) throws(TransportsError) {
        guard offset == byteCount else {
            throw TransportsError(code: .unreachable, message: "upload: ended at byte \(offset) of \(byteCount)")
        }
        guard Array(hash.finalize()) == digest.bytes else {
            ftruncate(descriptor, 0)
            throw TransportsError(
                code: .damaged, message: "message: its SHA-256 is not the one announced; it is sent again")
        }
        guard fsync(descriptor) == 0 else { throw Self.failure(path, "cannot flush") }
    }

    func remove() { unlink(path) }

    private static func failure(_ path: String, _ what: String) -> TransportsError {
        let reason = String(cString: strerror(errno))
        let name = (path as NSString).deletingLastPathComponent
        return TransportsError(
            code: .cannotStore,
            message: "coordinator: \(what) in its folder \((name as NSString).lastPathComponent): \(reason)")
    }
}
