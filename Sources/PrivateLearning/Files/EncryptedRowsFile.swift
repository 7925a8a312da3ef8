import AtomicFiles
import BinaryCoding
import Foundation
import Paillier
import Randomness
import Tabular

/// Encrypted rows in a file, written and read some rows at a time: memory does not grow with the table's ciphertexts,
/// of which there are a thousand times as many bytes as of rows.
public struct EncryptedRowsFile: Sendable {
    struct Description: Codable {
        var owner: String
        var rows: Int
    }

    public let path: String
    public let plan: EncodingPlan
    public let owner: String
    public let rowCount: Int

    /// Encrypts a table into a file, which appears when it is complete.
    /// - Parameter progress: called with the number of rows done since the last call.
    public static func write(
        _ table: Table, plan: EncodingPlan, owner: String, with encryptor: PaillierEncryptor, to path: String,
        using random: inout some SecureRandom, progress: (Int) -> Void = { _ in }
    ) throws {
        var writer = try EncryptedFileWriter(
            path: path, kind: .encryptedRows, plan: plan, publicKey: encryptor.publicKey,
            description: EncryptedFile.encode(Description(owner: owner, rows: table.rowCount)))
        try EncryptedRows.encryptEach(table, plan: plan, with: encryptor, using: &random) { ciphertexts, rows in
            try writer.append(ciphertexts)
            progress(rows)
        }
        try writer.commit()
    }

    /// Looks at the beginning of a file.
    public init(path: String) throws {
        (plan, owner, rowCount) = try EncryptedFile.naming(path) {
            let reader = try EncryptedFileReader(FileSource(path: path), kind: .encryptedRows)
            let description = try Self.description(reader.description)
            return (reader.plan, description.owner, description.rows)
        }
        self.path = path
    }

    static func description(_ bytes: [UInt8]) throws -> Description {
        let description = try EncryptedFile.decode(Description.self, bytes)
        guard (1...EncodingPlan.rowLimit).contains(description.rows) else {
            throw PrivateLearningError(code: .invalidFile, message: "rows: got \(description.rows), out of range")
        }
        return description
    }

    /// Encrypted moments for several weightings in one pass over the file; as ``EncryptedRows/moments(weights:)``.
    public func moments(weightings: [[Int]]) throws -> [EncryptedMoments] {
        for weights in weightings { try RowSums.check(weights, rowCount: rowCount, plan: plan) }
        return try EncryptedFile.naming(path) {
            var reader = try EncryptedFileReader(FileSource(path: path), kind: .encryptedRows)
            let layout = try EncryptedMoments.layout(
                plan: reader.plan, modulusBits: reader.publicKey.parameters.modulusBits)
            var sums = weightings.map { _ in
                RowSums(plan: reader.plan, publicKey: reader.publicKey, layout: layout, owner: owner)
            }
            var row = 0
            while let ciphertexts = try reader.next() {
                let count = ciphertexts.count / layout.plaintextCount
                guard ciphertexts.count == count * layout.plaintextCount, row + count <= rowCount else {
                    throw PrivateLearningError(
                        code: .invalidFile, message: "ciphertexts: do not make the \(rowCount) rows that the file names"
                    )
                }
                for index in sums.indices {
                    try sums[index].add(ciphertexts, weights: weightings[index][row..<row + count])
                }
                row += count
            }
            guard row == rowCount else {
                throw PrivateLearningError(code: .invalidFile, message: "rows: got \(row), want \(rowCount)")
            }
            return try sums.map { try $0.moments() }
        }
    }
}

extension EncryptedRows {
    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedRows, plan: plan, publicKey: publicKey,
            description: EncryptedRowsFile.Description(owner: owner, rows: rowCount), ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedRows) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedRows))
    }

    private init(_ file: EncryptedFile) throws {
        let description = try EncryptedRowsFile.description(file.description)
        try self.init(
            plan: file.plan, publicKey: file.publicKey, ciphertexts: file.ciphertexts, owner: description.owner)
        guard rowCount == description.rows else {
            throw PrivateLearningError(
                code: .invalidFile, message: "rows: got \(rowCount), want \(description.rows), as the file says")
        }
    }
}
