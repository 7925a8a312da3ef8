import BinaryCoding
import Foundation
import Paillier

extension EncryptedFeatures {
    private struct Description: Codable {
        var columns: [String]
        var rows: Int
    }

    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedFeatures, plan: plan, publicKey: publicKey,
            description: Description(columns: columns, rows: rowCount), ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedFeatures) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedFeatures))
    }

    private init(_ file: EncryptedFile) throws {
        let description = try file.decodeDescription(Description.self)
        try self.init(
            plan: file.plan, publicKey: file.publicKey, columns: description.columns, rowCount: description.rows,
            ciphertexts: file.ciphertexts)
    }
}

extension EncryptedModel {
    private struct Description: Codable {
        var features: [String]
        var meaning: Meaning
    }

    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedModel, plan: plan, publicKey: publicKey,
            description: Description(features: featureNames, meaning: meaning), ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedModel) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedModel))
    }

    private init(_ file: EncryptedFile) throws {
        let description = try file.decodeDescription(Description.self)
        try self.init(
            plan: file.plan, publicKey: file.publicKey, featureNames: description.features,
            meaning: description.meaning,
            ciphertexts: file.ciphertexts)
    }
}

extension EncryptedPredictions {
    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedPredictions, plan: plan, publicKey: publicKey, description: meaning,
            ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        self = try EncryptedFile.read(path, kind: .encryptedPredictions) { try Self($0) }
    }

    /// As ``init(path:)``, from a file's bytes. Total.
    package init(encoded bytes: [UInt8]) throws {
        try self.init(EncryptedFile(reading: MemorySource(bytes), kind: .encryptedPredictions))
    }

    private init(_ file: EncryptedFile) throws {
        try self.init(
            plan: file.plan, publicKey: file.publicKey, meaning: file.decodeDescription(Meaning.self),
            ciphertexts: file.ciphertexts)
    }
}
