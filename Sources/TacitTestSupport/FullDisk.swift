import Foundation

/// A small file system of its own that can be filled up. Linux, and only with the right to mount.
public final class FullDisk: Sendable {
    public let path: String
    private let folder: TemporaryFolder

    public static let isPossible: Bool = {
        guard let disk = try? FullDisk(megabytes: 1) else { return false }
        return disk.path != ""
    }()

    private struct MountError: Error {}

    public init(megabytes: Int) throws {
        folder = try TemporaryFolder()
        path = folder.path
        guard Self.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path]) == 0 else {
            throw MountError()
        }
    }

    deinit { _ = Self.run("/bin/umount", ["-l", path]) }

    private static func run(_ program: String, _ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
