import AtomicFiles
import Foundation

/// Where a study's state is kept. The choice stands in the study's folder, in the file `store`, so that everybody who opens
/// the folder finds it.
public struct StorePlace: Equatable, Sendable, CustomStringConvertible {
    /// nil for the folder itself.
    let postgres: PostgresPlace?

    private init(postgres: PostgresPlace?) { self.postgres = postgres }

    /// SQLite, in the folder.
    public static let folder = StorePlace(postgres: nil)

    /// A PostgreSQL database.
    /// - Parameter connection: as libpq takes it, `postgres://user@host:5432/database` or `host=… dbname=…`, without a
    ///   password.
    /// - Throws: `invalidPlace`; `permission` when the server is elsewhere and its certificate would not be looked at.
    public init(postgres connection: String) throws(CoordinatorStoreError) {
        postgres = try PostgresPlace(connection)
    }

    /// The choice that was made for a folder.
    public init(of folder: String) throws(CoordinatorStoreError) {
        let path = Self.path(in: folder)
        guard FileManager.default.fileExists(atPath: path) else {
            self = .folder
            return
        }
        let text: String
        do { text = String(decoding: try readFile(path, limit: 1 << 16), as: UTF8.self) } catch {
            throw CoordinatorStoreError(error, in: path)
        }
        do { postgres = try PostgresPlace(text.trimmingCharacters(in: .whitespacesAndNewlines)) } catch {
            throw CoordinatorStoreError(
                code: error.code, message: error.message.replacing("--store:", with: "\(path):"))
        }
    }

    public var description: String { postgres?.name ?? "the study's folder" }

    static func path(in folder: String) -> String { folder + "/store" }

    static func makeFolder(_ folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        chmod(folder, 0o700)
    }

    func write(in folder: String) throws {
        guard let postgres else { return }
        try writeAtomically(Array((postgres.text + "\n").utf8), to: Self.path(in: folder), permissions: 0o600)
    }
}
