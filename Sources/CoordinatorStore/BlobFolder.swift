import AtomicFiles
import BinaryCoding
import Foundation

/// Long bodies, one file each, named by their SHA-256 and flushed before a row names them.
struct BlobFolder: Sendable {
    let path: String
    /// Bodies up to this size stay in the database.
    static let inlineLimit = 1 << 16

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// Stores bytes; the name to put into the row. Storing the same bytes again costs nothing.
    func store(_ bytes: [UInt8], digest: Fingerprint) throws -> String {
        let name = digest.hexadecimal
        if isWhole(name, byteCount: bytes.count) { return name }
        try writeAtomically(bytes, to: file(name), permissions: 0o600)
        return name
    }

    /// Takes over a flushed file by renaming it.
    func adopt(file source: String, byteCount: Int, digest: Fingerprint) throws -> String {
        let name = digest.hexadecimal
        if isWhole(name, byteCount: byteCount) { return name }
        guard rename(source, file(name)) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CoordinatorStoreError(code: .inputOutput, message: "\(file(name)): cannot rename: \(reason)")
        }
        flushFolder()
        return name
    }

    private func isWhole(_ name: String, byteCount: Int) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file(name))
        return (attributes?[.size] as? NSNumber)?.intValue == byteCount
    }

    private func flushFolder() {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Removes what no row names: left behind by a crash between flush and commit, or forgotten since.
    func removeAll(except names: Set<String>) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where !names.contains(name) {
            unlink(file(name))
        }
    }
}
