import CoordinatorStore
import Foundation
import TacitTestSupport
import Testing

/// Where a store of a test keeps its rows.
enum Backend: String, CaseIterable, CustomTestStringConvertible {
    case sqlite, postgres

    /// Without PostgreSQL's programs its tests are reported as skipped in ``PostgresTests``.
    static var available: [Backend] { PostgresServer.isPossible ? allCases : [.sqlite] }

    var testDescription: String { rawValue }

    /// Makes a folder that says where the store is.
    func prepare(_ path: String) throws {
        guard self == .postgres else { return }
        try Self.choose(try PostgresServer.shared.get().database(), for: path)
    }

    static func choose(_ database: String, for path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try database.write(toFile: path + "/store", atomically: true, encoding: .utf8)
    }
}

/// The refusal of what must be refused.
func code(_ body: () throws -> Void) -> CoordinatorStoreError? {
    do {
        try body()
        Issue.record("nothing was refused")
    } catch let error as CoordinatorStoreError {
        return error
    } catch { Issue.record("another error: \(error)") }
    return nil
}
