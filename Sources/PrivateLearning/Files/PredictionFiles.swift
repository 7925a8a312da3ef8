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
        let file = try EncryptedFile(path: path, kind: .encryptedFeatures)
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
        let file = try EncryptedFile(path: path, kind: .encryptedModel)
        let description = try file.decodeDescription(Description.self)
        try self.init(
            plan: file.plan, publicKey: file.publicKey, featureNames: description.features, meaning: description.meaning,
            ciphertexts: file.ciphertexts)
    }
}

extension EncryptedPredictions {
    public func write(to path: String) throws {
        try EncryptedFile(
            kind: .encryptedPredictions, plan: plan, publicKey: publicKey, description: meaning, ciphertexts: ciphertexts
        ).write(to: path)
    }

    public init(path: String) throws {
        let file = try EncryptedFile(path: path, kind: .encryptedPredictions)
        try self.init(
            plan: file.plan, publicKey: file.publicKey, meaning: file.decodeDescription(Meaning.self),
            ciphertexts: file.ciphertexts)
    }
}
