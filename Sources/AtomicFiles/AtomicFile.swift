import Foundation
import Synchronization

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a hidden file in the same folder; ``commit()`` flushes them to the disk, renames the file over the
/// wanted name and flushes the folder, so that after a crash there is either the old file or the whole new one. A
/// value that is dropped without a commit removes what it wrote.
/// - Edge cases: an existing file is replaced and its permissions are not kept.
/// - Cost: one `fsync` of the file and one of the folder per file.
public final class AtomicFile {
    /// The name under which the file will appear.
    public let path: String
    /// Bytes handed over so far.
    public private(set) var byteCount = 0
    private let temporaryPath: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 18

    /// - Parameter permissions: the mode of the finished file; 0o600 for anything that holds a secret.
    /// - Throws: ``AtomicFilesError`` when the folder is missing or cannot be written.
    public init(path: String, permissions: UInt16 = 0o644) throws(AtomicFilesError) {
        self.path = path
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw AtomicFilesError(code: .cannotCreate, message: "\(path): is a folder, want a file name")
        }
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        temporaryPath = url.deletingLastPathComponent().path + "/.\(url.lastPathComponent).\(suffix).partial"
        // The process's umask may remove bits of the mode, never add any; secrets ask for 0600 and get it.
        descriptor = UnfinishedFiles.create(temporaryPath, mode: mode_t(permissions))
        guard descriptor >= 0 else { throw Self.failure("cannot create", path, code: .cannotCreate) }
    }

    deinit { abandon() }

    /// Appends bytes.
    /// - Throws: ``AtomicFilesError`` with code `inputOutput`, for example when the disk is full; nothing of the
    ///   file then remains.
    public func write(_ bytes: some Sequence<UInt8>) throws(AtomicFilesError) {
        let before = buffer.count
        buffer.append(contentsOf: bytes)
        byteCount += buffer.count - before
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Makes the file durable and gives it its name.
    public func commit() throws(AtomicFilesError) {
        precondition(descriptor >= 0, "commit() after the file was committed or abandoned")
        try flush()
        guard fsync(descriptor) == 0 else { throw failAndAbandon("cannot flush") }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0, rename(temporaryPath, path) == 0 else { throw failAndAbandon("cannot finish") }
        UnfinishedFiles.remove(temporaryPath)
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)  // best effort: some file systems refuse to flush a folder
            close(folder)
        }
    }

    /// Removes what was written; does nothing after a commit.
    public func abandon() {
        if descriptor >= 0 {
            close(descriptor)
            descriptor = -1
        }
        if UnfinishedFiles.remove(temporaryPath) { unlink(temporaryPath) }
    }

    private func flush() throws(AtomicFilesError) {
        var failed = false
        buffer.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                #if canImport(Darwin)
                    let written = Darwin.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                #else
                    let written = Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                #endif
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else {
                    failed = true
                    return
                }
                offset += written
            }
        }
        if failed { throw failAndAbandon("cannot write") }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failAndAbandon(_ what: String) -> AtomicFilesError {
        let error = Self.failure(what, path, code: .inputOutput)
        abandon()
        return error
    }

    static func failure(_ what: String, _ path: String, code: AtomicFilesError.Code) -> AtomicFilesError {
        let number = errno
        let reason = String(cString: strerror(number))
        let mend: String
        switch number {
        case ENOSPC, EDQUOT: mend = "free some space or choose another folder"
        case ENOENT: mend = "create the folder first"
        case EACCES, EPERM, EROFS: mend = "choose a place you may write to"
        default: mend = "nothing was left behind"
        }
        return AtomicFilesError(code: code, message: "\(path): \(what): \(reason); \(mend)")
    }
}

/// The hidden files that are being written, so that a signal handler can remove them before the process ends.
public enum UnfinishedFiles {
    private static let paths = Mutex<Set<String>>([])

    /// Creates and notes a file in one step: no signal can come between the two.
    static func create(_ path: String, mode: mode_t) -> Int32 {
        paths.withLock {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            if descriptor >= 0 { $0.insert(path) }
            return descriptor
        }
    }

    @discardableResult
    static func remove(_ path: String) -> Bool { paths.withLock { $0.remove(path) != nil } }

    /// Deletes every unfinished file and ends the process with `status`. No further file can be begun meanwhile.
    public static func removeAllAndExit(_ status: Int32) -> Never {
        paths.withLock {
            for path in $0 { unlink(path) }
            _exit(status)
        }
    }
}

/// Writes a whole file in one step: beside, flushed, renamed.
public func writeAtomically(
    _ bytes: some Sequence<UInt8>, to path: String, permissions: UInt16 = 0o644
) throws(AtomicFilesError) {
    let file = try AtomicFile(path: path, permissions: permissions)
    try file.write(bytes)
    try file.commit()
}
