import AtomicFiles
import BinaryCoding
import Foundation
import Paillier

/// The parts that every encrypted file of this module has: a header with the fingerprints of plan and key, the plan,
/// the public key, a JSON description, and ciphertexts in sections of about a megabyte.
///
/// Held in memory as a whole; ``EncryptedFileWriter`` and ``EncryptedFileReader`` are for files that are not.
struct EncryptedFile {
    let kind: ContainerKind
    let plan: EncodingPlan
    let publicKey: PaillierPublicKey
    let description: [UInt8]
    let ciphertexts: [PaillierCiphertext]

    func write(to path: String) throws {
        var writer = try EncryptedFileWriter(
            path: path, kind: kind, plan: plan, publicKey: publicKey, description: description)
        for start in stride(from: 0, to: ciphertexts.count, by: EncryptedFileWriter.batch) {
            try writer.append(Array(ciphertexts[start..<min(start + EncryptedFileWriter.batch, ciphertexts.count)]))
        }
        try writer.commit()
    }

    init(
        kind: ContainerKind, plan: EncodingPlan, publicKey: PaillierPublicKey, description: some Encodable,
        ciphertexts: [PaillierCiphertext]
    ) throws {
        self.kind = kind
        self.plan = plan
        self.publicKey = publicKey
        self.description = try Self.encode(description)
        self.ciphertexts = ciphertexts
    }

    static func encode(_ description: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return Array(try encoder.encode(description))
    }

    /// Reads and checks a whole file and makes a value of it.
    /// - Throws: errors that begin with the file's name.
    static func read<Value>(_ path: String, kind: ContainerKind, _ make: (EncryptedFile) throws -> Value) throws
        -> Value
    {
        try naming(path) { try make(EncryptedFile(reading: FileSource(path: path), kind: kind)) }
    }

    /// Puts a file's name before the errors of `body`.
    static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as BinaryCodingError {
            throw error.inFile(path)
        } catch let error as PaillierError {
            throw PrivateLearningError(code: .invalidFile, message: "\(path): \(error.message)")
        } catch let error as PrivateLearningError {
            // What a library caller got wrong is here what the file got wrong.
            let code = error.code == .invalidParameter ? .invalidFile : error.code
            throw PrivateLearningError(code: code, message: "\(path): \(error.message)")
        }
    }

    /// Total: any bytes give a value or an error.
    init(reading source: some ByteSource, kind wanted: ContainerKind) throws {
        var reader = try EncryptedFileReader(source, kind: wanted)
        kind = wanted
        plan = reader.plan
        publicKey = reader.publicKey
        description = reader.description
        var ciphertexts: [PaillierCiphertext] = []
        while let more = try reader.next() { ciphertexts += more }
        self.ciphertexts = ciphertexts
    }

    func decodeDescription<Value: Decodable>(_ type: Value.Type) throws(PrivateLearningError) -> Value {
        try Self.decode(type, description)
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, _ description: [UInt8]
    ) throws(PrivateLearningError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(description))
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "description: not readable: \(error)")
        }
    }
}

extension EncryptedMoments {
    private struct Description: Codable {
        var owners: [String]
        var rowsAtMost: Int
    }

    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedStatistics, plan: plan, publicKey: publicKey,
            description: Description(owners: owners, rowsAtMost: rowsAtMost), ciphertexts: packed.ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedStatistics) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedStatistics))
    }

    private init(_ file: EncryptedFile) throws {
        let description = try file.decodeDescription(Description.self)
        guard (1...file.plan.maximumRows).contains(description.rowsAtMost), !description.owners.isEmpty else {
            throw PrivateLearningError(code: .invalidFile, message: "owners or rows: out of range")
        }
        let layout = try Self.layout(plan: file.plan, modulusBits: file.publicKey.parameters.modulusBits)
        let packed = try PackedCiphertexts(
            layout: layout, ciphertexts: file.ciphertexts, weight: PackingWeight(positive: description.rowsAtMost))
        self.init(plan: file.plan, publicKey: file.publicKey, packed: packed, owners: description.owners)
    }
}

extension EncryptedFit {
    private struct Description: Codable {
        struct Part: Codable {
            var owners: [String]
            var rowsAtMost: Int
        }
        var request: FitRequest
        var parts: [Part]
    }

    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedFit, plan: plan, publicKey: publicKey,
            description: Description(
                request: request, parts: parts.map { .init(owners: $0.owners, rowsAtMost: $0.rowsAtMost) }),
            ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedFit) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedFit))
    }

    private init(_ file: EncryptedFile) throws {
        let description = try file.decodeDescription(Description.self)
        let layout = try EncryptedMoments.layout(
            plan: file.plan, modulusBits: file.publicKey.parameters.modulusBits)
        let size = layout.plaintextCount
        guard !description.parts.isEmpty, description.parts.count <= file.ciphertexts.count,
            description.parts.count * size == file.ciphertexts.count,
            description.parts.allSatisfy({ (1...file.plan.maximumRows).contains($0.rowsAtMost) })
        else {
            throw PrivateLearningError(code: .invalidFile, message: "parts: do not fit the ciphertexts")
        }
        let parts = try description.parts.enumerated().map { index, part in
            let packed = try PackedCiphertexts(
                layout: layout, ciphertexts: Array(file.ciphertexts[index * size..<(index + 1) * size]),
                weight: PackingWeight(positive: part.rowsAtMost))
            return EncryptedMoments(plan: file.plan, publicKey: file.publicKey, packed: packed, owners: part.owners)
        }
        try self.init(request: description.request, parts: parts)
    }
}
