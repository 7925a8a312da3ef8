import AtomicFiles
import BinaryCoding
import Foundation

extension CoordinatorStore {
    /// Keeps a study's state in a database from now on. What the folder holds (who is enrolled; all rounds, if the study has
    /// begun) moves along, in one transaction, and is then removed from the folder. A database that holds the study already
    /// is taken as it is: that is how another machine goes on with a study.
    ///
    /// A crash leaves the state in the folder or in both, never in neither; the same call then goes on.
    /// - Returns: whether the choice is a new one.
    /// - Throws: `invalidPlace` when both sides hold a study that has begun, and for a change from one database to another
    ///   that does not hold the study; whatever opening throws.
    @discardableResult
    public static func keep(
        _ folder: String, study: Fingerprint, in place: StorePlace
    ) throws(CoordinatorStoreError) -> Bool {
        let known = try StorePlace(of: folder)
        let file = SQLiteEngine.path(in: folder)
        guard known != place || place != .folder && FileManager.default.fileExists(atPath: file) else { return false }
        guard place != .folder else {
            throw CoordinatorStoreError(
                code: .invalidPlace, message: "\(folder): is kept in \(known); it does not move back into the folder")
        }
        do {
            try StorePlace.makeFolder(folder)
            let isHere = known == .folder && FileManager.default.fileExists(atPath: file)
            let source =
                isHere ? try CoordinatorStore(folder, .folder, study: study, isServing: true, creates: false) : nil
            let target = try CoordinatorStore(folder, place, study: study, isServing: true, creates: true)
            let isEmpty = try target.read { try $0.integer(Self.countOfRows) } == 0
            if known != .folder, isEmpty {
                throw CoordinatorStoreError(
                    code: .invalidPlace,
                    message:
                        "\(place): holds nothing of this study, which is kept in \(known); copy the schema tacit with "
                        + "pg_dump first")
            }
            if let source {
                let hasBegun = try source.read { try $0.integer("SELECT count(*) FROM input") } > 0
                if isEmpty {
                    try source.copyAll(to: target)
                } else if hasBegun, try !source.isTheSame(as: target) {
                    throw CoordinatorStoreError(
                        code: .invalidPlace,
                        message: "\(folder) and \(place): both hold rounds of this study; move one of them away")
                }
            }
            try place.write(in: folder)
            source?.engine.close()
            for name in ["coordinator.sqlite", "coordinator.sqlite-wal", "coordinator.sqlite-shm", "messages"] {
                try? FileManager.default.removeItem(atPath: folder + "/" + name)
            }
        } catch { throw CoordinatorStoreError(error, in: folder) }
        return true
    }

    private static let countOfRows = """
        SELECT (SELECT count(*) FROM peer) + (SELECT count(*) FROM input) + (SELECT count(*) FROM output)
            + (SELECT count(*) FROM state) + (SELECT count(*) FROM event) AS rows
        """

    /// Whether a crash between copying and removing left this state here.
    private func isTheSame(as other: CoordinatorStore) throws -> Bool {
        func last(_ store: CoordinatorStore) throws -> [StoreRow] {
            try store.read { try $0.rows("SELECT sequence, peer, identifier FROM input ORDER BY sequence") }
        }
        return try last(self).map(\.values) == last(other).map(\.values)
    }

    private func copyAll(to target: CoordinatorStore) throws {
        let tables = [
            ("peer", ["fingerprint", "name", "certificate", "enrolled", "revoked"]),
            (
                "input",
                [
                    "sequence", "peer", "identifier", "digest", "byteCount", "body", "file", "wrapping", "reply",
                    "moment",
                ]
            ), ("output", ["sequence", "peer", "digest", "byteCount", "body", "file"]), ("state", ["key", "value"]),
            ("event", ["sequence", "moment", "kind", "content"]),
        ]
        try read { source in
            do {
                try target.engine.write(isServing: true) { db in
                    for (table, columns) in tables { try copy(table, columns, from: source, to: db) }
                    // The numbers go on behind those that were used, also by rows that are gone.
                    for table in ["output", "event"] {
                        let last = try source.integer("SELECT seq FROM sqlite_sequence WHERE name = $1", [.text(table)])
                        guard last > 0 else { continue }
                        _ = try db.rows(
                            "SELECT setval(pg_get_serial_sequence($1, 'sequence'), $2)", [.text(table), .integer(last)])
                    }
                }
            } catch { throw engine.explain(error) ?? CoordinatorStoreError(error, in: target.engine) }
        }
    }

    private func copy(
        _ table: String, _ columns: [String], from source: any StoreRows, to target: any StoreRows
    ) throws {
        let list = columns.joined(separator: ", ")
        let places = columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        for row in try source.rows("SELECT \(list) FROM \(table)") {
            try target.execute(
                "INSERT INTO \(table) (\(list)) VALUES (\(places))", try withBody(row, columns).values)
        }
    }

    /// A row whose body is in a file gets it back.
    private func withBody(_ row: StoreRow, _ columns: [String]) throws -> StoreRow {
        guard let file = columns.firstIndex(of: "file"), let body = columns.firstIndex(of: "body"),
            case .text(let name) = row.values[file]
        else { return row }
        var values = row.values
        values[body] = .bytes(
            try readFile(try engine.path(ofFile: name), limit: Int(try row.integer("byteCount"))))
        values[file] = .null
        return StoreRow(columns: row.columns, values: values, store: row.store)
    }
}
