import BinaryCoding
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

/// Takes a message, and counts it in the same transaction.
func take(_ number: Int, bytes: [UInt8]? = nil, in store: CoordinatorStore) throws {
    let bytes = bytes ?? Array("message \(number)".utf8)
    try store.commit { transaction in
        try transaction.take(
            peer: "A", identifier: Fingerprint(of: Array("\(number)".utf8)), digest: Fingerprint(of: bytes),
            .bytes(bytes), reply: [UInt8(truncatingIfNeeded: number)], at: Date())
        try transaction.setState("count", Array("\(number)".utf8))
    }
}
