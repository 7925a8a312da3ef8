import Crypto
import Foundation

extension DatasetStore {
    /// Brings the files of a data set into the cache, unless they are here already.
    ///
    /// A download grows beside its place as `NAME.partial` and gets its name only when length and SHA-256 are the
    /// published ones. One that was cut off is continued (HTTP Range, with If-Range where the server gave a tag or date),
    /// within a call up to `attempts` times as long as bytes arrive, and by the next call.
    /// - Parameters:
    ///   - stallLimit: how long a server may be silent.
    ///   - progress: called as bytes arrive, on a queue of its own.
    /// - Returns: the paths of the files, in the order of the data set.
    /// - Throws: ``DatasetsError``.
    @discardableResult
    public func fetch(
        _ dataset: Dataset, stallLimit: Duration = .seconds(30), attempts: Int = 3,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(DatasetsError) -> [String] {
        var paths: [String] = []
        for file in dataset.files {
            paths.append(try await fetch(file, stallLimit: stallLimit, attempts: attempts, progress: progress))
        }
        return paths
    }

    /// Brings one file into the cache; see the overload for a data set.
    /// - Throws: ``DatasetsError``.
    public func fetch(
        _ file: Dataset.File, stallLimit: Duration = .seconds(30), attempts: Int = 3,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(DatasetsError) -> String {
        if let path = find(file), try Self.hash(ofFile: path) == file.sha256 { return path }
        let place = cachePath(of: file)
        let partial = place + ".partial"
        do {
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: place).deletingLastPathComponent().path, withIntermediateDirectories: true)
        } catch {
            throw DatasetsError(.unwritable, "\(place): cannot create its folder: \(error.localizedDescription)")
        }
        let descriptor = open(partial, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw DatasetsError(.unwritable, "\(partial): cannot create: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw DatasetsError(.busy, "\(partial): another process downloads it; wait for that to end")
        }
        try await download(
            file, to: partial, descriptor, stallLimit: stallLimit, attempts: attempts, progress: progress)
        let hash = try Self.hash(ofFile: partial)
        guard hash == file.sha256 else {
            // Continuing wrong bytes would never end well.
            try? FileManager.default.removeItem(atPath: partial)
            try? FileManager.default.removeItem(atPath: partial + ".tag")
            throw DatasetsError(
                .hashMismatch, "\(file.path) from \(file.address): got SHA-256 \(hash), want \(file.sha256)")
        }
        guard fsync(descriptor) == 0, rename(partial, place) == 0 else {
            throw DatasetsError(.unwritable, "\(place): cannot finish: \(String(cString: strerror(errno)))")
        }
        try? FileManager.default.removeItem(atPath: partial + ".tag")
        return place
    }

    private func download(
        _ file: Dataset.File, to partial: String, _ descriptor: Int32, stallLimit: Duration, attempts: Int,
        progress: @escaping @Sendable (DownloadProgress) -> Void
    ) async throws(DatasetsError) {
        var attempt = 1
        while true {
            var offset = Int(lseek(descriptor, 0, SEEK_END))
            if offset > file.byteCount || offset < 0 {
                ftruncate(descriptor, 0)
                offset = 0
            }
            if offset == file.byteCount { return }
            let tag = (try? String(contentsOfFile: partial + ".tag", encoding: .utf8)).flatMap { $0.isEmpty ? nil : $0 }
            let request = Download(file, into: descriptor, from: offset, stallLimit: stallLimit, progress: progress)
            let outcome = await request.run(validator: offset > 0 ? tag : nil)
            if outcome.receivedBytes > 0 {
                try? (outcome.validator ?? "").write(toFile: partial + ".tag", atomically: true, encoding: .utf8)
            }
            if outcome.mustRestart {
                ftruncate(descriptor, 0)
                try? FileManager.default.removeItem(atPath: partial + ".tag")
            } else if lseek(descriptor, 0, SEEK_END) == file.byteCount {
                return
            }
            let mayGoOn = outcome.mustRestart || outcome.receivedBytes > 0
            let error =
                outcome.failure
                ?? DatasetsError(
                    .downloadFailed,
                    "\(file.address): ended after \(lseek(descriptor, 0, SEEK_END)) of \(file.byteCount) bytes; what has "
                        + "arrived is kept, run the same command again to go on")
            guard mayGoOn, attempt < attempts, error.code == .downloadFailed else { throw error }
            attempt += 1
        }
    }

    /// The SHA-256 of a file, read in pieces.
    static func hash(ofFile path: String) throws(DatasetsError) -> String {
        var hash = SHA256()
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        } catch {
            throw DatasetsError(.unreadable, "\(path): \(error.localizedDescription)")
        }
        return hexadecimal(hash.finalize())
    }
}
