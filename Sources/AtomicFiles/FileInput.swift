import Foundation

/// A file read from start to end in pieces, so that memory does not grow with the file.
public final class FileInput {
    /// The name as the caller gave it, for messages.
    public let path: String
    /// The size when the file was opened, in bytes; nil for a pipe.
    public let byteCount: Int?
    private let descriptor: Int32

    /// - Throws: ``AtomicFilesError`` when the file is absent, a folder, or not readable.
    public init(path: String) throws(AtomicFilesError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code: AtomicFilesError.Code = errno == ENOENT ? .notFound : .permission
            let reason = String(cString: strerror(errno))
            throw AtomicFilesError(code: code, message: "\(path): cannot open: \(reason)")
        }
        var information = stat()
        let isRead = fstat(descriptor, &information) == 0
        if isRead, information.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw AtomicFilesError(code: .notFound, message: "\(path): is a folder, want a file")
        }
        byteCount = isRead && information.st_mode & S_IFMT == S_IFREG ? Int(information.st_size) : nil
    }

    deinit { close(descriptor) }

    /// Up to `count` further bytes; fewer only at the end of the file, none after it.
    public func read(upTo count: Int) throws(AtomicFilesError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                #if canImport(Darwin)
                    let got = Darwin.read(descriptor, buffer.baseAddress! + filled, count - filled)
                #else
                    let got = Glibc.read(descriptor, buffer.baseAddress! + filled, count - filled)
                #endif
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = true }
                if got <= 0 { break }
                filled += got
            }
        }
        if failed { throw AtomicFile.failure("cannot read", path, code: .inputOutput) }
        return bytes
    }

    /// Reads into the caller's memory; returns the number of bytes, 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(AtomicFilesError) -> Int {
        while true {
            #if canImport(Darwin)
                let got = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #else
                let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if got < 0 && errno == EINTR { continue }
            if got < 0 { throw AtomicFile.failure("cannot read", path, code: .inputOutput) }
            return got
        }
    }
}

/// The whole of a file that must not be larger than `limit` bytes.
public func readFile(_ path: String, limit: Int) throws(AtomicFilesError) -> [UInt8] {
    let input = try FileInput(path: path)
    if let count = input.byteCount, count > limit {
        throw AtomicFilesError(code: .tooLarge, message: "\(path): got \(count) bytes, want at most \(limit)")
    }
    var bytes: [UInt8] = []
    while bytes.count <= limit {
        let piece = try input.read(upTo: min(1 << 20, limit + 1 - bytes.count))
        if piece.isEmpty { return bytes }
        bytes += piece
    }
    throw AtomicFilesError(code: .tooLarge, message: "\(path): want at most \(limit) bytes")
}
