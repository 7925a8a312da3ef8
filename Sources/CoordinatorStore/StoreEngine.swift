import BinaryCoding
import Foundation

/// What keeps a store's rows: a file beside the study, or a server.
///
/// Statements number their parameters in the order in which they first stand in the text ($1, $2, …), which both engines
/// understand; values are always bound.
protocol StoreEngine: Sendable {
    /// For messages: a path, or server and database. Never a password.
    var name: String { get }

    func read<Result>(_ body: (any StoreRows) throws -> Result) throws -> Result

    /// One transaction; durable when this returns, void when `body` throws.
    /// - Parameter isServing: whether it is the serving coordinator's, which nobody else may make.
    func write<Result>(isServing: Bool, _ body: (any StoreRows) throws -> Result) throws -> Result

    /// A number that changes when another program enrolled or revoked somebody.
    func outsideVersion() throws -> Int

    /// - Throws: when this process may not write any more.
    func checkServing() throws

    /// Where the bytes of a message go: into the row, or into a file that the row names.
    func place(_ source: StoreTransaction.Source, _ digest: Fingerprint) throws -> (body: StoreValue, file: StoreValue)

    /// Clears away what a committed transaction left over.
    func clearAway(forgotten: Set<String>, taken: [String])

    /// Where a file lies that a row names.
    func path(ofFile name: String) throws -> String

    func close()

    /// The engine's own errors in the store's words; nil for those of others.
    func explain(_ error: any Error) -> CoordinatorStoreError?
}

/// Statements inside a transaction.
protocol StoreRows {
    func rows(_ sql: String, _ values: [StoreValue]) throws -> [StoreRow]
    /// - Returns: how many rows were changed.
    @discardableResult
    func execute(_ sql: String, _ values: [StoreValue]) throws -> Int
}

extension StoreRows {
    func rows(_ sql: String) throws -> [StoreRow] { try rows(sql, []) }

    /// The first column of the first row, 0 for none.
    func integer(_ sql: String, _ values: [StoreValue] = []) throws -> Int64 {
        guard let row = try rows(sql, values).first, row.values.first != .null else { return 0 }
        return try row.integer(row.columns[0])
    }
}

enum StoreValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
    /// A type that no column of the store has.
    case other

    static func fingerprint(_ value: Fingerprint) -> Self { .bytes(value.bytes) }
    static func moment(_ value: Date) -> Self { .integer(value.microseconds) }
}

/// A row. A damaged file or a meddled-with table can hold anything in any column, so nothing is taken for granted.
struct StoreRow {
    /// In small letters.
    let columns: [String]
    let values: [StoreValue]
    /// For messages.
    let store: String

    func value(_ column: String) throws -> StoreValue {
        guard let index = columns.firstIndex(of: column.lowercased()), index < values.count else {
            throw CoordinatorStoreError(code: .damaged, message: "\(store): there is no column \(column)")
        }
        return values[index]
    }

    private func damaged(_ column: String) -> CoordinatorStoreError {
        CoordinatorStoreError(
            code: .damaged, message: "\(store): column \(column) holds something else; restore it from a backup")
    }

    func integer(_ column: String) throws -> Int64 {
        guard case .integer(let value) = try value(column) else { throw damaged(column) }
        return value
    }

    func text(_ column: String) throws -> String {
        guard case .text(let value) = try value(column) else { throw damaged(column) }
        return value
    }

    func bytes(_ column: String) throws -> [UInt8] {
        guard case .bytes(let value) = try value(column) else { throw damaged(column) }
        return value
    }

    /// nil for NULL.
    func optional<Value>(_ column: String, _ read: (String) throws -> Value) throws -> Value? {
        try value(column) == .null ? nil : try read(column)
    }

    func fingerprint(_ column: String) throws -> Fingerprint {
        guard let value = Fingerprint(bytes: try bytes(column)) else {
            throw CoordinatorStoreError(code: .damaged, message: "\(store): column \(column) is not 32 bytes long")
        }
        return value
    }

    func moment(_ column: String) throws -> Date { Date(microseconds: try integer(column)) }
}

extension Date {
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1e6).rounded()) }

    init(microseconds: Int64) { self.init(timeIntervalSince1970: Double(microseconds) / 1e6) }
}
