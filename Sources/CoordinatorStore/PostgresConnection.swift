import CPostgres
import Foundation

/// One session with a server. Used by one thread at a time; ``PostgresEngine`` sees to that.
///
/// Values travel apart from the statement and in binary form. A session that broke is never replaced behind the caller's
/// back: with it went the lock that it held.
final class PostgresConnection {
    private let handle: OpaquePointer
    let store: String
    private(set) var isLost = false

    /// - Throws: ``PostgresFailure``.
    init(_ place: PostgresPlace) throws {
        // Earlier words yield to later ones, so the user's own string has the last say about times.
        let words: [(String, String)] = [
            ("connect_timeout", "10"), ("keepalives_idle", "20"), ("keepalives_interval", "5"),
            ("tcp_user_timeout", "30000"), ("fallback_application_name", "tacit"), ("dbname", place.text),
            ("client_encoding", "UTF8"),
        ]
        let keys = words.map { strdup($0.0) } + [nil]
        let values = words.map { strdup($0.1) } + [nil]
        defer { for pointer in keys + values { free(pointer) } }
        let made = keys.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer { keys in
            values.map { $0.map { UnsafePointer($0) } }.withUnsafeBufferPointer { values in
                PQconnectdbParams(keys.baseAddress, values.baseAddress, 1)
            }
        }
        store = place.name
        guard let made else { throw PostgresFailure(message: "out of memory") }
        handle = made
        // Hints such as "already exists" are not for standard error.
        PQsetNoticeProcessor(made, { _, _ in }, nil)
        guard PQstatus(made) == CONNECTION_OK else {
            throw PostgresFailure(message: String(cString: PQerrorMessage(made)))
        }
    }

    deinit { PQfinish(handle) }

    /// As a number such as 150004.
    var serverVersion: Int { Int(PQserverVersion(handle)) }

    /// The server's process, as it was told when the session began; a pooler tells a number of its own.
    var processNumber: Int64 { Int64(PQbackendPID(handle)) }

    /// Runs one statement.
    /// - Returns: the number of rows that it changed or gave.
    @discardableResult
    func run(_ sql: String, _ values: [StoreValue] = [], each: (StoreRow) throws -> Void = { _ in }) throws -> Int {
        guard !isLost else { throw PostgresFailure(message: "the session is over", isLost: true) }
        try send(sql, values)
        // Row by row: a coordinator's messages need not be in memory twice. All results are taken, whatever happens.
        PQsetSingleRowMode(handle)
        var failure: (any Error)?
        var changed = 0
        while let result = PQgetResult(handle) {
            defer { PQclear(result) }
            let status = PQresultStatus(result)
            guard status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
                if failure == nil { failure = self.failure(result) }
                if PQstatus(handle) == CONNECTION_BAD { break }
                continue
            }
            if status != PGRES_SINGLE_TUPLE { changed = Int(String(cString: PQcmdTuples(result))) ?? 0 }
            guard failure == nil, PQntuples(result) > 0 else { continue }
            do { for row in 0..<PQntuples(result) { try each(self.row(result, row)) } } catch { failure = error }
        }
        if PQstatus(handle) == CONNECTION_BAD {
            isLost = true
            let known = failure as? PostgresFailure
            throw PostgresFailure(
                state: known?.state ?? "", message: known?.message ?? String(cString: PQerrorMessage(handle)),
                isLost: true)
        }
        if let failure { throw failure }
        return changed
    }

    func rows(_ sql: String, _ values: [StoreValue] = []) throws -> [StoreRow] {
        var rows: [StoreRow] = []
        try run(sql, values) { rows.append($0) }
        return rows
    }

    /// All or nothing; durable when it returns.
    func transaction<Result>(_ body: (PostgresConnection) throws -> Result) throws -> Result {
        try run("BEGIN")
        let result: Result
        do { result = try body(self) } catch {
            _ = try? run("ROLLBACK")
            throw error
        }
        // A transaction in which a statement failed answers COMMIT by rolling back.
        guard PQtransactionStatus(handle) == PQTRANS_INTRANS else {
            _ = try? run("ROLLBACK")
            throw PostgresFailure(
                message: isLost ? "the session is over" : "a statement failed before", isLost: isLost)
        }
        try run("COMMIT")
        return result
    }

    private func failure(_ result: OpaquePointer) -> PostgresFailure {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        return PostgresFailure(
            state: field(Int32(UInt8(ascii: "C"))) ?? "",
            message: field(Int32(UInt8(ascii: "M"))) ?? String(cString: PQresultErrorMessage(result)))
    }

    // MARK: Values. Their types' numbers are part of PostgreSQL's catalogue and never change.

    private enum TypeNumber {
        static let boolean: UInt32 = 16, bytes: UInt32 = 17, int8: UInt32 = 20, int2: UInt32 = 21, int4: UInt32 = 23
        static let text: UInt32 = 25, name: UInt32 = 19, varchar: UInt32 = 1043
    }

    private func send(_ sql: String, _ values: [StoreValue]) throws {
        var types: [UInt32] = []
        var places: [Int?] = []
        var lengths: [Int32] = []
        // Never empty, so that an empty value has an address: without one it would be NULL.
        var buffer: [UInt8] = []
        buffer.reserveCapacity(1 + values.reduce(0) { $0 + ($1.byteCount) })
        func add(_ type: UInt32, _ bytes: some Collection<UInt8>) throws {
            guard bytes.count < 1 << 30 - 1 << 16 else {
                throw CoordinatorStoreError(
                    code: .inputOutput,
                    message: "\(store): a message has \(bytes.count) bytes, PostgreSQL takes values below 1 GiB; "
                        + "keep such a study's state in its folder")
            }
            types.append(type)
            places.append(buffer.count)
            lengths.append(Int32(bytes.count))
            buffer += bytes
        }
        for value in values {
            switch value {
            case .null, .other:
                types.append(0)
                places.append(nil)
                lengths.append(0)
            case .integer(let number):
                try add(TypeNumber.int8, (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
            case .text(let text): try add(TypeNumber.text, Array(text.utf8))
            case .bytes(let bytes): try add(TypeNumber.bytes, bytes)
            }
        }
        buffer.append(0)
        let formats = [Int32](repeating: 1, count: values.count)
        let isSent = buffer.withUnsafeBufferPointer { buffer in
            let pointers = places.map { place in
                place.map { UnsafeRawPointer(buffer.baseAddress! + $0).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryParams(handle, sql, Int32(values.count), types, pointers, lengths, formats, 1)
        }
        guard isSent == 1 else {
            isLost = PQstatus(handle) == CONNECTION_BAD
            throw PostgresFailure(message: String(cString: PQerrorMessage(handle)), isLost: isLost)
        }
    }

    private func row(_ result: OpaquePointer, _ row: Int32) -> StoreRow {
        let columns = 0..<PQnfields(result)
        return StoreRow(
            columns: columns.map { PQfname(result, $0).map { String(cString: $0).lowercased() } ?? "" },
            values: columns.map { value(result, row, $0) }, store: store)
    }

    private func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32) -> StoreValue {
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return .null }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
        switch PQftype(result, column) {
        case TypeNumber.int2 where bytes.count == 2, TypeNumber.int4 where bytes.count == 4,
            TypeNumber.int8 where bytes.count == 8:
            let first = Int64(Int8(bitPattern: bytes[0]))
            return .integer(bytes.dropFirst().reduce(first) { $0 << 8 | Int64($1) })
        case TypeNumber.boolean where bytes.count == 1: return .integer(Int64(bytes[0]))
        case TypeNumber.bytes: return .bytes(Array(bytes))
        case TypeNumber.text, TypeNumber.name, TypeNumber.varchar:
            return .text(String(decoding: bytes, as: UTF8.self))
        default: return .other
        }
    }
}

extension StoreValue {
    fileprivate var byteCount: Int {
        switch self {
        case .null, .other: 0
        case .integer: 8
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}

extension PostgresConnection: StoreRows {
    func execute(_ sql: String, _ values: [StoreValue]) throws -> Int { try run(sql, values) }
}
